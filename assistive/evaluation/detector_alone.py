"""How good the detector is by itself: average precision of its own boxes and classes, as papers report it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.errors import WeightsError
from assistive.evaluation.detection import Found, Picture, average_precision
from assistive.gesture.detector import Letterbox, letterbox, select
from assistive.runtime import open_session
from assistive.settings import RuntimeSettings
from assistive.types import GESTURES, NO_GESTURE
from assistive.weights import find_weights

MIN_SCORE = 0.001
"""Average precision ranks the faint ones too: customary for detectors."""

LIMIT = 100
"""COCO looks at so many boxes of a picture."""


class DetectorAlone:
    """A detector without the verifier, at the runtime's own letterbox and suppression.

    Args:
        name: of the weights.
        runtime: which device.

    Attributes:
        classes: what it tells apart, the 18 gestures and ``no_gesture`` among them.

    Raises:
        WeightsError: they are missing, damaged, or no detector.
    """

    def __init__(self, name: str, runtime: RuntimeSettings) -> None:
        weights = find_weights(name)
        known = weights.sidecar
        if known.kind != "gesture-detector":
            what = f"the weights {name!r} are a {known.kind}, not a gesture-detector"
            raise WeightsError(what, "python run.py list models", "weights.kind")
        self._session = open_session(weights, runtime)
        self._size = known.input.width, known.input.height
        self._columns = tuple(known.classes)
        self._overlap = known.thresholds["overlap"]
        self.classes = tuple(dict.fromkeys((*GESTURES, NO_GESTURE, *known.classes)))

    def find(self, image: NDArray[np.uint8]) -> tuple[Found, ...]:
        """Return the best boxes of a picture, uint8 ``(H, W, 3)``, RGB, each with every class that it may show.

        The score is that of the hand times that of the class.

        Raises:
            RuntimeFault: the network gave back nonsense.
        """
        batch, placed = letterbox(image, *self._size)
        output = self._session.run(batch)[0][0]
        height, width = image.shape[:2]
        return rank(output, placed, (width, height), self._columns, self._overlap)


def rank(
    output: NDArray[np.float32], placed: Letterbox, size: tuple[int, int], classes: Sequence[str], overlap: float
) -> tuple[Found, ...]:
    """Choose the boxes that average precision is computed from, each with every class that it may show.

    Args:
        output: float32 ``(candidates, 5 + k)``, as for :func:`assistive.gesture.detector.select`.
        placed: how the picture was laid into the input.
        size: width and height of the picture in pixels.
        classes: names of the k classes.
        overlap: IoU above which the weaker of two boxes is dropped.

    Returns:
        The best, first; the score is that of the hand times that of the class.
    """
    found = [
        Found(name, one.box, one.score * score)
        for one in select(output, placed, size, MIN_SCORE, overlap, LIMIT)
        for name, score in zip(classes, one.classes.tolist(), strict=True)
        if one.score * score >= MIN_SCORE
    ]
    return tuple(sorted(found, key=lambda one: -one.score)[:LIMIT])


def report(pictures: Sequence[Picture], classes: Sequence[str]) -> dict[str, Any] | None:
    """Summarise what the detector found.

    Args:
        pictures: what it found in each, and what is there.
        classes: of the detector.

    Returns:
        ``map50``, ``map75`` and ``map50_95`` over all labelled classes, ``no_gesture`` included, as papers have it;
        the same over ``gestures`` alone; ``map50_95_by_size`` and ``ap_by_class``. None when nothing has a box.

    Raises:
        DependencyError: faster-coco-eval is not installed.
    """
    precision = average_precision(pictures, classes)
    if precision is None:
        return None
    return {
        **precision.means(),
        "gestures": precision.means(GESTURES),
        "map50_95_by_size": precision.by_size(),
        "ap_by_class": precision.by_class(),
    }
