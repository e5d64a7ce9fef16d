from __future__ import annotations

import cv2
import numpy as np

from assistive.gesture.detector import Detection
from assistive.synth.crops import NOTHING, CropMaker, CropMixture
from assistive.training.clutter import find_clutter
from assistive.training.datasets.gesture_pack import Picture
from assistive.types import NO_GESTURE, Box, Frame, Hand

EAR = (200, 60, 60)


class FakeStream:
    """Takes every red spot for a hand, and large ones for a gesture."""

    def detect(self, frame: Frame) -> list[Detection]:
        spot = (frame.image == EAR).all(2)
        height, width = spot.shape
        _, _, parts, _ = cv2.connectedComponentsWithStats(spot.astype(np.uint8))
        boxes = [Box(x / width, y / height, w / width, h / height) for x, y, w, h, _ in parts[1:].tolist()]
        return [Detection(box, 0.2, np.zeros(19, np.float32)) for box in boxes]

    def read(self, frame: Frame) -> tuple[Hand, ...]:
        return tuple(
            Hand(one.box, one.score, {"fist": 0.8 if one.box.w * frame.image.shape[1] > 15 else 0.0, NO_GESTURE: 0.2})
            for one in self.detect(frame)
        )


def _portrait(side: int) -> np.ndarray:
    image = np.full((100, 100, 3), 90, np.uint8)
    image[40 : 40 + side, 50 : 50 + side] = EAR
    return image


def test_what_is_taken_for_a_hand_is_cut_out_and_the_worst_comes_first() -> None:
    found = find_clutter(FakeStream(), [_portrait(10), _portrait(40), _portrait(0)], seed=0)  # type: ignore[arg-type]
    assert len(found) >= 2
    sides = []
    for picture in found:
        (hand,) = picture.hands
        assert hand.names == (NO_GESTURE,) and picture.kind == NOTHING
        height, width = picture.image.shape[:2]
        x, y = hand.box.centre
        assert tuple(picture.image[int(y * height), int(x * width)]) == EAR, "the box lies on what was found"
        sides.append(hand.box.w * width)
    assert sides[0] > 15 > sides[-1], "what looks most like a gesture first"


def test_clutter_is_shown_to_the_verifier_as_no_hand() -> None:
    found = find_clutter(FakeStream(), [_portrait(40)], seed=0)  # type: ignore[arg-type]
    only = CropMixture(single=0, frame=0, set_in=0, drawn=0, other=0, clutter=1)
    maker = CropMaker([], [], [], [], [], found, only)
    made = maker.make(48, np.random.default_rng(0))
    assert made.names == (NO_GESTURE,) and made.corners is None and made.image.shape == (48, 48, 3)


def test_networks_that_find_no_clutter_do_not_stop_the_training() -> None:
    only = CropMixture(single=0, frame=0, set_in=0, drawn=0, other=0, clutter=1)
    maker = CropMaker([], [Picture("", _portrait(0), (), "", "")], [], [], [_portrait(0)], (), only)
    assert maker.make(48, np.random.default_rng(0)).names == (NO_GESTURE,)
