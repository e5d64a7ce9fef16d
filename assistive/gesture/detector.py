"""Find hands in a frame: letterbox, network, non-maximum suppression. Training validates with the same code."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.types import Box

PADDING = 114
STRIDE = 32
"""Sides of the network's input are multiples of this, its coarsest grid."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a picture was laid into the network's input.

    Attributes:
        scale: input pixels per picture pixel.
        left: columns of padding before the picture, input pixels.
        top: rows of padding above the picture, input pixels.
    """

    scale: float
    left: int
    top: int


@dataclass(frozen=True, slots=True)
class Detection:
    """One candidate: its box in fractions of the frame, hand score 0..1, class scores float32 ``(k,)`` 0..1."""

    box: Box
    score: float
    classes: NDArray[np.float32]


def letterbox(image: NDArray[np.uint8], width: int, height: int) -> tuple[NDArray[np.float32], Letterbox]:
    """Scale a picture into the network's input without distorting it, with as little padding as its grid allows.

    A 640x480 picture becomes 320x256 for a network of 320x320: a fifth less to compute.

    Args:
        image: uint8 ``(H, W, 3)``, RGB.
        width: input width in pixels at most, a multiple of 32.
        height: input height in pixels at most, a multiple of 32.

    Returns:
        float32 ``(1, 3, h, w)`` in 0..1, both sides multiples of 32, and how to come back.
    """
    rows, columns = image.shape[:2]
    scale = min(width / columns, height / rows)
    w, h = max(1, round(columns * scale)), max(1, round(rows * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas = np.full((-(-h // STRIDE) * STRIDE, -(-w // STRIDE) * STRIDE, 3), PADDING, np.uint8)
    left, top = (canvas.shape[1] - w) // 2, (canvas.shape[0] - h) // 2
    canvas[top : top + h, left : left + w] = cv2.resize(image, (w, h), interpolation=how)
    batch = cv2.dnn.blobFromImage(canvas, 1 / 255.0)
    return np.asarray(batch, np.float32), Letterbox(scale, left, top)


def select(
    output: NDArray[np.float32], frame: Letterbox, size: tuple[int, int], min_score: float, overlap: float, limit: int
) -> list[Detection]:
    """Choose the hands among the network's candidates, best first.

    Args:
        output: float32 ``(candidates, 5 + k)``: centre x, y, w, h in input pixels, hand score, class scores.
        frame: how the frame was laid into the input.
        size: width and height of the frame in pixels.
        min_score: hand score below which a candidate is dropped, 0..1.
        overlap: IoU above which the weaker of two candidates is dropped, whatever their classes: one hand, one box.
        limit: how many to return at most.
    """
    kept = output[output[:, 4] >= min_score]
    kept = kept[np.argsort(-kept[:, 4], kind="stable")][:200]
    corners = np.concatenate([kept[:, :2] - kept[:, 2:4] / 2, kept[:, 2:4]], axis=1)
    chosen = cv2.dnn.NMSBoxes(corners.tolist(), kept[:, 4].tolist(), min_score, overlap) if len(kept) else ()
    width, height = size
    found = []
    for i in list(chosen)[:limit]:
        x, y, w, h = corners[i]
        x0, y0 = (x - frame.left) / frame.scale / width, (y - frame.top) / frame.scale / height
        x1, y1 = x0 + w / frame.scale / width, y0 + h / frame.scale / height
        x0, y0, x1, y1 = (float(np.clip(value, 0, 1)) for value in (x0, y0, x1, y1))
        if x1 > x0 and y1 > y0:
            found.append(Detection(Box(x0, y0, x1 - x0, y1 - y0), float(kept[i, 4]), kept[i, 5:]))
    return found
