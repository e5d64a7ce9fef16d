"""The stream asks a second opinion on a hand that is not clear, and on no other."""

import numpy as np
import pytest
from numpy.typing import NDArray

from assistive.errors import WeightsError
from assistive.gesture import GestureStream, open_shipped
from assistive.runtime import Runner
from assistive.settings import RuntimeSettings, Settings
from assistive.sources.performer import PerformerSource
from assistive.types import Frame
from assistive.weights import Sidecar, find_weights
from tests.gesture.test_landmarks import _Pattern


class _Always:
    """Says of every hand that it shows the first gesture, and counts how often it is asked."""

    provider = reason = "made up"

    def __init__(self, classes: int) -> None:
        self.asked, self._classes = 0, classes

    def run(self, _: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        self.asked += 1
        told = np.full((1, self._classes), 0.001, np.float32)
        told[0, 0] = 1 - told[0, 1:].sum()
        return (told,)


def _stream(lowest: float, highest: float, classes: list[str] | None = None) -> tuple[GestureStream, _Always]:
    shipped = find_weights("gesture_verifier").sidecar
    reader = _Always(len(shipped.classes))
    rule = {"lowest": lowest, "highest": highest, "own_weight": 0.0, "other_weight": 1.0, "bias": 0.0,
            "enter_probability": 0.123}  # fmt: skip

    def opener(name: str, kind: str, runtime: RuntimeSettings) -> tuple[Sidecar, Runner]:
        if kind == "hand-landmarks":
            return shipped, _Pattern()
        if kind == "second-opinion":
            return shipped.model_copy(update={"classes": classes or shipped.classes, "thresholds": rule}), reader
        return open_shipped(name, kind, runtime)

    settings = Settings()
    gesture = settings.gesture.model_copy(update={"second_opinion": "any"})
    return GestureStream(gesture, settings.runtime, opener), reader


def _held(gesture: str) -> Frame:
    performer = PerformerSource(gesture, Settings().source)
    return Frame(performer.picture(performer.seconds / 2), 0.0, 0, 0.0)


def test_a_clear_hand_is_left_alone() -> None:
    stream, reader = _stream(0.02, 0.03)
    settings = Settings()
    alone = GestureStream(settings.gesture.alone(), settings.runtime)
    assert stream.read(_held("like"))[0] == alone.read(_held("like"))[0]
    assert reader.asked == 0
    assert stream.threshold == 0.123


def test_an_unclear_hand_is_named_by_both() -> None:
    stream, reader = _stream(0.0, 1.1)
    hands = stream.read(_held("like"))
    assert hands[0].gesture == find_weights("gesture_verifier").sidecar.classes[0]
    assert sum(hands[0].probabilities.values()) == pytest.approx(1)
    assert reader.asked == 1, "one hand a frame: what it costs is bounded"
    assert set(stream.stage_ms) == {"detect", "verify", "second"}


def test_an_empty_room_asks_nobody() -> None:
    stream, reader = _stream(0.02, 0.9)
    assert stream.read(Frame(np.zeros((480, 640, 3), np.uint8), 0.0, 0, 0.0)) == ()
    assert reader.asked == 0 and stream.stage_ms["second"] < 5


def test_other_gestures_are_refused() -> None:
    with pytest.raises(WeightsError, match="other gestures"):
        _stream(0.02, 0.9, ["one", "no_gesture"])
