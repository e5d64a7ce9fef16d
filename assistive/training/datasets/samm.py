"""Read SAMM (Davison et al. 2016): 29 subjects with a coded clip, at 200 frames/s.

    FOLDER/SAMM_Micro_FACS_Codes_v2.xlsx            sheet MICRO_ONLY, 13 lines of text before the header
    FOLDER/SAMM/006/006_1_2/006_05562.jpg           subject and frame number, padded to five digits

Subjects have three digits, which are lost where the sheet holds numbers.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

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
from assistive.training.datasets.sheet import find_sheet, number, read_table
from assistive.training.datasets.unit_codes import read_units

SHEETS = ("SAMM_Micro_FACS_Codes_v2", "SAMM_Micro_FACS_Codes*")
SHEET = "MICRO_ONLY"
COLUMNS = {
    "subject": ("Subject",), "name": ("Filename",), "onset": ("Onset Frame",), "apex": ("Apex Frame",),
    "offset": ("Offset Frame",), "emotion": ("Estimated Emotion",),
}  # fmt: skip
MORE_COLUMNS = {"units": ("Action Units",)}

SCHEMES = {
    "three": {
        "happiness": POSITIVE, "surprise": SURPRISE, "anger": NEGATIVE, "contempt": NEGATIVE, "disgust": NEGATIVE,
        "fear": NEGATIVE, "sadness": NEGATIVE,
    },
    "five": {
        "anger": "anger", "contempt": "contempt", "happiness": "happiness", "surprise": "surprise", "other": "others",
        "others": "others",
    },
}  # fmt: skip
"""Classes by scheme: those of MEGC2019, in which other has no place, and the usual five."""

MISTYPED_APEX = {("032_3_1", 1930): 4930}
"""Apex by clip and by what the sheet says: between onset 4896 and offset 4970, one digit is wrong."""


def read(folder: Path, classes: str = "three") -> Collection:
    """Read the collection.

    Args:
        folder: as released, unpacked.
        classes: a key of ``SCHEMES``.

    Raises:
        SourceError: the sheet or the pictures are missing or of another form, or it has no such classes.
        DependencyError: openpyxl is not installed.
    """
    scheme = choose_scheme("samm", SCHEMES, classes)
    sheet = find_sheet(folder, SHEETS)
    pictures = find_pictures(folder, ("SAMM",), "[0-9][0-9][0-9]")
    coded = [_row(cells, pictures) for cells in read_table(sheet, COLUMNS, SHEET, MORE_COLUMNS)]
    rows = [replace(row, apex=MISTYPED_APEX.get((row.name, row.apex or 0), row.apex)) for row in coded]
    changed = sum(row != before for row, before in zip(rows, coded, strict=True))
    mended = {"one digit of the apex corrected": changed} if changed else None
    return collect("samm", sheet, rows, scheme, mended=mended)


def _row(cells: dict[str, str], pictures: Path) -> Row:
    subject = cells["subject"].zfill(3)
    onset, apex, offset = (number(cells[key]) for key in ("onset", "apex", "offset"))
    return Row(subject, cells["name"], pictures / subject / cells["name"], onset, apex, offset, cells["emotion"],
               read_units(cells["units"]))  # fmt: skip
