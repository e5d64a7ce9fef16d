"""Look at each found hand closely and say which gesture it shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assistive.gesture.crop import crop
from assistive.runtime import Session
from assistive.types import Box


class Verifier:
    """Classifies crops of hands with the verifier's network.

    Args:
        session: the network: float32 ``(n, 3, s, s)`` to probabilities ``(n, k)`` and embeddings ``(n, e)``.
        classes: names of the k classes, ``no_gesture`` last.
        size: side of a crop, pixels.
    """

    def __init__(self, session: Session, classes: list[str], size: int) -> None:
        self._session, self.classes, self._size = session, classes, size

    def judge(self, image: NDArray[np.uint8], boxes: list[Box]) -> NDArray[np.float32]:
        """Return the probability of every class for every box.

        Each crop is seen twice, as it is and mirrored, because no gesture changes its meaning in a mirror; the mean
        is steadier than either view.

        Args:
            image: uint8 ``(H, W, 3)``, RGB.
            boxes: n hands.

        Returns:
            float32 ``(n, k)``, rows sum to 1.
        """
        if not boxes:
            return np.zeros((0, len(self.classes)), np.float32)
        crops = np.stack([crop(image, box, self._size) for box in boxes])
        batch = np.concatenate([crops, crops[:, :, ::-1]]).transpose(0, 3, 1, 2)
        probabilities = self._session.run(np.ascontiguousarray(batch, np.float32) / np.float32(255))[0]
        mean = np.log(np.maximum(probabilities, 1e-9)).reshape(2, len(boxes), -1).mean(0)
        odds = np.exp(mean - mean.max(1, keepdims=True))
        return np.asarray(odds / odds.sum(1, keepdims=True), np.float32)
