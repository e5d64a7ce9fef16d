import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistive.gesture import blend
from assistive.gesture.crop import FIRST_MARGIN, crop
from assistive.gesture.detector import Detection
from assistive.gesture.verifier import Verifier
from assistive.types import GESTURES, NO_GESTURE, Box

CLASSES = [*GESTURES, NO_GESTURE]
PLAIN = {"verifier_weight": 1.0, "detector_weight": 0.0, "hand_weight": 0.0, "hand_bias": 0.0}


class BrightHand:
    """A network that finds the bright rectangle in a crop, and calls it by how tall it is."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def run(self, batch: np.ndarray) -> tuple[np.ndarray, ...]:
        self.batches.append(len(batch))
        corners, probabilities = [], []
        for image in batch:
            ys, xs = np.nonzero((image > 0.9).all(0))
            corners.append(np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]) / 96)
            tall = np.ptp(ys) > np.ptp(xs)
            probabilities.append(np.eye(len(CLASSES))[CLASSES.index("one" if tall else "fist")] * 0.9 + 0.1 / 19)
        return np.array(probabilities), np.zeros((len(batch), 4)), np.array(corners, np.float32)


def _detection(box: Box, score: float = 0.8, k: int = 19) -> Detection:
    return Detection(box, score, np.full(k, 0.1, np.float32))


def _scene() -> tuple[np.ndarray, Box]:
    image = np.zeros((240, 320, 3), np.uint8)
    image[60:180, 140:190] = 255
    return image, Box(140 / 320, 60 / 240, 50 / 320, 120 / 240)


def test_a_loose_box_becomes_exact_and_two_of_one_hand_become_one() -> None:
    image, hand = _scene()
    network = BrightHand()
    loose = [_detection(Box(0.4, 0.2, 0.2, 0.6), 0.9), _detection(Box(0.42, 0.25, 0.25, 0.5), 0.6)]
    exact, seen = Verifier(network, CLASSES, 96).look(image, loose)  # type: ignore[arg-type]
    assert len(exact) == 1
    assert exact[0].box.iou(hand) > 0.9
    assert exact[0].score == 0.9
    assert CLASSES[int(seen[0].argmax())] == "one"
    assert network.batches == [2, 1, 2]  # two candidates, one hand made exact again, then seen twice


def test_clutter_gets_one_look() -> None:
    image, hand = _scene()
    image[10:40, 10:60] = 255
    network = BrightHand()
    both = [_detection(hand, 0.9), _detection(Box(0.03, 0.04, 0.16, 0.13), 0.1)]

    def upright(detection: Detection, seen: np.ndarray) -> bool:
        return CLASSES[int(seen.argmax())] == "one"

    exact, seen = Verifier(network, CLASSES, 96).look(image, both, upright)  # type: ignore[arg-type]
    assert [detection.score for detection in exact] == [0.9] and len(seen) == 1
    assert network.batches == [2, 1, 2]


def test_nothing_found_asks_no_network() -> None:
    network = BrightHand()
    exact, seen = Verifier(network, CLASSES, 96).look(np.zeros((9, 9, 3), np.uint8), [])  # type: ignore[arg-type]
    assert exact == [] and seen.shape == (0, 19) and network.batches == []


@given(x=st.floats(0, 0.7), y=st.floats(0, 0.7), w=st.floats(0.05, 0.3), h=st.floats(0.05, 0.3))
def test_placement_leads_back_to_the_frame(x: float, y: float, w: float, h: float) -> None:
    size = (640, 480)
    box = Box(x, y, w, h)
    _, place = crop(np.zeros((480, 640, 3), np.uint8), box, 96, FIRST_MARGIN)
    corners = np.array([x * 640, y * 480, (x + w) * 640, (y + h) * 480]) * place.scale
    corners = (corners + np.tile([place.left, place.top], 2)) / 96
    assert place.to_frame(corners.astype(np.float32), 96, size).iou(box) > 0.98


def test_plain_blend_is_the_verifier_alone() -> None:
    seen = np.linspace(1, 3, 19, dtype=np.float32)
    seen /= seen.sum()
    joined = blend(_detection(Box(0, 0, 1, 1)), list(range(19)), seen, PLAIN)
    assert joined == pytest.approx(seen, abs=1e-6)


@given(score=st.floats(0.01, 0.98))
def test_a_surer_hand_makes_a_gesture_more_probable(score: float) -> None:
    seen = np.full(19, 1 / 19, np.float32)
    weights = {**PLAIN, "hand_weight": 0.5}
    low = blend(_detection(Box(0, 0, 1, 1), score), list(range(19)), seen, weights)
    high = blend(_detection(Box(0, 0, 1, 1), min(score + 0.01, 0.99)), list(range(19)), seen, weights)
    assert high[-1] < low[-1]
    assert low.sum() == pytest.approx(1)
