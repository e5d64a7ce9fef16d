from __future__ import annotations

import sys

import pytest

from assistive.errors import DependencyError
from assistive.evaluation.detection import Picture, count_recalled, mean_average_precision
from assistive.evaluation.labels import LabelledHand, Truth
from assistive.types import NO_GESTURE, Box, Hand

LEFT, RIGHT = Box(0.1, 0.2, 0.2, 0.3), Box(0.6, 0.2, 0.2, 0.3)


def hand(gesture: str, box: Box, probability: float = 0.9) -> Hand:
    return Hand(box, 0.9, {gesture: probability, NO_GESTURE: 1 - probability})


def label(text: str, box: Box | None) -> LabelledHand:
    names = tuple(name for name in text.split("|") if name)
    return LabelledHand(Truth(tuple(n for n in names if n != "none"), "none" in names), box)


def shifted(box: Box, share: float) -> Box:
    return Box(box.x + share * box.w, box.y, box.w, box.h)


def test_a_found_hand_recalls_only_one() -> None:
    near = shifted(LEFT, 0.1)
    assert count_recalled([LEFT, near], [LEFT]) == 1
    assert count_recalled([LEFT, near], [near, LEFT]) == 2
    assert count_recalled([LEFT, RIGHT], [shifted(LEFT, 0.4), shifted(RIGHT, 0.5)]) == 1
    assert count_recalled([], [LEFT]) == 0


def test_perfect_boxes_have_a_precision_of_one() -> None:
    pytest.importorskip("faster_coco_eval")
    pictures = [
        Picture((label("like", LEFT), label("ok", RIGHT)), (hand("like", LEFT), hand("ok", RIGHT))),
        Picture((label("palm|stop", LEFT),), (hand("stop", LEFT),)),
        Picture((label("", RIGHT),), ()),
    ]
    assert mean_average_precision(pictures) == (1.0, 1.0)


def test_looser_boxes_lose_the_strict_thresholds_only() -> None:
    pytest.importorskip("faster_coco_eval")
    map50, map50_95 = mean_average_precision([Picture((label("like", LEFT),), (hand("like", shifted(LEFT, 0.2)),))])
    assert map50 == 1.0
    assert map50_95 is not None and 0.3 <= map50_95 <= 0.5  # IoU is 2/3: right at 0.50, 0.55, 0.60 and 0.65


def test_a_false_box_before_the_right_one_halves_the_precision() -> None:
    pytest.importorskip("faster_coco_eval")
    blank = Picture((), (hand("like", RIGHT, 0.95),))
    map50, _ = mean_average_precision([Picture((label("like", LEFT),), (hand("like", LEFT),)), blank])
    assert map50 == pytest.approx(0.5, abs=0.01)


def test_what_need_not_be_said_is_neither_hit_nor_miss() -> None:
    pytest.importorskip("faster_coco_eval")
    right = Picture((label("like", LEFT),), (hand("like", LEFT),))
    for found in ((), (hand("rock", RIGHT, 0.99),)):
        assert mean_average_precision([right, Picture((label("rock|none", RIGHT),), found)]) == (1.0, 1.0)


def test_pictures_without_boxes_have_no_precision() -> None:
    assert mean_average_precision([Picture((label("like", None),), (hand("like", LEFT),))]) == (None, None)
    assert mean_average_precision([Picture((label("like", LEFT),), ())]) == (0.0, 0.0)


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_coco_eval", None)
    with pytest.raises(DependencyError) as caught:
        mean_average_precision([Picture((label("like", LEFT),), (hand("like", LEFT),))])
    assert "faster-coco-eval" in caught.value.remedy
