"""Read CASME II (Yan et al. 2014): 26 subjects at 200 frames/s.

    FOLDER/CASME2-coding-*.xlsx                            also CASME2_label_Ver_2.xlsx
    FOLDER/CASME2_RAW_selected/sub01/EP02_01f/img46.jpg    or Cropped/sub01/EP02_01f/reg_img46.jpg

Subjects are ``01`` or 1 in the sheet, by edition; one row has ``/`` for an apex.
"""

from __future__ import annotations

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

SHEETS = ("CASME2-coding-2019*", "CASME2-coding-updated", "CASME2-coding-*", "CASME2_label_Ver_2")
FOLDERS = ("CASME2_RAW_selected", "CASME2-RAW", "Cropped")
COLUMNS = {
    "subject": ("Subject",), "name": ("Filename",), "onset": ("OnsetFrame",), "apex": ("ApexFrame",),
    "offset": ("OffsetFrame",), "emotion": ("Estimated Emotion",),
}  # fmt: skip
MORE_COLUMNS = {"units": ("Action Units",)}

SCHEMES = {
    "three": {"happiness": POSITIVE, "surprise": SURPRISE, "disgust": NEGATIVE, "repression": NEGATIVE},
    "five": {name: name for name in ("disgust", "happiness", "repression", "surprise", "others")},
}
"""Classes by scheme: those of MEGC2019, in which sadness, fear and others have no place, and the usual five."""

NOT_IN_MEGC2019 = frozenset({("sub04", "EP12_01f"), ("sub05", "EP09_05f")})


def read(folder: Path, classes: str = "three") -> Collection:
    """Read the collection.

    Args:
        folder: as released, unpacked.
        classes: a key of ``SCHEMES``.

    Raises:
        SourceError: the sheet or the pictures are missing or of another form, or it has no such classes.
        DependencyError: openpyxl is not installed.
    """
    scheme = choose_scheme("casme2", SCHEMES, classes)
    sheet = find_sheet(folder, SHEETS)
    pictures = find_pictures(folder, FOLDERS, "sub[0-9]*")
    coded = [_row(cells, pictures) for cells in read_table(sheet, COLUMNS, more=MORE_COLUMNS)]
    unlisted = NOT_IN_MEGC2019 if classes == "three" else frozenset()
    rows = [row for row in coded if (row.subject, row.name) not in unlisted]
    left_out = {"not in the list of MEGC2019": len(coded) - len(rows)} if len(rows) < len(coded) else None
    return collect("casme2", sheet, rows, scheme, left_out)


def _row(cells: dict[str, str], pictures: Path) -> Row:
    subject = f"sub{cells['subject'].lower().removeprefix('sub').zfill(2)}"
    onset, apex, offset = (number(cells[key]) for key in ("onset", "apex", "offset"))
    return Row(subject, cells["name"], pictures / subject / cells["name"], onset, apex, offset, cells["emotion"],
               read_units(cells["units"]))  # fmt: skip
