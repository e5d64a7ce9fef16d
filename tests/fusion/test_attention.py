"""The head at run time, with a network of known behaviour: it repeats what the streams say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from assistive.errors import WeightsError
from assistive.fusion.attention import BRIEF_COUNTS_S, CLASSES, KIND, FusionHead, FusionState
from assistive.fusion.tokens import BRIEF, BRIEF_KNOWN, HAND_SAYS, LOG_RANGE, PRESENT, TONE, WIDTH
from assistive.settings import RuntimeSettings
from assistive.types import EXPRESSIONS, NO_EXPRESSION, Box, Expression, Face, Hand, Intent, Reading

IMAGE = np.zeros((48, 64, 3), np.uint8)
HAND = Hand(Box(0.1, 0.1, 0.2, 0.2), 0.9, {"like": 0.9, "no_gesture": 0.1}, 1)


class Echo:
    """Says the brief movement's tone where one is known, else that of the moment; weighs all that is there alike."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def run(self, batch: np.ndarray) -> tuple[np.ndarray, ...]:
        self.seen.append(batch)
        row = batch[0]
        says = row[1, 0, BRIEF] if row[1, 0, BRIEF_KNOWN] else row[1, 0, TONE]
        there = row[:2, 0, PRESENT] + 1e-9
        gesture, tone = np.exp(row[0, 0, HAND_SAYS] * LOG_RANGE), np.exp(says * LOG_RANGE)
        parts = (gesture, tone, np.ones(3) / 3, there / there.sum())
        return tuple(part[None].astype(np.float32) for part in parts)


@pytest.fixture
def head() -> FusionHead:
    made = FusionHead.__new__(FusionHead)
    made._session = Echo()  # type: ignore[assignment]
    return made


def reading(t_s: float, tone: str = NO_EXPRESSION, track: int = 1, event: Expression | None = None) -> Reading:
    face = Face(Box(0.4, 0.4, 0.2, 0.2), np.full((468, 3), 0.5, np.float32), track, 0.9)
    shapes = dict.fromkeys(("smile", "frown", "brow_raise", "mouth_open", "pucker", "mouth_corners_down",
                            "nose_wrinkle", "eyes_closed"), 0.0)  # fmt: skip
    names = (*EXPRESSIONS, NO_EXPRESSION)
    said = {name: 0.91 if name == tone else 0.03 for name in names}
    return Reading(t_s, face, shapes, tone, said, 0.0 if tone == NO_EXPRESSION else 0.6, event)


def smile(apex_s: float) -> Expression:
    said = {"positive": 0.9, NO_EXPRESSION: 0.1}
    return Expression(apex_s - 0.1, apex_s, apex_s + 0.1, "positive", "micro", 0.9, 0.5, said)


def test_without_a_face_stream_the_gesture_counts_alone(head: FusionHead) -> None:
    _, intent = head.join(FusionState(), Intent(1.0, HAND, True), IMAGE, None)
    assert intent == Intent(1.0, HAND, True)
    assert not head._session.seen  # type: ignore[attr-defined]


def test_a_face_that_is_lost_or_unread_leaves_no_tone(head: FusionHead) -> None:
    unread = replace(reading(1.0), shapes={}, face=None, reason="no face")
    state = head.join(FusionState(), Intent(0.9, HAND, True), IMAGE, reading(0.9, "positive"))[0]
    state, intent = head.join(state, Intent(1.0, HAND, True), IMAGE, unread)
    assert (intent.tone, intent.weights) == (NO_EXPRESSION, {"gesture": 1.0, "expression": 0.0})
    assert state.intensity == 0


def test_the_tone_of_the_moment_counts_and_the_gesture_stays(head: FusionHead) -> None:
    _, intent = head.join(FusionState(), Intent(1.0, HAND, True), IMAGE, reading(1.0, "surprise"))
    assert intent.tone == "surprise" and intent.tone_probability == pytest.approx(0.91, abs=0.01)
    assert intent.hand is HAND
    assert sum(intent.weights.values()) == pytest.approx(1)


def test_without_a_hand_the_face_has_its_tone(head: FusionHead) -> None:
    _, intent = head.join(FusionState(), Intent(1.0, None, True, "no hand"), IMAGE, reading(1.0, "negative"))
    assert intent.tone == "negative" and intent.reason == "no hand"
    assert intent.weights["expression"] == pytest.approx(1)


@pytest.mark.parametrize(("later_s", "tone"), [(BRIEF_COUNTS_S - 0.01, "positive"), (BRIEF_COUNTS_S + 0.01, "none")])
def test_a_brief_expression_counts_for_a_second(head: FusionHead, later_s: float, tone: str) -> None:
    state, first = head.join(FusionState(), Intent(5.0, HAND, True), IMAGE, reading(5.0, event=smile(4.8)))
    assert first.tone == "positive"
    t_s = 4.8 + later_s
    assert head.join(state, Intent(t_s, HAND, True), IMAGE, reading(t_s))[1].tone == tone


def test_a_brief_expression_is_forgotten_with_its_face(head: FusionHead) -> None:
    state, _ = head.join(FusionState(), Intent(5.0, HAND, True), IMAGE, reading(5.0, event=smile(4.9)))
    state, intent = head.join(state, Intent(5.1, HAND, True), IMAGE, reading(5.1, track=2))
    assert intent.tone == NO_EXPRESSION and state.brief is None


def test_the_intensity_grows_smoothly_and_time_that_goes_back_begins_anew(head: FusionHead) -> None:
    state, levels = FusionState(), []
    for i in range(30):
        state, intent = head.join(state, Intent(i / 30, HAND, True), IMAGE, reading(i / 30, "positive"))
        levels.append(intent.tone_intensity)
    assert all(0 <= a <= b <= 0.6 for a, b in pairwise(levels)) and levels[-1] > 0.55
    state, intent = head.join(state, Intent(0.0, HAND, True), IMAGE, reading(0.0, "positive"))
    assert intent.tone_intensity == 0


def test_the_same_frames_give_the_same_intents(head: FusionHead) -> None:
    def go() -> list[Intent]:
        state, intents = FusionState(), []
        for i in range(20):
            t_s, event = i / 10, smile(0.4) if i == 5 else None
            state, intent = head.join(state, Intent(t_s, HAND, True), IMAGE, reading(t_s, event=event))
            intents.append(intent)
        return intents

    assert go() == go()


def test_weights_of_another_kind_are_refused(install_network: Callable[..., Path]) -> None:
    install_network("mean", kind="gesture-detector", classes=list(CLASSES), input={"height": 1, "width": WIDTH})
    with pytest.raises(WeightsError, match=KIND):
        FusionHead("mean", RuntimeSettings())
