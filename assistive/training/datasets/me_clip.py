"""What every reader of a micro-expression collection yields, and how coded rows become it.

Collections give the frames of onset, apex and offset as they stand in the pictures' names. A row that cannot be used is
left out and a row that had to be mended is kept; both are counted by reason, and the counts are reported.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistive.errors import SourceError
from assistive.training.datasets.unit_codes import NOT_CODED, UnitCodes
from assistive.types import EXPRESSIONS

NEGATIVE, POSITIVE, SURPRISE = EXPRESSIONS

MEGC2019: Mapping[str, tuple[int, int, int]] = {"casme2": (88, 32, 25), "samm": (92, 26, 15), "smic": (70, 51, 43)}
"""Clips of each class (negative, positive, surprise) in the composite of MEGC2019, by collection."""

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
TRAILING_NUMBER = re.compile(r"(\d+)$")

Scheme = Mapping[str, str]
"""Class by coded emotion, lower case; an emotion that is not in it is left out."""


@dataclass(frozen=True, slots=True)
class MicroClip:
    """One coded micro-expression.

    Attributes:
        dataset: name of the collection (``casme2``).
        subject: who is in it, by the collection's own name.
        name: name of the clip, unique in the collection.
        onset: picture in which the movement begins.
        apex: picture of its strongest moment.
        offset: picture in which it is over; the apex where the collection does not show the end.
        label: its class.
        emotion: emotion as coded, lower case.
        units: action units as coded.
        knows_apex: False where the collection has no apex, and another picture stands in.
    """

    dataset: str
    subject: str
    name: str
    onset: Path
    apex: Path
    offset: Path
    label: str
    emotion: str
    units: UnitCodes = NOT_CODED
    knows_apex: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One coded row, frames still as numbers.

    Attributes:
        subject: by the collection's own name.
        name: of the clip, as the sheet gives it.
        folder: where its pictures lie.
        onset: frame number.
        apex: frame number, or None where the sheet has none.
        offset: frame number, or None where the sheet has none.
        emotion: as coded.
        units: action units as coded.
        knows_apex: False where the collection has no apex, and another picture stands in.
    """

    subject: str
    name: str
    folder: Path
    onset: int | None
    apex: int | None
    offset: int | None
    emotion: str
    units: UnitCodes = NOT_CODED
    knows_apex: bool = True


@dataclass(frozen=True, slots=True)
class Collection:
    """All clips that a reader could use.

    Attributes:
        dataset: name of the collection.
        source: the sheet or folder that the labels were read from.
        classes: names of the classes, in order.
        clips: in the order of the sheet.
        left_out: rows that are not used, by reason.
        mended: rows that are used although something in them was wrong, by what was done.
    """

    dataset: str
    source: Path
    classes: tuple[str, ...]
    clips: tuple[MicroClip, ...]
    left_out: Mapping[str, int]
    mended: Mapping[str, int]

    def counts(self) -> dict[str, int]:
        """Return the number of clips by class."""
        found = Counter(clip.label for clip in self.clips)
        return {name: found[name] for name in self.classes}

    def lines(self) -> list[str]:
        """Say in words what was read, left out and mended."""
        people = len({clip.subject for clip in self.clips})
        said = ", ".join(f"{count} {name}" for name, count in self.counts().items())
        lines = [f"{self.dataset}: {len(self.clips)} clips of {people} subjects ({said}) from {self.source}"]
        wanted = MEGC2019.get(self.dataset)
        if wanted and self.classes == EXPRESSIONS and tuple(self.counts().values()) != wanted:
            lines.append(f"{self.dataset}: not the {sum(wanted)} clips of MEGC2019 ({', '.join(map(str, wanted))})")
        coded = sum(clip.units != NOT_CODED for clip in self.clips)
        if coded < len(self.clips):
            lines.append(f"{self.dataset}: no action units are coded in {len(self.clips) - coded} clips")
        lines += [f"{self.dataset}: left out {count}: {why}" for why, count in sorted(self.left_out.items())]
        lines += [f"{self.dataset}: mended {count}: {how}" for how, count in sorted(self.mended.items())]
        return lines


def choose_scheme(dataset: str, schemes: Mapping[str, Scheme], classes: str) -> Scheme:
    """Return a collection's scheme of that name.

    Raises:
        SourceError: it has no such classes.
    """
    if classes not in schemes:
        what = f"{dataset} has no {classes} classes"
        raise SourceError(what, f"use {' or '.join(schemes)}", "collection.classes")
    return schemes[classes]


