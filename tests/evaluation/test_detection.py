from __future__ import annotations

import sys

import pytest

from assistive.errors import DependencyError
from assistive.evaluation.detection import Found, Picture, average_precision, recalled
from assistive.evaluation.labels import LabelledHand, Truth
from assistive.types import GESTURES, NO_GESTURE, Box

LEFT, RIGHT = Box(0.1, 0.2, 0.2, 0.3), Box(0.6, 0.2, 0.2, 0.3)
SQUARE = (400, 400)


def found(name: str, box: Box, score: float = 0.9) -> Found:
    return Found(name, box, score)


def label(text: str, box: Box | None, sign: str = "", both: bool = False) -> LabelledHand:
    names = tuple(name for name in text.split("|") if name)
    return LabelledHand(Truth(tuple(n for n in names if n != "none"), "none" in names), box, sign, both)


def picture(labelled: list[LabelledHand], boxes: list[Found], size: tuple[int, int] = SQUARE) -> Picture:
    return Picture(tuple(labelled), tuple(boxes), size)


def shifted(box: Box, share: float) -> Box:
    return Box(box.x + share * box.w, box.y, box.w, box.h)


def means(*pictures: Picture) -> tuple[float | None, ...]:
    precision = average_precision(pictures)
    assert precision is not None
    return tuple(precision.means().values())


def test_a_found_hand_recalls_only_one() -> None:
    near = shifted(LEFT, 0.1)
    assert recalled([LEFT, near], [LEFT]) == {0}
    assert recalled([LEFT, near], [near, LEFT]) == {0, 1}
    assert recalled([LEFT, RIGHT], [shifted(LEFT, 0.4), shifted(RIGHT, 0.5)]) == {0}
    assert recalled([], [LEFT]) == set()


def test_perfect_boxes_have_a_precision_of_one() -> None:
    pytest.importorskip("faster_coco_eval")
    pictures = [
        picture([label("like", LEFT), label("ok", RIGHT)], [found("like", LEFT), found("ok", RIGHT)]),
        picture([label("palm|stop", LEFT)], [found("stop", LEFT)]),
        picture([label("", RIGHT)], []),
    ]
    assert means(*pictures) == (1.0, 1.0, 1.0)
    precision = average_precision(pictures)
    assert precision is not None
    assert precision.by_class() == {name: {"ap50": 1.0, "ap50_95": 1.0} for name in ("like", "ok", "stop")}


def test_looser_boxes_lose_the_strict_thresholds_only() -> None:
    pytest.importorskip("faster_coco_eval")
    map50, map75, map50_95 = means(picture([label("like", LEFT)], [found("like", shifted(LEFT, 0.2))]))
    assert (map50, map75) == (1.0, 0.0)
    assert map50_95 == 0.4  # IoU is 2/3: right at 0.50, 0.55, 0.60 and 0.65


def test_a_false_box_before_the_right_one_halves_the_precision() -> None:
    pytest.importorskip("faster_coco_eval")
    blank = picture([], [found("like", RIGHT, 0.95)])
    assert means(picture([label("like", LEFT)], [found("like", LEFT)]), blank)[0] == pytest.approx(0.5, abs=0.01)


def test_each_class_has_its_own_precision() -> None:
    pytest.importorskip("faster_coco_eval")
    precision = average_precision([
        picture([label("like", LEFT)], [found("like", LEFT)]), picture([label("ok", LEFT)], [found("fist", LEFT)])
    ])  # fmt: skip
    assert precision is not None
    assert {name: row["ap50"] for name, row in precision.by_class().items()} == {"like": 1.0, "ok": 0.0}
    assert precision.means()["map50"] == 0.5 and precision.means(["like"])["map50"] == 1.0


def test_sizes_are_told_by_the_longer_side_in_pixels() -> None:
    pytest.importorskip("faster_coco_eval")
    flat = Box(0.1, 0.1, 0.1, 0.2)  # 80 x 40 of 800 x 200 pixels: a tenth of the longer side
    precision = average_precision([
        picture([label("like", flat)], [found("like", flat), found("like", Box(0.3, 0.1, 0.6, 0.8), 0.99)], (800, 200)),
        picture([label("like", Box(0.1, 0.1, 0.5, 0.5))], []),
    ])  # fmt: skip
    assert precision is not None
    sizes = precision.by_size()  # the false box is large: no fault of the small hands
    assert sizes == {"tiny": None, "small": 1.0, "medium": None, "large": 0.0}
    assert precision.means()["map50"] == pytest.approx(0.25, abs=0.01)


def test_what_need_not_be_said_is_neither_hit_nor_miss() -> None:
    pytest.importorskip("faster_coco_eval")
    right = picture([label("like", LEFT)], [found("like", LEFT)])
    for boxes in ([], [found("rock", RIGHT, 0.99)]):
        assert means(right, picture([label("rock|none", RIGHT)], boxes)) == (1.0, 1.0, 1.0)


def test_other_signs_are_no_gesture_where_that_is_a_class() -> None:
    pytest.importorskip("faster_coco_eval")
    right = picture([label("", LEFT, "grip")], [found(NO_GESTURE, LEFT)])
    both = picture([label("", LEFT, "hand_heart", both=True)], [found(NO_GESTURE, Box(0.1, 0.2, 0.1, 0.3), 0.99)])
    alone = picture([], [found(NO_GESTURE, LEFT, 0.99)])
    assert average_precision([right]) is None  # none of the 18 is labelled

    def ap(pictures: list[Picture], name: str, *more: str) -> float | None:
        precision = average_precision(pictures, (*GESTURES, NO_GESTURE, *more))
        assert precision is not None
        return precision.by_class()[name]["ap50"]

    assert ap([right, both], NO_GESTURE) == 1.0  # one hand of two that share a box is neither hit nor miss
    assert ap([right, alone], NO_GESTURE) == pytest.approx(0.5, abs=0.01)
    assert ap([picture([label("", LEFT, "grip")], [found("grip", LEFT)])], "grip", "grip") == 1.0


def test_pictures_without_boxes_have_no_precision() -> None:
    assert average_precision([picture([label("like", None)], [found("like", LEFT)])]) is None


def test_nothing_found_is_a_precision_of_zero() -> None:
    pytest.importorskip("faster_coco_eval")
    assert means(picture([label("like", LEFT)], [])) == (0.0, 0.0, 0.0)


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_coco_eval", None)
    with pytest.raises(DependencyError) as caught:
        average_precision([picture([label("like", LEFT)], [found("like", LEFT)])])
    assert "faster-coco-eval" in caught.value.remedy
