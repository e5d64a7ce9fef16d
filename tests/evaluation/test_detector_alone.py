from __future__ import annotations

import numpy as np
import pytest

from assistive.errors import WeightsError
from assistive.evaluation.detection import Found, Picture
from assistive.evaluation.detector_alone import LIMIT, MIN_SCORE, DetectorAlone, rank, report
from assistive.evaluation.labels import LabelledHand, Truth
from assistive.gesture.detector import letterbox
from assistive.settings import RuntimeSettings
from assistive.types import GESTURES, NO_GESTURE, Box

CLASSES = (*GESTURES, NO_GESTURE)
BOX = Box(0.1, 0.2, 0.2, 0.3)


def test_a_box_is_ranked_as_every_class_that_it_may_show() -> None:
    _, placed = letterbox(np.zeros((32, 32, 3), np.uint8), 32, 32)
    rows = np.array([[8, 8, 8, 8, 0.5, 0.8, 0.1, 0.001], [24, 24, 8, 8, 0.9, 0.1, 0.0, 0.6]], np.float32)
    found = rank(rows, placed, (32, 32), ("like", "ok", "fist"), 0.5)
    assert [(one.name, round(one.score, 3)) for one in found] == [
        ("fist", 0.54), ("like", 0.4), ("like", 0.09), ("ok", 0.05)
    ]  # fmt: skip
    assert all(one.score >= MIN_SCORE for one in found) and found[0].box.iou(Box(0.625, 0.625, 0.25, 0.25)) > 0.99


def test_the_shipped_detector_ranks_at_most_so_many_boxes() -> None:
    detector = DetectorAlone("gesture_detector", RuntimeSettings(device="cpu"))
    noise = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)
    found = detector.find(noise)
    assert len(found) <= LIMIT and detector.classes == CLASSES
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)


def test_weights_of_another_kind_are_refused() -> None:
    with pytest.raises(WeightsError, match="not a gesture-detector"):
        DetectorAlone("gesture_verifier", RuntimeSettings(device="cpu"))


def test_the_mean_over_all_classes_has_no_gesture_in_it() -> None:
    pytest.importorskip("faster_coco_eval")
    pictures = [
        Picture((LabelledHand(Truth(("like",)), BOX),), (Found("like", BOX, 0.9),), (100, 100)),
        Picture((LabelledHand(Truth(), BOX),), (), (100, 100)),
    ]
    result = report(pictures, CLASSES)
    assert result is not None
    assert (result["map50"], result["gestures"]["map50"]) == (0.5, 1.0)
    assert set(result["ap_by_class"]) == {"like", NO_GESTURE}
    assert report([Picture((), (), (100, 100))], CLASSES) is None
