"""A made-up HaGRID with the quirks of the real one, in the layouts of its releases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

Annotations = dict[str, dict[str, Any]]


def write_picture(path: Path, width: int = 48, height: int = 36) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = sum(path.stem.encode())
    assert cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8))


def annotate(path: Path, annotations: Annotations) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(annotations))


def v1_entry(gesture: str, user: str, second: bool = False) -> dict[str, Any]:
    marks = [[0.3, 0.3]] * 21
    return {
        "bboxes": [[0.2, 0.25, 0.25, 0.5], [0.75, 0.5, 0.1, 0.25]][: 1 + second],
        "labels": [gesture, "no_gesture"][: 1 + second],
        "landmarks": [marks, []][: 1 + second],
        "leading_conf": 1.0, "leading_hand": "right", "user_id": user,
    }  # fmt: skip


def v2_entry(gesture: str, user: str, united: bool = False) -> dict[str, Any]:
    boxes = [[0.1, 0.25, 0.25, 0.5], [0.4, 0.25, 0.25, 0.5]] if united else [[0.1, 0.25, 0.25, 0.5]]
    return {
        "bboxes": boxes, "labels": [gesture] * len(boxes),
        "united_bbox": [[0.1, 0.25, 0.55, 0.5]] if united else None,
        "united_label": [gesture] if united else None, "user_id": user,
        "hand_landmarks": [[[0.2, 0.3]] * 21] * len(boxes), "meta": {"age": [24.4], "gender": ["f"], "race": ["x"]},
    }  # fmt: skip


def make_v1(root: Path, each: int = 12, width: int = 48, height: int = 36) -> Path:
    """Two gestures, training part and test, in the folders of the first release."""
    for gesture in ("like", "stop_inverted"):
        for phase, first, count in (("train_val", 0, each), ("test", 900, 3)):
            names = [f"{gesture}-{phase}-{i:03d}" for i in range(count)]
            for name in names:
                write_picture(root / phase / gesture / f"{name}.jpg", width, height)
            entries = {n: v1_entry(gesture, f"{first + i:032x}", i % 2 == 1) for i, n in enumerate(names)}
            annotate(root / f"ann_{phase}" / f"{gesture}.json", entries)
    return root


def make_v2(root: Path, each: int = 4) -> Path:
    """Two gestures of one hand and one of two, in the folders of the last release."""
    for gesture in ("like", "grip", "hand_heart"):
        for number, phase in enumerate(("train", "val", "test")):
            names = [f"{gesture}-{phase}-{i:03d}" for i in range(each)]
            for name in names:
                write_picture(root / "hagrid_dataset" / gesture / f"{name}.jpg")
            entries = {n: v2_entry(gesture, f"{number}{i:063x}", gesture == "hand_heart") for i, n in enumerate(names)}
            annotate(root / "hagrid_annotations" / phase / f"{gesture}.json", entries)
    return root
