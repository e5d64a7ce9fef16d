"""The course of one movement of the face: when it began, was strongest and was over, and what else happened then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from assistive.expression.motion import REGIONS, TELLING, Motion
from assistive.settings import SpottingSettings

Leader = Literal["brows", "nose", "mouth"]

SMOOTH_S = 0.025
"""Standard deviation of the smoothing of a course."""
LOW, HIGH = 0.25, 0.75
"""Shares of the strongest moment between which a rise or fall is taken for straight, to find where it began or ends."""
STILL_S = 0.5
"""A movement that has gone most of the way back and then stays so long is over as well."""
OPEN_LIDS = 0.8
"""Lids closer than this share of their usual distance are closing."""
BLINK_S = 0.08
"""What a blink drags along is strongest when the lids are shut, up to so much earlier or later."""
LEAD_S = 0.1
"""A head that moved so shortly before the onset has left its trace in it too."""
LID_LAG_S = 0.07
"""The face mesh follows lids so late."""

EYES = slice(7, 9)
JAW = REGIONS.index("jaw")
TALKING = [5, 6, JAW]
LEADERS: tuple[Leader, ...] = ("brows", "brows", "brows", "brows", "nose", "mouth", "mouth")
"""By region."""


@dataclass(frozen=True, slots=True)
class Course:
    """One movement from rest to rest.

    Attributes:
        onset_s: media time at which it left rest.
        apex_s: media time of its strongest moment.
        offset_s: media time at which it was back.
        motion: displacement at the apex of the region that moved most, widths of the face.
        leader: what moved most: ``brows``, ``nose`` or ``mouth``.
        head: how far from where it is at the apex the head was meanwhile, widths of the face.
        noise: displacement at points that should stand still, at the apex, widths of the face.
        light: largest change of brightness between onset and offset, as a factor.
        parted: how far the lips went apart between onset and offset, widths of the face.
        jaw: displacement of the lower lip and chin at the apex, widths of the face.
        closed: the eyes closed at the apex.
        eyes: largest displacement of the regions of the eyes around the apex, widths of the face.
    """

    onset_s: float
    apex_s: float
    offset_s: float
    motion: float
    leader: Leader
    head: float
    noise: float
    light: float
    parted: float
    jaw: float
    closed: bool
    eyes: float


def course_of(
    samples: Sequence[Motion], rest: NDArray[np.float32], peak: NDArray[np.float32], open_s: float
) -> Course | None:
    """Return the course of a movement that is over, or None while it goes on.

    Args:
        samples: the recent past, oldest first, the whole movement in it.
        rest: float32 ``(10, 2)``, where the regions are at rest.
        peak: float32 ``(7, 2)``, displacement from rest at the strongest moment: its direction is the movement's.
        open_s: media time at which it was noticed; what was strong before that was another movement.
    """
    t_s = np.array([one.t_s for one in samples])
    moved = np.stack([one.regions[:TELLING] for one in samples]) - rest[:TELLING]
    along = moved.reshape(len(samples), -1) @ (peak.ravel() / np.linalg.norm(peak))
    level = _smoothed(t_s, along)
    noticed = int(np.searchsorted(t_s, open_s))
    top = noticed + int(level[noticed:].argmax())
    after = level[top:] / level[top]
    fallen = np.flatnonzero(after < LOW)
    if not fallen.size and not _settled(t_s[top:], after):
        return None
    end = top + int(fallen[0]) if fallen.size else len(level) - 1
    onset_s, offset_s = _begin(t_s, level, top), _begin(-t_s[::-1], level[::-1], len(level) - 1 - top)
    offset_s = -offset_s if fallen.size else t_s[end] - STILL_S
    return _described(samples, rest, moved, onset_s, _apex(t_s, level, top), float(offset_s))


def _smoothed(t_s: NDArray[np.float64], values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return values smoothed over time with a Gaussian, whatever the distances between frames."""
    weights = np.exp(-0.5 * ((t_s[:, None] - t_s) / SMOOTH_S) ** 2)
    return np.asarray(weights @ values / weights.sum(1), np.float64)


def _settled(t_s: NDArray[np.float64], share: NDArray[np.float64]) -> bool:
    recent = share[t_s >= t_s[-1] - STILL_S]
    return bool(t_s[-1] - t_s[0] > STILL_S and recent.max() < 0.6 and np.ptp(recent) < 0.15)


