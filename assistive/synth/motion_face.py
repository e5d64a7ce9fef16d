"""The faces of the motion test-bed: where their parts lie, what their skin looks like, and what may hide them.

Everything lies in a tight crop of the face, in fractions of its side: x to the right, y down, the eyes near y .25 and
the chin near y .92, as ``assistive.expression.flow`` cuts faces out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Point = tuple[float, float]

COVERS = ("mask", "glasses", "block")
"""What may hide part of a face: a mask over nose and mouth, glasses with dark rims, a black block anywhere."""

TEXTURE_SIDE = 256
"""Side at which the skin is drawn, pixels."""

SKINS = ((236, 200, 178), (214, 168, 140), (176, 124, 96), (128, 86, 64), (82, 56, 44))
"""Colours between which a subject's skin lies, RGB."""

BLOCK_REACH = 0.15
"""A block's centre keeps this far from the crop's edge, in fractions."""


@dataclass(frozen=True, slots=True)
class FaceGeometry:
    """Where the parts of one subject's face lie, in fractions of the crop.

    Attributes:
        brow, eye, mouth: middle of the subject's right brow and eye, and the right corner of the mouth; the left ones
            lie mirrored about ``middle``.
        nose: its tip.
        chin: lowest point.
        middle: x of the line from nose bridge to chin.
    """

    brow: Point
    eye: Point
    mouth: Point
    nose: Point
    chin: Point
    middle: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> FaceGeometry:
        """Draw a face."""
        middle = 0.5 + float(rng.normal(0, 0.01))
        eye_x, eye_y = rng.normal((0.26, 0.25), 0.012)
        brow_y = eye_y - rng.normal(0.12, 0.012)
        mouth_x, mouth_y = rng.normal((0.31, 0.68), (0.015, 0.018))
        return cls(
            (float(eye_x), float(brow_y)), (float(eye_x), float(eye_y)), (float(mouth_x), float(mouth_y)),
            (middle, float(mouth_y - rng.normal(0.18, 0.012))), (middle, float(rng.normal(0.93, 0.012))), middle,
        )  # fmt: skip

    def other(self, point: Point) -> Point:
        """Return the same place on the other half of the face."""
        return 2 * self.middle - point[0], point[1]

    def landmarks(self) -> Float:
        """Return the usual 68 landmarks, float32 ``(68, 2)``: jaw, brows, nose, eyes, mouth."""
        angle = np.linspace(np.pi, 0, 17)
        jaw = np.stack([self.middle + 0.47 * np.cos(angle),
                        self.eye[1] + (self.chin[1] - self.eye[1]) * np.sin(angle)], 1)  # fmt: skip
        brow = np.stack([np.linspace(-0.13, 0.13, 5), 0.02 - 0.04 * np.sin(np.linspace(0.3, np.pi, 5))], 1)
        turn = np.radians([180, 120, 60, 0, -60, -120])
        eye = np.stack([0.085 * np.cos(turn), -0.035 * np.sin(turn)], 1)
        bridge = np.linspace((self.middle, self.eye[1]), self.nose, 4)
        wings = np.stack([self.middle + np.linspace(-0.09, 0.09, 5),
                          self.nose[1] + 0.035 + 0.015 * np.sin(np.linspace(0, np.pi, 5))], 1)  # fmt: skip
        across = self.middle - self.mouth[0]
        lips = [_lips(self.middle, self.mouth[1], across * wide, tall, count) for wide, tall, count in
                ((1.0, 0.055, 12), (0.75, 0.02, 8))]  # fmt: skip
        mirror = np.array([-1, 1])
        eyes = [np.add(self.eye, eye), np.add(self.other(self.eye), eye)]
        brows = [np.add(self.brow, brow), np.add(self.other(self.brow), (brow * mirror)[::-1])]
        return np.concatenate([jaw, *brows, bridge, wings, *eyes, *lips]).astype(np.float32)


def _lips(x: float, y: float, half: float, tall: float, count: int) -> NDArray[np.float64]:
    turn = np.linspace(np.pi, -np.pi, count, endpoint=False)
    return np.stack([x + half * np.cos(turn), y - tall * np.sin(turn)], 1)


