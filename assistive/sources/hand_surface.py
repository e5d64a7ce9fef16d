"""The visible surface of a hand: every capsule's height and slope towards the viewer, the nearest one kept.

A capsule is a sphere swept along a bone; where its surface lies nearest to the viewer is solved in closed form for each
pixel. The palm's capsules melt into one another, the fingers lie on top.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.sources.hand_pose import Array, Skeleton

Float = NDArray[np.float32]

NOWHERE = -9.0
MELT = 0.045
PALM_BLUR = 0.035


def blurred(image: Float, sigma: float) -> Float:
    """Blur an image; a wide blur is done on a smaller copy, which is much faster and looks the same."""
    factor = min(int(sigma / 1.5), *image.shape[:2])
    if factor < 2:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)
    size = (max(image.shape[1] // factor, 1), max(image.shape[0] // factor, 1))
    small = cv2.GaussianBlur(cv2.resize(image, size, interpolation=cv2.INTER_AREA), (0, 0), sigma / factor)
    return np.asarray(cv2.resize(small, (image.shape[1], image.shape[0])), np.float32)


class Surface:
    """The nearest surface at every pixel: height, normal and which capsule it belongs to."""

    def __init__(self, width: int, height: int, origin: tuple[float, float], scale: float) -> None:
        self.origin, self.scale = origin, scale
        self.x = (np.arange(width, dtype=np.float32) + 0.5) / scale + np.float32(origin[0])
        self.y = np.float32(origin[1]) - (np.arange(height, dtype=np.float32) + 0.5) / scale
        self.height = np.full((height, width), NOWHERE, np.float32)
        self.nx: Float = np.zeros((height, width), np.float32)
        self.ny: Float = np.zeros((height, width), np.float32)
        self.part = np.full((height, width), -1, np.int8)

    def add(self, bones: Skeleton) -> None:
        """Add every capsule, the soft ones first so that fingers lie on the palm."""
        for row in np.flatnonzero(bones.soft):
            self._capsule(int(row), bones)
        self._smooth(PALM_BLUR * self.scale)
        for row in np.flatnonzero(~bones.soft):
            self._capsule(int(row), bones)

    def _smooth(self, sigma: float) -> None:
        """Even out the ridges between the palm's capsules."""
        covered = (self.part >= 0).astype(np.float32)
        weight = np.maximum(blurred(covered, sigma), 1e-3)
        self.nx = np.divide(blurred(self.nx * covered, sigma), weight, dtype=np.float32)
        self.ny = np.divide(blurred(self.ny * covered, sigma), weight, dtype=np.float32)

    def _window(self, start: Array, end: Array, reach: float) -> tuple[slice, slice]:
        columns = np.searchsorted(self.x, (min(start[0], end[0]) - reach, max(start[0], end[0]) + reach))
        rows = np.searchsorted(-self.y, (-max(start[1], end[1]) - reach, -min(start[1], end[1]) + reach))
        return slice(int(rows[0]), int(rows[1])), slice(int(columns[0]), int(columns[1]))

    def _capsule(self, row: int, bones: Skeleton) -> None:
        start, end, (first, second) = bones.starts[row], bones.ends[row], bones.radii[row].astype(np.float32)
        window = self._window(start, end, max(first, second))
        x, y = self.x[window[1]] - np.float32(start[0]), self.y[window[0], None] - np.float32(start[1])
        if not x.size or not y.size:
            return
        length = max(float(np.hypot(*(end - start)[:2])), 1e-4)
        ux, uy = (np.float32(value / length) for value in (end - start)[:2])
        slope = np.float32((end[2] - start[2]) / length)
        along = x * ux + y * uy
        across = x * uy - y * ux
        radius = first + (second - first) * np.clip(along / np.float32(length), 0, 1)
        inside = np.sqrt(np.maximum(radius**2 - across**2, 0))
        at = np.clip(along + slope / np.sqrt(1 + slope * slope) * inside, 0, np.float32(length))
        left = radius**2 - across**2 - (along - at) ** 2
        height = np.where(left > 0, np.float32(start[2]) + slope * at + np.sqrt(np.maximum(left, 0)), NOWHERE)
        self._merge(window, row, height, (x - at * ux) / radius, (y - at * uy) / radius, bool(bones.soft[row]))

    def _merge(self, window: tuple[slice, slice], row: int, height: Float, nx: Float, ny: Float, soft: bool) -> None:
        before = self.height[window]
        nearer = height > before
        self.part[window][nearer] = row
        if soft:
            share = np.clip(0.5 + (height - before) / np.float32(2 * MELT), 0, 1)
            self.height[window] = before + (height - before) * share + np.float32(MELT) * share * (1 - share)
            self.nx[window] += (nx - self.nx[window]) * share
            self.ny[window] += (ny - self.ny[window]) * share
            return
        for target, value in ((before, height), (self.nx[window], nx), (self.ny[window], ny)):
            np.copyto(target, value, where=nearer)

    def smaller(self, width: int, height: int) -> tuple[Surface, Float]:
        """Return the surface at a smaller size, and how much of each pixel it covers, 0..1."""
        covered = (self.part >= 0).astype(np.float32)
        share = np.asarray(cv2.resize(covered, (width, height), interpolation=cv2.INTER_AREA), np.float32)
        weight = np.maximum(share, 1e-3)
        small = Surface(width, height, self.origin, self.scale * height / len(self.y))
        for name in ("height", "nx", "ny"):
            mean = cv2.resize(getattr(self, name) * covered, (width, height), interpolation=cv2.INTER_AREA) / weight
            setattr(small, name, mean)
        small.part = cv2.resize(self.part, (width, height), interpolation=cv2.INTER_NEAREST).astype(np.int8)
        return small, share
