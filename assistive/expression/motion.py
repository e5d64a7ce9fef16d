"""How the parts of a face move against a neutral picture of the same face, the movement of the head taken away.

One anchor serves a whole neutral period: one transform into the aligned crop, one neutral crop, one set of points. What
the head does is fitted as a small rigid movement in space, seen from afar (six numbers), to the flow at points that no
muscle of expression moves much; what is left at the brows, eyes, nose and mouth is movement of the face.

All displacements are in widths of the face, so that neither resolution nor distance matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.expression.flow import SIDE, Flow, Grey, aligned, crop_matrix, optical_flow

Points = NDArray[np.float64]

REGIONS: tuple[str, ...] = (
    "brow_right", "brow_left", "inner_brow_right", "inner_brow_left", "nose", "mouth_right", "mouth_left",
    "eye_right", "eye_left", "jaw",
)  # fmt: skip
"""In the order of :attr:`Motion.regions`; right and left are the person's own. The first seven tell expressions."""
TELLING = 7

_REGION_POINTS: tuple[tuple[int, ...], ...] = (
    (70, 63, 105, 46, 53, 52),
    (300, 293, 334, 276, 283, 282),
    (66, 107, 65, 55),
    (296, 336, 295, 285),
    (129, 358, 98, 327, 49, 279, 48, 278, 126, 355),
    (61, 185, 40, 146, 91, 76, 62, 57, 186),
    (291, 409, 270, 375, 321, 306, 292, 287, 410),
    (246, 161, 160, 159, 158, 157, 173, 155, 154, 153, 145, 144),
    (466, 388, 387, 386, 385, 384, 398, 382, 381, 380, 374, 373),
    (17, 14, 84, 314, 181, 405, 18, 200, 83, 313),
)
_STEADY_POINTS = (
    6, 197, 195, 5, 4, 168, 122, 351, 196, 419, 3, 248, 188, 412, 174, 399,  # bridge and back of the nose
    116, 117, 118, 123, 50, 345, 346, 347, 352, 280, 111, 340,  # cheekbones
    34, 264, 143, 372, 227, 447, 137, 366, 177, 401,  # temples and sides
)  # fmt: skip
_EYELIDS = ((33, 133, 159, 145, 158, 153), (263, 362, 386, 374, 385, 380))
"""Outer and inner corner, then two pairs of upper and lower lid."""
_LIPS = (13, 14)

_SMOOTH_PX = 1.5
_PATCH_PX = 9
"""Side of the patch whose texture tells how much flow has to hold on to."""
_ROUNDS = 4
"""Rounds of the robust fit."""
_LEAN = 0.0005
"""How much turning of the head costs in the fit: keeps it at rest where the points cannot tell."""
_RADIUS, _DEPTH = 0.35, 0.12
"""Typical distance of a point from the middle of the face, and its spread in depth, widths of the face."""


@dataclass(frozen=True, slots=True)
class Motion:
    """What moved in one frame since the anchor.

    Attributes:
        t_s: media time of the frame.
        anchor: number of the anchor that it is measured against.
        regions: float32 ``(10, 2)``, mean displacement of each of ``REGIONS``, right and down, widths of the face.
        noise: median displacement left at points that should stand still, widths of the face.
        head: float32 ``(6,)``, what the head did: right, down, roll, zoom, yaw, pitch, each as the displacement in
            widths of the face that it brings about.
        eyes_open: height of the less open eye over its width, from the landmarks.
        lips_apart: gap between the lips, widths of the face, from the landmarks.
        light: brightness of the face over that of the anchor.
    """

    t_s: float
    anchor: int
    regions: NDArray[np.float32]
    noise: float
    head: NDArray[np.float32]
    eyes_open: float
    lips_apart: float
    light: float


@dataclass(frozen=True, slots=True, eq=False)
class Anchor:
    """A neutral picture of the face, and how to measure against it.

    Attributes:
        number: never used again.
        t_s: media time of its frame.
        matrix: float64 ``(2, 3)``, from the picture into the aligned crop.
        neutral: uint8 ``(112, 112)``, the crop.
        points: float64 ``(468, 2)``, landmarks in the crop, pixels.
        places: float64 ``(468, 3)``, the same around the middle of the face, widths of the face.
        stretch: float64 ``(2,)``, widths of the face per pixel of the crop, right and down.
        grip: float64 ``(steady points,)``, how much texture flow finds to hold on to, 0..1.
    """

    number: int
    t_s: float
    matrix: NDArray[np.float64]
    neutral: Grey
    points: Points
    places: Points
    stretch: NDArray[np.float64]
    grip: NDArray[np.float64]


