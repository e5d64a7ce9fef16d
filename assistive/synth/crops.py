"""Training crops for the verifier: real hands, hands before new backgrounds, drawn hands, and what is no hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.gesture.crop import Placement, crop
from assistive.synth.cutouts import Cutout
from assistive.synth.degrade import degrade
from assistive.training.datasets.gesture_pack import LabelledHand, Picture
from assistive.types import NO_GESTURE, Box

Image = NDArray[np.uint8]
FARTHEST = 0.15
"""Hands are also seen at this share of their resolution: as from six times as far away."""

NOTHING = "nothing"
"""Kind of a picture whose box holds no hand."""


@dataclass(frozen=True, slots=True)
class Crop:
    """One training crop.

    Attributes:
        image: uint8 ``(s, s, 3)``, RGB.
        names: names that are right.
        corners: float32 ``(4,)``, left, top, right, bottom of the hand in fractions of the crop; None without a hand.
        landmarks: float32 ``(21, 2)`` in fractions of the crop, or None.
    """

    image: Image
    names: tuple[str, ...]
    corners: NDArray[np.float32] | None
    landmarks: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True)
class CropMixture:
    """Share of each kind of crop; what is left to 1 shows no hand, or a hand missed by the box.

    Attributes:
        single: pictures of single hands as they are.
        frame: labelled hands in whole frames.
        set_in: real hands cut out and set before another background.
        drawn: drawn hands.
        other: real hands that show no gesture, drawn from every source.
        clutter: what an earlier stage took for a hand.
    """

    single: float = 0.31
    frame: float = 0.24
    set_in: float = 0.16
    drawn: float = 0.13
    other: float = 0.1
    clutter: float = 0.0


class CropMaker:
    """Makes endless training crops from a fixed stock.

    Args:
        singles: pictures of one hand each.
        frames: frames with boxed hands.
        cutouts: real hands cut out.
        drawn: drawn hands.
        backgrounds: pictures without a hand.
        clutter: pictures whose one box holds no hand, though it looked like one; the worst first.
        mixture: share of each kind.
    """

    def __init__(
        self,
        singles: Sequence[Picture],
        frames: Sequence[Picture],
        cutouts: Sequence[Cutout],
        drawn: Sequence[Cutout],
        backgrounds: Sequence[Image],
        clutter: Sequence[Picture] = (),
        mixture: CropMixture | None = None,
    ) -> None:
        pairs = [(frame, hand) for frame in frames for hand in frame.hands]
        single = [(picture, picture.hands[0]) for picture in singles]
        self._pools = {
            "single": _Pool([pair for pair in single if pair[1].names != (NO_GESTURE,)]),
            "frame": _Pool([pair for pair in pairs if pair[1].names != (NO_GESTURE,)]),
            "other": _Pool([pair for pair in single + pairs if pair[1].names == (NO_GESTURE,)]),
        }
        self._cutouts, self._drawn = list(cutouts), list(drawn)
        self._backgrounds, self._frames, self._clutter = list(backgrounds), list(frames), list(clutter)
        self.mixture = mixture or CropMixture()

    def make(self, size: int, rng: np.random.Generator) -> Crop:
        """Make one crop of ``size`` x ``size`` pixels."""
        mixture = self.mixture
        shares = (mixture.single, mixture.frame, mixture.set_in, mixture.drawn, mixture.other, mixture.clutter)
        kind = int(np.searchsorted(np.cumsum(shares), rng.random()))
        if kind in (2, 3):
            stock = self._cutouts if kind == 2 else self._drawn
            picture = self._set_in(stock[int(rng.integers(len(stock)))], rng)
            hand = picture.hands[0]
        elif kind < 5:
            picture, hand = self._pools[("single", "frame", "", "", "other")[kind]].draw(rng)
        elif kind == 5 and self._clutter:
            # The square of a uniform number: the worst are drawn most often.
            picture = self._clutter[int(rng.random() ** 2 * len(self._clutter))]
            hand = picture.hands[0]
        else:
            picture, hand = self._nothing(rng)
        return _augment(picture, hand, size, rng)

    def _set_in(self, cutout: Cutout, rng: np.random.Generator) -> Picture:
        height, width = cutout.image.shape[:2]
        margin = int(0.4 * max(height, width))
        ground = self._patch(height + 2 * margin, width + 2 * margin, rng)
        area = ground[margin : margin + height, margin : margin + width]
        alpha = cutout.alpha[..., None]
        area[:] = (cutout.image * alpha + area * (1 - alpha)).astype(np.uint8)
        box = _shift(cutout.box, width, height, margin)
        return Picture("", ground, (LabelledHand(box, cutout.names),), "", "")

    def _patch(self, height: int, width: int, rng: np.random.Generator) -> Image:
        image = self._backgrounds[int(rng.integers(len(self._backgrounds)))]
        side = int(min(image.shape[:2]) * rng.uniform(0.2, 0.9))
        y, x = rng.integers(0, image.shape[0] - side + 1), rng.integers(0, image.shape[1] - side + 1)
        return np.array(cv2.resize(image[y : y + side, x : x + side], (width, height)), np.uint8)

    def _nothing(self, rng: np.random.Generator) -> tuple[Picture, LabelledHand]:
        """Return a box that holds no hand, or cuts a hand so that nobody could read it."""
        if rng.random() < 0.55:
            image = self._backgrounds[int(rng.integers(len(self._backgrounds)))]
            hands: tuple[LabelledHand, ...] = ()
        else:
            frame = self._frames[int(rng.integers(len(self._frames)))]
            image, hands = frame.image, frame.hands
        for _ in range(20):
            w = float(rng.uniform(0.08, 0.6))
            h = float(np.clip(w * np.exp(rng.normal(0.2, 0.35)) * image.shape[1] / image.shape[0], 0.08, 0.95))
            box = Box(float(rng.uniform(0, 1 - w)), float(rng.uniform(0, 1 - h)), w, h)
            if all(_covered(hand.box, box) < 0.3 for hand in hands):
                break
        else:
            box = Box(0, 0, 0.06, 0.06)
        hand = LabelledHand(box, (NO_GESTURE,))
        return Picture("", image, (hand,), "", "", kind=NOTHING), hand


class _Pool:
    """Labelled hands, drawn by gesture first and then by source, so that the rare ones are seen."""

    def __init__(self, pairs: list[tuple[Picture, LabelledHand]]) -> None:
        self._pairs = pairs
        keys = [hand.names[0] + "/" + picture.source for picture, hand in pairs]
        counts: dict[str, int] = {}
        classes: dict[str, int] = {}
        for key in keys:
            counts[key] = counts.get(key, 0) + 1
            name = key.partition("/")[0]
            classes[name] = classes.get(name, 0) + 1
        raw = np.array([counts[key] ** -0.4 * classes[key.partition("/")[0]] ** -0.4 for key in keys])
        self._weights = np.cumsum(raw / raw.sum())

    def draw(self, rng: np.random.Generator) -> tuple[Picture, LabelledHand]:
        index = int(np.searchsorted(self._weights, rng.random()))
        return self._pairs[min(index, len(self._pairs) - 1)]


def _augment(picture: Picture, hand: LabelledHand, size: int, rng: np.random.Generator) -> Crop:
    """Jitter box, angle and light; then cut with the runtime's own geometry."""
    height, width = picture.image.shape[:2]
    box = hand.box
    pixels = Box(box.x * width, box.y * height, box.w * width, box.h * height)
    part, origin, roomy = _surroundings(picture, pixels, rng)
    zoom = min(1.0, 1.6 * size / max(pixels.w, pixels.h))
    stretch = zoom * np.exp(rng.normal(0, 0.07, 2))
    angle = float(rng.normal(0, 9 if rng.random() < 0.5 else 22))
    centre = np.array(pixels.centre) - origin
    rows, columns = (max(8, int(extent * zoom)) for extent in part.shape[:2])
    turn: NDArray[Any] = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), angle, 1.0)
    lean = np.array([[1.0, rng.normal(0, 0.08)], [rng.normal(0, 0.05), 1.0]])  # seen a little from the side
    matrix = stretch[:, None] * (lean @ turn)
    matrix[:, 2] += np.array([columns, rows]) / 2 - matrix @ (*centre, 1.0)
    how = cv2.INTER_LINEAR if zoom > 0.7 else cv2.INTER_AREA
    turned = cv2.warpAffine(part, matrix, (columns, rows), flags=how, borderMode=cv2.BORDER_REPLICATE)
    exact = _turned_box(pixels, angle, stretch, (columns, rows))
    seen = degrade(np.asarray(turned, np.uint8), rng, coarsest=FARTHEST)
    image, placed = crop(seen, _shaken(exact, roomy, rng), size)
    corners = _into_crop(np.array([[exact.x, exact.y], [exact.x + exact.w, exact.y + exact.h]]) * (columns, rows),
                         placed, size)  # fmt: skip
    marks = None
    if picture.landmarks is not None and len(picture.hands) == 1:
        points = np.c_[picture.landmarks * (width, height) - origin, np.ones(len(picture.landmarks))] @ matrix.T
        marks = _into_crop(points, placed, size)
    if rng.random() < 0.5:
        image = np.ascontiguousarray(image[:, ::-1])
        corners = np.stack([1 - corners[::-1, 0], corners[:, 1]], 1)
        marks = None if marks is None else np.stack([1 - marks[:, 0], marks[:, 1]], 1)
    return Crop(image, hand.names, None if picture.kind == NOTHING else corners.reshape(4), marks)


