"""Follow hands from frame to frame: a pure state machine over boxes.

A box continues the track that it overlaps most; a box that overlaps none, as a fast hand at 8 frames/s does, continues
the nearest track that is no farther than one hand's length. Pairs are taken greedily, best first: with at most a
handful of hands the optimal assignment is no better.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import hypot

from assistive.settings import GestureSettings
from assistive.types import Box, Hand

REACH = 1.0
"""How far a hand may move between two frames and still be the same, in lengths of its longer side."""

MAX_TRACKS = 64
"""Tracks remembered at most, the newest: a bound for sources whose time stands still."""


@dataclass(frozen=True, slots=True)
class Track:
    """One hand over time.

    Attributes:
        number: never given to another hand.
        box: where it was last.
        seen_s: media time at which it was last seen.
    """

    number: int
    box: Box
    seen_s: float


@dataclass(frozen=True, slots=True)
class TrackerState:
    """All that the tracker remembers: living tracks, oldest sight first, and the number of the next new one."""

    tracks: tuple[Track, ...] = ()
    next_number: int = 0


def track(
    state: TrackerState, t_s: float, hands: tuple[Hand, ...], settings: GestureSettings
) -> tuple[TrackerState, tuple[Hand, ...]]:
    """Give each hand of a frame the number of its track.

    Time that runs backwards, as in a looped video, ends all tracks; numbers are not used again.

    Args:
        state: what the last call returned, ``TrackerState()`` at first.
        t_s: media time of the frame.
        hands: hands in the frame, in any order; their ``track`` is ignored.
        settings: ``track_iou`` and ``track_keep_s`` are used.

    Returns:
        The new state, and the same hands in the same order with ``track`` set, each number at most once.
    """
    alive = [old for old in state.tracks if 0 <= t_s - old.seen_s <= settings.track_keep_s]
    number_of = _match(alive, hands, settings.track_iou)
    next_number = state.next_number
    for index in range(len(hands)):
        if index not in number_of:
            number_of[index] = next_number
            next_number += 1
    tracked = tuple(replace(hand, track=number_of[index]) for index, hand in enumerate(hands))
    seen = [Track(hand.track, hand.box, t_s) for hand in tracked]
    continued = set(number_of.values())
    lost = [old for old in alive if old.number not in continued]
    return TrackerState(tuple((lost + seen)[-MAX_TRACKS:]), next_number), tracked


def _match(tracks: list[Track], hands: tuple[Hand, ...], track_iou: float) -> dict[int, int]:
    """Return the track number by index of each hand that continues a track."""
    number_of: dict[int, int] = {}
    taken: set[int] = set()
    for _, index, number in sorted(_pairs(tracks, hands, track_iou), key=lambda pair: (-pair[0], *pair[1:])):
        if index not in number_of and number not in taken:
            number_of[index] = number
            taken.add(number)
    return number_of


def _pairs(tracks: list[Track], hands: tuple[Hand, ...], track_iou: float) -> Iterator[tuple[float, int, int]]:
    """Yield (affinity, hand index, track number): 1..2 for boxes that overlap enough, 0..1 for those merely near."""
    for index, hand in enumerate(hands):
        for old in tracks:
            overlap = hand.box.iou(old.box)
            if overlap > 0 and overlap >= track_iou:
                yield 1 + overlap, index, old.number
                continue
            (x, y), (old_x, old_y) = hand.box.centre, old.box.centre
            reach = REACH * max(old.box.w, old.box.h, hand.box.w, hand.box.h)
            distance = hypot(x - old_x, y - old_y)
            if distance < reach:
                yield 1 - distance / reach, index, old.number
