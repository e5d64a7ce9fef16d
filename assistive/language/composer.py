"""Turn a decision into what is said or done about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from assistive.language.vocabulary import Vocabulary
from assistive.types import EXPRESSIONS, GESTURES, NO_EXPRESSION, Decision, Manner, Style, Utterance

Styles = Callable[[str, float], Style]
"""How a voice sounds in a tone of an intensity 0..1."""


NEUTRAL = Manner()


def plain(tone: str, intensity: float) -> Style:
    """Return the voice's own style, whatever the tone."""
    return Style()


def compose(
    decision: Decision, vocabulary: Vocabulary, decided_s: float, manner: Manner = NEUTRAL, styles: Styles = plain
) -> tuple[Utterance | None, str | None]:
    """Say the phrase of a gesture that fired, or name the action of its role.

    Args:
        decision: of one frame.
        vocabulary: what the gestures mean.
        decided_s: ``time.perf_counter()`` at the decision.
        manner: the tone that counts; it chooses among the words of the gesture, and the style.
        styles: how the voice sounds in a tone.

    Returns:
        The utterance, or the action ("pause", "resume", "repeat", "stop_speaking", "neutral_tone"), or neither if
        nothing fired. The pause gesture gives "resume" when it has ended a pause. An emergency phrase has no tone.
    """
    if not decision.fired or decision.gesture is None:
        return None, None
    role = vocabulary.role_of(decision.gesture)
    if role == "pause":
        return None, "pause" if decision.phase == "paused" else "resume"
    if role is not None and role != "emergency":
        return None, role
    if role == "emergency":
        manner = NEUTRAL
    toned = manner.tone != NO_EXPRESSION
    return (
        Utterance(
            t_s=decision.t_s,
            text=vocabulary.phrase(decision.gesture, manner.tone),
            gesture=decision.gesture,
            confidence=decision.probability,
            tone=manner.tone if toned else None,
            style=styles(manner.tone, manner.intensity) if toned else Style(),
            urgent=role == "emergency",
            decided_s=decided_s,
        ),
        None,
    )


def hint(vocabulary: Vocabulary, gesture: str, manner: Manner = NEUTRAL) -> str:
    """Return what :func:`compose` would say for a gesture that is held, or the name of what it would do."""
    role = vocabulary.role_of(gesture)
    return vocabulary.phrase(gesture, manner.tone) if role in (None, "emergency") else role.replace("_", " ")


def repertoire(vocabulary: Vocabulary, styles_of: Callable[[str], Iterable[Style]]) -> list[tuple[str, Style]]:
    """Return every text and style that :func:`compose` may ask a voice for, the neutral ones first.

    Args:
        vocabulary: what the gestures mean.
        styles_of: every style that a tone may have.
    """
    spoken = [gesture for gesture in GESTURES if vocabulary.role_of(gesture) in (None, "emergency")]
    neutral = [(vocabulary.phrases[gesture], Style()) for gesture in spoken]
    toned = [
        (vocabulary.phrase(gesture, tone), style)
        for gesture in spoken
        for tone in EXPRESSIONS
        for style in styles_of(tone)
        if vocabulary.role_of(gesture) is None
    ]
    return list(dict.fromkeys([*neutral, *toned]))
