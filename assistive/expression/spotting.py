"""Find when a face did something brief: onset, apex and offset of a movement away from rest and back.

A pure state machine over :class:`~assistive.expression.motion.Motion`: it counts in seconds of media time and reads no
clock. Rest is where each region was in the last second (median). A movement opens when a region leaves rest by more
than noise would; it is followed along the direction of its strongest moment, and is over when it has come back. Then it
is judged: blinks, gaze, speech, movements of the head and changes of light are no expressions, and a reason says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from assistive.expression.course import Course, course_of, speech_like
from assistive.expression.motion import TELLING, Motion
from assistive.settings import SpottingSettings

MAX_SAMPLES = 1024
"""Samples remembered at most: a bound for sources whose time stands still."""
LONGEST_STEP_S = 0.25
"""Frames farther apart are no evidence of what happened between them."""
REST_SAMPLES = 5
"""Rest is not known before there are so many frames of it."""
SIGMA_OF_MEDIAN, SECOND_DIFFERENCES = 1.4826, 6**0.5
"""Standard deviation of normal noise over its median size, and of second differences over that of the noise itself."""
PARTED = 1.5
"""Lips that go apart by more than so many times what the corners of the mouth move only open it."""

Kind = Literal["micro", "macro"]


@dataclass(frozen=True, slots=True)
class Spotted:
    """A movement of the face, over and judged to be an expression.

    Attributes:
        onset_s: media time at which it left rest.
        apex_s: media time of its strongest moment.
        offset_s: media time at which it was back at rest.
        kind: ``micro`` (at most ``micro_s`` from onset to offset) or ``macro``.
        intensity: how far the region that moved most went, as a share of ``full_motion``, 0..1: 1 is about the
            strongest brow raise or smile, 0.1 what is just seen.
    """

    onset_s: float
    apex_s: float
    offset_s: float
    kind: Kind
    intensity: float


@dataclass(frozen=True, slots=True, eq=False)
class SpottingState:
    """All that the machine remembers.

    Attributes:
        samples: the recent past, oldest first; longer than ``window_s`` only while a movement is open.
        rest: float32 ``(10, 2)``, where the regions are at rest, or None while that is not known: at first, and for a
            moment after a movement.
        since_s: media time since which the face has been calm: what came before tells nothing about rest.
        open_s: media time at which the present movement crossed the threshold; None = calm.
        peak: displacement from rest at its strongest moment so far, float32 ``(7, 2)``.
        threshold: what it had to exceed, widths of the face.
        over: the movement is back at rest, and waits until it is sure that no speech follows.
        refused: why the last movement was no expression, in this frame alone ("blink", "speech", ...).
    """

    samples: tuple[Motion, ...] = ()
    rest: NDArray[np.float32] | None = None
    since_s: float = -np.inf
    open_s: float | None = None
    peak: NDArray[np.float32] | None = None
    threshold: float = 0.0
    over: Course | None = None
    refused: str | None = None

    @property
    def calm(self) -> bool:
        """Nothing has moved for a while that may still become an expression: now the anchor may be dropped anew."""
        return self.open_s is None and self.over is None

    @property
    def rate_hz(self) -> float:
        """Frames a second of the recent past, by their media times; 0 of less than two."""
        if len(self.samples) < 2:
            return 0.0
        return 1 / max(float(np.median(np.diff([one.t_s for one in self.samples]))), 1e-6)

    def too_slow(self, settings: SpottingSettings) -> bool:
        """Return whether frames come too seldom to call anything micro."""
        return len(self.samples) > 1 and self.rate_hz < settings.min_rate_hz


def step(
    state: SpottingState, motion: Motion, settings: SpottingSettings
) -> tuple[SpottingState, Spotted | None]:
    """Take in one frame.

    Args:
        state: what the last call returned, ``SpottingState()`` at first.
        motion: what moved; a new anchor number means that it is measured against a later neutral face.
        settings: times and thresholds.

    Returns:
        The new state, and a movement that was found to be an expression in this frame.
    """
    state = _follow(replace(state, refused=None), motion)
    state = _forget(replace(state, samples=(*state.samples, motion)), settings)
    if state.calm:
        state = replace(state, rest=_rest(state, settings))
    if state.rest is None:
        return state, None
    if state.over is not None:
        return _confirm(state, settings)
    moved = motion.regions[:TELLING] - state.rest[:TELLING]
    if state.open_s is None:
        threshold = _threshold(state, settings)
        if _most(moved) <= max(threshold, settings.trace_factor * motion.noise):
            return state, None
        return replace(state, open_s=motion.t_s, peak=moved, threshold=threshold), None
    assert state.peak is not None
    if _most(moved) > _most(state.peak):
        state = replace(state, peak=moved)
    return _close(state, settings)


def _most(moved: NDArray[np.float32]) -> float:
    return float(np.hypot(*moved.T).max())


def _follow(state: SpottingState, motion: Motion) -> SpottingState:
    """Go on from the last frame: begin anew after a gap, and shift the past to a new anchor."""
    if not state.samples:
        return state
    last = state.samples[-1]
    if not 0 <= motion.t_s - last.t_s <= LONGEST_STEP_S:
        return SpottingState()
    if motion.anchor == last.anchor:
        return state
    # The new anchor is the frame of the last sample, where by definition nothing has moved yet.
    shifted = tuple(
        replace(one, anchor=motion.anchor, regions=one.regions - last.regions, head=one.head - last.head,
                light=one.light / last.light)
        for one in state.samples
    )  # fmt: skip
    rest = None if state.rest is None else state.rest - last.regions
    return replace(state, samples=shifted, rest=rest)


def _forget(state: SpottingState, settings: SpottingSettings) -> SpottingState:
    """Drop what is older than the window, counted from the beginning of an open movement."""
    since_s = state.samples[-1].t_s if state.open_s is None else state.open_s
    kept = [one for one in state.samples if one.t_s >= since_s - settings.window_s]
    return replace(state, samples=tuple(kept[-MAX_SAMPLES:]))


def _rest(state: SpottingState, settings: SpottingSettings) -> NDArray[np.float32] | None:
    now_s = state.samples[-1].t_s
    calm = [one for one in state.samples if one.t_s >= max(state.since_s, now_s - settings.rest_s)]
    if len(calm) < REST_SAMPLES or calm[0].t_s > now_s - settings.rest_s / 3:
        return None
    return np.asarray(np.median(np.stack([one.regions for one in calm]), 0), np.float32)


def _threshold(state: SpottingState, settings: SpottingSettings) -> float:
    """Return how far a region must leave rest: a floor, or more where the picture is noisy.

    Noise is what changes back and forth from frame to frame (second differences), so that slow movement is none.
    """
    regions = np.stack([one.regions[:TELLING] for one in state.samples])
    shaken = np.abs(np.diff(regions, 2, axis=0)) if len(regions) > 2 else np.zeros((1, TELLING, 2), np.float32)
    sigma = SIGMA_OF_MEDIAN * float(np.median(shaken, axis=0).max()) / SECOND_DIFFERENCES
    return max(settings.enter_motion, settings.noise_factor * sigma)


def _close(state: SpottingState, settings: SpottingSettings) -> tuple[SpottingState, Spotted | None]:
    """Look whether the open movement has come back to rest, or never will."""
    assert state.rest is not None and state.peak is not None and state.open_s is not None
    now = state.samples[-1]
    course = course_of(state.samples, state.rest, state.peak, state.open_s)
    if course is None:
        weak = _most(state.peak) < settings.weak_factor * state.threshold
        if now.t_s - state.open_s > (settings.weak_s if weak else settings.longest_s):
            return _refuse(state, "held too long", now.t_s), None
        return state, None
    refused = _judge(state, course, settings)
    if refused is not None:
        return _refuse(state, refused, course.offset_s), None
    if course.leader == "mouth":
        return replace(state, over=course), None
    return _report(state, course, settings)


def _confirm(state: SpottingState, settings: SpottingSettings) -> tuple[SpottingState, Spotted | None]:
    """Wait after a movement of the mouth: more of it is speech."""
    assert state.over is not None and state.rest is not None
    if speech_like(state.samples, state.over, state.threshold, settings):
        return _refuse(state, "speech", state.over.offset_s), None
    if state.samples[-1].t_s - state.over.offset_s < settings.confirm_s:
        return state, None
    return _report(state, state.over, settings)


def _judge(state: SpottingState, course: Course, settings: SpottingSettings) -> str | None:
    """Return why a movement is no expression, or None."""
    seconds = course.offset_s - course.onset_s
    if seconds < settings.shortest_s:
        return "too short"
    if seconds <= settings.micro_s and state.too_slow(settings):
        return "frames too slow"
    if not 1 / settings.light_ratio < course.light < settings.light_ratio:
        return "light"
    if course.motion < settings.head_share * course.head or course.motion < settings.trace_factor * course.noise:
        return "head moved"
    if course.closed and course.leader != "mouth" and course.motion < _blink_limit(state, course, settings):
        return "blink"
    if course.leader == "mouth" and max(course.jaw, course.parted / PARTED) > course.motion:
        return "mouth opened"
    if course.leader == "mouth" and _is_new(state, course, settings):
        return "mouth not watched for long enough"  # perhaps somebody was speaking already
    if speech_like(state.samples, course, state.threshold, settings):
        return "speech"
    return None


def _is_new(state: SpottingState, course: Course, settings: SpottingSettings) -> bool:
    """Return whether the face came into sight so shortly before a movement that what went before it is not known."""
    assert state.open_s is not None
    first_s = state.samples[0].t_s
    whole = state.open_s - first_s > settings.window_s - LONGEST_STEP_S
    return not whole and course.onset_s - first_s < settings.window_s / 2


def _blink_limit(state: SpottingState, course: Course, settings: SpottingSettings) -> float:
    """Return how far brows or nose must move while the eyes close: lids drag the skin around them along."""
    return max(settings.blink_factor * state.threshold, settings.blink_share * course.eyes)


def _report(
    state: SpottingState, course: Course, settings: SpottingSettings
) -> tuple[SpottingState, Spotted | None]:
    kind: Kind = "micro" if course.offset_s - course.onset_s <= settings.micro_s else "macro"
    intensity = min(course.motion / settings.full_motion, 1.0)
    spotted = Spotted(course.onset_s, course.apex_s, course.offset_s, kind, intensity)
    return _calm(state, course.offset_s), spotted


def _refuse(state: SpottingState, reason: str, since_s: float) -> SpottingState:
    return replace(_calm(state, since_s), refused=reason)


def _calm(state: SpottingState, since_s: float) -> SpottingState:
    return replace(state, open_s=None, peak=None, over=None, rest=None, since_s=since_s)