@lru_cache(maxsize=256)
def skin(geometry: FaceGeometry, seed: int) -> NDArray[np.uint8]:
    """Draw a subject's neutral face, uint8 ``(256, 256, 3)``, RGB: skin with grain and spots, brows, eyes, lips."""
    rng = np.random.default_rng([seed, 7])
    place = rng.uniform(0, len(SKINS) - 1)
    tone = np.array([np.interp(place, range(len(SKINS)), part) for part in zip(*SKINS, strict=True)])
    light = sum(_grain(rng, cells) * weight for cells, weight in ((4, 0.10), (24, 0.05), (64, 0.05), (128, 0.035)))
    picture = np.clip(tone * (1 + np.asarray(light)[..., None]), 0, 255).astype(np.uint8)
    scale = TEXTURE_SIDE * 16
    points = np.rint(geometry.landmarks() * scale).astype(np.int32)
    hair = [int(part) for part in tone * rng.uniform(0.15, 0.5)]
    lip = [int(part) for part in tone * np.array((0.85, 0.55, 0.55))]
    for start in (17, 22):
        cv2.polylines(picture, [points[start : start + 5]], False, hair, 7, cv2.LINE_AA, 4)
    for start in (36, 42):
        cv2.fillPoly(picture, [points[start : start + 6]], (225, 222, 218), cv2.LINE_AA, 4)
        x, y = points[start : start + 6].mean(0).astype(int)
        cv2.circle(picture, (int(x), int(y)), 8 * 16, hair, -1, cv2.LINE_AA, 4)
        cv2.polylines(picture, [points[start : start + 6]], True, hair, 2, cv2.LINE_AA, 4)
    cv2.fillPoly(picture, [points[48:60]], lip, cv2.LINE_AA, 4)
    cv2.polylines(picture, [points[60:68]], True, [part // 2 for part in lip], 2, cv2.LINE_AA, 4)
    cv2.polylines(picture, [points[31:36]], False, [int(part) for part in tone * 0.6], 3, cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.8), np.uint8)


def _grain(rng: np.random.Generator, cells: int) -> Float:
    coarse = rng.normal(0, 1, (cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (TEXTURE_SIDE, TEXTURE_SIDE), interpolation=cv2.INTER_CUBIC), np.float32)


@dataclass(frozen=True, slots=True)
class Covering:
    """What hides part of a face for a whole clip; it moves with the head.

    Attributes:
        kind: one of ``COVERS``.
        shapes: closed outlines, each a tuple of points in fractions of the crop.
        colour: RGB.
    """

    kind: str
    shapes: tuple[tuple[Point, ...], ...]
    colour: tuple[int, int, int]

    @classmethod
    def draw(cls, kind: str, face: FaceGeometry, rng: np.random.Generator, block_share: float) -> Covering:
        """Draw a covering that fits a face.

        Args:
            kind: one of ``COVERS``.
            face: that wears it.
            rng: source of chance.
            block_share: area of a block as a share of the crop, 0..1.
        """
        shade = int(rng.integers(0, 256))
        if kind == "block":
            half = np.sqrt(block_share) / 2
            x, y = rng.uniform(BLOCK_REACH, 1 - BLOCK_REACH, 2)
            return cls(kind, (_box(x - half, y - half, x + half, y + half),), (0, 0, 0))
        if kind == "mask":
            top = face.nose[1] - rng.uniform(0.02, 0.12)
            marks = face.landmarks()[3:14]
            outline = [(face.middle, float(top)), *((float(x), float(y + 0.03)) for x, y in marks[::-1])]
            return cls(kind, (tuple(outline),), (shade, min(255, shade + 20), min(255, shade + 40)))
        wide, tall = rng.uniform(0.13, 0.18), rng.uniform(0.09, 0.13)
        rims = [_rim(*eye, wide, tall) for eye in (face.eye, face.other(face.eye))]
        bridge = _box(face.eye[0] + wide, face.eye[1] - 0.015, 2 * face.middle - face.eye[0] - wide, face.eye[1])
        return cls(kind, (*rims, bridge), (shade // 3,) * 3)

    def hidden(self, side: int, shift_px: Sequence[float] = (0.0, 0.0)) -> Float:
        """Return which share of each pixel is hidden, float32 ``(side, side)``, 0..1.

        Args:
            side: side of the crop, pixels.
            shift_px: how far the head has moved since the onset.
        """
        drawn = np.zeros((side, side), np.uint8)
        for shape in self.shapes:
            points = np.rint((np.array(shape) * side + shift_px - 0.5) * 256).astype(np.int32)
            cv2.fillPoly(drawn, [points], 255, cv2.LINE_AA, 8)
        return np.asarray(drawn / np.float32(255), np.float32)


def _box(x0: float, y0: float, x1: float, y1: float) -> tuple[Point, ...]:
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)


def _rim(x: float, y: float, wide: float, tall: float) -> tuple[Point, ...]:
    """A ring as one outline: around the outside, then back around the lens."""
    turn = np.linspace(0, 2 * np.pi, 25)
    outer = [(x + wide * np.cos(a), y + tall * np.sin(a)) for a in turn]
    inner = [(x + (wide - 0.035) * np.cos(a), y + (tall - 0.035) * np.sin(a)) for a in turn[::-1]]
    return tuple((float(a), float(b)) for a, b in (*outer, *inner))
