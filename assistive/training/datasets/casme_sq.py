"""Read the micro-expressions of CAS(ME)^2 (Qu et al. 2018): 22 subjects at 30 frames/s.

    FOLDER/CAS(ME)^2code_final.xlsx                         also code_final.xlsx
    FOLDER/rawpic/s15/15_0101disgustingteeth/img1.jpg

The workbook has no headers. One sheet holds the codes: subject number, ``anger1_1``, onset, apex, offset, action units,
class, macro- or micro-expression, self-report. Two say what its names mean: subject number and folder (``s15``), video
and code (``disgust1``, ``0101``); their order differs between editions, so they are known by what is in them. An offset
of 0 means that the movement runs past the end of the video.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from assistive.errors import SourceError
from assistive.training.datasets.me_clip import (
    NEGATIVE,
    POSITIVE,
    SURPRISE,
    Collection,
    Row,
    choose_scheme,
    collect,
    find_pictures,
)
from assistive.training.datasets.sheet import Cells, find_sheet, number, read_cells
from assistive.training.datasets.unit_codes import read_units

SHEETS = ("CAS(ME)^2code_final", "code_final")
SCHEMES = {"three": {NEGATIVE: NEGATIVE, POSITIVE: POSITIVE, SURPRISE: SURPRISE}}
"""Of its own four classes, ``others`` has no place among the three."""

MICRO = "micro-expression"
CODED_COLUMNS = 8
"""Columns up to the kind; the self-report may be missing."""


@dataclass(frozen=True, slots=True)
class Workbook:
    """The three sheets.

    Attributes:
        coded: rows of the codes.
        subjects: folder (``s15``) by subject number.
        videos: code (``0101``) by name of the video.
    """

    coded: list[Cells]
    subjects: dict[str, str]
    videos: dict[str, str]


def read(folder: Path, classes: str = "three") -> Collection:
    """Read the collection.

    Args:
        folder: as released, unpacked.
        classes: a key of ``SCHEMES``.

    Raises:
        SourceError: the workbook or the pictures are missing or of another form, or it has no such classes.
        DependencyError: openpyxl is not installed.
    """
    scheme = choose_scheme("casme_sq", SCHEMES, classes)
    sheet = find_sheet(folder, SHEETS)
    pictures = find_pictures(folder, ("rawpic",), "s[0-9]*")
    book = _workbook(sheet)
    micro = [_row(cells, book, pictures) for cells in book.coded if cells[7].lower() == MICRO]
    left_out = {"no micro-expression": len(book.coded) - len(micro)} if len(micro) < len(book.coded) else None
    return collect("casme_sq", sheet, micro, scheme, left_out)


def _workbook(sheet: Path) -> Workbook:
    coded: list[Cells] = []
    subjects: dict[str, str] = {}
    videos: dict[str, str] = {}
    for rows in read_cells(sheet).values():
        for row in rows:
            if len(row) >= CODED_COLUMNS and row[7].lower().endswith("expression"):
                coded.append(row)
            elif place := next((cell for cell in row if re.fullmatch(r"s\d+", cell)), None):
                subjects |= {cell: place for cell in row if cell.isdigit()}
            elif code := next((cell for cell in row if re.fullmatch(r"\d{3,4}", cell)), None):
                videos |= {cell.lower(): code.zfill(4) for cell in row if cell and not cell.isdigit()}
    for found, what in ((coded, "codes"), (subjects, "subjects and folders"), (videos, "videos and codes")):
        if not found:
            raise SourceError(f"{sheet} has no sheet of {what}", "use the workbook as released", "sheet.columns")
    return Workbook(coded, subjects, videos)


def _row(cells: Cells, book: Workbook, pictures: Path) -> Row:
    subject = book.subjects.get(cells[0], cells[0])
    video = book.videos.get(cells[1].rpartition("_")[0].lower())
    begins = f"{subject.removeprefix('s')}_{video}"
    found = sorted(path for path in (pictures / subject).glob(f"{begins}*") if path.is_dir()) if video else []
    folder = found[0] if found else pictures / subject / begins
    return Row(subject, cells[1], folder, number(cells[2]), number(cells[3]), number(cells[4]), cells[6],
               read_units(cells[5]))  # fmt: skip
