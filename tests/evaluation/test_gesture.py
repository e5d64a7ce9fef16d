from __future__ import annotations

import json

import numpy as np
import pytest

from assistive.evaluation.gesture import Reading, read_frame, report
from assistive.evaluation.labels import LabelledHand, LabelledPicture, Truth
from assistive.types import NO_GESTURE, Box, Frame, Hand

BOX = Box(0.2, 0.2, 0.3, 0.4)
FRAME = Frame(np.zeros((4, 4, 3), np.uint8), 0.0, 0, 0.0)


class FakeReader:
    def __init__(self, *shown: tuple[str, float]) -> None:
        self.hands = tuple(Hand(BOX, 0.9, {name: p, NO_GESTURE: 1 - p}) for name, p in shown)

    def read(self, frame: Frame) -> tuple[Hand, ...]:
        return self.hands


def picture(*labels: str, group: str = "", file: str = "a.jpg") -> LabelledPicture:
    hands = []
    for label in labels:
        names = [name for name in label.split("|") if name]
        hands.append(LabelledHand(Truth(tuple(n for n in names if n != "none"), "none" in names), None))
    return LabelledPicture(file, group, tuple(hands))


def reading(labels: LabelledPicture, *shown: tuple[str, float]) -> Reading:
    return read_frame(FakeReader(*shown), labels, FRAME, threshold=0.6)


@pytest.mark.parametrize(
    ("labels", "shown", "said", "right"),
    [
        (["like"], [("like", 0.9)], "like", True),
        (["like"], [("like", 0.6)], "like", True),
        (["like"], [("like", 0.59)], None, False),
        (["like"], [], None, False),
        (["like"], [("like", 0.8), ("ok", 0.9)], "ok", False),
        (["like", "ok"], [("like", 0.8), ("ok", 0.9)], "ok", True),
        (["", "call"], [("call", 0.9)], "call", True),
        (["palm|stop"], [("stop", 0.9)], "stop", True),
        (["palm|stop"], [("palm", 0.9)], "palm", True),
        (["palm|stop"], [("like", 0.9)], "like", False),
        (["rock|none"], [("rock", 0.9)], "rock", True),
        (["rock|none"], [("rock", 0.3)], None, True),
        (["rock|none"], [("call", 0.9)], "call", False),
        ([""], [], None, True),
        ([""], [("ok", 0.3)], None, True),
        (["", ""], [("ok", 0.7)], "ok", False),
        (["none"], [("ok", 0.7)], "ok", False),
    ],
)
def test_what_is_right(labels: list[str], shown: list[tuple[str, float]], said: str | None, right: bool) -> None:
    result = reading(picture(*labels), *shown)
    assert (result.said, result.is_right) == (said, right)


def test_the_report_counts_by_class_group_and_confusion() -> None:
    readings = [
        reading(picture("like", group="desk"), ("like", 0.9)),
        reading(picture("like", group="desk"), ("ok", 0.9)),
        reading(picture("palm|stop", group="phone"), ("stop", 0.9)),
        reading(picture("rock|none", group="phone")),
        reading(picture("", group="phone", file="blank.jpg"), ("ok", 0.7)),
        reading(picture(""), ("ok", 0.2)),
    ]
    result = report(readings)
    assert result["images"] == 6
    assert (result["top1"], result["counts"]["top1"]) == (0.75, [3, 4])
    assert (result["false_activation_rate"], result["counts"]["false_activation_rate"]) == (0.5, [1, 2])
    assert (result["no_hand_rate"], result["counts"]["no_hand_rate"]) == (0.25, [1, 4])
    assert result["interval_95"]["top1"] == (0.3006, 0.9544)
    assert result["false_alarms"]["negative_pictures"]["per_1000"] == 500.0
    assert (result["hand_recall_iou40"], result["map50"], result["map50_95"]) == (None, None, None)
    assert result["per_class"]["like"] == {"n": 2, "right": 1, "top1": 0.5}
    assert set(result["per_class"]) == {"like", "palm", "rock"}
    phone = {"n": 3, "gestures": 2, "right": 2, "top1": 1.0, "blanks": 1, "false_activations": 1}
    assert result["by_group"] == {
        "desk": {"n": 2, "gestures": 2, "right": 1, "top1": 0.5, "blanks": 0, "false_activations": 0},
        "phone": phone,
    }
    assert result["confusion"]["palm|stop"] == {"stop": 1}
    assert result["confusion"]["blank"] == {"ok": 1, "none": 1}
    assert [(m["wanted"], m["said"]) for m in result["mistakes"]] == [("like", "ok"), ("blank", "ok")]
    assert result["mistakes"][1]["file"] == "blank.jpg"
    json.dumps(result, allow_nan=False)


def test_recall_counts_every_row_with_a_box() -> None:
    pytest.importorskip("faster_coco_eval")
    away = Box(0.7, 0.7, 0.2, 0.2)
    hands = (LabelledHand(Truth(("like",)), BOX), LabelledHand(Truth(), away), LabelledHand(Truth(), None))
    two = LabelledHand(Truth(), away, "hand_heart", both=True)  # no hand has such a box
    result = report([reading(LabelledPicture("a.jpg", "", (*hands, two)), ("like", 0.9))])
    assert result["counts"]["hand_recall_iou40"] == [1, 2]
    assert (result["map50"], result["map75"], result["map50_95"]) == (1.0, 1.0, 1.0)
    assert result["ap_by_class"] == {"like": {"ap50": 1.0, "ap50_95": 1.0}}
    assert result["by_size"]["large"]["hands"] == 1 and result["by_size"]["medium"]["hands"] == 1
    assert result["by_size"]["large"]["top1"] == 1.0 and result["by_size"]["medium"]["top1"] is None


def test_false_alarms_by_what_is_in_the_picture() -> None:
    grip, heart = LabelledHand(Truth(), BOX, "grip"), LabelledHand(Truth(), BOX, "hand_heart", both=True)
    readings = [
        reading(LabelledPicture("a.jpg", "", (grip,)), ("ok", 0.9)),
        reading(LabelledPicture("b.jpg", "", (grip,)), ("ok", 0.2)),
        reading(LabelledPicture("c.jpg", "", (heart,)), ("ok", 0.9)),
        reading(LabelledPicture("d.jpg", "", ())),
        reading(picture("ok"), ("ok", 0.9)),
    ]
    alarms = report(readings)["false_alarms"]
    assert {kind: (row["said"], row["n"]) for kind, row in alarms.items() if kind != "by_sign"} == {
        "negative_pictures": (2, 4), "with_another_sign": (2, 3), "without_a_labelled_hand": (0, 1),
    }  # fmt: skip
    assert {sign: row["per_1000"] for sign, row in alarms["by_sign"].items()} == {"grip": 500.0, "hand_heart": 1000.0}
