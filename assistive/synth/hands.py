"""Scenes with hands: real frames seen anew, and cut-out hands set before real rooms and faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.synth.cutouts import Cutout
from assistive.synth.degrade import degrade
from assistive.training.datasets.gesture_pack import LabelledHand, Picture
from assistive.types import Box

Image = NDArray[np.uint8]
Matrix = NDArray[Any]
GREY = (114, 114, 114)


@dataclass(frozen=True, slots=True)
class Scene:
    """A square training picture, uint8 ``(size, size, 3)`` RGB, and every hand in it."""

    image: Image
    hands: tuple[LabelledHand, ...]


@dataclass(frozen=True, slots=True)
class Mixture:
    """Share of each kind of scene; what is left to 1 is a mosaic of four.

    Attributes:
        real: a real frame, zoomed and shifted so that its hand takes any size.
        composed: cut-out hands before a background.
        empty: a background without any hand.
        paste: chance that a real frame gets one more cut-out hand.
    """

    real: float = 0.5
    composed: float = 0.32
    empty: float = 0.08
    paste: float = 0.25


class SceneMaker:
    """Makes endless scenes from a fixed stock of pictures.

    Args:
        frames: real frames with labelled hands.
        cutouts: hands to set into scenes.
        backgrounds: pictures without a hand: faces, rooms, textures.
        mixture: share of each kind of scene.
    """

    def __init__(
        self,
        frames: Sequence[Picture],
        cutouts: Sequence[Cutout],
        backgrounds: Sequence[Image],
        mixture: Mixture | None = None,
    ) -> None:
        self.frames = [frame for frame in frames if frame.hands]
        self.cutouts = list(cutouts)
        self.backgrounds = list(backgrounds)
        self.mixture = mixture or Mixture()
        self._frame_weights = _balance([_primary(frame).names[0] + frame.source for frame in self.frames])
        self._cutout_weights = _balance([cutout.names[0] for cutout in self.cutouts])

    def make(self, size: int, rng: np.random.Generator) -> Scene:
        """Make one scene of ``size`` x ``size`` pixels."""
        kind = rng.random()
        mixture = self.mixture
        if kind < 1 - mixture.real - mixture.composed - mixture.empty:
            scene = self._mosaic(size, rng)
        else:
            scene = self._single(size, rng)
        image = scene.image
        if rng.random() < 0.5:
            image = np.ascontiguousarray(image[:, ::-1])
            scene = Scene(image, tuple(_mirrored(hand) for hand in scene.hands))
        return Scene(degrade(image, rng), scene.hands)

    def _single(self, size: int, rng: np.random.Generator) -> Scene:
        mixture = self.mixture
        kind = rng.random() * (mixture.real + mixture.composed + mixture.empty)
        if kind < mixture.real:
            scene = self._real(size, rng)
            return self._with_cutouts(scene, 1, rng) if rng.random() < mixture.paste else scene
        empty = Scene(self._background(size, rng), ())
        if kind < mixture.real + mixture.composed:
            return self._with_cutouts(empty, 1 if rng.random() < 0.65 else 2, rng)
        return empty

    def _mosaic(self, size: int, rng: np.random.Generator) -> Scene:
        split = int(size * rng.uniform(0.35, 0.65))
        image = np.empty((size, size, 3), np.uint8)
        hands: list[LabelledHand] = []
        for x0, y0, x1, y1 in (
            (0, 0, split, split), (split, 0, size, split), (0, split, split, size), (split, split, size, size),
        ):  # fmt: skip
            side = max(x1 - x0, y1 - y0)
            part = self._single(side, rng)
            image[y0:y1, x0:x1] = part.image[: y1 - y0, : x1 - x0]
            for hand in part.hands:
                box, share = hand.box, side / size
                moved = Box(box.x * share + x0 / size, box.y * share + y0 / size, box.w * share, box.h * share)
                hands += _clipped(moved, hand.names, (x0 / size, y0 / size, x1 / size, y1 / size))
        return Scene(image, tuple(hands))

    def _real(self, size: int, rng: np.random.Generator) -> Scene:
        frame = self.frames[int(rng.choice(len(self.frames), p=self._frame_weights))]
        height, width = frame.image.shape[:2]
        box = _primary(frame).box
        hand_px = max(box.w * width, box.h * height)
        if rng.random() < 0.3:
            scale = size / max(height, width) * rng.uniform(0.8, 1.1)
        else:
            share = float(np.exp(rng.uniform(np.log(0.07), np.log(0.92))))
            scale = float(np.clip(share * size / hand_px, 0.35 * size / max(height, width), 4.5))
        angle = float(rng.normal(0, 7))
        stretch = float(np.exp(rng.normal(0, 0.08)))
        matrix = cv2.getRotationMatrix2D((box.centre[0] * width, box.centre[1] * height), angle, scale)
        matrix[0] *= stretch
        hand_w, hand_h = _turned(box.w * width * scale * stretch, box.h * height * scale, angle)
        target = [_place(extent, size, rng) for extent in (hand_w, hand_h)]
        if scale * max(height, width) <= 1.15 * size and rng.random() < 0.7:
            # A whole frame stays near where the camera would have shown it.
            target = [size * (0.5 + (box.centre[0] - 0.5) * width * scale * stretch / size),
                      size * (0.5 + (box.centre[1] - 0.5) * height * scale / size)]  # fmt: skip
        centre = matrix @ (box.centre[0] * width, box.centre[1] * height, 1.0)
        matrix[:, 2] += np.asarray(target) - centre
        image = self._filled(frame.image, matrix, size, rng)
        hands: list[LabelledHand] = []
        for hand in frame.hands:
            middle = matrix @ (hand.box.centre[0] * width, hand.box.centre[1] * height, 1.0) / size
            w, h = _turned(hand.box.w * width * scale * stretch, hand.box.h * height * scale, angle)
            moved = Box(middle[0] - w / size / 2, middle[1] - h / size / 2, w / size, h / size)
            hands += _clipped(moved, hand.names)
        return Scene(image, tuple(hands))

    def _filled(self, image: Image, matrix: Matrix, size: int, rng: np.random.Generator) -> Image:
        how = rng.random()
        if how < 0.45:
            return _warp(image, matrix, size, cv2.BORDER_CONSTANT)
        if how < 0.75:
            return _warp(image, matrix, size, cv2.BORDER_REPLICATE)
        inside = _warp(np.full_like(image, 255), matrix, size, cv2.BORDER_CONSTANT, (0, 0, 0))[..., :1] > 127
        return np.where(inside, _warp(image, matrix, size, cv2.BORDER_CONSTANT), self._background(size, rng))

    def _background(self, size: int, rng: np.random.Generator) -> Image:
        """Lay a stock picture over the whole square, or a smaller one before another."""
        how = rng.random()
        if how < 0.06:
            low, high = rng.integers(0, 256, 3), rng.integers(0, 256, 3)
            ramp = np.linspace(0, 1, size)[:, None, None] * (high - low) + low
            return np.broadcast_to(ramp, (size, size, 3)).astype(np.uint8)
        image = _cover(self._stock(rng), size, rng)
        if how < 0.45:
            part = self._stock(rng)
            side = int(size * rng.uniform(0.25, 0.8))
            small = _cover(part, side, rng)
            x, y = rng.integers(0, size - side + 1), rng.integers(0, size - side + 1)
            ys, xs = np.mgrid[0:side, 0:side].astype(np.float32) / side - 0.5
            soft = np.clip((0.5 - np.maximum(abs(xs), abs(ys))) * rng.choice([8.0, 20.0, 400.0]), 0, 1)[..., None]
            area = image[y : y + side, x : x + side]
            image[y : y + side, x : x + side] = (small * soft + area * (1 - soft)).astype(np.uint8)
        return image

    def _stock(self, rng: np.random.Generator) -> Image:
        return self.backgrounds[int(rng.integers(len(self.backgrounds)))]

    def _with_cutouts(self, scene: Scene, count: int, rng: np.random.Generator) -> Scene:
        image = scene.image.copy()
        size = image.shape[0]
        hands = list(scene.hands)
        for _ in range(count):
            cutout = self.cutouts[int(rng.choice(len(self.cutouts), p=self._cutout_weights))]
            share = float(np.exp(rng.uniform(np.log(0.08), np.log(0.95))))
            box = cutout.box
            extent_w, extent_h = box.w * cutout.image.shape[1], box.h * cutout.image.shape[0]
            scale = share * size / max(extent_w, extent_h)
            angle = float(rng.normal(0, 12))
            w, h = _turned(extent_w * scale, extent_h * scale, angle)
            centre = _place(w, size, rng), _place(h, size, rng)
            placed = Box((centre[0] - w / 2) / size, (centre[1] - h / 2) / size, w / size, h / size)
            if any(placed.iou(hand.box) > 0.05 for hand in hands):
                continue
            _paste(image, cutout, centre, scale, angle, rng)
            hands += _clipped(placed, cutout.names)
        return Scene(image, tuple(hands))


def _paste(
    image: Image, cutout: Cutout, centre: tuple[float, float], scale: float, angle: float, rng: np.random.Generator
) -> None:
    size = image.shape[0]
    height, width = cutout.image.shape[:2]
    middle = cutout.box.centre[0] * width, cutout.box.centre[1] * height
    matrix = cv2.getRotationMatrix2D(middle, angle, scale)
    matrix[:, 2] += np.asarray(centre) - middle
    hand = _warp(cutout.image, matrix, size, cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(cutout.alpha, matrix, (size, size), flags=cv2.INTER_LINEAR)[..., None]
    if cutout.landmarks is not None and rng.random() < 0.7:
        _draw_arm(image, cutout, matrix, hand, rng)
    near = float(image.mean()) / max(20.0, float(cutout.image.mean()))
    match = np.clip(near, 0.5, 1.6) ** rng.uniform(0, 0.7)
    image[:] = (np.clip(hand * match, 0, 255) * alpha + image * (1 - alpha)).astype(np.uint8)


def _draw_arm(
    image: Image, cutout: Cutout, matrix: Matrix, hand: Image, rng: np.random.Generator
) -> None:
    """Draw a bare or sleeved forearm behind the wrist, so that hands do not float."""
    assert cutout.landmarks is not None
    height, width = cutout.image.shape[:2]
    points = np.c_[cutout.landmarks * (width, height), np.ones(21)] @ matrix.T
    wrist, knuckle = points[0], points[9]
    along = wrist - knuckle
    length = float(np.linalg.norm(along))
    if length < 3:
        return
    turn = rng.normal(0, 0.25)
    along = along / length @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    across = np.array([-along[1], along[0]])
    near, far = length * rng.uniform(0.26, 0.36), length * rng.uniform(0.35, 0.6)
    reach = length * rng.uniform(1.5, 5)
    start, end = wrist - along * length * 0.25, wrist + along * reach
    corners = np.array([start + across * near, start - across * near, end - across * far, end + across * far])
    bare = rng.random() < 0.6
    x, y = np.clip((wrist - along * length * 0.3).astype(int), 0, image.shape[0] - 1)
    colour = hand[y, x].astype(int) if bare else rng.integers(10, 240, 3)
    layer = image.copy()
    cv2.fillConvexPoly(layer, corners.astype(np.int32), [int(c) for c in colour], cv2.LINE_AA)
    coarse = rng.normal(0, 5, (image.shape[0] // 8, image.shape[1] // 8)).astype(np.float32)
    shade = cv2.resize(coarse, (image.shape[1], image.shape[0]))[..., None]
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, corners.astype(np.int32), 255, cv2.LINE_AA)
    soft = cv2.GaussianBlur(mask, (0, 0), 1.0)[..., None] / 255.0
    image[:] = (np.clip(layer + shade, 0, 255) * soft + image * (1 - soft)).astype(np.uint8)


def _primary(frame: Picture) -> LabelledHand:
    return max(frame.hands, key=lambda hand: (hand.names != ("no_gesture",), hand.box.area))


def _balance(keys: list[str]) -> NDArray[np.float64]:
    """Weigh by the inverse square root of how common a key is."""
    counts: dict[str, int] = {}
    for key in keys:
        counts[key] = counts.get(key, 0) + 1
    weights = np.array([counts[key] ** -0.5 for key in keys], np.float64)
    return weights / max(weights.sum(), 1e-12)


def _place(extent: float, size: int, rng: np.random.Generator) -> float:
    """Choose a centre such that the hand stays inside, or now and then is cut by up to a quarter."""
    cut = 0.25 * extent if rng.random() < 0.15 else 0.0
    low, high = extent / 2 - cut, size - extent / 2 + cut
    return size / 2 if low >= high else float(rng.uniform(low, high))


def _turned(w: float, h: float, angle: float) -> tuple[float, float]:
    """Size of the box of a turned ellipse: hands have no corners, so this is tighter than turning the rectangle."""
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return float(np.hypot(w * c, h * s)), float(np.hypot(w * s, h * c))


def _clipped(
    box: Box, names: tuple[str, ...], area: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
) -> list[LabelledHand]:
    """Cut a box at the border; a hand of which less than half is left is not a hand to find."""
    x0, y0 = max(box.x, area[0]), max(box.y, area[1])
    x1, y1 = min(box.x + box.w, area[2]), min(box.y + box.h, area[3])
    if x1 <= x0 or y1 <= y0 or (x1 - x0) * (y1 - y0) < 0.5 * box.area:
        return []
    return [LabelledHand(Box(x0, y0, x1 - x0, y1 - y0), names)]


def _mirrored(hand: LabelledHand) -> LabelledHand:
    box = hand.box
    return LabelledHand(Box(1 - box.x - box.w, box.y, box.w, box.h), hand.names)


def _warp(
    image: Image, matrix: Matrix, size: int, border: int, value: tuple[int, int, int] = GREY
) -> Image:
    scale = abs(float(np.linalg.det(matrix[:, :2]))) ** 0.5
    if scale < 0.6:
        # Plain interpolation would alias when it shrinks: blur first.
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.4 / scale), np.uint8)
    return np.asarray(cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border,
                                     borderValue=value), np.uint8)  # fmt: skip


def _cover(image: Image, size: int, rng: np.random.Generator) -> Image:
    """Cut a random square that covers most of the picture and resize it."""
    height, width = image.shape[:2]
    side = int(min(height, width) * rng.uniform(0.7, 1.0))
    x, y = rng.integers(0, width - side + 1), rng.integers(0, height - side + 1)
    part = image[y : y + side, x : x + side]
    return np.asarray(cv2.resize(part, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8).copy()