def collect(
    dataset: str, source: Path, rows: Iterable[Row], scheme: Scheme,
    left_out: Mapping[str, int] | None = None, mended: Mapping[str, int] | None = None,
) -> Collection:  # fmt: skip
    """Turn coded rows into clips.

    A missing offset, one of 0, and one before the apex are replaced by the apex: only the way from onset to apex is
    ever used. A row without onset or apex, or whose apex does not come after the onset, is left out.

    Args:
        dataset: name of the collection.
        source: where the rows come from.
        rows: the rows.
        scheme: which emotion is which class.
        left_out: rows that the reader itself has left out already, by reason.
        mended: rows that the reader itself has mended already, by what was done.

    Raises:
        SourceError: no row can be used.
    """
    clips: list[MicroClip] = []
    useless, repairs = Counter(left_out or {}), Counter(mended or {})
    seen: set[tuple[object, ...]] = set()
    numbered: dict[Path, dict[int, Path]] = {}
    for row in rows:
        key = (row.subject, row.name, row.onset, row.apex)
        why = "the same row again" if key in seen else _unusable(row, scheme)
        seen.add(key)
        if why is not None:
            useless[why] += 1
            continue
        if row.folder not in numbered:
            numbered[row.folder] = number_pictures(row.folder)
        made = _clip(dataset, row, scheme, numbered[row.folder], repairs)
        if isinstance(made, str):
            useless[made] += 1
        else:
            clips.append(made)
    classes = EXPRESSIONS if set(scheme.values()) <= set(EXPRESSIONS) else tuple(dict.fromkeys(scheme.values()))
    if not clips:
        what = f"no clip of {dataset} can be used: {_most(useless) or f'nothing is coded in {source}'}"
        raise SourceError(what, "give the folder that holds the pictures and the sheet as released", f"{dataset}.empty")
    return Collection(dataset, source, classes, tuple(clips), dict(useless), dict(repairs))


def find_pictures(folder: Path, names: Sequence[str], child: str) -> Path:
    """Find the folder in which a collection's subjects have their folders.

    Args:
        folder: what the user gave: that folder, or one above.
        names: names that it may have, the preferred one first; archives often nest it in a folder of the same name.
        child: pattern of a subject's folder.

    Raises:
        SourceError: there is none.
    """
    for place in (*(inner for name in names for inner in (folder / name, folder / name / name)), folder):
        if any(path.is_dir() for path in place.glob(child)):
            return place
    what = f"no folder like {child} in {folder}" + (f" or in its {', '.join(names)}" if folder.is_dir() else "")
    raise SourceError(what, "give the folder of the collection as released, unpacked", "pictures.missing")


def number_pictures(folder: Path) -> dict[int, Path]:
    """Return the pictures of a folder by the number that ends their name (``img46``, ``006_05562``), in its order."""
    if not folder.is_dir():
        return {}
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        number = TRAILING_NUMBER.search(path.stem)
        if number and path.suffix.lower() in PICTURES:
            found[int(number[1])] = path
    return dict(sorted(found.items()))


def _unusable(row: Row, scheme: Scheme) -> str | None:
    emotion = row.emotion.lower()
    if emotion not in scheme:
        return f"emotion {emotion or 'missing'}"
    if row.onset is None or row.apex is None:
        return "no onset" if row.onset is None else "no apex"
    return "apex not after onset" if row.apex <= row.onset else None


def _clip(
    dataset: str, row: Row, scheme: Scheme, pictures: Mapping[int, Path], repairs: Counter[str]
) -> MicroClip | str:
    """Return the clip, or why there is none."""
    onset, apex, offset = row.onset, row.apex, row.offset
    assert onset is not None and apex is not None  # _unusable has seen to it
    if not pictures:
        return "no pictures in its folder"
    missing = [name for name, number in (("onset", onset), ("apex", apex)) if number not in pictures]
    if missing:
        return f"no picture of its {' and '.join(missing)}"
    if not offset or offset < apex:
        repairs["the apex stands in for an offset that is missing or before it"] += 1
        offset = apex
    elif offset not in pictures:
        repairs["the apex stands in for an offset without a picture"] += 1
        offset = apex
    emotion = row.emotion.lower()
    return MicroClip(dataset, row.subject, row.name, pictures[onset], pictures[apex], pictures[offset],
                     scheme[emotion], emotion, row.units, row.knows_apex)  # fmt: skip


def _most(left_out: Counter[str]) -> str:
    return ", ".join(f"{count} with {why}" for why, count in left_out.most_common(2))
