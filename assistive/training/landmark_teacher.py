"""A teacher for hand landmarks: MediaPipe Hands (Apache-2.0), used while preparing data and never at run time."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.errors import DependencyError


class LandmarkTeacher:
    """Finds 21 landmarks of the hand in a picture.

    Raises:
        DependencyError: mediapipe is not installed.
    """

    def __init__(self) -> None:
        try:
            from mediapipe.python.solutions.hands import Hands
        except ImportError as error:
            raise DependencyError("mediapipe is not installed", 'pip install -e ".[train]"') from error
        self._hands: Any = Hands(
            static_image_mode=True, max_num_hands=1, model_complexity=1, min_detection_confidence=0.3
        )

    def find(self, image: NDArray[np.uint8], margins: tuple[float, ...] = (0.35, 0.8, 0.1)) -> list[list[float]] | None:
        """Return 21 points ``[x, y]`` in fractions of the picture, or None when no hand is seen.

        Args:
            image: uint8 ``(H, W, 3)``, RGB; a tight crop is padded, because the palm finder wants room around a hand.
            margins: paddings to try in turn, as a share of the longer side.
        """
        height, width = image.shape[:2]
        for margin in margins:
            pad = int(max(height, width) * margin)
            padded = cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
            scale = min(1.0, 480 / max(padded.shape[:2]))
            found = self._hands.process(cv2.resize(padded, None, fx=scale, fy=scale)).multi_hand_landmarks
            if found:
                full_h, full_w = padded.shape[:2]
                return [
                    [round((p.x * full_w - pad) / width, 4), round((p.y * full_h - pad) / height, 4)]
                    for p in found[0].landmark
                ]
        return None
