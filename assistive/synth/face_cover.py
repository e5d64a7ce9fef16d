"""What hides part of a face: a mask, glasses, a hand before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.synth.face_fit import EYES

Image = NDArray[np.uint8]
Points = NDArray[np.float32]
Kind = Literal["mask", "glasses", "hand"]

KINDS: tuple[Kind, ...] = ("mask", "glasses", "hand")

_MASK = (168, 100, 116, 123, 147, 177, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 401,
         376, 352, 345, 329)  # fmt: skip
"""Outline of a mask in the face mesh: over the bridge of the nose, along the cheeks, around the jaw."""
_EARS = (234, 454)
_CHEEKS = ((0.0, 0.0), (-0.35, 0.0), (0.35, 0.0))


@dataclass(frozen=True, slots=True)
class Cover:
    """One thing before a face.

    Attributes:
        kind: what it is.
        colour: RGB, 0..255.
        where: for a hand, its place against the mouth, widths of the face right and down.
        size: factor on its size.
        angle: direction in which the fingers point, degrees; 0 = to the right, 90 = down.
    """

    kind: Kind
    colour: tuple[int, int, int]
    where: tuple[float, float] = (0.0, 0.0)
    size: float = 1.0
    angle: float = 0.0

    @classmethod
    def draw(cls, rng: np.random.Generator, kind: Kind | None = None) -> Cover:
        """Draw a cover; any kind when None."""
        kind = kind or KINDS[int(rng.integers(len(KINDS)))]
        if kind == "hand":
            shade = np.array([1.0, 0.72, 0.58]) * rng.uniform(60, 235)
        else:
            shade = rng.uniform(0, 256, 3) if kind == "mask" else rng.uniform(5, 90, 3)
        x, y = _CHEEKS[int(rng.integers(len(_CHEEKS)))]
        where = float(x + rng.normal(0, 0.05)), float(y + rng.normal(0, 0.08))
        r, g, b = (int(value) for value in shade)
        return cls(kind, (r, g, b), where, float(rng.uniform(0.85, 1.15)), float(rng.uniform(-150, -30)))

    @property
    def moves_with_head(self) -> bool:
        """A hand stays where it is; the others are worn."""
        return self.kind != "hand"

    def apply(self, picture: Image, mesh: Points) -> NDArray[np.float32]:
        """Draw it over a picture, in place.

        Args:
            picture: uint8 ``(H, W, 3)``, RGB.
            mesh: float32 ``(468, 2)``, pixels: where the face would be if only the head moved.

        Returns:
            float32 ``(H, W)``: how far each pixel is hidden, 0..1.
        """
        alpha = np.zeros(picture.shape[:2], np.uint8)
        {"mask": self._mask, "glasses": self._glasses, "hand": self._hand}[self.kind](alpha, mesh)
        cover = np.asarray(cv2.GaussianBlur(alpha.astype(np.float32) / 255, (0, 0), 0.7), np.float32)
        height, width = picture.shape[:2]
        # Folds and roundness: brightest in the middle of the thing.
        inner = cv2.distanceTransform((alpha > 127).astype(np.uint8), cv2.DIST_L2, 3)
        shade = 0.7 + 0.4 * np.clip(inner / max(0.06 * width, 1), 0, 1) - 0.1 * np.linspace(0, 1, height)[:, None]
        layer = np.clip(np.array(self.colour, np.float32) * shade[..., None], 0, 255)
        picture[:] = (picture + (layer - picture) * cover[..., None]).astype(np.uint8)
        return cover

    def _mask(self, alpha: Image, mesh: Points) -> None:
        cv2.fillPoly(alpha, [_fixed(mesh[list(_MASK)])], (255,), cv2.LINE_AA, 4)
        thin = max(1, round(0.012 * _width(mesh)))
        for corner, ear in ((123, 234), (58, 234), (352, 454), (288, 454)):
            cv2.polylines(alpha, [_fixed(mesh[[corner, ear]])], False, (255,), thin, cv2.LINE_AA, 4)

    def _glasses(self, alpha: Image, mesh: Points) -> None:
        wide = _width(mesh)
        thick = max(1, round(0.022 * wide * self.size))
        middles = np.stack([mesh[list(eye)].mean(0) for eye in EYES])
        across = middles[1] - middles[0]
        angle = float(np.degrees(np.arctan2(across[1], across[0])))
        rim = 0.21 * wide * self.size
        for middle in middles:
            box = (float(middle[0]), float(middle[1] + 0.02 * wide)), (2 * rim, 1.5 * rim), angle
            cv2.ellipse(alpha, box, (255,), thick, cv2.LINE_AA)
        step = across / max(float(np.hypot(*across)), 1e-6) * rim
        bars = [(middles[0] + step, middles[1] - step), (middles[0] - step, mesh[_EARS[0]]),
                (middles[1] + step, mesh[_EARS[1]])]  # fmt: skip
        for start, end in bars:
            cv2.polylines(alpha, [_fixed(np.stack([start, end]))], False, (255,), thick, cv2.LINE_AA, 4)

    def _hand(self, alpha: Image, mesh: Points) -> None:
        wide = _width(mesh)
        mouth = (mesh[13] + mesh[14]) / 2 + np.multiply(self.where, wide)
        along = np.array([np.cos(np.radians(self.angle)), np.sin(np.radians(self.angle))])
        across = np.array([-along[1], along[0]])
        palm = mouth - along * 0.25 * wide
        unit = wide * self.size
        middle = float(palm[0]), float(palm[1])
        cv2.ellipse(alpha, (middle, (0.5 * unit, 0.46 * unit), self.angle), (255,), -1, cv2.LINE_AA)
        for finger in (-1.5, -0.5, 0.5, 1.5):
            root = palm + across * finger * 0.112 * unit
            tip = root + along * (0.62 - 0.05 * abs(finger)) * unit + across * finger * 0.02 * unit
            cv2.polylines(alpha, [_fixed(np.stack([root, tip]))], False, (255,), max(1, round(0.108 * unit)),
                          cv2.LINE_AA, 4)  # fmt: skip
        wrist = np.stack([palm, palm - along * 1.5 * wide])
        cv2.polylines(alpha, [_fixed(wrist)], False, (255,), max(1, round(0.36 * unit)), cv2.LINE_AA, 4)


def _fixed(points: NDArray[np.floating]) -> NDArray[np.int32]:
    return np.rint(points * 16).astype(np.int32)


def _width(mesh: Points) -> float:
    return float(np.hypot(*(mesh[_EARS[1]] - mesh[_EARS[0]])))
