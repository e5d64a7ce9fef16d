from __future__ import annotations

import numpy as np
import pytest

from assistive.errors import SourceError
from assistive.settings import SourceSettings
from assistive.sources.performer import DEFAULT_SCRIPT, PerformerSource
from assistive.sources.script import HOLD_S, RISE_S, START_S, TURN_S
from assistive.types import Frame

SETTINGS = SourceSettings()


def test_it_plays_every_frame_at_thirty_a_second_and_ends() -> None:
    source = PerformerSource("like", SETTINGS)
    frames = [frame for frame in source.frames() if frame is not None]
    assert len(frames) == round(source.seconds * 30)
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert np.allclose(np.diff([frame.t_s for frame in frames]), 1 / 30)
    assert all(frame.image.shape == (480, 640, 3) and frame.image.dtype == np.uint8 for frame in frames)
    assert (source.live, source.dropped, source.status, source.size) == (False, 0, None, (640, 480))


def test_the_hand_rises_is_held_and_goes_away_again() -> None:
    source = PerformerSource("like,peace", SETTINGS)
    assert source.hand_at(0.0) == ("like", 0.0)
    assert source.hand_at(START_S + RISE_S) == ("like", 1.0)
    assert source.hand_at(START_S + RISE_S + HOLD_S - 0.01) == ("like", 1.0)
    assert source.hand_at(START_S + TURN_S - 0.1) == ("like", 0.0)
    assert source.hand_at(START_S + TURN_S + RISE_S) == ("peace", 1.0)
    assert source.hand_at(source.seconds + 5)[1] == 0.0
    assert HOLD_S >= 1.2


def test_the_picture_depends_on_the_time_alone() -> None:
    one, other = PerformerSource("ok", SETTINGS), PerformerSource("ok", SETTINGS)
    held = one.picture(START_S + RISE_S + 0.5)
    one.picture(0.1)
    assert (held == other.picture(START_S + RISE_S + 0.5)).all()
    assert (held != other.picture(START_S + RISE_S + 0.9)).any(), "the person breathes"
    changed = (held != one.picture(0.1)).any(axis=2)[60:300, 80:260].mean()
    assert changed > 0.2, "the hand is up"


def test_without_a_script_it_plays_six_clear_gestures() -> None:
    assert PerformerSource("", SETTINGS).script == DEFAULT_SCRIPT
    assert len(DEFAULT_SCRIPT) == 6


def test_a_picture_may_be_changed_without_changing_the_next() -> None:
    source = PerformerSource("like", SETTINGS)
    source.picture(0.0)[:] = 0
    assert source.picture(0.0).mean() > 50


def test_an_unknown_gesture_is_refused_with_the_nearest() -> None:
    with pytest.raises(SourceError) as caught:
        PerformerSource("like,piece", SETTINGS)
    assert caught.value.remedy == "did you mean peace?"


def test_closing_ends_the_performance() -> None:
    source = PerformerSource("like", SETTINGS)
    frames = source.frames()
    assert isinstance(next(frames), Frame)
    source.close()
    source.close()
    assert next(frames, None) is None
