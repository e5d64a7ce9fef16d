"""What a face shows that everybody can see: how strong each shape is, against this user's own calm face.

Measures are distances between landmarks in the frame of the head (:mod:`assistive.expression.head`), in distances
between the eyes, so that neither turning nor nearness counts. The calm face is learned in the first second of a steady
face, kept within what calm people look like (who smiles at the start is not taken for calm), and followed slowly from
then on. A pure state machine in seconds of media time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp

import numpy as np
from numpy.typing import NDArray

from assistive.settings import ExpressionSettings

Measures = NDArray[np.float64]

MEASURES: tuple[str, ...] = (
    "mouth_width", "corner_height", "lip_gap", "brow_height", "brow_inner", "brow_gap", "nose_length", "eye_opening",
)  # fmt: skip
"""In the order of a :data:`Measures` array, float64 ``(8,)``."""

SHAPES: tuple[str, ...] = (
    "smile", "frown", "brow_raise", "mouth_open", "pucker", "mouth_corners_down", "nose_wrinkle", "eyes_closed",
)  # fmt: skip

# Mean over 481 generated portraits of calm people, and how far from it a calm face may be: 1.5 standard deviations for
# mouth and nose, where people smile at a camera; 3 for brows, lips and eyes, which differ more than they move.
_CALM = np.array([0.790, -0.319, 0.032, 0.362, 0.294, 0.408, 0.584, 0.324])
_CALM_REACH = np.array([0.098, 0.048, 0.066, 0.111, 0.111, 0.084, 0.065, 0.129])

# Change of the measures at the full strength of a movement, as the mesh shows it: medians over 40 portraits warped by
# single action units of ICT-FaceKit. Lowered brows and corners are hardly more than what other movements and the mesh's
# own unrest bring about (area under the curve .87 and .83), so their scale is wide: only the clear ones count.
WIDTH_SMILE, CORNER_SMILE = 0.20, 0.14
BROWS_UP = 0.075
BROWS_DOWN = 0.11
"""Of the heights of the brows, of their inner ends, and the gap between them, together."""
LIPS_OPEN = 0.35
WIDTH_PUCKER = 0.10
CORNER_DOWN = 0.08
NOSE_SHORT, NOSE_SMILE = 0.08, 0.055
"""A smile shortens the nose too."""
LIDS_MOVE, LIDS_SHUT = 0.25, 0.65
"""Shares of the usual opening that are gone when lids begin to count as closing, and when they are shut."""
CORNER_JAW, WIDTH_JAW = 0.5, 0.15
"""An open mouth carries the corners down and in by so much of the gap between the lips."""
CORNER_NARROW = 0.18
"""A mouth that narrows, as for "oo", carries them down by so much of it."""

FEWEST_SAMPLES = 8
CALM_SHAPE = 0.3
"""Below this strength of every shape a face is calm."""
RELAXED = 0.2
RELAX_S = 1.0
"""A mouth that grows narrower and lower by this share of a smile was not calm before: the calm face follows fast."""


@dataclass(frozen=True, slots=True, eq=False)
class MacroState:
    """All that is remembered of one face.

    Attributes:
        t_s: media time of the last frame, None before the first.
        first: measures of the first second with their times, while the calm face is being learned.
        neutral: measures of the calm face, None while it is being learned.
        level: smoothed measures of now.
    """

    t_s: float | None = None
    first: tuple[tuple[float, Measures], ...] = ()
    neutral: Measures | None = None
    level: Measures | None = None


def measure(points: NDArray[np.float64]) -> Measures:
    """Measure a face.

    Args:
        points: float64 ``(468, 3)``, of :attr:`assistive.expression.head.Head.points`.

    Returns:
        float64 ``(8,)``, in the order of ``MEASURES``, distances between the eyes; ``eye_opening`` is the height of
        the less open eye over its width.
    """
    height = -points[:, 1]
    inner = height[[133, 362]].mean()
    gap = _apart(points, 13, 14)
    lids = [
        (_apart(points, *one) + _apart(points, *other)) / 2 / max(_apart(points, *corners), 1e-6)
        for one, other, corners in (((159, 145), (158, 153), (33, 133)), ((386, 374), (385, 380), (362, 263)))
    ]
    return np.array([
        _apart(points, 61, 291) + WIDTH_JAW * gap,
        height[[61, 291]].mean() - height[2] + CORNER_JAW * gap,
        gap,
        height[[105, 334, 66, 296, 63, 293]].mean() - height[[33, 133, 362, 263]].mean(),
        height[[55, 285, 107, 336]].mean() - inner,
        _apart(points, 55, 285),
        inner - height[[129, 358]].mean(),
        min(lids),
    ])  # fmt: skip


def _apart(points: NDArray[np.float64], one: int, other: int) -> float:
    return float(np.linalg.norm(points[one] - points[other]))


def step(
    state: MacroState, t_s: float, measures: Measures, settings: ExpressionSettings
) -> tuple[MacroState, dict[str, float] | None]:
    """Take in one frame of a face that can be read.

    Args:
        state: what the last call returned for the same face, ``MacroState()`` at first.
        t_s: media time of the frame.
        measures: of :func:`measure`.
        settings: ``calibrate_s``, ``smooth_s``, ``calm_s`` and ``held_s`` are used.

    Returns:
        The new state, and the strength of each of ``SHAPES``, 0..1, or None while the calm face is being learned.
    """
    if state.t_s is None or t_s < state.t_s:
        state = MacroState(level=measures)
    passed_s = 0.0 if state.t_s is None else t_s - state.t_s
    assert state.level is not None
    level = state.level + _share(passed_s, settings.smooth_s) * (measures - state.level)
    state = replace(state, t_s=t_s, level=level)
    if state.neutral is None:
        state = _learn(state, measures, settings)
        return state, None if state.neutral is None else shapes(level - state.neutral, state.neutral)
    found = shapes(level - state.neutral, state.neutral)
    return replace(state, neutral=_adapted(state.neutral, level, found, passed_s, settings)), found


def shapes(change: Measures, neutral: Measures) -> dict[str, float]:
    """Return how strong each shape is, 0..1.

    Args:
        change: measures of now less those of the calm face, float64 ``(8,)``.
        neutral: measures of the calm face, float64 ``(8,)``.
    """
    width, corners, gap, brows, inner, together, nose, lids = change.tolist()
    smile = _clipped(0.4 * width / WIDTH_SMILE + 0.6 * corners / CORNER_SMILE)
    shut = -lids / max(float(neutral[-1]), 1e-6)
    return {
        "smile": smile,
        "frown": _clipped(-(brows + inner + together) / BROWS_DOWN),
        "brow_raise": _clipped(brows / BROWS_UP),
        "mouth_open": _clipped(gap / LIPS_OPEN),
        "pucker": _clipped(-width / WIDTH_PUCKER),
        "mouth_corners_down": _clipped((-corners - CORNER_NARROW * max(-width, 0.0)) / CORNER_DOWN),
        "nose_wrinkle": _clipped(-nose / NOSE_SHORT - smile * NOSE_SMILE / NOSE_SHORT),
        "eyes_closed": _clipped((shut - LIDS_MOVE) / (LIDS_SHUT - LIDS_MOVE)),
    }


def _clipped(strength: float) -> float:
    return min(max(strength, 0.0), 1.0)


def _share(passed_s: float, constant_s: float) -> float:
    """Return how far an exponential with a time constant goes in some time, 0..1."""
    return 1 - exp(-passed_s / max(constant_s, 1e-6))


def _learn(state: MacroState, measures: Measures, settings: ExpressionSettings) -> MacroState:
    assert state.t_s is not None
    first = (*state.first, (state.t_s, measures))[-256:]
    if len(first) < FEWEST_SAMPLES or state.t_s - first[0][0] < settings.calibrate_s:
        return replace(state, first=first)
    seen = np.median(np.stack([one for _, one in first]), 0)
    neutral = np.clip(seen, _CALM - _CALM_REACH, _CALM + _CALM_REACH)
    return replace(state, first=(), neutral=neutral)


def _adapted(
    neutral: Measures, level: Measures, found: Mapping[str, float], passed_s: float, settings: ExpressionSettings
) -> Measures:
    """Let the calm face follow: slowly while the face is calm, very slowly while it is not."""
    change = level - neutral
    calm = all(strength < CALM_SHAPE for name, strength in found.items() if name != "eyes_closed")
    share = np.full(len(MEASURES), _share(passed_s, settings.calm_s if calm else settings.held_s))
    if min(-change[0] / WIDTH_SMILE, -change[1] / CORNER_SMILE) > RELAXED:
        share[[0, 1, 6]] = _share(passed_s, RELAX_S)
    return np.asarray(neutral + share * change)
