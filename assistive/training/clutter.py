"""Find what the networks take for a hand where there is none: an ear, a nose, a curl of hair, a fold of cloth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.gesture import GestureStream
from assistive.synth.crops import NOTHING
from assistive.training.datasets.gesture_pack import LabelledHand, Picture
from assistive.types import NO_GESTURE, Box, Frame

Image = NDArray[np.uint8]
MARGIN = 1.0
"""What is kept around a candidate, in lengths of its sides."""


def find_clutter(stream: GestureStream, pictures: Sequence[Image], seed: int) -> list[Picture]:
    """Run the runtime's networks over pictures without a hand and cut out what they take for one.

    Args:
        stream: networks of an earlier stage.
        pictures: none of them shows a hand.
        seed: seed of the sizes at which each picture is seen.

    Returns:
        One picture a candidate, with the box of the detector, what looks most like a gesture first.
    """
    rng = np.random.default_rng(seed)
    found: list[tuple[float, Picture]] = []
    for picture in pictures:
        for view in _views(picture, rng):
            candidates = stream.detect(Frame(view, 0.0, 0, 0.0))
            exact = stream.read(Frame(view, 0.0, 0, 0.0))
            for candidate in candidates:
                likely = max((h.probability for h in exact if h.box.iou(candidate.box) > 0), default=0.0)
                found.append((likely, _cut(view, candidate.box)))
    return [picture for _, picture in sorted(found, key=lambda pair: -pair[0])]


def _views(picture: Image, rng: np.random.Generator) -> Iterator[Image]:
    """Yield a picture as it is, from nearer and from farther away."""
    yield picture
    height, width = picture.shape[:2]
    h, w = (int(side * rng.uniform(0.5, 0.8)) for side in (height, width))
    y, x = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    yield np.ascontiguousarray(picture[y : y + h, x : x + w])
    pad = int(max(height, width) * rng.uniform(0.2, 0.6))
    yield np.asarray(cv2.copyMakeBorder(picture, pad, pad, pad, pad, cv2.BORDER_REFLECT_101), np.uint8)


def _cut(image: Image, box: Box) -> Picture:
    height, width = image.shape[:2]
    x0, x1 = int(max(0, box.x - MARGIN * box.w) * width), int(min(1, box.x + (1 + MARGIN) * box.w) * width)
    y0, y1 = int(max(0, box.y - MARGIN * box.h) * height), int(min(1, box.y + (1 + MARGIN) * box.h) * height)
    part = image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)].copy()
    rows, columns = part.shape[:2]
    own = Box((box.x * width - x0) / columns, (box.y * height - y0) / rows, box.w * width / columns,
              box.h * height / rows)  # fmt: skip
    return Picture("", part, (LabelledHand(own, (NO_GESTURE,)),), "", "", kind=NOTHING)
