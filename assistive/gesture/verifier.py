"""Look at each found hand closely: where exactly it is, and which gesture it shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from assistive.gesture.crop import FIRST_MARGIN, MARGIN, Placement, crop
from assistive.gesture.detector import Detection
from assistive.runtime import Runner
from assistive.types import Box

SAME_HAND_IOU = 0.55
"""Two boxes that overlap more once they are exact are one hand."""

ROUNDS = 2
"""How often a box is corrected. On validation people the second time is worth 4 points of top-1, a third nothing."""


Worth = Callable[[Detection, NDArray[np.float32]], bool]
"""Whether to look at a candidate again, given the class probabilities ``(k,)`` of the last look."""


class Verifier:
    """Judges crops of hands with the verifier's network.

    Args:
        session: the network: float32 ``(n, 3, s, s)`` to probabilities ``(n, k)``, embeddings ``(n, e)`` and boxes
            ``(n, 4)``.
        classes: names of the k classes, ``no_gesture`` last.
        size: side of a crop, pixels.
    """

    def __init__(self, session: Runner, classes: list[str], size: int) -> None:
        self._session, self.classes, self._size = session, classes, size

    def look(
        self, image: NDArray[np.uint8], found: list[Detection], worth: Worth = lambda *_: True
    ) -> tuple[list[Detection], NDArray[np.float32]]:
        """Make the boxes exact, then judge each hand.

        The first looks correct the detector's box, because a gesture whose finger is cut off is another gesture. The
        last judges the exact crop twice, as it is and mirrored: no gesture changes its meaning in a mirror, and the
        mean of both is steadier than either. Most candidates of a real frame are clutter, which one look tells.

        Args:
            image: uint8 ``(H, W, 3)``, RGB.
            found: candidates, best first.
            worth: whether to look at a candidate again, from the probabilities of the look before.

        Returns:
            The candidates with exact boxes, those dropped that were not worth it or turned out to be the same hand as
            a better one, and the probability of every class for each, float32 ``(n, k)``, rows sum to 1.
        """
        exact = found
        for _ in range(ROUNDS):
            exact = self._exact(image, exact, worth)
        if not exact:
            return [], np.zeros((0, len(self.classes)), np.float32)
        crops, _ = self._crops(image, [detection.box for detection in exact], MARGIN)
        probabilities = self._session.run(np.concatenate([crops, crops[..., ::-1]]))[0]
        mean = np.log(np.maximum(probabilities, 1e-9)).reshape(2, len(exact), -1).mean(0)
        odds = np.exp(mean - mean.max(1, keepdims=True))
        return exact, np.asarray(odds / odds.sum(1, keepdims=True), np.float32)

    def _exact(self, image: NDArray[np.uint8], found: list[Detection], worth: Worth) -> list[Detection]:
        if not found:
            return []
        crops, places = self._crops(image, [detection.box for detection in found], FIRST_MARGIN)
        probabilities, _, corners = self._session.run(crops)
        size = image.shape[1], image.shape[0]
        exact: list[Detection] = []
        for detection, place, row, seen in zip(found, places, corners, probabilities, strict=True):
            if not worth(detection, seen):
                continue
            box = place.to_frame(row, self._size, size)
            if box.w <= 0 or box.h <= 0:
                box = detection.box
            if all(box.iou(other.box) < SAME_HAND_IOU for other in exact):
                exact.append(replace(detection, box=box))
        return exact

    def _crops(
        self, image: NDArray[np.uint8], boxes: list[Box], grow: float
    ) -> tuple[NDArray[np.float32], list[Placement]]:
        pairs = [crop(image, box, self._size, grow) for box in boxes]
        batch = np.stack([picture for picture, _ in pairs]).transpose(0, 3, 1, 2)
        return np.ascontiguousarray(batch, np.float32) / np.float32(255), [place for _, place in pairs]
