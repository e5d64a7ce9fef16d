"""Join both streams into one intent: how the gesture is meant to sound, and how much each stream counted for that.

The gesture itself stays what the gesture stream says: when to speak was measured and set for its probabilities, and a
recording of hands alone gives the same decisions again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp

import numpy as np
from numpy.typing import NDArray

from assistive.errors import WeightsError
from assistive.fusion.evidence import NAMES
from assistive.fusion.tokens import TONES, WIDTH, tokens
from assistive.runtime import open_session
from assistive.settings import RuntimeSettings
from assistive.types import NO_EXPRESSION, Expression, Intent, Reading
from assistive.weights import find_weights

KIND = "fusion-head"
CLASSES = (*NAMES, *TONES)

BRIEF_COUNTS_S = 1.0
"""A brief expression counts for so long after its apex."""
SMOOTH_S = 0.25
"""Time constant of the smoothing of the tone's intensity."""


@dataclass(frozen=True, slots=True)
class FusionState:
    """All that is remembered between frames.

    Attributes:
        t_s: media time of the last frame, None before the first.
        brief: the last brief expression.
        face: number of the face that showed it.
        intensity: smoothed intensity of the tone, 0..1.
    """

    t_s: float | None = None
    brief: Expression | None = None
    face: int | None = None
    intensity: float = 0.0


class FusionHead:
    """Joins the streams with the fusion head's network.

    Args:
        name: name of the weights in ``models/``.
        runtime: which device.

    Raises:
        WeightsError: the weights are missing, damaged, or of another kind.
        DependencyError: the inference runtime is not installed.
    """

    def __init__(self, name: str, runtime: RuntimeSettings) -> None:
        weights = find_weights(name)
        sidecar = weights.sidecar
        if sidecar.kind != KIND or tuple(sidecar.classes) != CLASSES or sidecar.input.width != WIDTH:
            what = f"the weights {name!r} are no {KIND} for these gestures and tones"
            raise WeightsError(what, "python run.py list models", "weights.kind")
        self._session = open_session(weights, runtime)

    def join(
        self, state: FusionState, intent: Intent, image: NDArray[np.uint8], reading: Reading | None
    ) -> tuple[FusionState, Intent]:
        """Say how the intent of a frame is meant to sound.

        Args:
            state: what the last call returned, ``FusionState()`` at first.
            intent: of the leading hand, in the same frame.
            image: the frame, uint8 ``(H, W, 3)``, RGB.
            reading: what the expression stream makes of the frame; None where it does not run.

        Returns:
            The new state, and the intent with ``tone``, ``tone_probability``, ``tone_intensity`` and ``weights``.
        """
        state = _remember(state, intent.t_s, reading)
        if reading is None or not (reading.shapes or state.brief):
            return replace(state, intensity=0.0), _toneless(intent)
        _, tone, weights = self.probabilities(tokens(image, intent.hand, reading, state.brief)[None])
        best = int(tone[0].argmax())
        strength = 0.0 if TONES[best] == NO_EXPRESSION else _strength(TONES[best], reading, state.brief)
        passed_s = 0.0 if state.t_s is None else intent.t_s - state.t_s
        level = state.intensity + (1 - exp(-max(passed_s, 0.0) / SMOOTH_S)) * (strength - state.intensity)
        hand_counts, face_counts = map(float, weights[0])
        return replace(state, t_s=intent.t_s, intensity=level), replace(
            intent, tone=TONES[best], tone_probability=float(tone[0, best]),
            tone_intensity=0.0 if TONES[best] == NO_EXPRESSION else level,
            weights={"gesture": hand_counts, "expression": face_counts},
        )  # fmt: skip

    def probabilities(
        self, batch: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Return what the network says of moments, each with rows that sum to 1.

        Args:
            batch: float32 ``(n, 3, 1, WIDTH)``, of :func:`assistive.fusion.tokens.tokens`.

        Returns:
            Gesture ``(n, 19)`` over ``NAMES``, tone ``(n, 4)`` over ``TONES``, and how much hand and face counted
            ``(n, 2)``, float32.
        """
        gesture, tone, _, weights = self._session.run(batch)
        return gesture, tone, weights


def _remember(state: FusionState, t_s: float, reading: Reading | None) -> FusionState:
    """Take in a brief expression, and forget one that is over, or whose face has gone."""
    if state.t_s is not None and t_s < state.t_s:
        state = FusionState()
    face = None if reading is None or reading.face is None else reading.face.track
    if reading is not None and reading.event is not None:
        state = replace(state, brief=reading.event, face=face)
    gone = reading is None or (face is not None and face != state.face)
    if state.brief is not None and (gone or t_s - state.brief.apex_s > BRIEF_COUNTS_S):
        state = replace(state, brief=None)
    return state


def _strength(tone: str, reading: Reading, brief: Expression | None) -> float:
    """Return how strongly a tone is shown, 0..1: now, or a moment ago."""
    now = reading.intensity if reading.label == tone else 0.0
    return max(now, brief.intensity if brief is not None else 0.0)


def _toneless(intent: Intent) -> Intent:
    return replace(intent, tone=NO_EXPRESSION, tone_probability=1.0, tone_intensity=0.0,
                   weights={"gesture": 1.0, "expression": 0.0})  # fmt: skip
