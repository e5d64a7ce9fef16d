from __future__ import annotations

from dataclasses import replace

import pytest

from assistive.language.composer import compose
from assistive.language.vocabulary import load_vocabulary
from assistive.types import Decision, Phase, Utterance

ENGLISH = load_vocabulary("en")


def fired(gesture: str, phase: Phase = "spoken") -> Decision:
    return Decision(4.2, phase, gesture, 0.93, 1.0, True, None)


def test_a_gesture_says_its_phrase() -> None:
    expected = Utterance(4.2, "Yes.", "like", confidence=0.93, decided_s=100.0)
    assert compose(fired("like"), ENGLISH, 100.0) == (expected, None)


def test_nothing_is_said_before_it_fires() -> None:
    assert compose(replace(fired("like"), fired=False, reason="hold on: like"), ENGLISH, 0.0) == (None, None)


def test_the_emergency_phrase_is_urgent() -> None:
    utterance, action = compose(fired("rock"), replace(ENGLISH, roles={"emergency": "rock"}), 0.0)
    assert utterance is not None
    assert (utterance.text, utterance.urgent, action) == ("I need help.", True, None)


@pytest.mark.parametrize(
    ("role", "phase", "action"),
    [
        ("pause", "paused", "pause"),
        ("pause", "spoken", "resume"),
        ("repeat", "spoken", "repeat"),
        ("stop_speaking", "spoken", "stop_speaking"),
    ],
)
def test_roles_act_and_say_nothing(role: str, phase: Phase, action: str) -> None:
    assert compose(fired("fist", phase), replace(ENGLISH, roles={role: "fist"}), 0.0) == (None, action)
