"""The tone of a moment: negative, positive, surprise or none, from the shapes that a face shows.

A tone describes a movement of the face and not what somebody feels. It begins when it is more probable than not for a
moment, and stays until it is clearly less, so that it does not flicker. A pure state machine in seconds of media time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp

from assistive.settings import ExpressionSettings
from assistive.types import EXPRESSIONS, NO_EXPRESSION

EVEN = 0.35
"""Strength at which a tone is as probable as none."""
STEEPNESS = 8.0
"""How fast the log-odds grow with the strength."""
BROWS_ALONE = 0.7
"""Raised brows alone are so much of a surprise; an open mouth is the rest."""


@dataclass(frozen=True, slots=True)
class ToneState:
    """What is remembered: the tone in force, and since when another (or its end) has been probable."""

    label: str = NO_EXPRESSION
    rival: str = NO_EXPRESSION
    since_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Tone:
    """The tone of one frame.

    Attributes:
        label: one of ``EXPRESSIONS``, or ``none``.
        probabilities: by name, ``none`` included; sums to 1.
        intensity: strength of the label, 0..1; 0 of ``none``.
    """

    label: str
    probabilities: Mapping[str, float]
    intensity: float


NO_TONE = Tone(NO_EXPRESSION, {**dict.fromkeys(EXPRESSIONS, 0.0), NO_EXPRESSION: 1.0}, 0.0)


def strengths(shapes: Mapping[str, float]) -> dict[str, float]:
    """Return how strongly a face shows each of ``EXPRESSIONS``, 0..1.

    Args:
        shapes: of :func:`assistive.expression.macro.shapes`.
    """
    raised, smile = shapes["brow_raise"], shapes["smile"]
    # A smile draws brows and nose a little, and a mouth that opens lowers its corners: neither is a frown.
    frown = max(shapes["frown"], shapes["mouth_corners_down"] * (1 - shapes["mouth_open"]), shapes["nose_wrinkle"])
    return {
        "negative": frown * (1 - smile),
        "positive": smile,
        "surprise": raised * (BROWS_ALONE + (1 - BROWS_ALONE) * shapes["mouth_open"]),
    }


def step(
    state: ToneState, t_s: float, shapes: Mapping[str, float], settings: ExpressionSettings
) -> tuple[ToneState, Tone]:
    """Take in the shapes of one frame.

    Args:
        state: what the last call returned, ``ToneState()`` at first.
        t_s: media time of the frame.
        shapes: strength of each shape, 0..1.
        settings: ``enter_probability``, ``leave_probability`` and ``settle_s`` are used.
    """
    found = strengths(shapes)
    odds = {name: exp(STEEPNESS * (strength - EVEN)) for name, strength in found.items()} | {NO_EXPRESSION: 1.0}
    total = sum(odds.values())
    probabilities = {name: value / total for name, value in odds.items()}
    wanted = _wanted(state.label, probabilities, settings)
    if wanted == state.label or wanted != state.rival or t_s < state.since_s:
        state = replace(state, rival=wanted, since_s=t_s)
    if wanted != state.label and t_s - state.since_s >= settings.settle_s:
        state = ToneState(wanted, wanted, t_s)
    return state, Tone(state.label, probabilities, found.get(state.label, 0.0))


def _wanted(label: str, probabilities: Mapping[str, float], settings: ExpressionSettings) -> str:
    """Return the tone that this frame alone would have."""
    best = max(EXPRESSIONS, key=lambda name: probabilities[name])
    if probabilities[best] >= settings.enter_probability:
        return best
    return label if probabilities[label] >= settings.leave_probability else NO_EXPRESSION
