"""Read what a person wrote down about pictures and clips: CSV files with one row a hand, or one a stretch of time.

A gesture is a class name; blank = none of ours; ``palm|stop`` = either is right; ``rock|none`` = saying nothing is
right too.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from assistive.errors import ConfigError
from assistive.types import EXPRESSIONS, GESTURES, Box

NONE = "none"
"""Written as an alternative: a system that says nothing is right as well."""

BOX = ("x", "y", "w", "h")


class LabelError(ConfigError):
    """A file of labels is wrong."""

    default_code = "labels"


@dataclass(frozen=True, slots=True)
class Truth:
    """What is right for one hand or one stretch of time.

    Attributes:
        gestures: class names any of which is right, in the order written; empty = none of ours.
        none: saying nothing is right as well.
    """

    gestures: tuple[str, ...] = ()
    none: bool = False

    def __str__(self) -> str:
        return "|".join((*self.gestures, *([NONE] if self.none else [])))


@dataclass(frozen=True, slots=True)
class LabelledHand:
    """One row about a picture: what the hand shows, and where it is if that was written down.

    Attributes:
        truth: what is right to say.
        box: where it is, or None where nobody wrote that down.
        sign: what a data set calls a sign that is none of ours; blank where it does not say.
        both: the box holds two hands, which make this sign together.
    """

    truth: Truth
    box: Box | None
    sign: str = ""
    both: bool = False


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """All rows about one picture; ``group`` is a name to report it under, blank when there is none."""

    file: str
    group: str
    hands: tuple[LabelledHand, ...]

    @property
    def gesture_hands(self) -> tuple[LabelledHand, ...]:
        """The hands that show one of our gestures; none of them makes this a blank picture."""
        return tuple(hand for hand in self.hands if hand.truth.gestures)


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time in which somebody shows a gesture, seconds of media time."""

    start_s: float
    end_s: float
    truth: Truth