def drop_anchor(number: int, t_s: float, image: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> Anchor:
    """Take the face as it is now for neutral.

    Args:
        number: of the new anchor.
        t_s: media time of the frame.
        image: uint8 ``(H, W, 3)``, RGB.
        landmarks: float32 ``(468, 3)``, as in ``Face.landmarks``.
    """
    height, width = image.shape[:2]
    pixels = landmarks.astype(np.float64) * (width, height, width)
    matrix = crop_matrix(pixels)
    points = pixels[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    across, down = np.hypot(*matrix[:, :2].T)  # pixels of the crop per pixel of the picture
    stretch = np.array([1.0, across / down]) / SIDE
    places = np.concatenate([points * stretch, pixels[:, 2:] * across / SIDE], 1)
    places -= places[list(_STEADY_POINTS)].mean(0)
    neutral = aligned(image, matrix)
    corners = cv2.cornerMinEigenVal(neutral, _PATCH_PX, ksize=3)
    texture = np.sqrt(np.maximum(_at(corners, points[list(_STEADY_POINTS)]), 0))
    grip = texture / (texture + max(float(np.median(texture)), 1e-9))
    return Anchor(number, t_s, matrix, neutral, points, places, stretch, grip)


def measure(
    anchor: Anchor, t_s: float, image: NDArray[np.uint8], landmarks: NDArray[np.float32]
) -> tuple[Motion, Grey]:
    """Compare the face of a frame with the anchor.

    Args:
        anchor: what to compare with.
        t_s: media time of the frame.
        image: uint8 ``(H, W, 3)``, RGB, as large as the anchor's.
        landmarks: float32 ``(468, 3)``, as in ``Face.landmarks``; they tell the lids and the lips alone.

    Returns:
        What moved, and the aligned crop, uint8 ``(112, 112)``.
    """
    crop = aligned(image, anchor.matrix)
    moved = cv2.GaussianBlur(optical_flow(anchor.neutral, crop), (0, 0), _SMOOTH_PX)
    moves = _at(moved, anchor.points) * anchor.stretch
    steady = list(_STEADY_POINTS)
    head = _fit_head(anchor.places[steady], moves[steady], anchor.grip)
    left = moves - _carried(anchor.places, head)
    regions = np.array([left[list(points)].mean(0) for points in _REGION_POINTS], np.float32)
    noise = float(np.median(np.hypot(*left[steady].T)))
    scale = np.array([1, 1, _RADIUS, _RADIUS, _DEPTH, _DEPTH])
    width, height = image.shape[1], image.shape[0]
    eyes_open, lips_apart = _openings(landmarks[:, :2] * (width, height), anchor)
    light = (float(crop.mean()) + 1) / (float(anchor.neutral.mean()) + 1)
    motion = Motion(
        t_s, anchor.number, regions, noise, np.asarray(head * scale, np.float32), eyes_open, lips_apart, light
    )
    return motion, crop


def without_head(flow: Flow, anchor: Anchor) -> Flow:
    """Return a flow field without what the head did.

    Args:
        flow: float32 ``(112, 112, 2)`` in the crop of the anchor, pixels.
        anchor: whose crop it is.
    """
    steady = list(_STEADY_POINTS)
    moves = _at(cv2.GaussianBlur(flow, (0, 0), _SMOOTH_PX), anchor.points) * anchor.stretch
    head = _fit_head(anchor.places[steady], moves[steady], anchor.grip)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    origin = (anchor.points * anchor.stretch - anchor.places[:, :2])[0]
    flat = np.stack([columns.ravel(), rows.ravel()], 1) * anchor.stretch - origin
    places = np.concatenate([flat, np.zeros((len(flat), 1))], 1)
    # Depth is known at the landmarks only; between them the plane through them is near enough.
    plane, *_ = np.linalg.lstsq(_flat(anchor.places), anchor.places[:, 2], rcond=None)
    places[:, 2] = _flat(places) @ plane
    carried = _carried(places, head) / anchor.stretch
    return np.asarray(flow - carried.reshape(SIDE, SIDE, 2), np.float32)


def _flat(places: Points) -> Points:
    x, y = places[:, 0], places[:, 1]
    return np.stack([np.ones_like(x), x, y, x * x, y * y], 1)


def _at(field: NDArray[Any], points: Points) -> NDArray[np.float64]:
    """Return a field at points between its pixels, float64 ``(n,)`` or ``(n, channels)``."""
    where = points.astype(np.float32)
    found = cv2.remap(field, where[:, :1], where[:, 1:], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found.reshape(len(points), *field.shape[2:]), np.float64)


def _design(places: Points) -> NDArray[np.float64]:
    """Return what each of the six movements of a head does to points, float64 ``(n, 2, 6)``."""
    x, y, z = places.T
    one, none = np.ones_like(x), np.zeros_like(x)
    return np.stack([np.stack([one, none, -y, x, z, none], 1), np.stack([none, one, x, y, none, z], 1)], 1)


def _carried(places: Points, head: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(_design(places) @ head, np.float64)


def _fit_head(places: Points, moves: NDArray[np.float64], grip: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the movement of the head: right, down, roll, zoom, yaw, pitch.

    Iteratively reweighted least squares with Tukey's biweight on the length of what is left; its scale is the median.
    """
    design = _design(places)
    lean = np.diag([0, 0, 0, 0, _LEAN, _LEAN]) * grip.sum()
    trust = grip
    head = np.zeros(6)
    for _ in range(_ROUNDS):
        weighted = design * trust[:, None, None]
        normal = np.einsum("nij,nik->jk", weighted, design) + lean + 1e-9 * np.eye(6)
        head = np.linalg.solve(normal, np.einsum("nij,ni->j", weighted, moves))
        left = np.hypot(*(moves - design @ head).T)
        limit = 4.0 * max(float(np.median(left)), 1e-4)
        trust = grip * np.maximum(1 - (left / limit) ** 2, 0) ** 2 + 1e-6
    return head


def _openings(pixels: NDArray[Any], anchor: Anchor) -> tuple[float, float]:
    eyes = []
    for outer, inner, *lids in _EYELIDS:
        gaps = [np.hypot(*(pixels[lids[i]] - pixels[lids[i + 1]])) for i in (0, 2)]
        eyes.append(float(np.mean(gaps) / max(np.hypot(*(pixels[outer] - pixels[inner])), 1e-6)))
    lips = pixels[list(_LIPS)] @ anchor.matrix[:, :2].T * anchor.stretch
    return min(eyes), float(np.hypot(*(lips[1] - lips[0])))
