from __future__ import annotations

import numpy as np
import pytest

from assistive.errors import SourceError
from assistive.settings import SourceSettings
from assistive.sources.drawn_face import EYES, FacePose
from assistive.sources.performer import PerformerSource
from assistive.sources.person import draw_person
from assistive.sources.script import RISE_S, START_S, TURN_S, Turn, parse_script
from assistive.types import EXPRESSIONS

SETTINGS = SourceSettings()


def test_a_script_is_gestures_expressions_or_both() -> None:
    turns = parse_script("like, peace+positive ,@surprise,@negative/macro,@talk,").turns
    assert turns == (
        Turn("like"), Turn("peace", "positive"), Turn(None, "surprise"), Turn(None, "negative", "macro"),
        Turn(None, "talk"),
    )  # fmt: skip


def test_the_face_may_move_before_the_hand_is_up() -> None:
    source = PerformerSource("ok,@positive/macro+like", SETTINGS)
    (smile,) = source.expressions()
    raised = START_S + TURN_S + RISE_S
    assert START_S + TURN_S < smile.start_s < raised < smile.apex_s + 0.25 < smile.end_s
    assert source.hand_at(raised) == ("like", 1.0)
    assert parse_script("@positive/macro+like").turns == (Turn("like", "positive", "macro", early=True),)


def test_the_scene_is_ten_gestures_and_shows_every_tone_and_none() -> None:
    source = PerformerSource("scene", SETTINGS)
    assert len(source.script) == len(set(source.script)) == 10
    labels = [one.label for one in source.expressions()]
    assert len(labels) == 8 and set(labels) == set(EXPRESSIONS)


@pytest.mark.parametrize(
    ("script", "remedy"),
    [
        ("@suprise", "did you mean surprise?"),
        ("like+positiv", "did you mean positive?"),
        ("liek+positive", "did you mean like?"),
        ("@surprise/makro", "did you mean macro?"),
        ("@", "one of: negative, positive, surprise, talk"),
        ("like+", "one of: negative, positive, surprise, talk"),
        ("+positive", "one of: "),
        ("@surprise+stpo", "did you mean stop?"),
        ("@surprise+", "one of: "),
        ("@+stop", "one of: negative, positive, surprise, talk"),
    ],
)
def test_a_mistake_is_refused_with_the_nearest(script: str, remedy: str) -> None:
    with pytest.raises(SourceError) as caught:
        PerformerSource(script, SETTINGS)
    assert caught.value.remedy is not None and caught.value.remedy.startswith(remedy)


def test_the_true_times_are_those_that_are_played() -> None:
    source = PerformerSource("like+positive,@surprise,@talk,@negative/macro,stop", SETTINGS)
    played = source.expressions()
    assert [(one.label, one.kind) for one in played] == [
        ("positive", "micro"), ("surprise", "micro"), ("negative", "macro"),
    ]  # fmt: skip
    for one, name in zip(played, ("corners_up", "brows_up", "brows_down"), strict=True):
        times_s = np.arange(one.start_s - 0.2, one.end_s + 0.2, 0.005)
        amounts = np.array([getattr(source.face_at(float(t_s)), name) for t_s in times_s])
        moving = times_s[amounts > 0]
        assert moving[0] == pytest.approx(one.start_s, abs=0.01) and moving[-1] == pytest.approx(one.end_s, abs=0.01)
        assert amounts.max() == getattr(source.face_at(one.apex_s), name)
        assert one.end_s - one.start_s == pytest.approx(0.35 if one.kind == "micro" else 1.4)
    assert source.hand_at(played[0].apex_s) == ("like", 1.0)
    assert source.script == ("like", "stop")
    assert played[-1].end_s < source.seconds


def test_speech_opens_the_mouth_again_and_again_and_is_no_expression() -> None:
    source = PerformerSource("@talk", SETTINGS)
    assert source.expressions() == ()
    open_ = np.array([source.face_at(t_s).mouth_open for t_s in np.arange(0, source.seconds, 1 / 30)])
    assert open_.min() == 0 and open_.max() > 0.4
    assert (np.diff(np.sign(np.diff(open_[open_ > 0]))) < 0).sum() >= 6


def brow_row(pose: FacePose) -> float:
    """Where the dark of the right brow is, in rows, between pixels."""
    x, y = (round(part) for part in EYES[0])
    patch = draw_person(0.0, pose)[y - 32 : y - 11, x - 8 : x + 8].mean(axis=2)
    dark = np.clip(150 - patch, 0, None).sum(axis=1)
    return float((dark * np.arange(len(dark))).sum() / dark.sum())


def test_brows_move_between_pixels() -> None:
    rows = [brow_row(FacePose(brows_up=amount)) for amount in np.linspace(0, 0.5, 11)]
    steps = -np.diff(rows)
    assert (steps > 0.2).all() and (steps < 0.8).all(), "ten even steps over five pixels"
    assert brow_row(FacePose(brows_down=1.0)) > rows[0] + 2


def test_only_the_part_that_moves_changes() -> None:
    rest = draw_person(0.0, FacePose())
    changed = np.argwhere((draw_person(0.0, FacePose(corners_up=1.0)) != rest).any(axis=2))
    assert changed[:, 0].min() > 172 and changed[:, 0].max() < 256
    assert (draw_person(0.0, FacePose(gaze=1.0)) != rest).any()
    assert (draw_person(0.3, FacePose()) != rest).any(), "the breath lifts the head by less than a pixel"
