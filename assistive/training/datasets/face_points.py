"""Find the face mesh in single pictures of a collection, with the running system's own finder."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.expression.face_mesh import VERSION, MediaPipeFinder

MARGINS = (0.0, 0.3, 0.7)
"""Paddings tried in turn, as a share of the longer side: the finder wants room around a face that fills the picture."""


class MeshPoints:
    """The face mesh of the largest face (468 points); what was seen in one picture does not help in the next.

    Raises:
        DependencyError: mediapipe is not installed.
    """

    name = f"mediapipe {VERSION}, margins {MARGINS}"

    def __init__(self) -> None:
        self._finder = MediaPipeFinder()

    def points(self, image: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Return landmarks ``(468, 2)`` in pixels, or None when no face is seen.

        Args:
            image: uint8 ``(H, W, 3)``, RGB.
        """
        for margin in MARGINS:
            pad = int(max(image.shape[:2]) * margin)
            padded = np.asarray(cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_REPLICATE), np.uint8)
            boxes = self._finder.search(padded)
            if not boxes:
                continue
            self._finder.follow(np.zeros_like(padded), boxes[0])  # nothing there: the mesh lets go of the last picture
            self._finder.follow(padded, boxes[0])  # found by its own detector; the second look is the exact one
            found = self._finder.follow(padded, boxes[0])
            if found is not None:
                height, width = padded.shape[:2]
                return found[:, :2] * np.array((width, height), np.float32) - np.float32(pad)
        return None
