from __future__ import annotations

from dataclasses import replace

import pytest

from assistive.language.composer import compose, hint, repertoire
from assistive.language.vocabulary import load_vocabulary
from assistive.types import EXPRESSIONS, GESTURES, Decision, Manner, Phase, Style, Utterance

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


def styles(tone: str, intensity: float) -> Style:
    return Style(rate=1 + intensity, pitch=1.5 if tone == "surprise" else 1.0)


@pytest.mark.parametrize("tone", EXPRESSIONS)
def test_a_tone_chooses_the_words_and_the_style(tone: str) -> None:
    utterance, action = compose(fired("stop"), ENGLISH, 0.0, Manner(tone, 0.5), styles)
    assert utterance is not None and action is None
    assert utterance.text == ENGLISH.variants["stop"][tone] != ENGLISH.phrases["stop"]
    assert (utterance.tone, utterance.style) == (tone, styles(tone, 0.5))


def test_a_gesture_without_words_for_the_tone_says_its_neutral_ones_in_the_style_of_the_tone() -> None:
    utterance, _ = compose(fired("mute"), ENGLISH, 0.0, Manner("surprise", 1.0), styles)
    assert utterance is not None
    assert (utterance.text, utterance.style.pitch) == ("Quiet, please.", 1.5)


def test_a_neutral_manner_is_the_voice_itself() -> None:
    utterance, _ = compose(fired("stop"), ENGLISH, 0.0, Manner(locked=True), styles)
    assert utterance is not None
    assert (utterance.text, utterance.tone, utterance.style) == ("Stop, please.", None, Style())


def test_an_emergency_has_no_tone() -> None:
    vocabulary = replace(ENGLISH, roles={"emergency": "stop"})
    plainly = compose(fired("stop"), vocabulary, 0.0)
    assert compose(fired("stop"), vocabulary, 0.0, Manner("surprise", 1.0), styles) == plainly


@pytest.mark.parametrize(
    ("role", "phase", "action"),
    [
        ("pause", "paused", "pause"),
        ("pause", "spoken", "resume"),
        ("repeat", "spoken", "repeat"),
        ("stop_speaking", "spoken", "stop_speaking"),
        ("neutral_tone", "spoken", "neutral_tone"),
    ],
)
def test_roles_act_and_say_nothing(role: str, phase: Phase, action: str) -> None:
    assert compose(fired("fist", phase), replace(ENGLISH, roles={role: "fist"}), 0.0) == (None, action)


def test_the_hint_is_what_will_be_said_or_done() -> None:
    vocabulary = replace(ENGLISH, roles={"emergency": "rock", "stop_speaking": "fist"})
    for gesture in ("stop", "rock", "mute"):
        for tone in ("none", *EXPRESSIONS):
            utterance, _ = compose(fired(gesture), vocabulary, 0.0, Manner(tone, 0.5), styles)
            assert utterance is not None and hint(vocabulary, gesture, Manner(tone, 0.5)) == utterance.text
    assert hint(vocabulary, "fist", Manner("surprise", 0.5)) == "stop speaking"


def test_everything_that_may_be_said_is_known_beforehand() -> None:
    vocabulary = replace(ENGLISH, roles={"emergency": "rock", "pause": "fist"})
    known = repertoire(vocabulary, lambda tone: (styles(tone, 0.5), styles(tone, 1.0)))
    assert len(set(known)) == len(known)
    assert known[:17] == [(vocabulary.phrases[gesture], Style()) for gesture in GESTURES if gesture != "fist"]
    for gesture in GESTURES:
        for tone in ("none", *EXPRESSIONS):
            for intensity in (0.5, 1.0):
                utterance, _ = compose(fired(gesture), vocabulary, 0.0, Manner(tone, intensity), styles)
                assert utterance is None or (utterance.text, utterance.style) in known
    assert repertoire(vocabulary, lambda tone: ()) == known[:17]
