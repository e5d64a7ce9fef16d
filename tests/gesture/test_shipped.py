"""The networks that ship, on pictures that the project draws itself."""

from collections.abc import Iterator

import numpy as np
import pytest

from assistive.errors import WeightsError
from assistive.gesture import GestureStream
from assistive.settings import Settings
from assistive.sources.performer import PerformerSource
from assistive.types import Frame


@pytest.fixture(scope="module")
def stream() -> Iterator[GestureStream]:
    settings = Settings()
    yield GestureStream(settings.gesture, settings.runtime)


def _held(gesture: str) -> Frame:
    """The performer in the middle of holding one gesture."""
    performer = PerformerSource(gesture, Settings().source)
    return Frame(performer.picture(performer.seconds / 2), 0.0, 0, 0.0)


@pytest.mark.parametrize("gesture", ["like", "palm", "ok", "call", "stop", "peace"])
def test_the_performer_is_understood(stream: GestureStream, gesture: str) -> None:
    hands = stream.read(_held(gesture))
    assert hands and hands[0].gesture == gesture
    assert hands[0].probability >= stream.threshold
    assert sum(hands[0].probabilities.values()) == pytest.approx(1)
    assert set(stream.stage_ms) == {"detect", "verify", "second"}


def test_weights_of_another_kind_are_refused() -> None:
    settings = Settings()
    swapped = settings.gesture.model_copy(update={"detector": "gesture_verifier"})
    with pytest.raises(WeightsError, match="not a gesture-detector"):
        GestureStream(swapped, settings.runtime)


def test_an_empty_room_shows_no_gesture(stream: GestureStream) -> None:
    performer = PerformerSource("like", Settings().source)
    for image in (performer.picture(0.0), np.full((480, 640, 3), 128, np.uint8), np.zeros((1, 1, 3), np.uint8)):
        assert all(hand.probability < stream.threshold for hand in stream.read(Frame(image, 0.0, 0, 0.0)))


def test_a_mirrored_picture_gives_the_same_gesture(stream: GestureStream) -> None:
    frame = _held("like")
    mirrored = Frame(np.ascontiguousarray(frame.image[:, ::-1]), 0.0, 0, 0.0)
    assert stream.read(mirrored)[0].gesture == stream.read(frame)[0].gesture == "like"


def test_the_same_picture_gives_the_same_answer(stream: GestureStream) -> None:
    frame = _held("ok")
    assert stream.read(frame) == stream.read(frame)
