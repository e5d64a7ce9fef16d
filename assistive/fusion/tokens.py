"""What the fusion head is told of one moment: three rows of numbers, made in training and at run time by this code.

The first row is what the gesture stream says of the leading hand and how well that hand can be seen, the second what
the expression stream says, the third how well the face can be seen and what the hand does to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.fusion.evidence import NAMES
from assistive.types import EXPRESSIONS, NO_EXPRESSION, NO_GESTURE, Box, Expression, Face, Hand, Reading

TONES = (*EXPRESSIONS, NO_EXPRESSION)
"""Order of the tones in a row and in what the head gives back."""
SHAPES = (
    "smile", "frown", "brow_raise", "mouth_open", "pucker", "mouth_corners_down", "nose_wrinkle", "eyes_closed",
)  # fmt: skip
PROBLEMS = ("small", "blurred", "dark", "turned", "covered", "cut")

WIDTH = 32
"""Numbers in a row; what a row does not use is 0."""

PRESENT = 0
"""First number of each row: 1 where there is such a thing (a hand; a face that can be read; a face)."""
HAND_SAYS = slice(1, 1 + len(NAMES))
HAND_SEEN = slice(20, 28)
"""Score, width, height, distance from the border, sharpness, brightness, and what a hand's centre is, x and y."""
BRIEF = slice(1, 5)
"""What the recogniser says of the last brief movement."""
BRIEF_KNOWN, BRIEF_INTENSITY = 5, 6
TONE = slice(7, 11)
TONE_INTENSITY = 11
FACE_SHAPES = slice(12, 20)
FACE_SAYS = slice(1, 20)
FACE_SEEN = slice(1, 16)
"""Quality, problems, width, distance from the border, share of the face, its mouth and its brows behind the hand, and
how far the hand is."""

_FLOOR = 1e-4
LOG_RANGE = -log(_FLOOR)
"""Log-probabilities are divided by it, which brings them to -1..0."""
_BROWS, _EYES = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300), (33, 133, 362, 263)
_MOUTH = (61, 291, 0, 17, 13, 14, 40, 270, 91, 321)
_LOOK_PX = 48

Row = NDArray[np.float32]


def tokens(
    image: NDArray[np.uint8], hand: Hand | None, reading: Reading | None, brief: Expression | None
) -> NDArray[np.float32]:
    """Put one moment into numbers.

    Args:
        image: the frame, uint8 ``(H, W, 3)``, RGB.
        hand: the hand that leads, or None.
        reading: what the expression stream makes of the frame, or None where it does not run.
        brief: the last brief movement, as long as it counts, or None.

    Returns:
        float32 ``(3, 1, WIDTH)``: rows of hand, expression and face.
    """
    rows = np.zeros((3, 1, WIDTH), np.float32)
    rows[0, 0, HAND_SAYS] = log_row({NO_GESTURE: 1.0} if hand is None else hand.probabilities, NAMES)
    if hand is not None:
        rows[0, 0, PRESENT] = 1
        rows[0, 0, HAND_SEEN] = _hand_seen(image, hand)
    rows[1, 0, BRIEF] = rows[1, 0, TONE] = log_row({NO_EXPRESSION: 1.0}, TONES)
    if brief is not None:
        rows[1, 0, PRESENT] = 1
        rows[1, 0, : BRIEF_INTENSITY + 1] = (1, *brief_row(brief.probabilities), 1, brief.intensity)
    if reading is not None and reading.shapes:
        rows[1, 0, PRESENT] = 1
        rows[1, 0, TONE] = log_row(reading.probabilities, TONES)
        rows[1, 0, TONE_INTENSITY] = reading.intensity
        rows[1, 0, FACE_SHAPES] = [reading.shapes[name] for name in SHAPES]
    if reading is not None and reading.face is not None:
        rows[2, 0, PRESENT] = 1
        rows[2, 0, FACE_SEEN] = _face_seen(reading.face, hand)
    return rows


def log_row(probabilities: Mapping[str, float], names: tuple[str, ...]) -> Row:
    """Return log-probabilities by name, -1 (at most 0.0001) to 0 (certain), float32 ``(len(names),)``."""
    values = np.array([probabilities.get(name, 0.0) for name in names], np.float64)
    return np.asarray(np.log(np.clip(values, _FLOOR, 1)) / LOG_RANGE, np.float32)


def brief_row(probabilities: Mapping[str, float]) -> Row:
    """Return what is said of a brief movement as the row holds it; one that nobody judged says nothing."""
    return log_row(probabilities or dict.fromkeys(TONES, 1 / len(TONES)), TONES)


def _hand_seen(image: NDArray[np.uint8], hand: Hand) -> list[float]:
    box = hand.box
    sharp, bright = _look(image, box)
    return [hand.score, box.w, box.h, _border(box), sharp, bright, *box.centre]


def _look(image: NDArray[np.uint8], box: Box) -> tuple[float, float]:
    """Return how sharp a part of a picture is (spread of its Laplacian over its own), and how bright, 0..1."""
    height, width = image.shape[:2]
    x0, x1 = (int(np.clip(x * width, 0, width)) for x in (box.x, box.x + box.w))
    y0, y1 = (int(np.clip(y * height, 0, height)) for y in (box.y, box.y + box.h))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return 0.0, 0.0
    grey = cv2.cvtColor(image[y0:y1, x0:x1], cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_LOOK_PX, _LOOK_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    edges = cv2.Laplacian(small, cv2.CV_32F)
    return float(edges.std() / (small.std() + 2)), float(small.mean() / 255)


def _face_seen(face: Face, hand: Hand | None) -> list[float]:
    problems = [float(name in face.problems) for name in PROBLEMS]
    points, covered, apart = face.landmarks[:, :2], (0.0, 0.0, 0.0, 0.0), 1.0
    if hand is not None:
        covered = (_share(points, hand.box), _share(points[list(_MOUTH)], hand.box),
                   _share(points[list(_BROWS)], hand.box), _share(points[list(_EYES)], hand.box))  # fmt: skip
        away = np.subtract(hand.box.centre, face.box.centre) / max(face.box.w, 1e-6)
        apart = float(min(np.hypot(*away) / 4, 1.0))
    return [face.quality, *problems, face.box.w, face.box.h, _border(face.box), *covered, apart]


def _share(points: NDArray[np.float32], box: Box) -> float:
    x, y = points[:, 0], points[:, 1]
    return float(((x >= box.x) & (x <= box.x + box.w) & (y >= box.y) & (y <= box.y + box.h)).mean())


def _border(box: Box) -> float:
    """Return how far a box is from the border of the frame, -0.1..0.1 of the frame; below 0 outside."""
    return float(np.clip(min(box.x, box.y, 1 - box.x - box.w, 1 - box.y - box.h), -0.1, 0.1))