@dataclass(frozen=True, slots=True)
class Shown:
    """An expression that a face really showed.

    Attributes:
        start_s: media time of its onset.
        apex_s: media time of its apex, None where nobody wrote that down.
        end_s: media time of its offset.
        label: one of ``EXPRESSIONS``; blank where nobody wrote that down.
    """

    start_s: float
    apex_s: float | None
    end_s: float
    label: str


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a CSV file and where it stands."""

    path: Path
    line: int
    cells: dict[str, str]

    def error(self, what: str, remedy: str) -> LabelError:
        return LabelError(f"{self.path}:{self.line}: {what}", remedy)

    def number(self, column: str) -> float:
        text = self.cells[column]
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not isfinite(value):
            raise self.error(f"{column} = {text!r} is no number", "write a number such as 0.25")
        return value

    def truth(self, column: str) -> Truth:
        names = [name.strip() for name in self.cells[column].split("|") if name.strip()]
        for name in names:
            if name not in (*GESTURES, NONE):
                near = difflib.get_close_matches(name, (*GESTURES, NONE), n=1)
                hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(GESTURES)}"
                raise self.error(f"unknown gesture {name!r}", f"{hint} (leave it blank for anything else)")
        return Truth(tuple(name for name in names if name != NONE), NONE in names)

    def box(self) -> Box | None:
        if not any(self.cells.get(column) for column in BOX):
            return None
        if not all(self.cells.get(column) for column in BOX):
            raise self.error("a box needs all of x, y, w, h", "complete the box, or leave all four blank")
        box = Box(*(self.number(column) for column in BOX))
        if box.w <= 0 or box.h <= 0 or max(map(abs, (box.x, box.y, box.w, box.h))) > 2:
            raise self.error("this box is not one in fractions of the picture", "divide pixels by width and height")
        return box


def read_pictures(path: Path) -> list[LabelledPicture]:
    """Read labels of pictures.

    Args:
        path: CSV with columns ``file, gesture``, optionally ``x, y, w, h`` (fractions of the picture, origin top left)
            and ``group``; other columns are ignored. Several rows may speak of one file.

    Returns:
        One entry a file, in the order in which they first appear.

    Raises:
        LabelError: the file cannot be read, a column is missing, or a row makes no sense (names file and line).
    """
    rows: dict[str, list[_Row]] = {}
    for row in _read(path, ("file", "gesture")):
        rows.setdefault(_file(row), []).append(row)
    return [
        LabelledPicture(
            file, group[0].cells.get("group", ""), tuple(LabelledHand(row.truth("gesture"), row.box()) for row in group)
        )
        for file, group in rows.items()
    ]


def read_clips(path: Path, only: str) -> dict[str, list[Interval]]:
    """Read labels of clips.

    Args:
        path: CSV with columns ``start_s, end_s`` and either ``gesture``, or ``label`` and ``kind`` (rows of another
            kind than ``gesture`` are blank time); ``file`` where it speaks of more than one clip.
        only: name of the clip that a file without the column ``file`` speaks of.

    Returns:
        By clip the stretches that show a gesture, in time; a clip with none of them has an empty list.

    Raises:
        LabelError: as for :func:`read_pictures`.
    """
    clips: dict[str, list[Interval]] = {}
    for row in _read(path, ("start_s", "end_s")):
        intervals = clips.setdefault(_file(row) if "file" in row.cells else only, [])
        start_s, end_s = row.number("start_s"), row.number("end_s")
        if not 0 <= start_s < end_s:
            raise row.error(f"{start_s:g} to {end_s:g} s is no stretch of time", "end_s must come after start_s")
        truth = _clip_truth(row)
        if truth.gestures:
            intervals.append(Interval(start_s, end_s, truth))
    return {file: sorted(intervals, key=lambda interval: interval.start_s) for file, intervals in clips.items()}


def read_expressions(path: Path, only: str) -> list[Shown]:
    """Read what a face does in a clip.

    Args:
        path: CSV with columns ``start_s, apex_s, end_s, label``; ``file`` where it speaks of more than one clip. Apex
            and label may be blank; a file without rows says that the clip shows no expression.
        only: name of the clip; rows about others are passed over.

    Returns:
        The expressions, in time.

    Raises:
        LabelError: as for :func:`read_pictures`.
    """
    shown: list[Shown] = []
    for row in _read(path, ("start_s", "apex_s", "end_s", "label"), blank=True):
        if "file" in row.cells and _file(row) != only:
            continue
        start_s, end_s, label = row.number("start_s"), row.number("end_s"), row.cells["label"]
        apex_s = row.number("apex_s") if row.cells["apex_s"] else None
        if not 0 <= start_s < end_s or (apex_s is not None and not start_s <= apex_s <= end_s):
            raise row.error("these times are not in order", "0 <= start_s <= apex_s <= end_s, and start_s < end_s")
        if label and label not in EXPRESSIONS:
            raise row.error(f"unknown expression {label!r}", f"one of {', '.join(EXPRESSIONS)}, or leave it blank")
        shown.append(Shown(start_s, apex_s, end_s, label))
    return sorted(shown, key=lambda one: one.start_s)


def _clip_truth(row: _Row) -> Truth:
    if "gesture" in row.cells:
        return row.truth("gesture")
    missing = [name for name in ("label", "kind") if name not in row.cells]
    if missing:
        raise LabelError(f"{row.path} has no column 'gesture', nor 'label' with 'kind'", "add a column 'gesture'")
    return row.truth("label") if row.cells["kind"] == "gesture" else Truth()


def _file(row: _Row) -> str:
    if not row.cells["file"]:
        raise row.error("this row names no file", "fill in the column 'file' or remove the row")
    return Path(row.cells["file"]).name


def _read(path: Path, needed: tuple[str, ...], blank: bool = False) -> Iterator[_Row]:
    """Yield the rows of a CSV file with at least these columns; a file without rows is an error unless ``blank``."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            names = reader.fieldnames or []
            missing = [name for name in needed if name not in names]
            if missing:
                what = f"{path} has no column {' or '.join(map(repr, missing))}"
                raise LabelError(what, f"its first line must name the columns {', '.join(needed)}")
            empty = True
            for cells in reader:
                empty = False
                yield _Row(path, reader.line_num, {name: (cells[name] or "").strip() for name in names})
            if empty and not blank:
                raise LabelError(f"{path} has no rows", "write one row for each hand or stretch of time")
    except OSError as error:
        raise LabelError(f"cannot read {path}: {error.strerror}", "check the path of the CSV file") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"{path} is no CSV file in UTF-8: {error}", "save it as CSV, UTF-8") from error
