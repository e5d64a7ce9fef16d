from __future__ import annotations

from pathlib import Path

import pytest

from assistive.evaluation.labels import Interval, LabelError, Truth, read_clips, read_pictures
from assistive.types import Box


def write(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("like", Truth(("like",))),
        ("", Truth()),
        ("palm|stop", Truth(("palm", "stop"))),
        (" palm | stop ", Truth(("palm", "stop"))),
        ("rock|none", Truth(("rock",), none=True)),
        ("none", Truth(none=True)),
    ],
)
def test_every_form_of_a_label(tmp_path: Path, text: str, truth: Truth) -> None:
    (picture,) = read_pictures(write(tmp_path, f"file,gesture\na.jpg,{text}\n"))
    assert [hand.truth for hand in picture.hands] == [truth]
    assert bool(picture.gesture_hands) == bool(truth.gestures)


def test_rows_of_one_picture_belong_together(tmp_path: Path) -> None:
    text = "file,gesture,x,y,w,h,group,note\nsub/a.jpg,,.1,.2,.3,.4,g,x\nb.jpg,,,,,,,\na.jpg,call,,,,,g,\n"
    first, second = read_pictures(write(tmp_path, text))
    assert (first.file, first.group, len(first.hands)) == ("a.jpg", "g", 2)
    assert [hand.box for hand in first.hands] == [Box(0.1, 0.2, 0.3, 0.4), None]
    assert [str(hand.truth) for hand in first.gesture_hands] == ["call"]
    assert not second.gesture_hands


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        ("file,label\na.jpg,like\n", "no column 'gesture'", "file, gesture"),
        ("file,gesture\n", "no rows", "one row"),
        ("file,gesture\na.jpg,like\nb.jpg,lke\n", "labels.csv:3: unknown gesture 'lke'", "did you mean like?"),
        ("file,gesture\na.jpg,like|zzzz\n", "labels.csv:2: unknown gesture 'zzzz'", "one of call"),
        ("file,gesture\n,like\n", "labels.csv:2: this row names no file", "file"),
        ("file,gesture,x,y,w,h\na.jpg,like,.1,.1,,\n", "labels.csv:2: a box needs all", "blank"),
        ("file,gesture,x,y,w,h\na.jpg,like,.1,.1,big,.2\n", "labels.csv:2: w = 'big' is no number", "0.25"),
        ("file,gesture,x,y,w,h\na.jpg,like,.1,nan,.1,.2\n", "labels.csv:2: y = 'nan' is no number", "0.25"),
        ("file,gesture,x,y,w,h\na.jpg,like,10,20,64,48\n", "labels.csv:2: this box is not", "divide"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, text: str, what: str, remedy: str) -> None:
    with pytest.raises(LabelError) as caught:
        read_pictures(write(tmp_path, text))
    assert what in caught.value.what and remedy in caught.value.remedy
    assert len(str(caught.value).splitlines()) == 2


def test_a_file_that_is_missing_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="cannot read"):
        read_pictures(tmp_path / "none.csv")
    (tmp_path / "picture.csv").write_bytes(b"\xff\xd8\xff\xe0" * 20)
    with pytest.raises(LabelError, match="no CSV file"):
        read_pictures(tmp_path / "picture.csv")


def test_clips_with_a_gesture_column(tmp_path: Path) -> None:
    path = write(tmp_path, "start_s,end_s,gesture\n3,4,palm|stop\n0.5,1,like\n4,5,\n")
    expected = [Interval(0.5, 1, Truth(("like",))), Interval(3, 4, Truth(("palm", "stop")))]
    assert read_clips(path, "a.mp4") == {"a.mp4": expected}


def test_clips_with_label_and_kind(tmp_path: Path) -> None:
    text = "file,start_s,end_s,label,kind,note\na.mp4,0,1,like,gesture,\na.mp4,1,2,smile,expression,\nb.mp4,0,9,,,\n"
    assert read_clips(write(tmp_path, text), "x") == {"a.mp4": [Interval(0, 1, Truth(("like",)))], "b.mp4": []}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("start_s,gesture\n0,like\n", "no column 'end_s'"),
        ("start_s,end_s,label\n0,1,like\n", "no column 'gesture', nor 'label' with 'kind'"),
        ("start_s,end_s,gesture\n2,1,like\n", "labels.csv:2: 2 to 1 s is no stretch of time"),
        ("start_s,end_s,gesture\n0,1,thumb\n", "labels.csv:2: unknown gesture 'thumb'"),
    ],
)
def test_a_wrong_row_about_a_clip_is_named(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(LabelError) as caught:
        read_clips(write(tmp_path, text), "a.mp4")
    assert what in caught.value.what
