"""Draw a person in a room, without the hand that gestures: 640x480, the same picture every time."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.sources.drawn_face import HAIR, HEAD, FacePose, Image, Point, draw_face, draw_features, scaled
from assistive.sources.hand_skin import Colour
from assistive.sources.hand_surface import blurred

WIDTH, HEIGHT = 640, 480
SKIN: Colour = (214, 164, 134)
SHIRT: Colour = (62, 92, 122)

SHOULDER: Point = (266.0, 360.0)
LIPS: Point = (352.0, 226.0)
BREATH_PX = 3

_FIGURE = (slice(50, HEIGHT), slice(196, 508))
"""Rows and columns in which head and shoulders lie, whatever the breath."""
_FINE = 2
"""Shapes are drawn at this many times the size and averaged, which smooths their edges."""


def draw_person(breath: float, pose: FacePose) -> Image:
    """Return a new picture of the person in the room.

    Args:
        breath: how far the breath lifts head and shoulders, 0..1.
        pose: what the face does.

    Returns:
        uint8 ``(480, 640, 3)``, RGB.
    """
    still, cover = _figure()
    colour = still.copy()
    draw_face(colour, pose)
    # Only the part that breathes, and between pixels: a head that jumps by whole ones looks like a twitch.
    image = _room().copy()
    colour, cover = _lifted(colour[_FIGURE], BREATH_PX * breath), _lifted(cover[_FIGURE], BREATH_PX * breath)
    image[_FIGURE] = cv2.blendLinear(colour, np.ascontiguousarray(image[_FIGURE]), cover, 1 - cover)
    return image


def _lifted(layer: NDArray[Any], by_px: float) -> NDArray[Any]:
    matrix = np.array([[1, 0, 0], [0, 1, -by_px]])
    size = (layer.shape[1], layer.shape[0])
    return cv2.warpAffine(layer, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


@cache
def _room() -> Image:
    """Return a wall with a window on one side and a shelf on the other, slightly out of focus."""
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    image[:] = (198, 196, 188)
    cv2.rectangle(image, (36, 26), (190, 232), (176, 172, 164), -1)
    cv2.rectangle(image, (44, 34), (182, 224), (222, 232, 238), -1)
    cv2.line(image, (113, 34), (113, 224), (176, 172, 164), 7)
    cv2.line(image, (44, 128), (182, 128), (176, 172, 164), 7)
    cv2.rectangle(image, (478, 120), (640, 132), (142, 112, 86), -1)
    cv2.rectangle(image, (478, 258), (640, 270), (142, 112, 86), -1)
    for index, (height, colour) in enumerate(
        ((78, (150, 74, 66)), (66, (70, 104, 112)), (84, (190, 160, 96)), (60, (92, 116, 84)), (74, (112, 92, 130)))
    ):
        left = 494 + index * 23
        cv2.rectangle(image, (left, 258 - height), (left + 19, 257), colour, -1)
    cv2.rectangle(image, (540, 92), (584, 120), (186, 110, 78), -1)
    for x, y in ((562, 58), (542, 72), (582, 70), (554, 82), (572, 84)):
        cv2.ellipse(image, (x, y), (15, 24), (x - 562) * 2, 0, 360, (86, 124, 82), -1)
    light = np.linspace(1.06, 0.84, WIDTH, dtype=np.float32)[None, :, None]
    soft = cv2.GaussianBlur(image, (0, 0), 2.2).astype(np.float32) * light
    return np.asarray(np.clip(soft, 0, 255), np.uint8)


def _ellipse(image: Image, centre: Point, axes: Point, colour: Colour | int, angle: float = 0) -> None:
    (x, y), (a, b) = scaled(centre, axes).tolist()
    cv2.ellipse(image, (x, y), (a, b), angle, 0, 360, colour if isinstance(colour, tuple) else (colour,), -1)


@cache
def _figure() -> tuple[Image, NDArray[np.float32]]:
    """Return head and shoulders: colours ``(480, 640, 3)`` and coverage ``(480, 640)``."""
    image = np.full((HEIGHT * _FINE, WIDTH * _FINE, 3), SHIRT, np.uint8)
    cover = np.zeros((HEIGHT * _FINE, WIDTH * _FINE), np.uint8)
    x, y = HEAD
    body = scaled((298, 300), (322, 290), (382, 290), (406, 300), (452, 322), (482, 352), (496, 410), (504, 480),
                   (504, 492), (200, 492), (200, 480), (208, 410), (222, 352), (252, 322))  # fmt: skip
    cv2.fillPoly(cover, [body], (255,))
    shade = _round(cover)
    _ellipse(image, (x, 302), (44, 22), (48, 74, 100))
    for target, colour in ((image, SKIN), (cover, 255)):
        cv2.fillPoly(target, [scaled((324, 230), (380, 230), (386, 296), (352, 316), (318, 296))],
                     colour if isinstance(colour, tuple) else (colour,))  # fmt: skip
    _ellipse(image, (x, 252), (36, 22), (182, 134, 108))
    for target, hair, skin in ((image, HAIR, SKIN), (cover, 255, 255)):
        _ellipse(target, (x, y - 18), (74, 84), hair)
        _ellipse(target, (x - 62, y + 14), (11, 18), skin)
        _ellipse(target, (x + 62, y + 14), (11, 18), skin)
        _ellipse(target, (x, y + 6), (61, 82), skin)
    fringe = scaled((288, 156), (292, 112), (330, 84), (384, 84), (414, 116), (416, 156), (402, 132), (360, 118),
                     (316, 128))  # fmt: skip
    cv2.fillPoly(image, [fringe], HAIR)
    face = np.zeros_like(cover)
    _ellipse(face, (x, y + 6), (62, 84), 255)
    shade = np.where(face > 0, _round(face), shade)
    draw_features(image)
    colour = np.clip(image.astype(np.float32) * blurred(shade.astype(np.float32), 3)[..., None], 0, 255)
    size = (WIDTH, HEIGHT)
    small = cv2.resize(colour, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    soft = cv2.resize(cover.astype(np.float32) / 255, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), np.asarray(soft, np.float32)


def _round(mask: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return brightness that makes a flat shape look round, lit from the upper left."""
    depth = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), 26)
    left = cv2.Sobel(depth, cv2.CV_32F, 1, 0, ksize=5) + 0.6 * cv2.Sobel(depth, cv2.CV_32F, 0, 1, ksize=5)
    return (0.86 + 0.16 * depth + 0.30 * np.clip(left * 1.2, -1, 1)).astype(np.float32)
