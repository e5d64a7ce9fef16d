"""Harder versions of labelled frames, each by one declared hardship: what other cameras, rooms and distances do."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.training.datasets.gesture_pack import LabelledHand, Picture
from assistive.types import NO_GESTURE, Box

Image = NDArray[np.uint8]
Rng = np.random.Generator
FAR_WIDTH, FAR_HEIGHT = 640, 480
"""Size of the frame in which a far hand is seen, pixels."""


def harder(kind: str, pictures: Sequence[Picture], grounds: Sequence[Image]) -> Iterator[Picture]:
    """Make one harder version of every picture; the same one each time.

    Args:
        kind: a key of :data:`HARDSHIPS`.
        pictures: frames, with their hands or without any.
        grounds: rooms and faces before which far people are set, at least 200 pixels a side.

    Yields:
        The picture with its hands where they are now; a hand that left the picture is gone.
    """
    for i, picture in enumerate(pictures):
        rng = np.random.default_rng(zlib.crc32(f"{kind} {i} {picture.file}".encode()))
        if kind == "far":
            yield _far(picture, grounds[int(rng.integers(len(grounds)))], rng)
        elif kind == "fill":
            yield _fill(picture, rng)
        else:
            yield replace(picture, image=HARDSHIPS[kind](picture.image, _length(picture, rng), rng))


def _dark(image: Image, _: float, rng: Rng) -> Image:
    """Take 80 to 93 % of the light away, and let the sensor's noise be seen, fine and in blotches."""
    gain = rng.uniform(0.07, 0.2) * np.exp(rng.normal(0, 0.05, 3))
    dim = (image / 255.0) ** rng.uniform(1.0, 1.5) * 255 * gain + rng.uniform(2, 8)
    dim += rng.normal(0, rng.uniform(2.5, 6), dim.shape)
    rows, columns = image.shape[:2]
    blotches = rng.normal(0, rng.uniform(1.5, 4), (max(1, rows // 2), max(1, columns // 2), 3))
    return np.asarray(np.clip(dim + cv2.resize(blotches, (columns, rows)), 0, 255), np.uint8)


def _blur(image: Image, length: float, rng: Rng) -> Image:
    """Smear by 12 to 25 % of the hand in one direction."""
    smear = max(3, int(length * rng.uniform(0.12, 0.25)))
    kernel, centre, angle = np.zeros((smear, smear), np.float32), (smear - 1) / 2, rng.uniform(0, np.pi)
    reach = np.array([np.cos(angle), np.sin(angle)]) * centre
    cv2.line(kernel, tuple(np.rint(centre - reach).astype(int)), tuple(np.rint(centre + reach).astype(int)), 1.0, 1)
    smeared = cv2.filter2D(image, -1, kernel / kernel.sum())
    return np.asarray(cv2.GaussianBlur(smeared, (0, 0), max(0.5, length * 0.012)), np.uint8)


def _backlit(image: Image, _: float, rng: Rng) -> Image:
    """Darken by 60 to 80 %; near a window what was bright burns out and the rest lies under a veil."""
    light = image.astype(np.float32) / 255
    dim = light ** rng.uniform(1.1, 1.6) * rng.uniform(0.2, 0.4)
    rows, columns = image.shape[:2]
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    left, top, reach = rng.uniform(0, 1) * columns, rng.uniform(0, 0.5) * rows, rng.uniform(0.35, 0.7) * columns
    glow = np.exp(-((x - left) ** 2 + (y - top) ** 2) / (2 * reach * reach))[..., None]
    bright = cv2.GaussianBlur(light.mean(-1), (0, 0), 2)[..., None]
    dim = dim + glow * (0.12 + 0.8 * np.clip((bright - 0.55) * 3, 0, 1)) * rng.uniform(0.7, 1.1)
    return np.asarray(np.clip((dim + rng.normal(0, 0.012, dim.shape)) * 255, 0, 255), np.uint8)


def _balance(image: Image, _: float, rng: Rng) -> Image:
    """Turn white blue or orange by up to 40 %."""
    warm = rng.uniform(-1, 1)
    gains = np.array([1 + 0.4 * warm, 1 + rng.normal(0, 0.06), 1 - 0.4 * warm]) * np.exp(rng.normal(0, 0.15))
    return np.asarray(np.clip((image / 255.0) ** np.exp(rng.normal(0, 0.3)) * gains * 255, 0, 255), np.uint8)


def _jpeg(image: Image, _: float, rng: Rng) -> Image:
    """Compress at quality 6 to 14 and half the size."""
    share = rng.uniform(0.45, 0.7)
    small = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(6, 15))])
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.asarray(cv2.resize(decoded, (image.shape[1], image.shape[0])), np.uint8)


