from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistive.errors import SourceError
from assistive.training.datasets.coco_format import index_path, read_coco, write_coco
from assistive.training.datasets.labelled import LabelledPicture, NamedBox
from assistive.training.datasets.yolo_format import label_path, label_text, read_classes, read_yolo, write_index
from assistive.types import Box

CLASSES = ("fist", "like", "no_gesture")
share = st.floats(0.01, 0.49)
boxes = st.lists(st.builds(NamedBox, st.sampled_from(CLASSES), st.builds(Box, share, share, share, share)), max_size=4)


def same(one: tuple[NamedBox, ...], other: tuple[NamedBox, ...], tolerance: float) -> bool:
    return [b.name for b in one] == [b.name for b in other] and all(
        [getattr(a.box, k) for k in "xywh"] == pytest.approx([getattr(b.box, k) for k in "xywh"], abs=tolerance)
        for a, b in zip(one, other, strict=True)
    )


def write_yolo(root: Path, file: str, text: str) -> None:
    picture, labels = root / "images" / "train" / file, label_path(root, "train", file)
    for path in (picture, labels):
        path.parent.mkdir(parents=True, exist_ok=True)
    picture.touch()
    labels.write_text(text)


@given(boxes)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
def test_both_formats_give_back_what_they_were_given(tmp_path: Path, named: list[NamedBox]) -> None:
    write_index(tmp_path, CLASSES, ("train",))
    write_yolo(tmp_path, "like/a.b.jpg", label_text(named, CLASSES))
    (back,) = read_yolo(tmp_path, "train")
    assert back.file == "like/a.b.jpg" and same(back.boxes, tuple(named), 2e-6)
    picture = LabelledPicture("like/a.jpg", "val", 1080, 1920, tuple(named), "u1")
    write_coco(index_path(tmp_path, "val"), [picture, picture], CLASSES)
    first, second = read_coco(index_path(tmp_path, "val"), "val")
    assert same(first.boxes, picture.boxes, 2e-6) and first.user == "u1" and second.boxes == first.boxes


def test_names_may_be_a_list_or_a_map_and_the_order_is_theirs(tmp_path: Path) -> None:
    write_yolo(tmp_path, "a.jpg", "1 0.5 0.5 0.2 0.2\n")
    for names in ("[like, fist]", "{1: fist, 0: like}"):
        (tmp_path / "data.yaml").write_text(f"path: .\ntrain: [images/train]\nnames: {names}\n")
        assert read_classes(tmp_path) == ("like", "fist")
        assert [box.name for box in next(read_yolo(tmp_path, "train")).boxes] == ["fist"]
    (tmp_path / "list.txt").write_text("images/train/a.jpg\n")
    (tmp_path / "data.yaml").write_text("train: list.txt\nnames: [like, fist]\n")
    assert [box.name for box in next(read_yolo(tmp_path, "train")).boxes] == ["fist"]


@pytest.mark.parametrize("line", ["3 .5 .5 .2 .2", "0 .5 .5 .2", "like .5 .5 .2 .2", "0 .95 .5 .2 .2", "0 .5 .5 0 .2",
                                  "0 nan .5 .2 .2"])  # fmt: skip
def test_a_wrong_line_is_named(tmp_path: Path, line: str) -> None:
    write_index(tmp_path, CLASSES, ("train",))
    write_yolo(tmp_path, "a.jpg", f"0 .5 .5 .2 .2\n{line}\n")
    with pytest.raises(SourceError, match=r"a\.txt:2: "):
        list(read_yolo(tmp_path, "train"))


def test_a_split_or_index_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no .*data\.yaml"):
        list(read_yolo(tmp_path, "train"))
    write_index(tmp_path, CLASSES, ("train",))
    with pytest.raises(SourceError, match="no split 'test'"):
        list(read_yolo(tmp_path, "test"))


def test_coco_numbers_are_arbitrary_and_crowds_are_left_out(tmp_path: Path) -> None:
    box = {"image_id": "x", "category_id": 77, "bbox": [10, 20, 30, 40]}
    content = {
        "categories": [{"id": 77, "name": "like"}, {"id": 3, "name": "fist"}],
        "images": [{"id": "x", "file_name": "a.jpg", "width": 100, "height": 200}],
        "annotations": [{"id": 1, **box}, {"id": 2, **box, "iscrowd": 1}],
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    (picture,) = read_coco(path, "train")
    assert picture.boxes == (NamedBox("like", Box(0.1, 0.1, 0.3, 0.2)),)
    for change in ({"category_id": 1}, {"image_id": "y"}, {"bbox": [90, 20, 30, 40]}, {"bbox": None}):
        path.write_text(json.dumps({**content, "annotations": [{"id": 9, **box, **change}]}))
        with pytest.raises(SourceError, match="annotation 9"):
            list(read_coco(path, "train"))
    path.write_text("[]")
    with pytest.raises(SourceError, match="no COCO file"):
        list(read_coco(path, "train"))
