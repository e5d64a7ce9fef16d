"""Draw a face that moves: brows, mouth corners, lips, lids and gaze, as smoothly as skin and not pixel by pixel.

The still face is drawn once, with the grain of skin; a movement bends that picture, so that brow, forehead and cheek
move together and optical flow sees what it would see on a person. All coordinates are pixels of the drawn person's
640x480 picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.sources.hand_skin import Colour

Image = NDArray[np.uint8]
Float = NDArray[np.float32]
Point = tuple[float, float]

HEAD: Point = (352.0, 168.0)
EYES: tuple[Point, Point] = ((327.0, 172.0), (377.0, 172.0))
HAIR: Colour = (62, 44, 36)
LIP_LINE = 223.0
"""Row on which the lips meet."""
CHIN = 256.0
PATCH = (284, 92, 420, 264)
"""Left, top, right, bottom of the part of the picture that moves."""

BROW_PX, RAISED_PX, CORNER_PX, JAW_PX, GAZE_PX = 5.0, 10.0, 8.0, 7.0, 3.0
"""How far the strongest movement carries a brow down, a brow up, a corner of the mouth, the lower lip, a pupil."""

_FINE = 2
_SUB = 4
"""OpenCV draws at positions of 1 / 2**_SUB pixel."""


@dataclass(frozen=True, slots=True)
class FacePose:
    """What the face does in one moment; everything at rest by default.

    Attributes:
        brows_up: both brows raised, 0..1 (action units 1 and 2).
        brows_down: both brows lowered and drawn together, 0..1 (action unit 4).
        corners_up: both corners of the mouth pulled up and out, 0..1 (action units 6 and 12).
        mouth_open: lower lip and jaw dropped, 0..1 (action units 25 and 26).
        eyes_open: 0 = closed, 1 = open.
        gaze: where the eyes look, -1 = to the left of the picture, 1 = to the right.
    """

    brows_up: float = 0.0
    brows_down: float = 0.0
    corners_up: float = 0.0
    mouth_open: float = 0.0
    eyes_open: float = 1.0
    gaze: float = 0.0


def draw_features(image: Image) -> None:
    """Draw brows, nose, mouth, cheeks and the grain of skin on a head of twice the size, in place.

    Args:
        image: uint8 ``(960, 1280, 3)``, RGB.
    """
    x, y = HEAD
    _grain(image)
    for cheek in (x - 32, x + 32):
        layer = image.copy()
        middle, axes = scaled((cheek, y + 38), (17, 12)).tolist()
        cv2.ellipse(layer, middle, axes, 0, 0, 360, (222, 148, 124), -1)
        cv2.addWeighted(layer, 0.45, image, 0.55, 0, image)
    for eye in EYES:
        brow = scaled((eye[0] - 15, eye[1] - 17), (eye[0], eye[1] - 22), (eye[0] + 15, eye[1] - 17))
        cv2.polylines(image, [brow], False, HAIR, 4 * _FINE, cv2.LINE_AA)
    nose = scaled((x - 3, y + 10), (x - 9, y + 34), (x - 1, y + 39), (x + 9, y + 36))
    cv2.polylines(image, [nose], False, (176, 124, 98), 2 * _FINE, cv2.LINE_AA)
    lips = scaled((x - 20, 222), (x - 7, 218), (x, 220), (x + 7, 218), (x + 20, 222), (x + 8, 231), (x - 8, 231))
    cv2.fillPoly(image, [lips], (184, 104, 96), cv2.LINE_AA)
    smile = scaled((x - 22, 221), (x - 8, 224), (x + 8, 224), (x + 22, 221))
    cv2.polylines(image, [smile], False, (132, 70, 66), _FINE, cv2.LINE_AA)


def scaled(*points: Point) -> NDArray[np.int32]:
    """Return points on the picture of twice the size, int32 ``(n, 2)``."""
    return np.round(np.array(points) * _FINE).astype(np.int32)


def _grain(image: Image) -> None:
    """Give the face the unevenness of skin, in place: flow finds nothing to hold on to in a flat colour."""
    left, top, right, bottom = (side * _FINE for side in PATCH)
    shape = (bottom - top, right - left)
    rng = np.random.default_rng(8)
    grain = np.zeros(shape, np.float32)
    for sigma, strength in ((1.6, 2.2), (4.0, 1.6), (9.0, 1.0)):
        layer = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), sigma)
        grain += layer * (strength / layer.std())
    x, y = HEAD
    middle, axes = scaled((x - PATCH[0], y + 6 - PATCH[1]), (61, 82)).tolist()
    skin = np.zeros(shape, np.uint8)
    cv2.ellipse(skin, middle, axes, 0, 0, 360, (1,), -1)
    grain *= skin
    patch = image[top:bottom, left:right]
    patch[:] = np.clip(patch + grain[..., None] * (1.0, 1.1, 1.15), 0, 255).astype(np.uint8)


def draw_face(image: Image, pose: FacePose) -> None:
    """Draw the eyes and bend the still face into a pose, in place.

    Args:
        image: uint8 ``(480, 640, 3)``, RGB, with the still face.
        pose: what the face does.
    """
    _draw_eyes(image, pose)
    left, top, right, bottom = PATCH
    shifts = _shifts()
    amounts = {"brows_up": pose.brows_up, "brows_down": pose.brows_down, "corners_up": pose.corners_up}
    if not any(amounts.values()) and not pose.mouth_open:
        return
    columns, rows = _grid()
    dx = sum((amount * shifts[name][0] for name, amount in amounts.items()), np.zeros_like(columns))
    dy = sum((amount * shifts[name][1] for name, amount in amounts.items()), np.zeros_like(columns))
    jaw = rows - pose.mouth_open * shifts["mouth_open"][1]
    # What lies below the line between the lips never shows what is above it: the line itself widens into the mouth.
    from_rows = np.where(rows > LIP_LINE, np.maximum(jaw, LIP_LINE), rows) - dy
    maps = (np.asarray(columns - dx, np.float32), np.asarray(from_rows, np.float32))
    bent = cv2.remap(image, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    image[top:bottom, left:right] = bent


@cache
def _grid() -> tuple[Float, Float]:
    left, top, right, bottom = PATCH
    columns, rows = np.meshgrid(np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32))
    return columns, rows


@cache
def _shifts() -> dict[str, tuple[Float, Float]]:
    """Return how far each movement at its strongest carries every pixel of the patch, right and down."""
    columns, rows = _grid()
    zero = np.zeros(columns.shape)

    def around(x: float, y: float, wide: float, high: float) -> NDArray[np.float64]:
        return np.asarray(np.exp(-(((columns - x) / wide) ** 4) - ((rows - y) / high) ** 2), np.float64)

    up = together = down = outwards = corners = zero
    for (x, y), side in zip(EYES, (1.0, -1.0), strict=True):  # side: direction towards the nose
        up = up - around(x, y - 20, 24, 12) * RAISED_PX
        inner = around(x + 4 * side, y - 18, 20, 10)
        together = together + inner * side * 0.5 * BROW_PX
        down = down + inner * 0.8 * BROW_PX
        corner = around(HEAD[0] - 21 * side, 221, 15, 11)
        cheek = around(HEAD[0] - 33 * side, 205, 18, 12)
        outwards = outwards - corner * side * 0.6 * CORNER_PX
        corners = corners - (corner * 0.8 + cheek * 0.35) * CORNER_PX
    fade = np.clip((PATCH[3] - 2 - rows) / (PATCH[3] - CHIN + 6), 0, 1)
    jaw = np.where(rows > LIP_LINE, np.exp(-(((columns - HEAD[0]) / 27) ** 4)) * fade, 0) * JAW_PX
    shifts = {
        "brows_up": (zero, up), "brows_down": (together, down), "corners_up": (outwards, corners),
        "mouth_open": (zero, jaw),
    }  # fmt: skip
    return {name: (dx.astype(np.float32), dy.astype(np.float32)) for name, (dx, dy) in shifts.items()}


def _draw_eyes(image: Image, pose: FacePose) -> None:
    for x, y in EYES:
        height = 6 * pose.eyes_open
        centre, axes = _sub(x, y), _sub(11, height)
        if height >= 0.5:
            white = np.zeros(image.shape[:2], np.uint8)
            cv2.ellipse(white, centre, axes, 0, 0, 360, (255,), -1, cv2.LINE_AA, _SUB)
            eye = np.empty_like(image[:24, :32])
            eye[:] = (240, 236, 230)
            left, top = round(x) - 16, round(y) - 12
            pupil = _sub(x + GAZE_PX * pose.gaze - left, y - top)
            cv2.circle(eye, pupil, 5 << _SUB, (74, 52, 40), -1, cv2.LINE_AA, _SUB)
            cv2.circle(eye, (pupil[0] - (2 << _SUB), pupil[1] - (2 << _SUB)), 1 << _SUB, (250, 250, 250), -1,
                       cv2.LINE_AA, _SUB)  # fmt: skip
            window = (slice(top, top + 24), slice(left, left + 32))
            cover = white[window].astype(np.float32) / 255
            image[window] = cv2.blendLinear(eye, np.ascontiguousarray(image[window]), cover, 1 - cover)
        cv2.ellipse(image, centre, _sub(12, height), 0, 180, 360, (66, 44, 38), 2, cv2.LINE_AA, _SUB)


def _sub(x: float, y: float) -> tuple[int, int]:
    return round(x * (1 << _SUB)), round(y * (1 << _SUB))
