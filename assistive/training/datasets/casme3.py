"""Read the micro-expressions of part A of CAS(ME)^3 (Li et al. 2022): 94 coded subjects at 30 frames/s.

    FOLDER/cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx
    FOLDER/part_A/spNO.1/b/color/175.jpg

One ``Filename`` (``a``, ``b``: a video) comes several times; frame numbers may be text; ``others`` comes in two cases.
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

SHEETS = ("cas(me)3_part_A_ME_label_JpgIndex_v2", "cas(me)3_part_A_ME_label_JpgIndex*")
FOLDERS = ("part_A", "Part_A", "part_A_split")
COLUMNS = {
    "subject": ("Subject",), "video": ("Filename",), "onset": ("Onset",), "apex": ("Apex",), "offset": ("Offset",),
    "emotion": ("emotion",),
}  # fmt: skip
MORE_COLUMNS = {"units": ("AU",)}
SCHEMES = {
    "three": {
        "happy": POSITIVE, "surprise": SURPRISE, "disgust": NEGATIVE, "fear": NEGATIVE, "anger": NEGATIVE,
        "sad": NEGATIVE,
    }
}  # fmt: skip
"""The three classes of the literature; ``others`` has no place among them."""


def read(folder: Path, classes: str = "three") -> Collection:
    """Read the collection.

    Args:
        folder: as released, unpacked.
        classes: a key of ``SCHEMES``.

    Raises:
        SourceError: the sheet or the pictures are missing or of another form, or it has no such classes.
        DependencyError: openpyxl is not installed.
    """
    scheme = choose_scheme("casme3", SCHEMES, classes)
    sheet = find_sheet(folder, SHEETS)
    pictures = find_pictures(folder, FOLDERS, "spNO.*")
    rows = [_row(cells, pictures) for cells in read_table(sheet, COLUMNS, more=MORE_COLUMNS)]
    return collect("casme3", sheet, rows, scheme)


def _row(cells: dict[str, str], pictures: Path) -> Row:
    subject, video, onset = cells["subject"], cells["video"], number(cells["onset"])
    return Row(subject, f"{subject}_{video}_{onset}", pictures / subject / video / "color", onset,
               number(cells["apex"]), number(cells["offset"]), cells["emotion"],
               read_units(cells["units"]))  # fmt: skip
