from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from assistive.errors import SourceError
from assistive.evaluation.prepared import read_prepared
from assistive.training.datasets.labelled import NamedBox, ordered
from assistive.training.datasets.yolo_format import label_path, label_text, write_index
from assistive.types import Box

BOX = Box(0.2, 0.3, 0.4, 0.5)
CLASSES = ordered(("like", "grip", "hand_heart", "no_gesture"))


def make(root: Path, pictures: dict[str, list[str]], split: str = "test") -> Path:
    write_index(root, CLASSES, ["train", "val", split])
    for file, names in pictures.items():
        (root / "images" / split / file).parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(root / "images" / split / file), np.zeros((8, 8, 3), np.uint8))
        path = label_path(root, split, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(label_text([NamedBox(name, BOX) for name in names], CLASSES))
    return root


def test_what_is_not_ours_keeps_its_name_and_is_nothing_to_answer(tmp_path: Path) -> None:
    names = {"like/a.png": ["like", "no_gesture"], "grip/a.png": ["grip"], "two/a.png": ["hand_heart"], "b.png": []}
    prepared = read_prepared(make(tmp_path, names), "test")
    by_file = {picture.file: (path, picture) for path, picture in prepared.pictures}
    assert set(by_file) == set(names) and all(path.is_file() for path, _ in by_file.values())
    like, other = by_file["like/a.png"][1].hands
    assert (like.truth.gestures, other.truth.gestures, other.sign) == (("like",), (), "")
    assert like.box is not None and like.box.iou(BOX) > 0.99
    (grip,), (heart,) = by_file["grip/a.png"][1].hands, by_file["two/a.png"][1].hands
    assert (grip.sign, grip.both, heart.sign, heart.both) == ("grip", False, "hand_heart", True)
    assert not grip.truth.gestures and not by_file["b.png"][1].hands
    assert prepared.unknown == {"grip": 1, "hand_heart": 1}
    assert prepared.summary()["boxes"] == {"grip": 1, "hand_heart": 1, "like": 1, "no_gesture": 1}


def test_a_split_without_pictures_is_an_error(tmp_path: Path) -> None:
    make(tmp_path, {"a.png": ["like"]})
    with pytest.raises(SourceError, match="no pictures in 'val'"):
        read_prepared(tmp_path, "val")
    with pytest.raises(SourceError, match="no split 'other'"):
        read_prepared(tmp_path, "other")
