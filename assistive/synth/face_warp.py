"""Bend a portrait into a pose: skin by the model's displacement, lids over eyes that stay, a dark gap between lips.

Positions are pixels of the portrait unless said otherwise; a :class:`Window` says which part is drawn and how large.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.synth.face_action import FacePose
from assistive.synth.face_fit import EYES, GRID, MOUTH, FittedFace, Points
from assistive.synth.face_model import FaceModel

Image = NDArray[np.uint8]
Float = NDArray[np.float32]

_ROUNDS = 4
"""Rounds in which the way back from the bent picture is found."""
_SHADE = 0.8
"""How much a slope of the skin of 1 changes its brightness."""
_GAP = (46, 24, 24)
"""Colour between the lips, before the portrait's light."""


@dataclass(frozen=True, slots=True)
class Window:
    """Part of a portrait that is drawn.

    Attributes:
        left: left edge, pixels of the portrait.
        top: top edge, pixels of the portrait.
        scale: pixels of the picture per pixel of the portrait.
        size: width and height of the picture, pixels.
    """

    left: float
    top: float
    scale: float
    size: tuple[int, int]

    def place(self, points: Points) -> Points:
        """Return where points of the portrait lie in the picture."""
        return np.asarray((points - (self.left - 0.5, self.top - 0.5)) * self.scale - 0.5, np.float32)

    def pixels(self) -> Float:
        """Return where each pixel of the picture lies in the portrait, float32 ``(H, W, 2)``."""
        width, height = self.size
        x = (np.arange(width, dtype=np.float32) + 0.5) / self.scale - 0.5 + self.left
        y = (np.arange(height, dtype=np.float32) + 0.5) / self.scale - 0.5 + self.top
        return np.dstack(np.meshgrid(x, y))


@dataclass(frozen=True, slots=True)
class Bend:
    """How a pose moves a portrait.

    Attributes:
        forward: float32 ``(GRID, GRID, 2)``, movement of what lies in each cell at rest.
        back: float32 ``(GRID, GRID, 2)``, movement of what lies in each cell in the pose.
        relief: float32 ``(GRID, GRID)``, relative brightness of the skin in each cell at rest.
        mesh: float32 ``(468, 2)``, the face mesh in the pose.
        head: float32 ``(3, 2)``, affine movement of the head alone.
        gaze: movement of the eyes against the head.
    """

    forward: Float
    back: Float
    relief: Float
    mesh: Points
    head: Float
    gaze: tuple[float, float]

    def head_at(self, points: Points) -> Points:
        """Return the movement of the head alone at points ``(n, 2)``."""
        return np.asarray(points @ self.head[:2] + self.head[2], np.float32)


def bend(model: FaceModel, face: FittedFace, pose: FacePose, light: tuple[float, float] = (0.0, -0.7)) -> Bend:
    """Find how a pose moves a fitted portrait (about 4 ms).

    Args:
        model: the face model.
        face: the portrait.
        pose: what the face does.
        light: where the light comes from, right and down, sine of the angle.
    """
    change = model.displacement(pose.units)
    moved = _appear(face, pose, face.vertices + change, face.points + change @ face.camera)
    marks = model.landmarks68
    alone = _appear(face, pose, face.vertices[marks], face.points[marks])
    known = np.c_[face.points[marks], np.ones(len(marks), np.float32)]
    head = np.linalg.lstsq(known, alone - face.points[marks], rcond=None)[0].astype(np.float32)
    own = moved - face.points - (face.points @ head[:2] + head[2])
    grid = _grid(face)
    toward = np.cross(face.camera[:, 0], face.camera[:, 1])
    depth = change @ (toward / max(float(np.linalg.norm(toward)), 1e-9) ** 0.5)
    spread = face.spread(np.c_[own, depth * np.sign(toward[2])].astype(np.float32))
    forward = spread[..., :2] + grid @ head[:2] + head[2]
    slope_y, slope_x = np.gradient(cv2.GaussianBlur(spread[..., 2], (0, 0), 1.0), face.cell)
    shade = np.clip(-_SHADE * (slope_x * light[0] + slope_y * light[1]), -0.3, 0.35)
    relief = 1 + shade * _front(face)
    mesh = face.portrait.mesh + (moved - face.points)[face.holders]
    eye = float(np.hypot(*(face.portrait.mesh[133] - face.portrait.mesh[33])))
    return Bend(
        forward, _inverse(forward, face.cell), relief.astype(np.float32), mesh.astype(np.float32), head,
        (pose.gaze[0] * eye, pose.gaze[1] * eye),
    )  # fmt: skip


