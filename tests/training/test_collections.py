"""Tiny made-up copies of the collections, with the quirks of the real ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

openpyxl = pytest.importorskip("openpyxl")

from assistive.errors import AssistiveError, SourceError  # noqa: E402
from assistive.training.datasets import casme2, casme3, casme_sq, samm, smic  # noqa: E402
from assistive.training.datasets.collections import COLLECTIONS  # noqa: E402
from assistive.training.datasets.me_clip import Collection, number_pictures  # noqa: E402
from assistive.training.datasets.sheet import find_sheet, number, read_cells  # noqa: E402
from assistive.training.datasets.unit_codes import NOT_CODED, UnitCodes, read_units  # noqa: E402

PIXELS = cv2.imencode(".jpg", np.zeros((8, 8), np.uint8))[1].tobytes()


def write_sheet(path: Path, sheets: dict[str, Sequence[Sequence[Any]]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(list(row))
    book.save(path)


def write_pictures(folder: Path, names: Iterable[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(PIXELS)


def units(collection: Collection) -> dict[str, UnitCodes]:
    return {clip.name: clip.units for clip in collection.clips}


def coded(*moved: int, unsure: Sequence[int] = (), whole: bool = True) -> UnitCodes:
    return UnitCodes(frozenset(moved), frozenset(unsure), whole)


def frames(collection: Collection, clip: str) -> tuple[str, str, str]:
    (found,) = [one for one in collection.clips if one.name == clip]
    return found.onset.name, found.apex.name, found.offset.name


CASME2_HEADER = ["Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units",
                 "Estimated Emotion", "Objective Classes"]  # fmt: skip
CASME2_ROWS = [
    ["01", "EP02_01f", None, 46, 59, 86, None, "12", "happiness", "III"],
    [1, "EP03_02", None, "131.0", "139", 161.0, None, "4+L10", "Disgust ", "II"],
    ["04", "EP12_01f", None, 20, "/", 35, None, "4", "disgust", "II"],
    ["05", "EP09_05f", None, 3, 9, 20, None, "4+?", "disgust", "II"],
    ["02", "EP01_11f", None, 10, 30, 9, None, "1+2", "surprise", "I"],  # offset wrong
    ["02", "EP02_04f", None, 5, 12, 40, None, "14", "repression", "VII"],
    ["02", "EP03_02f", None, 5, 12, 40, None, "1", "sadness", "I"],
    ["03", "EP01_2", None, 5, 12, 40, None, "1", "others", "VII"],
    ["03", "EP18_06", None, 5, 12, 40, None, "12", "happiness", "III"],  # its folder is missing
]


@pytest.fixture
def casme2_folder(tmp_path: Path) -> Path:
    write_sheet(tmp_path / "CASME2-coding-20140508.xlsx", {"Sheet1": [["old"]]})
    write_sheet(tmp_path / "CASME2-coding-20190701.xlsx", {"Sheet1": [CASME2_HEADER, *CASME2_ROWS]})
    for subject, clip, last in (("sub01", "EP02_01f", 100), ("sub01", "EP03_02", 170), ("sub04", "EP12_01f", 40),
                                ("sub05", "EP09_05f", 30), ("sub02", "EP01_11f", 40), ("sub02", "EP02_04f", 39),
                                ("sub02", "EP03_02f", 50), ("sub03", "EP01_2", 50)):  # fmt: skip
        write_pictures(tmp_path / "CASME2_RAW_selected" / subject / clip, (f"img{i}.jpg" for i in range(3, last)))
    write_pictures(tmp_path / "Cropped" / "sub01" / "EP02_01f", ("reg_img46.jpg",))
    return tmp_path


def test_casme2_has_the_three_classes_of_megc2019(casme2_folder: Path) -> None:
    found = casme2.read(casme2_folder)
    assert found.source.name == "CASME2-coding-20190701.xlsx"
    assert {clip.name: (clip.subject, clip.label) for clip in found.clips} == {
        "EP02_01f": ("sub01", "positive"), "EP03_02": ("sub01", "negative"), "EP01_11f": ("sub02", "surprise"),
        "EP02_04f": ("sub02", "negative"),
    }  # fmt: skip
    assert found.left_out == {
        "not in the list of MEGC2019": 2, "emotion sadness": 1, "emotion others": 1, "no pictures in its folder": 1,
    }  # fmt: skip
    assert len(found.clips) + sum(found.left_out.values()) == len(CASME2_ROWS)
    assert units(found) == {"EP02_01f": coded(12), "EP03_02": coded(4, 10), "EP01_11f": coded(1, 2),
                            "EP02_04f": coded(14)}  # fmt: skip


def test_casme2_frames_are_numbers_of_pictures(casme2_folder: Path) -> None:
    found = casme2.read(casme2_folder)
    assert frames(found, "EP02_01f") == ("img46.jpg", "img59.jpg", "img86.jpg")
    assert frames(found, "EP03_02") == ("img131.jpg", "img139.jpg", "img161.jpg")
    assert frames(found, "EP01_11f") == ("img10.jpg", "img30.jpg", "img30.jpg")
    assert frames(found, "EP02_04f") == ("img5.jpg", "img12.jpg", "img12.jpg")
    assert found.mended == {
        "the apex stands in for an offset that is missing or before it": 1,
        "the apex stands in for an offset without a picture": 1,
    }


def test_casme2_in_the_usual_five_classes(casme2_folder: Path) -> None:
    found = casme2.read(casme2_folder, "five")
    assert found.classes == ("disgust", "happiness", "repression", "surprise", "others")
    assert found.counts() == {"disgust": 2, "happiness": 1, "repression": 1, "surprise": 1, "others": 1}
    assert found.left_out == {"no apex": 1, "emotion sadness": 1, "no pictures in its folder": 1}
    assert units(found)["EP09_05f"] == coded(4, whole=False)


def test_what_was_left_out_is_said(casme2_folder: Path) -> None:
    lines = casme2.read(casme2_folder).lines()
    assert lines[0].startswith("casme2: 4 clips of 2 subjects (2 negative, 1 positive, 1 surprise) from ")
    assert "casme2: not the 145 clips of MEGC2019 (88, 32, 25)" in lines
    assert "casme2: left out 1: emotion sadness" in lines


def test_cropped_pictures_will_do(tmp_path: Path) -> None:
    write_sheet(tmp_path / "CASME2_label_Ver_2.xlsx", {"Sheet1": [CASME2_HEADER[:9], CASME2_ROWS[0][:9]]})
    write_pictures(tmp_path / "Cropped" / "sub01" / "EP02_01f", (f"reg_img{i}.jpg" for i in range(46, 87)))
    assert frames(casme2.read(tmp_path), "EP02_01f")[0] == "reg_img46.jpg"


def test_an_edition_without_action_units_is_told(tmp_path: Path) -> None:
    without = [[*row[:7], row[8]] for row in (CASME2_HEADER, CASME2_ROWS[0])]
    write_sheet(tmp_path / "CASME2_label_Ver_2.xlsx", {"Sheet1": without})
    write_pictures(tmp_path / "Cropped" / "sub01" / "EP02_01f", (f"reg_img{i}.jpg" for i in range(46, 87)))
    found = casme2.read(tmp_path)
    assert units(found) == {"EP02_01f": NOT_CODED}
    assert "casme2: no action units are coded in 1 clips" in found.lines()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("4+L10", coded(4, 10)), ("AU4+AU7", coded(4, 7)), ("AU 4 + au 7E", coded(4, 7)), ("4A", coded(4)),
     ("L12A+R12B", coded(12)), ("A9", coded(9)), ("T23/B23", coded(23)), ("4A/B/C", coded(4)),
     ("4 or 7", coded(unsure=(4, 7))), ("1+4/7", coded(1, unsure=(4, 7))), ("4+ref(5)", coded(4, unsure=(5,))),
     ("12?", coded(unsure=(12,))), ("4+?", coded(4, whole=False)), ("4+7 or 4", coded(4, unsure=(7,))),
     ("1\uff0c2", coded(1, 2)), ("1, 2; 26", coded(1, 2, 26)), ("14", coded(14)), ("4, soft focus", coded(4)),
     *((nothing, NOT_CODED) for nothing in ("", "?", "/", "NULL", "nan", "soft focus"))],
)  # fmt: skip
def test_action_units(text: str, wanted: UnitCodes) -> None:
    assert read_units(text) == wanted


def test_a_row_of_action_units_has_nan_where_nothing_is_known() -> None:
    some = (1, 4, 5, 12)
    np.testing.assert_array_equal(read_units("L4B+45+1/5").row(some), np.float32([np.nan, 1, np.nan, 0]))
    np.testing.assert_array_equal(read_units("4+?").row(some), np.float32([np.nan, 1, np.nan, np.nan]))
    assert np.isnan(NOT_CODED.row(some)).all() and NOT_CODED.row(some).dtype == np.float32


SAMM_HEADER = ["Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration",
               "Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes"]  # fmt: skip


@pytest.fixture
def samm_folder(tmp_path: Path) -> Path:
    rows = [
        [6, "006_1_2", 1, 5562, 5588, 5632, 71, "1/2", "4A+7B", "Anger", "II", None],  # 006 read as a number
        ["028", "028_4_1", 4, 1071, 1143, 1134, 64, "1/2", "L12A", "Happiness", "III", None],
        ["032", "032_3_1", 3, 4896, 1930, 4970, 75, "1/2", "1A+2B+ref(5)", "Surprise", "I", None],
        ["032", "032_3_2", 3, 100, 90, 120, 21, "1/2", "9", "Disgust", "II", None],
        ["033", "033_1_1", 3, 100, 110, 120, 21, "1/2", "14", "Other", "VII", None],
        [None] * 12,
    ]
    text = [[f"line {i} of the legend", "Subject" if i == 3 else None] for i in range(13)]
    write_sheet(
        tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx",
        {"READ_ME": [["x"]], "MICRO_ONLY": [*text, SAMM_HEADER, *rows]},
    )
    for clip, numbers in (("006_1_2", range(5560, 5633)), ("028_4_1", range(1071, 1144)),
                          ("032_3_1", range(4896, 4971)), ("032_3_2", range(80, 121)),
                          ("033_1_1", range(100, 121))):  # fmt: skip
        subject = clip[:3]
        write_pictures(tmp_path / "SAMM" / subject / clip, (f"{subject}_{i:05d}.jpg" for i in numbers))
    return tmp_path


def test_samm_with_lost_zeros_a_late_header_and_a_mistyped_apex(samm_folder: Path) -> None:
    found = samm.read(samm_folder)
    assert [(clip.subject, clip.label) for clip in found.clips] == [
        ("006", "negative"), ("028", "positive"), ("032", "surprise"),
    ]  # fmt: skip
    assert frames(found, "006_1_2") == ("006_05562.jpg", "006_05588.jpg", "006_05632.jpg")
    assert frames(found, "032_3_1") == ("032_04896.jpg", "032_04930.jpg", "032_04970.jpg")
    assert frames(found, "028_4_1") == ("028_01071.jpg", "028_01143.jpg", "028_01143.jpg")
    assert found.left_out == {"apex not after onset": 1, "emotion other": 1}
    assert found.mended["one digit of the apex corrected"] == 1
    assert units(found) == {"006_1_2": coded(4, 7), "028_4_1": coded(12), "032_3_1": coded(1, 2, unsure=(5,))}


def test_samm_in_the_usual_five_classes(samm_folder: Path) -> None:
    found = samm.read(samm_folder, "five")
    assert found.classes == ("anger", "contempt", "happiness", "surprise", "others")
    assert found.counts() == {"anger": 1, "contempt": 0, "happiness": 1, "surprise": 1, "others": 1}


@pytest.mark.parametrize("place", ["HS", "SMIC_all_cropped/HS", "."])
def test_smic_takes_classes_from_folders_and_the_middle_for_an_apex(tmp_path: Path, place: str) -> None:
    for subject, kind, clip, numbers in (("s01", "negative", "s1_ne_01", [*range(9, 14)]),
                                         ("s01", "positive", "s1_po_01", [*range(99999, 100002)]),
                                         ("s11", "surprise", "s11_sur_02", [*range(90823, 90843)]),
                                         ("s11", "surprise", "s11_sur_03", [7])):  # fmt: skip
        write_pictures(tmp_path / place / subject / "micro" / kind / clip, (f"image{i}.jpg" for i in numbers))
    (tmp_path / place / "s01" / "micro" / "negative" / "s1_ne_01" / "Thumbs.db").write_bytes(b"")
    found = smic.read(tmp_path)
    assert [(clip.subject, clip.label) for clip in found.clips] == [
        ("s01", "negative"), ("s01", "positive"), ("s11", "surprise"),
    ]  # fmt: skip
    assert frames(found, "s1_ne_01") == ("image9.jpg", "image11.jpg", "image13.jpg")
    assert frames(found, "s1_po_01") == ("image99999.jpg", "image100000.jpg", "image100001.jpg")
    assert found.left_out == {"apex not after onset": 1}
    assert set(units(found).values()) == {NOT_CODED}
    assert not any(clip.knows_apex for clip in found.clips)


CASME_SQ_CODES = [
    [1, "anger1_1", 557, 572, 608, "4+7", "negative", "macro-expression", "anger"],
    [1, "disgust1_1", 20, 25, 0, "10", "negative", "micro-expression", "disgust"],
    [1, "disgust1_2", 20, 28, 40, "NULL", "others", "micro-expression", "disgust"],
    [2, "happy2_1", 5, 9, 12, "12", "positive", "micro-expression", "happiness"],
    [2, "happy2_2", "5", "9", "12", "1+2", "Surprise", "micro-expression"],
    [2, "sad9_1", 5, 9, 12, "12", "positive", "micro-expression", "sadness"],  # no such video is named
]


@pytest.mark.parametrize("order", [("codes", "people", "videos"), ("videos", "people", "codes")])
def test_casme_sq_whatever_the_order_of_its_sheets(tmp_path: Path, order: tuple[str, ...]) -> None:
    sheets: dict[str, Sequence[Sequence[Any]]] = {
        "codes": CASME_SQ_CODES,
        "people": [[1, "s15"], [2, "s16"]],
        "videos": [[101, "disgust1"], ["0702", "happy2"]] if order[0] == "codes" else
                  [["disgust1", "0101"], ["happy2", "0702"]],
    }  # fmt: skip
    write_sheet(tmp_path / "CAS(ME)^2code_final.xlsx", {name: sheets[name] for name in order})
    write_pictures(tmp_path / "rawpic" / "s15" / "15_0101disgustingteeth", (f"img{i}.jpg" for i in range(1, 41)))
    write_pictures(tmp_path / "rawpic" / "s16" / "16_0702babylaugh", (f"img{i}.jpg" for i in range(1, 41)))
    found = casme_sq.read(tmp_path)
    assert [(clip.subject, clip.name, clip.label) for clip in found.clips] == [
        ("s15", "disgust1_1", "negative"), ("s16", "happy2_1", "positive"), ("s16", "happy2_2", "surprise"),
    ]  # fmt: skip
    assert frames(found, "disgust1_1") == ("img20.jpg", "img25.jpg", "img25.jpg")
    assert found.left_out == {"no micro-expression": 1, "emotion others": 1, "no pictures in its folder": 1}
    assert sum(found.mended.values()) == 1
    assert units(found) == {"disgust1_1": coded(10), "happy2_1": coded(12), "happy2_2": coded(1, 2)}


def test_casme_sq_without_its_naming_sheets(tmp_path: Path) -> None:
    write_sheet(tmp_path / "code_final.xlsx", {"codes": CASME_SQ_CODES})
    write_pictures(tmp_path / "rawpic" / "s15" / "15_0101x", ("img1.jpg",))
    with pytest.raises(SourceError, match="no sheet of subjects and folders"):
        casme_sq.read(tmp_path)


def test_casme3_with_a_file_name_that_comes_again(tmp_path: Path) -> None:
    rows = [
        ["Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion"],
        ["spNO.1", "b", "175", "181", "190", "4", "II", "disgust"],
        ["spNO.1", "b", 300, 306, 312, "12", "III", "happy"],
        ["spNO.1", "b", 300, 306, 312, "12", "III", "happy"],
        ["spNO.1", "b", 320, 326, 312, "1+2", "I", "Surprise"],  # offset before the apex
        ["spNO.2", "a", 20, 20, 25, "4", "II", "sad"],
        ["spNO.2", "a", 20, 24, 28, "17", "VII", "Others"],
        ["spNO.2", "a", 20, 25, 28, "17", "VII", "others"],
        ["spNO.2", "a", 20, 2400, 28, "1+2", "VII", "fear"],
    ]
    write_sheet(tmp_path / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx", {"label": rows})
    write_pictures(tmp_path / "part_A" / "spNO.1" / "b" / "color", (f"{i}.jpg" for i in range(170, 330)))
    write_pictures(tmp_path / "part_A" / "spNO.1" / "b" / "depth", (f"{i}.png" for i in range(170, 330)))
    write_pictures(tmp_path / "part_A" / "spNO.2" / "a" / "color", (f"{i}.jpg" for i in range(15, 30)))
    found = casme3.read(tmp_path)
    assert [(clip.name, clip.label) for clip in found.clips] == [
        ("spNO.1_b_175", "negative"), ("spNO.1_b_300", "positive"), ("spNO.1_b_320", "surprise"),
    ]  # fmt: skip
    assert frames(found, "spNO.1_b_175") == ("175.jpg", "181.jpg", "190.jpg")
    assert list(units(found).values()) == [coded(4), coded(12), coded(1, 2)]
    assert found.left_out == {
        "the same row again": 1, "apex not after onset": 1, "emotion others": 2, "no picture of its apex": 1,
    }  # fmt: skip


@pytest.mark.parametrize("name", list(COLLECTIONS))
def test_an_empty_folder_is_refused_in_two_lines(tmp_path: Path, name: str) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(SourceError) as caught:
            COLLECTIONS.get(name)(folder)
        assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("name", ["smic", "casme_sq", "casme3"])
def test_five_classes_only_where_they_are_usual(tmp_path: Path, name: str) -> None:
    with pytest.raises(AssistiveError, match="no five classes"):
        COLLECTIONS.get(name)(tmp_path, "five")


def test_a_sheet_without_pictures_of_its_clips(tmp_path: Path) -> None:
    write_sheet(tmp_path / "CASME2-coding-20190701.xlsx", {"Sheet1": [CASME2_HEADER, *CASME2_ROWS]})
    (tmp_path / "Cropped" / "sub01").mkdir(parents=True)
    with pytest.raises(SourceError, match="no clip of casme2 can be used: 5 with no pictures in its folder"):
        casme2.read(tmp_path)


def test_a_sheet_with_other_columns(tmp_path: Path) -> None:
    write_sheet(tmp_path / "CASME2-coding-20190701.xlsx", {"Sheet1": [["Subject", "Filename"], ["01", "EP"]]})
    (tmp_path / "Cropped" / "sub01").mkdir(parents=True)
    with pytest.raises(SourceError, match="no header with Subject, Filename, OnsetFrame"):
        casme2.read(tmp_path)


def test_old_damaged_and_locked_sheets(tmp_path: Path) -> None:
    (tmp_path / "CASME2-coding-20140508.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    (tmp_path / "~$CASME2-coding-20140508.xlsx").write_bytes(b"lock")
    with pytest.raises(SourceError, match=r"old \.xls format"):
        find_sheet(tmp_path, casme2.SHEETS)
    (tmp_path / "CASME2-coding-20140508.xlsx").write_bytes(b"words")
    with pytest.raises(SourceError, match="cannot read the sheet"):
        read_cells(find_sheet(tmp_path, casme2.SHEETS))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("46", 46), ("46.0", 46), ("0", 0), ("/", None), ("", None), ("46.5", None), ("-1", None), ("NaN", None)],
)
def test_frame_numbers(text: str, wanted: int | None) -> None:
    assert number(text) == wanted


def test_pictures_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    write_pictures(tmp_path, ("img10.jpg", "img9.JPG", "img100.png", "apex.jpg", "img7.txt"))
    assert list(number_pictures(tmp_path)) == [9, 10, 100]
