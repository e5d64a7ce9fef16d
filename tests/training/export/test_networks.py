import numpy as np
import pytest

pytest.importorskip("torch")

from assistive.gesture.detector import Detection
from assistive.training.datasets.gesture_pack import LabelledHand, Picture
from assistive.training.export import choose_threshold, fit_blend
from assistive.training.stock import CLASSES
from assistive.types import NO_GESTURE, Box, Frame, Hand


def test_blend_learns_whom_to_trust() -> None:
    """The verifier is right whenever the hand is sure; the hand score must then count for a gesture."""
    rng = np.random.default_rng(0)
    samples = []
    for i in range(300):
        hand = i % 2 == 0
        seen = np.full(19, 0.4 / 18, np.float32)
        seen[i % 18] = 0.6
        detection = Detection(Box(0, 0, 1, 1), float(rng.uniform(0.6, 0.95) if hand else rng.uniform(0.05, 0.4)),
                              np.full(19, 0.1, np.float32))  # fmt: skip
        samples.append((detection, seen, (CLASSES[i % 18],) if hand else (NO_GESTURE,)))
    weights = fit_blend(samples)
    assert weights["hand_weight"] > 0.2
    assert weights["verifier_weight"] > 0.5


class Scripted:
    """Says of every picture the probability that its brightness names."""

    def read(self, frame: Frame) -> tuple[Hand, ...]:
        p = float(frame.image[0, 0, 0]) / 255
        return (Hand(Box(0, 0, 1, 1), 1.0, {"like": p, NO_GESTURE: 1 - p}),)


def _picture(brightness: float, name: str) -> Picture:
    image = np.full((2, 2, 3), round(brightness * 255), np.uint8)
    return Picture("", image, (LabelledHand(Box(0, 0, 1, 1), (name,)),), "s", "p")


def test_threshold_lets_no_more_silent_frames_fire_than_allowed() -> None:
    silent = [_picture(i / 100, NO_GESTURE) for i in range(100)]
    told = [_picture(0.97, "like"), _picture(0.99, "like"), _picture(0.6, "like"), _picture(0.99, "stop")]
    chosen = choose_threshold(Scripted(), [*silent, *told], 0.05)
    assert chosen["false_activation_rate"] <= 0.05
    assert 0.93 <= chosen["enter_probability"] <= 0.96
    assert chosen["top1"] == 0.5
    assert (chosen["gesture_frames"], chosen["silent_frames"]) == (4, 100)
