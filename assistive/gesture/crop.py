"""Cut one hand out of a frame for the verifier. Training makes its crops with the same geometry."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.gesture.detector import PADDING
from assistive.types import Box

MARGIN = 1.08
"""The crop that is judged is this much larger than the hand's box, so that no finger tip is lost."""

FIRST_MARGIN = 1.25
"""The crop in which the box is made exact shows more: the detector may have left out a finger."""


@dataclass(frozen=True, slots=True)
class Placement:
    """How the frame was laid into a crop: crop pixel = frame pixel * scale + offset.

    Attributes:
        scale: crop pixels per frame pixel.
        left: offset in x, crop pixels.
        top: offset in y, crop pixels.
    """

    scale: float
    left: float
    top: float

    def to_frame(self, corners: NDArray[np.float32], crop_size: int, size: tuple[int, int]) -> Box:
        """Return the frame's box for corners ``(4,)`` (left, top, right, bottom) in fractions of the crop.

        Args:
            corners: what the network says.
            crop_size: side of the crop, pixels.
            size: width and height of the frame, pixels.
        """
        x0, y0, x1, y1 = (float(value) * crop_size for value in corners)
        width, height = size[0] * self.scale, size[1] * self.scale
        left, right = sorted(float(np.clip((x - self.left) / width, 0, 1)) for x in (x0, x1))
        top, bottom = sorted(float(np.clip((y - self.top) / height, 0, 1)) for y in (y0, y1))
        return Box(left, top, right - left, bottom - top)


def crop(image: NDArray[np.uint8], box: Box, size: int, grow: float = MARGIN) -> tuple[NDArray[np.uint8], Placement]:
    """Cut a box out, keep its shape, and lay it in the middle of a grey square.

    Args:
        image: uint8 ``(H, W, 3)``, RGB.
        box: the hand, fractions of the picture.
        size: side of the square in pixels.
        grow: factor on the box before cutting; what lies outside the picture stays grey.

    Returns:
        uint8 ``(size, size, 3)``, RGB, and where it came from.
    """
    height, width = image.shape[:2]
    w, h = box.w * width * grow, box.h * height * grow
    x, y = box.centre[0] * width - w / 2, box.centre[1] * height - h / 2
    x0, y0 = int(np.clip(round(x), 0, width - 1)), int(np.clip(round(y), 0, height - 1))
    x1, y1 = int(np.clip(round(x + w), x0 + 1, width)), int(np.clip(round(y + h), y0 + 1, height))
    part = image[y0:y1, x0:x1]
    scale = size / max(part.shape[:2])
    rows, columns = max(1, round(part.shape[0] * scale)), max(1, round(part.shape[1] * scale))
    canvas = np.full((size, size, 3), PADDING, np.uint8)
    top, left = (size - rows) // 2, (size - columns) // 2
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas[top : top + rows, left : left + columns] = cv2.resize(part, (columns, rows), interpolation=how)
    return canvas, Placement(scale, left - x0 * scale, top - y0 * scale)