def draw(face: FittedFace, pose: Bend, window: Window, grain: Float | None = None, grey: bool = False) -> Image:
    """Draw a pose of a portrait.

    Args:
        face: the portrait.
        pose: what :func:`bend` found.
        window: what is drawn.
        grain: float32, fine unevenness of the skin in grey levels, at twice the portrait's resolution; moves with it.
        grey: draw in grey.

    Returns:
        uint8 ``(H, W, 3)`` RGB, or ``(H, W)`` when grey.
    """
    still = face.portrait.image
    if grey:
        still = np.asarray(cv2.cvtColor(still, cv2.COLOR_RGB2GRAY), np.uint8)
    pixels = window.pixels()
    source = pixels - _enlarge(pose.back, face, window)
    picture = _sample(still, source, window.scale)
    relief = cv2.remap(pose.relief, *_cells(source, face), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    _draw_eyes(picture, still, face, pose, window, pixels)
    _draw_gap(picture, face, pose, window)
    picture *= relief if grey else relief[..., None]
    if grain is not None:
        fine = cv2.remap(grain, *_split(source * 2), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        picture += fine if grey else fine[..., None]
    return np.asarray(np.clip(picture + 0.5, 0, 255), np.uint8)


def true_flow(face: FittedFace, onset: Bend, apex: Bend, window: Window) -> Float:
    """Return the movement of each pixel from one pose to another.

    What a lid or the other lip hides in the second pose keeps the movement it has there.

    Returns:
        float32 ``(H, W, 2)``: u (positive = right) and v (positive = down), pixels of the picture.
    """
    pixels = window.pixels()
    before = _enlarge(onset.back, face, window)
    source = pixels - before
    after = cv2.remap(apex.forward, *_cells(source, face), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    flow = after - before
    for eye in EYES:
        points = list(eye)
        opening = _filled(window, onset.mesh[points]) > 0.5
        still = face.portrait.mesh[points].mean(0, keepdims=True)
        turned = [bent.head_at(still)[0] + bent.gaze for bent in (onset, apex)]
        flow[opening] = turned[1] - turned[0]
    return np.asarray(flow * window.scale, np.float32)


def _appear(face: FittedFace, pose: FacePose, vertices: Float, points: Float) -> Float:
    """Return where vertices appear when the head moves; ``points`` is where they appear when it does not."""
    a, b, c = np.radians([pose.yaw, pose.pitch, pose.roll])
    turn_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    turn_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    turned = ((turn_x @ turn_y - np.eye(3)).T @ face.camera).astype(np.float32)
    spin = pose.zoom * np.array([[np.cos(c), np.sin(c)], [-np.sin(c), np.cos(c)]], np.float32)
    middle = face.portrait.mesh.mean(0)
    return np.asarray(
        (points + vertices @ turned - middle) @ spin + middle + np.multiply(pose.shift, face.width_px), np.float32
    )


def _grid(face: FittedFace) -> Float:
    along = (np.arange(GRID, dtype=np.float32) + 0.5) * face.cell
    return np.asarray(np.dstack(np.meshgrid(along + face.origin[0], along + face.origin[1])), np.float32)


def _front(face: FittedFace) -> Float:
    """Return 1 on the front of the face, falling to 0 towards its outline, float32 ``(GRID, GRID)``."""
    cover = np.zeros((GRID, GRID), np.uint8)
    hull = cv2.convexHull(np.stack(_cells(face.portrait.mesh, face), 1).astype(np.int32))
    cv2.fillConvexPoly(cover, hull, (255,))
    inner = np.asarray(cv2.erode(cover, np.ones((9, 9), np.uint8), borderValue=0), np.float32)
    return np.asarray(cv2.GaussianBlur(inner / 255, (0, 0), 3), np.float32)


def _cells(points: Float, face: FittedFace) -> tuple[Float, Float]:
    x = (points[..., 0] - face.origin[0]) / face.cell - 0.5
    y = (points[..., 1] - face.origin[1]) / face.cell - 0.5
    return np.asarray(x, np.float32), np.asarray(y, np.float32)


def _inverse(forward: Float, cell: float) -> Float:
    """Return the movement of what lies in each cell after the movement."""
    x, y = np.meshgrid(np.arange(GRID, dtype=np.float32), np.arange(GRID, dtype=np.float32))
    back = forward
    for _ in range(_ROUNDS):
        from_x, from_y = x - back[..., 0] / cell, y - back[..., 1] / cell
        found = cv2.remap(forward, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        back = np.asarray(found, np.float32)
    return back


def _enlarge(field: Float, face: FittedFace, window: Window) -> Float:
    """Return a field of the grid at each pixel of a window."""
    scale = face.cell * window.scale
    offset = [(face.origin[i] - (window.left, window.top)[i] + 0.5) * window.scale + scale / 2 - 0.5 for i in (0, 1)]
    matrix = np.array([[scale, 0, offset[0]], [0, scale, offset[1]]])
    return np.asarray(cv2.warpAffine(field, matrix, window.size, flags=cv2.INTER_LINEAR,
                                     borderMode=cv2.BORDER_REPLICATE), np.float32)  # fmt: skip


def _sample(still: Image, source: Float, scale: float) -> Float:
    if scale < 0.6:
        # Plain interpolation would alias when it shrinks: blur first.
        still = np.asarray(cv2.GaussianBlur(still, (0, 0), 0.4 / scale), np.uint8)
    x, y = _split(source)
    sampled = cv2.remap(still.astype(np.float32), x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(sampled, np.float32)


def _split(points: Float) -> tuple[Float, Float]:
    return np.ascontiguousarray(points[..., 0], np.float32), np.ascontiguousarray(points[..., 1], np.float32)


def _filled(window: Window, points: Points) -> Float:
    """Return how far each pixel lies within a polygon, 0..1."""
    mask = np.zeros(window.size[::-1], np.uint8)
    corners = np.rint(window.place(points) * 16).astype(np.int32)
    cv2.fillPoly(mask, [corners], (255,), cv2.LINE_AA, 4)
    return np.asarray(mask, np.float32) / np.float32(255)


def _draw_eyes(
    picture: Float, still: Image, face: FittedFace, pose: Bend, window: Window, pixels: Float
) -> None:
    """Set the eyeballs, which lids slide over, into the bent skin, in place."""
    for eye in EYES:
        points = list(eye)
        rest = face.portrait.mesh[points]
        head = pose.head_at(rest.mean(0, keepdims=True))[0]
        box = _box(window, np.concatenate([rest + head, pose.mesh[points]]))
        if box is None or np.abs(pose.mesh[points] - rest - head).max() + np.abs(pose.gaze).max() < 0.02:
            continue
        part = _part(window, box)
        cover = _soft(np.minimum(_filled(part, rest + head), _filled(part, pose.mesh[points])))
        rows, columns = slice(box[1], box[3]), slice(box[0], box[2])
        ball = _sample(still, pixels[rows, columns] - head - np.asarray(pose.gaze, np.float32), window.scale)
        _blend(picture[rows, columns], ball, cover)


def _draw_gap(picture: Float, face: FittedFace, pose: Bend, window: Window) -> None:
    """Paint what opens between the lips, in place."""
    rest = face.portrait.mesh[list(MOUTH)]
    moved = pose.mesh[list(MOUTH)] - rest
    middle = rest.copy()
    upper, lower = np.arange(1, 10), np.arange(19, 10, -1)
    middle[upper] = middle[lower] = (rest[upper] + rest[lower]) / 2
    outline = middle + moved
    opened = (outline[lower] - outline[upper])[:, 1]
    box = _box(window, outline)
    if box is None or opened.max() * window.scale < 0.3:
        return
    shut = opened < 0
    outline[lower[shut]] = outline[upper[shut]]
    part = _part(window, box)
    cover = _soft(_filled(part, outline))
    target = picture[box[1] : box[3], box[0] : box[2]]
    light = float(face.portrait.image.mean()) / 110
    colour = np.array(_GAP, np.float32) * min(light, 1.2)
    _blend(target, np.full_like(target, colour.mean() if target.ndim == 2 else colour), cover)


def _box(window: Window, points: Points) -> tuple[int, int, int, int] | None:
    """Return left, top, right, bottom of points in whole pixels of the picture; None when they lie outside."""
    placed = window.place(points)
    left, top = np.maximum(np.floor(placed.min(0)).astype(int) - 3, 0)
    right, bottom = np.minimum(np.ceil(placed.max(0)).astype(int) + 4, window.size)
    return (left, top, right, bottom) if right - left > 2 and bottom - top > 2 else None


def _part(window: Window, box: tuple[int, int, int, int]) -> Window:
    return Window(
        window.left + box[0] / window.scale, window.top + box[1] / window.scale, window.scale,
        (box[2] - box[0], box[3] - box[1]),
    )  # fmt: skip


def _soft(cover: Float) -> Float:
    return np.asarray(cv2.GaussianBlur(cover, (0, 0), 0.5), np.float32)


def _blend(target: Float, other: Float, cover: Float) -> None:
    target += (other - target) * (cover[..., None] if target.ndim == 3 else cover)
