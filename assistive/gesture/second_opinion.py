"""Ask a second opinion on a hand whose gesture is not clear: what the places of its joints say.

The verifier judges by how a crop looks and the landmarks by how a hand is built, so they rarely err together. The
second opinion alone is the worse of the two and says little about what is no gesture; it only ever weighs in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistive.gesture.landmarks import Landmarks, read_landmarks
from assistive.runtime import Runner
from assistive.types import Box

COLUMNS = 45
"""Of what the network takes: 21 points in the picture, 21 in metres, presence and side, turn, shape of the box."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """How both opinions are joined; fitted on validation people.

    Attributes:
        lowest: probability of the best gesture below which nobody is asked.
        highest: and from which nobody needs to be.
        own_weight: what the log-odds of detector and verifier count.
        other_weight: what those of the landmarks count.
        bias: towards ``no_gesture``.
    """

    lowest: float
    highest: float
    own_weight: float
    other_weight: float
    bias: float

    def wanted(self, probabilities: NDArray[np.float64]) -> bool:
        """Say whether a distribution ``(k,)``, ``no_gesture`` last, leaves open what the hand shows."""
        return self.lowest < float(probabilities[:-1].max()) < self.highest

    def join(self, own: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
        """Join two distributions ``(k,)`` over the same classes, ``no_gesture`` last, into one."""
        log_odds = self.own_weight * np.log(np.maximum(own, 1e-9))
        log_odds += self.other_weight * np.log(np.maximum(other, 1e-9))
        log_odds[-1] += self.bias
        odds = np.exp(log_odds - log_odds.max())
        return np.asarray(odds / odds.sum())


def pack(landmarks: Landmarks, box: Box, size: tuple[int, int]) -> NDArray[np.float32]:
    """Lay out what the network takes.

    Args:
        landmarks: of the hand.
        box: the hand as detector and verifier see it, fractions of the picture.
        size: width and height of the picture, pixels.

    Returns:
        float32 ``(3, 1, 45)``: x, y, z by column. Lengths are in longer sides of the box, from its centre.
    """
    w, h = box.w * size[0], box.h * size[1]
    side = max(w, h, 1.0)
    table = np.zeros((COLUMNS, 3))
    table[:21] = (landmarks.points - (box.centre[0] * size[0], box.centre[1] * size[1], 0.0)) / side
    table[21:42] = landmarks.world
    table[42, :2] = _log_odds(landmarks.right), _log_odds(landmarks.presence)
    table[43, :2] = np.sin(landmarks.turn), np.cos(landmarks.turn)
    table[44, :2] = w / side, h / side
    return np.asarray(table.T[:, None], np.float32)


class SecondOpinion:
    """Names the gesture of one hand by its landmarks.

    Args:
        landmarks: the landmark network; see :func:`read_landmarks`.
        reader: the network that reads them: float32 ``(n, 3, 1, 45)`` to probabilities ``(n, k)``.
        rule: whom to ask, and how to join.
    """

    def __init__(self, landmarks: Runner, reader: Runner, rule: Opinion) -> None:
        self._landmarks, self._reader, self.rule = landmarks, reader, rule

    def judge(self, image: NDArray[np.uint8], box: Box) -> NDArray[np.float64]:
        """Return the probability of every class for the hand in a box, by its landmarks alone, float64 ``(k,)``.

        Args:
            image: uint8 ``(H, W, 3)``, RGB.
            box: the hand, fractions of the picture.
        """
        found = read_landmarks(self._landmarks, image, box)
        packed = pack(found, box, (image.shape[1], image.shape[0]))
        return np.asarray(self._reader.run(packed[None])[0][0], np.float64)

    def weigh(self, image: NDArray[np.uint8], box: Box, own: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ``own``, joined with what the landmarks say of the hand."""
        return self.rule.join(own, self.judge(image, box))


def _log_odds(p: float) -> float:
    p = float(np.clip(p, 1e-4, 1 - 1e-4))
    return float(np.log(p / (1 - p)))
