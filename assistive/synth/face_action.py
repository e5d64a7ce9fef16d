"""What a drawn face does: action units of a class, how strongly and on which side, and what else happens beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from assistive.synth.face_model import FaceModel
from assistive.types import NO_EXPRESSION

INTENSITY = (0.05, 0.6)
"""Weakest and strongest peak of a micro-expression; 1 is a posed expression at its strongest."""

RULES_SHARE = 0.35
"""Share of movements taken from textbook sets; the others are sets as they were really coded."""
_FLATTEN = 0.8
"""Rare sets are drawn a little more often than they were coded: weights are raised to this power."""
_UNIT_SPREAD, _SIDE_SPREAD = 0.3, 0.2
"""Logarithmic spread of the strength of one unit against the others, and of one side against the other."""
_STRONGEST = 0.9

STRAY_SHARE = 0.35
"""Share of movements with units that nobody coded: coders write down the clear ones."""
STRAY_UNITS = ("1", "2", "4", "5", "6", "7", "9", "10", "12", "14", "15", "17", "20", "23", "24", "25")


@dataclass(frozen=True, slots=True)
class Movement:
    """A movement at its strongest.

    Attributes:
        label: class of the movement, or ``none``.
        units: peak of each action unit, 0..1, by name with its side (``L12``, ``R12``).
        intensity: strength of the whole, 0 for ``none``.
    """

    label: str
    units: Mapping[str, float] = field(default_factory=dict)
    intensity: float = 0.0


@dataclass(frozen=True, slots=True)
class FacePose:
    """All that changes a picture of one face; everything at rest by default.

    Attributes:
        units: strength of each action unit or shape of the model.
        yaw: turn of the head to the person's left, degrees.
        pitch: turn downwards, degrees.
        roll: turn clockwise in the picture, degrees.
        zoom: size of the face over its size at rest.
        shift: movement right and down, widths of the face.
        gaze: turn of the eyes right and down, widths of the eye.
    """

    units: Mapping[str, float] = field(default_factory=dict)
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    gaze: tuple[float, float] = (0.0, 0.0)


def draw_movement(
    model: FaceModel, label: str, rng: np.random.Generator, intensity: float | None = None
) -> Movement:
    """Draw a movement of a class.

    Args:
        model: knows which action units go together.
        label: one of ``EXPRESSIONS``, or ``none``.
        rng: source of chance.
        intensity: strength; drawn from ``INTENSITY``, small ones as often as large ones (in the logarithm), when None.
    """
    if label == NO_EXPRESSION:
        return Movement(NO_EXPRESSION)
    if intensity is None:
        intensity = float(np.exp(rng.uniform(*np.log(INTENSITY))))
    sets = (model.rule_sets if rng.random() < RULES_SHARE else model.coded_sets)[label]
    weights = np.array([entry.weight for entry in sets]) ** _FLATTEN
    chosen = sets[int(rng.choice(len(sets), p=weights / weights.sum()))]
    peaks: dict[str, float] = {}
    for unit in chosen.units:
        peak = intensity * float(np.exp(rng.normal(0, _UNIT_SPREAD)))
        side = float(np.exp(rng.normal(0, _SIDE_SPREAD)))
        parts = {unit: peak} if unit[0] in "LR" else {f"L{unit}": peak * side, f"R{unit}": peak / side}
        for name, value in parts.items():
            peaks[name] = min(peaks.get(name, 0.0) + value, _STRONGEST)
    return Movement(label, peaks, intensity)


def draw_beside(rng: np.random.Generator, often: float = 1.0) -> dict[str, float]:
    """Draw what the face does beside a movement: part of a blink, a gaze's lids, a mouth that speaks.

    Args:
        rng: source of chance.
        often: factor on how often something happens.

    Returns:
        Strength by action unit or shape, to be added to a movement's.
    """
    units: dict[str, float] = {}
    if rng.random() < 0.25 * often:
        blink = float(np.clip(rng.exponential(0.3), 0, 1))
        units["45"] = blink if rng.random() < 0.6 else -0.3 * blink
    if rng.random() < 0.12 * often:
        units["26"] = float(np.clip(rng.normal(0.1, 0.15), -0.05, 0.6))
        units[str(rng.choice(["mouthFunnel", "mouthPucker", "mouthClose"]))] = float(rng.uniform(0, 0.2))
    return units


def draw_stray(rng: np.random.Generator, intensity: float) -> dict[str, float]:
    """Draw units that move a little with an expression although nobody coded them.

    Args:
        rng: source of chance.
        intensity: strength of the expression.
    """
    if rng.random() >= STRAY_SHARE:
        return {}
    chosen = rng.choice(STRAY_UNITS, int(rng.integers(1, 3)), replace=False)
    return {str(rng.choice(("", "L", "R"))) + str(unit): intensity * float(rng.uniform(0.05, 0.4)) for unit in chosen}


def draw_gaze(rng: np.random.Generator) -> tuple[tuple[float, float], dict[str, float]]:
    """Draw a turn of the eyes: the gaze of a :class:`FacePose`, and the shapes by which the lids follow."""
    x, y = rng.normal(0, 0.09), rng.normal(0, 0.05)
    across = min(abs(float(x)) / 0.3, 1.0)
    left, right = ("Out", "In") if x > 0 else ("In", "Out")  # the person's left is right in the picture
    units = {f"eyeLook{left}_L": across, f"eyeLook{right}_R": across}
    vertical = "Down" if y > 0 else "Up"
    units |= {f"eyeLook{vertical}_{side}": min(abs(float(y)) / 0.2, 1.0) for side in "LR"}
    return (float(x), float(y)), units


def draw_head(rng: np.random.Generator, amount: float) -> FacePose:
    """Draw a small movement of the head.

    Args:
        rng: source of chance.
        amount: typical displacement in the picture, widths of the face.
    """
    turn = np.degrees(amount)
    yaw, pitch, roll = rng.normal(0, (0.7 * turn, 0.7 * turn, 0.5 * turn))
    shift = rng.normal(0, amount, 2)
    return FacePose(
        yaw=float(yaw), pitch=float(pitch), roll=float(roll), zoom=float(np.exp(rng.normal(0, 0.5 * amount))),
        shift=(float(shift[0]), float(shift[1])),
    )  # fmt: skip


def together(*parts: Mapping[str, float]) -> dict[str, float]:
    """Add strengths by name."""
    total: dict[str, float] = {}
    for part in parts:
        for name, value in part.items():
            total[name] = total.get(name, 0.0) + value
    return total
