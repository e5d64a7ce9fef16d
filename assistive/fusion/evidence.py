"""What a hand has shown lately: the median of its probabilities, weighted by time, and doubt in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assistive.types import GESTURES, NO_GESTURE, Hand

NAMES = (*GESTURES, NO_GESTURE)

EPSILON_S = 1e-6
"""Sums of frame times are this exact: 42 frames of 1/60 s are 0.7 s."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the leading hand showed in one frame.

    Attributes:
        since_s: media time of the frame before: the sample stands for the time from there on.
        t_s: media time of its own frame.
        probabilities: in the order of ``NAMES``.
    """

    since_s: float
    t_s: float
    probabilities: tuple[float, ...]


def sample(hand: Hand, since_s: float, t_s: float) -> Sample:
    """Return what a hand shows in a frame as a sample."""
    return Sample(since_s, t_s, tuple(float(hand.probabilities.get(name, 0.0)) for name in NAMES))


def medians_since(from_s: float, samples: tuple[Sample, ...]) -> dict[str, float]:
    """Return the median probability by name over the time since ``from_s``.

    Each sample counts for as long as it stands. The probability was at least the median for more than half of that
    time: a gesture that is read in every second frame has the lower of its two values.

    Args:
        from_s: media time; what samples stand for before it does not count.
        samples: at least one, each reaching beyond ``from_s`` or at it.
    """
    weights = [one.t_s - max(one.since_s, from_s) + EPSILON_S for one in samples]
    half = sum(weights) / 2 - EPSILON_S / 1000  # an even split counts as the lower, however the sums round
    columns = zip(*(one.probabilities for one in samples), strict=True)
    return {name: _low_median(column, weights, half) for name, column in zip(NAMES, columns, strict=True)}


def _low_median(values: tuple[float, ...], weights: list[float], half: float) -> float:
    reached = 0.0
    for value, weight in sorted(zip(values, weights, strict=True)):
        reached += weight
        if reached >= half:
            return value
    return max(values)


def doubt(medians: Mapping[str, float]) -> str:
    """Return in words why no gesture was read from a hand that is there, given the medians of all names."""
    gesture = max(GESTURES, key=lambda name: medians[name])
    if medians[gesture] <= medians[NO_GESTURE]:
        return "no gesture"
    return f"not sure: {gesture} {medians[gesture]:.0%}"
