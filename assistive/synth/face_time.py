"""What a drawn face does over time: one micro-expression at known moments, and all that a living face does beside it.

Everything is a pure function of the time in seconds, so that any frame rate shows the same event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from assistive.synth.face_action import FacePose, Movement, draw_gaze, together

MICRO_S = 0.5
"""Longest micro-expression, onset to offset."""

_PERCENTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_FASTEST_HZ = 100
"""Durations are taken from collections filmed at least this fast; slower ones cannot tell them."""
_BLINK_CLOSE_S, _BLINK_OPEN_S = 0.08, 0.17
_SACCADE_S = 0.04


@dataclass(frozen=True, slots=True)
class Course:
    """When a movement rises and falls, in seconds of the clip.

    Attributes:
        onset_s: the movement begins.
        apex_s: it is at its strongest.
        offset_s: it is over.
        rise: below 1 = quick at first, above 1 = slow at first.
        fall: the same for the way back.
    """

    onset_s: float
    apex_s: float
    offset_s: float
    rise: float = 1.0
    fall: float = 1.0

    def strength(self, t_s: float) -> float:
        """Return the share of the peak at a moment, 0..1."""
        if t_s <= self.onset_s or t_s >= self.offset_s:
            return 0.0
        if t_s <= self.apex_s:
            share = ((t_s - self.onset_s) / (self.apex_s - self.onset_s)) ** self.rise
        else:
            share = ((self.offset_s - t_s) / (self.offset_s - self.apex_s)) ** self.fall
        return float(0.5 - 0.5 * np.cos(np.pi * share))


@dataclass(frozen=True, slots=True)
class Event:
    """Something beside the movement.

    Attributes:
        kind: ``blink``, ``gaze`` or ``speech``.
        start_s: when it begins.
        end_s: when it is over.
        units: strength at its strongest, by action unit or shape.
        gaze: turn of the eyes at its strongest.
        rate_hz: opening and closing of a speaking mouth.
    """

    kind: str
    start_s: float
    end_s: float
    units: Mapping[str, float] = field(default_factory=dict)
    gaze: tuple[float, float] = (0.0, 0.0)
    rate_hz: float = 0.0

    def strength(self, t_s: float) -> float:
        """Return the share of its strength at a moment, 0..1."""
        if not self.start_s < t_s < self.end_s:
            return 0.0
        if self.kind == "blink":
            closing = (t_s - self.start_s) / _BLINK_CLOSE_S
            return float(min(closing, (self.end_s - t_s) / _BLINK_OPEN_S, 1.0))
        edge = min((t_s - self.start_s) / _SACCADE_S, (self.end_s - t_s) / _SACCADE_S, 1.0)
        if self.kind == "speech":
            edge *= 0.5 - 0.5 * np.cos(2 * np.pi * self.rate_hz * (t_s - self.start_s))
        return float(edge)


@dataclass(frozen=True, slots=True)
class Timeline:
    """All that happens in one clip.

    Attributes:
        seconds: length of the clip.
        movement: the micro-expression.
        course: when it happens; None for ``none``.
        events: blinks, turns of the eyes, speech.
        sway: rows ``amplitude, rate_hz, phase`` for each of yaw, pitch, roll (degrees), right, down (widths of the
            face): slow movement of the head; the last row is breathing.
        light: rows ``amplitude, rate_hz, phase``: slow change of the brightness.
    """

    seconds: float
    movement: Movement
    course: Course | None
    events: tuple[Event, ...] = ()
    sway: tuple[tuple[str, float, float, float], ...] = ()
    light: tuple[tuple[float, float, float], ...] = ()

    def pose(self, t_s: float) -> FacePose:
        """Return what the face does at a moment."""
        strength = self.course.strength(t_s) if self.course else 0.0
        units = [{name: peak * strength for name, peak in self.movement.units.items()}] if strength else []
        gaze = np.zeros(2)
        for event in self.events:
            if share := event.strength(t_s):
                units.append({name: peak * share for name, peak in event.units.items()})
                gaze += np.multiply(event.gaze, share)
        head: dict[str, float] = {}
        for name, amplitude, rate_hz, phase in self.sway:
            head[name] = head.get(name, 0.0) + amplitude * float(np.sin(2 * np.pi * rate_hz * t_s + phase))
        shift = head.pop("right", 0.0), head.pop("down", 0.0)
        return FacePose(together(*units), **head, shift=shift, gaze=(float(gaze[0]), float(gaze[1])))

    def brightness(self, t_s: float) -> float:
        """Return the brightness at a moment over its mean."""
        return 1.0 + float(sum(size * np.sin(2 * np.pi * rate * t_s + phase) for size, rate, phase in self.light))


def draw_course(durations: Mapping[str, Any], start_s: float, rng: np.random.Generator) -> Course:
    """Draw when a micro-expression that begins at ``start_s`` rises and falls, as long as real ones do."""
    fast = sorted(name for name, entry in durations.items() if _slowest_hz(entry["fps"]) >= _FASTEST_HZ)
    entry = durations[fast[int(rng.integers(len(fast)))]]
    while True:
        rise_s, fall_s = (_from_percentiles(entry[key], rng) for key in ("onset_to_apex_s", "apex_to_offset_s"))
        if rise_s + fall_s <= MICRO_S:
            break
    rise, fall = np.exp(rng.normal(0, 0.25, 2))
    return Course(start_s, start_s + rise_s, start_s + rise_s + fall_s, float(rise), float(fall))


def draw_timeline(
    movement: Movement, durations: Mapping[str, Any], rng: np.random.Generator, busy: float = 1.0
) -> Timeline:
    """Draw a clip: rest, the movement, rest; blinks, eyes, mouth, head and light on their own.

    Args:
        movement: what is shown; ``none`` shows only what happens beside.
        durations: of :attr:`FaceModel.durations`.
        rng: source of chance.
        busy: factor on how much happens beside; 0 = nothing.
    """
    before_s, after_s = rng.uniform(0.3, 0.9, 2)
    course = draw_course(durations, float(before_s), rng)
    seconds = course.offset_s + float(after_s)
    return Timeline(
        seconds, movement, course if movement.units else None, tuple(_events(seconds, rng, busy)),
        tuple(_sway(rng, busy)), tuple(_light(rng, busy)),
    )  # fmt: skip


def _slowest_hz(rates: int | str) -> int:
    return min(int(rate) for rate in str(rates).split("/"))


def _from_percentiles(entry: Mapping[str, float], rng: np.random.Generator) -> float:
    known = [entry[f"p{round(100 * share)}"] for share in _PERCENTILES]
    return float(np.interp(rng.uniform(_PERCENTILES[0], _PERCENTILES[-1]), _PERCENTILES, known))


def _events(seconds: float, rng: np.random.Generator, busy: float) -> list[Event]:
    events = []
    for _ in range(int(rng.poisson(0.3 * seconds * busy))):
        start = float(rng.uniform(-0.1, seconds))
        units = {"45": float(rng.uniform(0.7, 1.0))}
        end = start + _BLINK_CLOSE_S + float(rng.uniform(0.02, 0.06)) + _BLINK_OPEN_S
        events.append(Event("blink", start, end, units))
    for _ in range(int(rng.poisson(0.3 * seconds * busy))):
        gaze, lids = draw_gaze(rng)
        start = float(rng.uniform(0, seconds))
        events.append(Event("gaze", start, start + float(rng.uniform(0.2, 1.0)), lids, gaze))
    if rng.random() < 0.1 * busy:
        start = float(rng.uniform(0, 0.7 * seconds))
        shape = str(rng.choice(["mouthFunnel", "mouthPucker", "mouthStretch_L", "mouthClose"]))
        units = {"26": float(rng.uniform(0.1, 0.5)), shape: float(rng.uniform(0, 0.3))}
        end = start + float(rng.uniform(0.3, 1.5))
        events.append(Event("speech", start, end, units, rate_hz=float(rng.uniform(3, 6))))
    return events


def _sway(rng: np.random.Generator, busy: float) -> list[tuple[str, float, float, float]]:
    amount = float(rng.exponential(0.006)) * busy
    degrees = float(np.degrees(amount))
    rows = []
    sizes = {"yaw": degrees, "pitch": degrees, "roll": 0.5 * degrees, "right": amount, "down": amount}
    for name, size in sizes.items():
        for rate in rng.uniform((0.1, 0.6), (0.5, 1.5)):
            rows.append((name, size * float(rng.normal(0, 0.7)), float(rate), float(rng.uniform(0, 2 * np.pi))))
    rows.append(("down", 0.002 * busy, float(rng.uniform(0.2, 0.35)), float(rng.uniform(0, 2 * np.pi))))
    return rows


def _light(rng: np.random.Generator, busy: float) -> list[tuple[float, float, float]]:
    if rng.random() > 0.3 * busy:
        return []
    return [(float(rng.exponential(0.03)), float(rng.uniform(0.1, 2)), float(rng.uniform(0, 2 * np.pi)))]
