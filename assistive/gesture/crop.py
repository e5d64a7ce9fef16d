"""Cut one hand out of a frame for the verifier. Training makes its crops with the same geometry."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.gesture.detector import PADDING
from assistive.types import Box

MARGIN = 1.08
"""The crop is this much larger than the detector's box, so that no finger tip is lost."""


def crop(image: NDArray[np.uint8], box: Box, size: int, grow: float = MARGIN) -> NDArray[np.uint8]:
    """Cut a box out, keep its shape, and lay it in the middle of a grey square.

    Args:
        image: uint8 ``(H, W, 3)``, RGB.
        box: the hand, fractions of the picture.
        size: side of the square in pixels.
        grow: factor on the box before cutting; what lies outside the picture stays grey.

    Returns:
        uint8 ``(size, size, 3)``, RGB.
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
    return canvas