def _begin(t_s: NDArray[np.float64], level: NDArray[np.float64], top: int) -> float:
    """Return when the rise to the top began: a straight line through two heights, drawn down to rest."""
    before = level[: top + 1] / level[top]
    low = _crossing(t_s, before, LOW)
    high = _crossing(t_s, before, HIGH)
    return max(low - (high - low) * LOW / (HIGH - LOW), float(t_s[0]))


def _crossing(t_s: NDArray[np.float64], before: NDArray[np.float64], share: float) -> float:
    """Return the last time before the top at which the rise crossed a height."""
    below = np.flatnonzero(before < share)
    if not below.size:
        return float(t_s[0])
    i = int(below[-1])
    into = (share - before[i]) / max(before[i + 1] - before[i], 1e-9)
    return float(t_s[i] + into * (t_s[i + 1] - t_s[i]))


def _apex(t_s: NDArray[np.float64], level: NDArray[np.float64], top: int) -> float:
    """Return the strongest moment: the middle of the time at the top."""
    high = level >= 0.9 * level[top]
    first = top - int(np.argmin(high[top::-1])) + 1 if not high[: top + 1].all() else 0
    last = top + int(np.argmin(high[top:])) - 1 if not high[top:].all() else len(level) - 1
    return float((t_s[first] + t_s[last]) / 2)


def _described(samples: Sequence[Motion], rest: NDArray[np.float32], moved: NDArray[np.float32], onset_s: float,
               apex_s: float, offset_s: float) -> Course:  # fmt: skip
    t_s = np.array([one.t_s for one in samples])
    within = np.flatnonzero((t_s >= onset_s - 1e-9) & (t_s <= offset_s + 1e-9))
    apex = int(np.abs(t_s - apex_s).argmin())
    size = np.hypot(*moved[apex].T)
    head = np.stack([one.head for one in samples])
    first = int(within[0]) if within.size else apex
    around = (t_s >= onset_s - LEAD_S) & (t_s <= offset_s + 1e-9)
    light = np.array([one.light for one in samples])
    lids = np.array([one.eyes_open for one in samples])
    near = (t_s >= onset_s - 1e-9) & (t_s <= offset_s + LID_LAG_S)
    lips = np.array([one.lips_apart for one in samples])
    shut = (t_s >= apex_s - BLINK_S) & (t_s <= apex_s + BLINK_S + LID_LAG_S)
    eyes = np.stack([one.regions[EYES] for one in samples])[shut] - rest[EYES]
    calm_lips = float(np.median(lips[: first + 1]))
    return Course(
        onset_s, apex_s, offset_s, float(size.max()), LEADERS[int(size.argmax())],
        head=float(np.linalg.norm(head[around] - head[apex], axis=1).max()),
        noise=samples[apex].noise,
        light=float(np.exp(np.abs(np.log(light[near] / light[first])).max())),
        parted=float(lips[near].max() - calm_lips),
        jaw=float(np.hypot(*(samples[apex].regions[JAW] - rest[JAW]))),
        closed=bool(lids[shut].min() < OPEN_LIDS * np.quantile(lids, 0.8)),
        eyes=float(np.linalg.norm(eyes, axis=-1).max()),
    )  # fmt: skip


def speech_like(samples: Sequence[Motion], course: Course, threshold: float, settings: SpottingSettings) -> bool:
    """Return whether the mouth moved before or after a movement too, as it does in speech and seldom otherwise.

    Args:
        samples: the recent past, oldest first.
        course: the movement.
        threshold: displacement that counts, widths of the face.
        settings: of spotting.
    """
    before = [one for one in samples if course.onset_s - settings.window_s / 2 <= one.t_s < course.onset_s]
    after = [one for one in samples if course.offset_s < one.t_s <= course.offset_s + settings.confirm_s]
    limit = max(threshold, settings.speech_share * course.motion)
    return max(_restless(before), _restless(after)) > limit


def _restless(samples: Sequence[Motion]) -> float:
    """Return how far mouth and jaw strayed from a steady drift, widths of the face."""
    if len(samples) < 4:
        return 0.0
    t_s = np.array([one.t_s for one in samples])
    places = np.stack([one.regions[TALKING] for one in samples]).reshape(len(samples), -1)
    line = np.stack([np.ones_like(t_s), t_s - t_s[0]], 1)
    strayed = places - line @ np.linalg.lstsq(line, places, rcond=None)[0]
    return float(np.hypot(*np.moveaxis(strayed.reshape(len(samples), -1, 2), 2, 0)).max())
