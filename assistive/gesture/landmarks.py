"""Read the 21 landmarks of one hand in a box that is known: MediaPipe's landmark network without its palm finder.

Zhang et al. 2020, "MediaPipe Hands: On-device Real-time Hand Tracking": the network wants the hand upright in a square
with room around it. The box gives a first square; the landmarks read in it give the turned one in which they are read
again, as MediaPipe itself goes from one frame to the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.runtime import Runner
from assistive.types import Box

SIDE = 224
FIRST_GROW = 1.35
"""The first square is this many times as long as the longer side of the box."""

PALM = (0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18)
"""Landmarks that the second square is laid around: palm and lower fingers, which hardly move (MediaPipe's choice)."""

SECOND_GROW, SECOND_SHIFT = 2.0, 0.1
COARSE = 1.6
"""A hand with this many picture pixels to one of the square's is shrunk before it is turned, or it would flicker."""


@dataclass(frozen=True, slots=True)
class Square:
    """A turned square in a picture.

    Attributes:
        x: centre, pixels.
        y: centre, pixels.
        side: pixels.
        turn: how far its upper edge is turned clockwise, radians.
    """

    x: float
    y: float
    side: float
    turn: float

    def matrix(self) -> NDArray[np.float64]:
        """Return the map from pixels of the network's input to pixels of the picture, float64 ``(2, 3)``."""
        scale, half = self.side / SIDE, self.side / 2
        c, s = np.cos(self.turn), np.sin(self.turn)
        return np.array([[c * scale, -s * scale, self.x - (c - s) * half],
                         [s * scale, c * scale, self.y - (s + c) * half]])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Landmarks:
    """What is read of one hand.

    Attributes:
        points: float64 ``(21, 3)``, picture pixels, z towards the camera in the same unit; MediaPipe's order.
        world: float64 ``(21, 3)``, metres, upright like the picture.
        presence: probability that there is a hand, 0..1.
        right: probability that it is a right hand seen in a mirror, 0..1.
        turn: how far the hand is turned clockwise from upright, radians.
    """

    points: NDArray[np.float64]
    world: NDArray[np.float64]
    presence: float
    right: float
    turn: float


def read_landmarks(runner: Runner, image: NDArray[np.uint8], box: Box) -> Landmarks:
    """Read the hand in a box.

    Args:
        runner: the landmark network: float32 ``(1, 3, 224, 224)`` in 0..1 to points ``(1, 63)`` in pixels of its
            input, presence, handedness, and points in metres ``(1, 63)``.
        image: uint8 ``(H, W, 3)``, RGB.
        box: the hand, fractions of the picture.
    """
    height, width = image.shape[:2]
    centre = box.centre[0] * width, box.centre[1] * height
    first = Square(*centre, max(box.w * width, box.h * height, 1.0) * FIRST_GROW, 0.0)
    second = around(_look(runner, image, first).points[:, :2])
    # Nothing like a hand was read: a square of no size, or one as large as several pictures.
    sensible = 2 < second.side < 6 * max(width, height)
    return _look(runner, image, second if sensible else first)


def around(points: NDArray[np.float64]) -> Square:
    """Return the square in which a hand is read best, from its landmarks ``(21, 2)``, pixels."""
    knuckles = ((points[5] + points[13]) / 2 + points[9]) / 2
    along = knuckles - points[0]
    turn = float(np.arctan2(along[0], -along[1]))
    c, s = np.cos(turn), np.sin(turn)
    axes = np.array([[c, -s], [s, c]])
    upright = points[list(PALM)] @ axes
    low, high = upright.min(0), upright.max(0)
    w, h = high - low
    x, y = axes @ ((low + high) / 2 - (0, SECOND_SHIFT * h))
    return Square(float(x), float(y), float(max(w, h)) * SECOND_GROW, turn)


def cut_square(image: NDArray[np.uint8], square: Square) -> NDArray[np.uint8]:
    """Return what lies in the square, uint8 ``(224, 224, 3)``; black beyond the picture."""
    matrix, part = square.matrix(), image
    if square.side > COARSE * SIDE:
        height, width = image.shape[:2]
        reach = square.side * 0.72
        x0, y0 = int(max(0, square.x - reach)), int(max(0, square.y - reach))
        x1, y1 = int(min(width, square.x + reach)), int(min(height, square.y + reach))
        if x1 - x0 > 4 and y1 - y0 > 4:
            scale = SIDE / square.side
            size = max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale))
            part = np.asarray(cv2.resize(image[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA), np.uint8)
            matrix[:, 2] -= x0, y0
            matrix *= np.array([[size[0] / (x1 - x0)], [size[1] / (y1 - y0)]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(part, matrix, (SIDE, SIDE), flags=how), np.uint8)


def _look(runner: Runner, image: NDArray[np.uint8], square: Square) -> Landmarks:
    batch = np.ascontiguousarray(cut_square(image, square).transpose(2, 0, 1)[None], np.float32) / np.float32(255)
    marks, presence, right, world = (np.asarray(output[0], np.float64) for output in runner.run(batch))
    marks, world = marks.reshape(21, 3), world.reshape(21, 3).copy()
    matrix = square.matrix()
    flat = marks[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    c, s = np.cos(square.turn), np.sin(square.turn)
    world[:, :2] = world[:, :2] @ np.array([[c, s], [-s, c]])
    points = np.concatenate([flat, marks[:, 2:] * (square.side / SIDE)], axis=1)
    return Landmarks(points, world, float(presence[0]), float(right[0]), square.turn)
