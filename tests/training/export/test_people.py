import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from assistive.errors import SourceError
from assistive.training.export.people import read_people

HEADER = ("file", "gesture", "x", "y", "w", "h", "source", "user_id", "kind")


def _pack(root: Path) -> dict[str, object]:
    """Two sources, one of them held out; the brightness of a picture tells where it is from."""
    parts: dict[str, list[tuple[object, ...]]] = {"frames": [], "crops": [], "negatives": []}
    for source, gesture in (("shown", "like"), ("held", "palm|stop")):
        parts["frames"] += [(f"{source}{i}.png", gesture, 0.2, 0.2, 0.5, 0.5, source, f"{source}{i}", "")
                            for i in range(4)]  # fmt: skip
        parts["frames"].append((f"{source}-none.png", "", 0.1, 0.1, 0.3, 0.3, source, source, ""))
        parts["crops"].append((f"{source}.png", "fist", 0, 0, 1, 1, source, source, ""))
        parts["negatives"] += [(f"{source}-hand.png", "", "", "", "", "", source, "", "other_hand"),
                               (f"{source}-room.png", "", "", "", "", "", source, "", "scene")]  # fmt: skip
    for part, rows in parts.items():
        folder = root / "train" / part
        folder.mkdir(parents=True)
        with folder.with_suffix(".csv").open("w", newline="") as file:
            csv.writer(file).writerows([HEADER, *rows])
        for row in rows:
            shade = 200 if row[6] == "held" else 50
            cv2.imwrite(str(folder / str(row[0])), np.full((20, 30, 3), shade, np.uint8))
    return {"pack": str(root), "faces": str(root / "nobody"), "validation": {"sources": ["held"], "share": 0.0}}


def test_nobody_is_calibrated_on_who_is_judged(tmp_path: Path) -> None:
    people = read_people(_pack(tmp_path), 4)
    assert len(people.seen) == 4 and {int(image[0, 0, 0]) for image in people.seen} == {50}
    assert {int(image[0, 0, 0]) for image, _ in people.judged} == {200}
    told = [names for _, names in people.judged if names]
    silent = [names for _, names in people.judged if not names]
    assert told == [frozenset({"palm", "stop"})] * 4
    assert len(silent) == 3, "a hand in a frame that shows no gesture, a hand by itself, and a room"
    assert set(people.data) == {"train/crops", "train/frames", "train/negatives"}


def test_a_missing_pack_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no gesture pack") as caught:
        read_people({"pack": str(tmp_path / "none"), "faces": "", "validation": {}}, 4)
    assert "--calibrate" in caught.value.remedy
