"""Choose the hand that speaks.

The hand that shows a gesture most prominently (probable and large) leads, and keeps the lead: a second hand that comes
up later cannot take over while the first shows something, nor for ``track_keep_s`` after. A hand that shows nothing
never stands in another's way, and two hands that come up together with different gestures are not guessed at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

from assistive.settings import GestureSettings
from assistive.types import NO_GESTURE, Hand, Intent

NO_HAND = "no hand"
TOO_SMALL = "hand too small"
OUT_OF_SIGHT = "hand out of sight"
AMBIGUOUS = "two hands show different gestures"

CLEARLY = 1.5
"""A hand that is so many times as prominent as another is clearly the one meant."""


@dataclass(frozen=True, slots=True)
class LeadState:
    """Who leads.

    Attributes:
        track: track of the leading hand; None = nobody leads.
        since_s: media time from which it has led without a rival.
        showed_s: media time at which it last showed a gesture that no other hand clearly outdid.
    """

    track: int | None = None
    since_s: float = 0.0
    showed_s: float = 0.0


def lead(state: LeadState, t_s: float, hands: tuple[Hand, ...], settings: GestureSettings) -> tuple[LeadState, Intent]:
    """Choose the leading hand of a frame.

    Args:
        state: what the last call returned, ``LeadState()`` at first.
        t_s: media time of the frame.
        hands: hands in the frame with their tracks.
        settings: ``min_size`` and ``track_keep_s`` are used.

    Returns:
        The new state, and the intent; its hand is None, with a reason, when there is no hand to judge.
    """
    if not 0 <= t_s - state.showed_s <= settings.track_keep_s:
        state = LeadState()
    large = [hand for hand in hands if max(hand.box.w, hand.box.h) >= settings.min_size]
    if not large:
        return state, Intent(t_s, None, bool(hands), TOO_SMALL if hands else NO_HAND)
    if state.track is None:
        leader = max(large, key=lambda hand: (_prominence(hand), hand.box.area, -hand.track))
        if not _prominence(leader):
            return state, Intent(t_s, leader, True)
        state = LeadState(leader.track, t_s, t_s)
    elif (kept := next((hand for hand in large if hand.track == state.track), None)) is not None:
        leader = kept
    else:
        return state, Intent(t_s, None, True, OUT_OF_SIGHT)
    others = [hand for hand in large if hand is not leader]
    if _prominence(leader) and not any(_outdoes(hand, leader) for hand in others):
        state = replace(state, showed_s=t_s)
    newly = t_s - state.since_s < settings.track_keep_s
    if newly and any(_rivals(hand, leader) for hand in others):
        return replace(state, since_s=t_s), Intent(t_s, None, True, AMBIGUOUS)
    return state, Intent(t_s, leader, True)


def _prominence(hand: Hand) -> float:
    """Return how much a hand's gesture catches the eye: its probability times its size, 0 when it shows none."""
    if hand.probability <= hand.probabilities.get(NO_GESTURE, 0.0):
        return 0.0
    return hand.probability * sqrt(hand.box.area)


def _outdoes(hand: Hand, other: Hand) -> bool:
    return _prominence(hand) > CLEARLY * _prominence(other)


def _rivals(hand: Hand, leader: Hand) -> bool:
    """Whether another hand shows a different gesture, and neither of the two clearly outdoes the other."""
    return hand.gesture != leader.gesture and not _outdoes(hand, leader) and not _outdoes(leader, hand)