Hardship = Callable[[Image, float, Rng], Image]
HARDSHIPS: dict[str, Hardship] = {
    "plain": lambda image, _length, _rng: image, "dark": _dark, "blur": _blur, "backlit": _backlit,
    "balance": _balance, "jpeg": _jpeg,
}  # fmt: skip
"""Those that leave every hand where it is. ``far`` and ``fill`` move it."""

KINDS = (*HARDSHIPS, "far", "fill")


def _shown(picture: Picture) -> Box | None:
    """Return the box of the largest hand that shows a gesture, else of the largest."""
    told = [hand for hand in picture.hands if set(hand.names) - {NO_GESTURE}] or picture.hands
    return max((hand.box for hand in told), key=lambda box: box.area, default=None)


def _length(picture: Picture, rng: Rng) -> float:
    """Return the longer side of the hand in pixels, or of one that could be in an empty room."""
    rows, columns = picture.image.shape[:2]
    box = _shown(picture)
    return max(box.w * columns, box.h * rows) if box else columns * float(rng.uniform(0.15, 0.45))


def _far(picture: Picture, ground: Image, rng: Rng) -> Picture:
    """Set the picture into a room so small that its hand takes 3 to 5 % of the width."""
    scale = max(FAR_WIDTH / ground.shape[1], FAR_HEIGHT / ground.shape[0])
    room = cv2.resize(ground, None, fx=scale, fy=scale)[:FAR_HEIGHT, :FAR_WIDTH].astype(np.float64)
    box, (rows, columns) = _shown(picture), picture.image.shape[:2]
    share = float(rng.uniform(0.03, 0.05)) * FAR_WIDTH / (columns * (box.w if box else rng.uniform(0.12, 0.35)))
    w, h = max(12, round(columns * share)), max(12, round(rows * share))
    small = cv2.resize(picture.image, (w, h), interpolation=cv2.INTER_AREA)[:FAR_HEIGHT, :FAR_WIDTH]
    y = int(rng.integers(0, FAR_HEIGHT - small.shape[0] + 1))
    x = int(rng.integers(0, FAR_WIDTH - small.shape[1] + 1))
    room[y : y + small.shape[0], x : x + small.shape[1]] = small
    room += rng.normal(0, rng.uniform(1, 5), (*room.shape[:2], 1))
    return _moved(picture, np.asarray(np.clip(room, 0, 255), np.uint8), (w, h), (x, y))


def _fill(picture: Picture, rng: Rng) -> Picture:
    """Cut the picture to its hand, with 12 % around it or 6 % lost on each side, and show it 480 pixels high."""
    rows, columns = picture.image.shape[:2]
    box = _shown(picture)
    if box is None:
        side = min(rows, columns) * float(rng.uniform(0.35, 0.8)) / np.array([columns, rows])
        box = Box(*(float(rng.uniform(0, 1 - s)) for s in side), *map(float, side))
    margin = rng.uniform(-0.06, 0.12, 4)
    x0, x1 = box.x - margin[0] * box.w, box.x + box.w * (1 + margin[2])
    y0, y1 = box.y - margin[1] * box.h, box.y + box.h * (1 + margin[3])
    if rng.random() < 0.7:  # as wide as a camera's picture, where there is room
        widen = max(0.0, ((y1 - y0) * rows * 4 / 3 / columns - (x1 - x0)) / 2)
        x0, x1 = x0 - widen, x1 + widen
    left, right = (round(float(np.clip(x, 0, 1)) * columns) for x in (x0, x1))
    top, bottom = (round(float(np.clip(y, 0, 1)) * rows) for y in (y0, y1))
    part = picture.image[top:bottom, left:right]
    scale = FAR_HEIGHT / max(part.shape[0], part.shape[1] * 0.75)
    large = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return _moved(picture, np.asarray(large, np.uint8), (columns * scale, rows * scale), (-left * scale, -top * scale))


def _moved(picture: Picture, image: Image, size: tuple[float, float], place: tuple[float, float]) -> Picture:
    """Return the picture with its old self, ``size`` pixels large, at ``place`` in the new one."""
    rows, columns = image.shape[:2]
    hands = []
    for hand in picture.hands:
        x0, y0 = (hand.box.x * size[0] + place[0]) / columns, (hand.box.y * size[1] + place[1]) / rows
        x1, y1 = x0 + hand.box.w * size[0] / columns, y0 + hand.box.h * size[1] / rows
        inside = Box(max(x0, 0.0), max(y0, 0.0), min(x1, 1.0) - max(x0, 0.0), min(y1, 1.0) - max(y0, 0.0))
        if inside.w > 0.5 * (x1 - x0) and inside.h > 0.5 * (y1 - y0):
            hands.append(LabelledHand(inside, hand.names))
    return replace(picture, image=image, hands=tuple(hands))