def _surroundings(
    picture: Picture, pixels: Box, rng: np.random.Generator
) -> tuple[Image, NDArray[np.float64], bool]:
    """Cut the hand with what is around it; say where the cut begins, and whether there is true surrounding."""
    image = picture.image
    pad = int(0.2 * max(pixels.w, pixels.h)) + 1
    x0, y0 = int(max(0, pixels.x - 3 * pad)), int(max(0, pixels.y - 3 * pad))
    part = image[y0 : int(pixels.y + pixels.h) + 3 * pad, x0 : int(pixels.x + pixels.w) + 3 * pad]
    tight = pixels.w > 0.98 * image.shape[1] and pixels.h > 0.98 * image.shape[0]
    if tight:
        border = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_REFLECT_101
        part = np.asarray(cv2.copyMakeBorder(part, pad, pad, pad, pad, border), np.uint8)
        x0, y0 = x0 - pad, y0 - pad
    return part, np.array([x0, y0], np.float64), not tight


def _turned_box(pixels: Box, angle: float, stretch: NDArray[np.float64], size: tuple[int, int]) -> Box:
    """Box of the turned hand in the middle of a picture: between that of its ellipse and that of its rectangle."""
    c, s = abs(np.cos(np.radians(angle))), abs(np.sin(np.radians(angle)))
    w = 0.5 * stretch[0] * (np.hypot(pixels.w * c, pixels.h * s) + pixels.w * c + pixels.h * s) / size[0]
    h = 0.5 * stretch[1] * (np.hypot(pixels.w * s, pixels.h * c) + pixels.w * s + pixels.h * c) / size[1]
    return Box(0.5 - w / 2, 0.5 - h / 2, w, h)


