"""The tone of a phrase: what the face showed while the gesture was held, and shortly before.

An expression may be over before the gesture is confirmed. So the strongest tone counts that could be trusted at any
moment of the hold; what is shown changes only when another is clearly stronger, and from the confirmation on it stays
until the gesture is released. A pure state machine in seconds of media time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from assistive.settings import ToneSettings
from assistive.types import NO_EXPRESSION, Decision, Intent, Manner

CLEARLY = 0.1
"""A tone takes the place of another when it is stronger by so much, so that two alike do not alternate."""

MAX_SIGHTINGS = 512
"""Sightings remembered at most: a bound for sources whose time stands still."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A tone that could be trusted in one frame: when, which, and how strong, 0..1."""

    t_s: float
    tone: str
    intensity: float


@dataclass(frozen=True, slots=True)
class ToneState:
    """All that is remembered.

    Attributes:
        t_s: media time of the last frame.
        seen: tones of the hold and of ``keep_s`` before it, oldest first.
        gesture: the gesture that is held or was just spoken, or None.
        since_s: media time at which it came.
        manner: what counts now.
    """

    t_s: float = 0.0
    seen: tuple[Sighting, ...] = ()
    gesture: str | None = None
    since_s: float = 0.0
    manner: Manner = field(default_factory=Manner)


def toggled(state: ToneState) -> ToneState:
    """Return the state after the tone was locked to neutral, or unlocked: what was seen before does not count."""
    return ToneState(state.t_s, manner=Manner(locked=not state.manner.locked))


def step(state: ToneState, intent: Intent, decision: Decision, settings: ToneSettings) -> ToneState:
    """Take in one frame; :attr:`ToneState.manner` of what is returned holds for it.

    Args:
        state: what the last call returned, ``ToneState()`` at first.
        intent: of the frame; its tone is that of the moment.
        decision: of the same frame.
        settings: ``min_probability`` and ``keep_s`` are used; ``mode`` is up to the caller.
    """
    t_s = intent.t_s
    if t_s < state.t_s:
        state = ToneState(t_s, manner=Manner(locked=state.manner.locked))
    said = decision.phase == "spoken" and not decision.fired
    gesture = decision.gesture if decision.phase in ("holding", "spoken") else None
    since_s = state.since_s if gesture is not None and gesture == state.gesture else t_s
    from_s = (t_s if said or gesture is None else since_s) - settings.keep_s
    seen = tuple(old for old in state.seen if old.t_s >= from_s)
    if intent.tone != NO_EXPRESSION and intent.tone_probability >= settings.min_probability:
        seen = (*seen, Sighting(t_s, intent.tone, intent.tone_intensity))[-MAX_SIGHTINGS:]
    manner = state.manner
    if not manner.locked and not (said and gesture == state.gesture):
        manner = strongest(seen, manner.tone)
    return ToneState(t_s, seen, gesture, since_s, manner)


def strongest(seen: tuple[Sighting, ...], shown: str) -> Manner:
    """Return the strongest tone of those that were seen; the one that is shown stays unless another clearly is."""
    peaks: dict[str, float] = {}
    for one in seen:
        peaks[one.tone] = max(peaks.get(one.tone, 0.0), one.intensity)
    if not peaks:
        return Manner()
    best = max(peaks, key=lambda tone: peaks[tone])
    if shown in peaks and peaks[best] <= peaks[shown] + CLEARLY:
        best = shown
    return Manner(best, peaks[best])
