"""Cut real hands out of their pictures softly, so that they can be set before another background."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.training.datasets.gesture_pack import Landmarks, Picture
from assistive.types import Box

BONES = (
    (0, 1), (1, 2), (2, 3), (3, 4), (0, 5), (5, 6), (6, 7), (7, 8), (5, 9), (9, 10), (10, 11), (11, 12), (9, 13),
    (13, 14), (14, 15), (15, 16), (13, 17), (17, 18), (18, 19), (19, 20), (0, 17),
)  # fmt: skip
PALM = (0, 1, 5, 9, 13, 17)


@dataclass(frozen=True, slots=True)
class Cutout:
    """A hand without its background.

    Attributes:
        image: uint8 ``(H, W, 3)``, RGB.
        alpha: float32 ``(H, W)``, 0 background .. 1 hand.
        box: the hand in fractions of the picture.
        names: gesture names that are right.
        landmarks: 21 points in fractions of the picture, or None.
    """

    image: NDArray[np.uint8]
    alpha: NDArray[np.float32]
    box: Box
    names: tuple[str, ...]
    landmarks: Landmarks | None


def cut_out(picture: Picture, rng: np.random.Generator) -> Cutout:
    """Cut the first labelled hand out of a picture.

    With landmarks the outline comes from GrabCut (Rother et al., SIGGRAPH 2004) seeded by the hand's bones; without
    them, or where GrabCut keeps too little, the box is feathered, because a hard rectangle would teach a detector to
    look for rectangles.
    """
    hand = picture.hands[0]
    alpha = None if picture.landmarks is None else _outline(picture.image, picture.landmarks)
    if alpha is None:
        alpha = _feather(picture.image.shape[:2], hand.box, rng)
    return Cutout(picture.image, alpha, hand.box, hand.names, picture.landmarks)


def _outline(image: NDArray[np.uint8], landmarks: Landmarks) -> NDArray[np.float32] | None:
    height, width = image.shape[:2]
    points = (landmarks * (width, height)).astype(np.int32)
    palm = float(np.linalg.norm((landmarks[5] - landmarks[17]) * (width, height)))
    palm = max(palm, 0.5 * float(np.linalg.norm((landmarks[0] - landmarks[9]) * (width, height))))
    sure = np.zeros((height, width), np.uint8)
    near = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(sure, cv2.convexHull(points[list(PALM)]), 1)
    for a, b in BONES:
        start, end = points[a].tolist(), points[b].tolist()
        cv2.line(sure, start, end, 1, max(1, int(palm * 0.12)))
        cv2.line(near, start, end, 1, max(3, int(palm * 0.62)))
    near |= sure
    if not 0.08 < near.mean() < 0.97:
        return None
    labels = np.where(sure > 0, cv2.GC_FGD, np.where(near > 0, cv2.GC_PR_FGD, cv2.GC_BGD)).astype(np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(np.ascontiguousarray(image), labels, None, *models, 2, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    mask = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    if mask.sum() < 1.1 * sure.sum():
        mask = near
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel), np.uint8)
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), max(0.8, 0.012 * max(height, width))))


def _feather(shape: tuple[int, int], box: Box, rng: np.random.Generator) -> NDArray[np.float32]:
    height, width = shape
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    power = float(rng.choice([2.0, 3.0, 6.0]))
    dx = np.abs((xs + 0.5) / width - box.centre[0]) / (box.w * 0.52)
    dy = np.abs((ys + 0.5) / height - box.centre[1]) / (box.h * 0.52)
    distance = (dx**power + dy**power) ** (1 / power)
    return np.clip((1.0 - distance) / 0.12 + 0.5, 0, 1).astype(np.float32)