def _shaken(box: Box, roomy: bool, rng: np.random.Generator) -> Box:
    """Move a box as a detector errs: a little, or, where there is something around it to be seen, by a lot."""
    far = roomy and rng.random() < 0.45
    grow = np.exp(rng.normal(0.12, 0.22, 2) if far else rng.normal(0, 0.07, 2))
    shift = rng.normal(0, 0.14 if far else 0.045, 2)
    w, h = box.w * float(grow[0]), box.h * float(grow[1])
    x, y = box.centre[0] + float(shift[0]) * box.w, box.centre[1] + float(shift[1]) * box.h
    return Box(x - w / 2, y - h / 2, w, h)


def _into_crop(points: NDArray[Any], placed: Placement, size: int) -> NDArray[np.float32]:
    return np.asarray((points * placed.scale + (placed.left, placed.top)) / size, np.float32)


def _covered(hand: Box, box: Box) -> float:
    """Share of the hand that lies inside the box, 0..1."""
    w = min(hand.x + hand.w, box.x + box.w) - max(hand.x, box.x)
    h = min(hand.y + hand.h, box.y + box.h) - max(hand.y, box.y)
    return max(w, 0.0) * max(h, 0.0) / max(hand.area, 1e-9)


def _shift(box: Box, width: int, height: int, margin: int) -> Box:
    full_w, full_h = width + 2 * margin, height + 2 * margin
    return Box((box.x * width + margin) / full_w, (box.y * height + margin) / full_h, box.w * width / full_w,
               box.h * height / full_h)  # fmt: skip
