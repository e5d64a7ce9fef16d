"""Draw still faces from the model alone: any identity and skin tone, shaded, with pores, brows, eyes, hair and clothes.

A drawn still is a portrait like any other: it is fitted and bent by the same code as a photograph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.errors import SourceError
from assistive.synth.face_model import FaceModel, Vertices, project
from assistive.synth.face_portraits import Portrait

Image = NDArray[np.uint8]
Float = NDArray[np.float32]

SIDE = 256
"""Side of a drawn portrait, pixels; it is drawn at twice that."""
_FINE = 2
MODES = 60
"""Identity modes that are drawn."""
_EYE_COLOURS = ((70, 44, 28), (92, 62, 36), (110, 96, 60), (86, 112, 124), (60, 90, 130), (36, 26, 22))
_HAIR_COLOURS = ((22, 18, 16), (46, 32, 24), (86, 58, 38), (150, 116, 74), (120, 116, 112), (92, 42, 24))


class Finder(Protocol):
    """Finds a face mesh; :class:`MeshFinder`, or a stand-in."""

    def find(self, image: Image) -> NDArray[np.float32] | None:
        """Return the mesh of the face in an RGB picture, float32 ``(468, 2)`` in pixels, or None."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the camera sees: per pixel a triangle (-1 = none) and its shares; per vertex a unit normal."""

    triangle: NDArray[np.int32]
    shares: Float
    normals: Float

    def spread(self, model: FaceModel, values: Float) -> Float:
        """Spread values of the vertices over the pixels, float32 ``(S, S, c)``; nonsense where nothing is seen."""
        corners = model.triangles[np.maximum(self.triangle, 0)]
        return np.asarray(sum(self.shares[..., k : k + 1] * values[corners[..., k]] for k in range(3)), np.float32)


def drawn_portraits(model: FaceModel, count: int, seed: int, finder: Finder) -> list[Portrait]:
    """Draw portraits of different people.

    Args:
        model: the face model.
        count: how many are wanted.
        seed: the same seed draws the same people.
        finder: finds the face mesh; a drawing in which it finds none is drawn anew as somebody else.

    Raises:
        SourceError: it finds a face in less than a quarter of the drawings.
    """
    found: list[Portrait] = []
    for number in range(4 * count):
        if len(found) == count:
            break
        image = draw_still(model, np.random.default_rng((seed, number)))
        mesh = finder.find(image)
        if mesh is not None:
            found.append(Portrait(f"drawn_{seed}_{number}", "drawn", image, mesh))
    if len(found) < count:
        what = f"only {len(found)} of {4 * count} drawn faces are found to be faces"
        raise SourceError(what, "use portraits, or another seed", "synth.drawn")
    return found


def draw_still(model: FaceModel, rng: np.random.Generator) -> Image:
    """Draw one face at rest (about 0.3 s).

    Returns:
        uint8 ``(256, 256, 3)``, RGB.
    """
    side = SIDE * _FINE
    vertices = model.identity(np.clip(rng.normal(0, 0.8, MODES), -2, 2))
    yaw, pitch, roll = rng.normal(0, (6, 4, 2))
    scale = side * rng.uniform(0.026, 0.034)
    points = project(vertices, scale, yaw, pitch, roll, (side / 2, side * 0.54))
    seen = _see(model, vertices, points, (yaw, pitch), side)
    face = seen.triangle >= 0
    skin = skin_colour(float(rng.uniform(-55, 60)), rng)
    hair = np.array(_HAIR_COLOURS[int(rng.integers(len(_HAIR_COLOURS)))], np.float32)
    picture = _behind(points, skin, hair, rng, side)
    colour = _paint(model, seen, skin, hair, rng)
    lit = colour * _light(model, seen, rng)[..., None]
    cover = _soft(face.astype(np.float32), 0.7)[..., None]
    picture = picture * (1 - cover) + lit * cover
    _lines(picture, model, points, skin)
    _fringe(picture, points, hair, rng)
    picture += cv2.GaussianBlur(rng.normal(0, 5, picture.shape[:2]).astype(np.float32), (0, 0), 0.9)[..., None]
    small = cv2.resize(picture.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(small + 0.5, 0, 255), np.uint8)


def skin_colour(ita_deg: float, rng: np.random.Generator) -> Float:
    """Return the colour of a skin, float32 ``(3,)`` RGB 0..255.

    Args:
        ita_deg: individual typology angle: above 41 light, below 10 dark (Chardin et al. 1991).
        rng: source of chance for the undertone.
    """
    yellow = float(rng.uniform(14, 22))
    lightness = np.clip(50 + np.tan(np.radians(ita_deg)) * yellow, 22, 80)
    lab = np.array([[[lightness, rng.uniform(8, 14), yellow]]], np.float32)
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB)[0, 0] * 255, np.float32)


def _see(model: FaceModel, vertices: Vertices, points: Float, turn: tuple[float, float], side: int) -> _Seen:
    a, b = np.radians(turn)
    turn_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    turn_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    turned = vertices @ (turn_x @ turn_y).T
    triangles = model.triangles
    sides = turned[triangles]
    facing = np.cross(sides[:, 1] - sides[:, 0], sides[:, 2] - sides[:, 0])
    normals = np.zeros_like(turned)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], facing)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    index = np.full((side, side), -1, np.int32)
    corners = np.rint(points[triangles] * 16).astype(np.int32)
    for number in np.argsort(sides[..., 2].mean(1)):
        cv2.fillConvexPoly(index, corners[number], (int(number),), shift=4)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    p = points[triangles[np.maximum(index, 0)]]
    (ax, ay), (bx, by), (cx, cy) = (np.moveaxis(p[:, :, k], -1, 0) for k in range(3))
    area = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy)
    area = np.where(np.abs(area) < 1e-6, 1e-6, area)
    first = np.clip(((by - cy) * (x - cx) + (cx - bx) * (y - cy)) / area, 0, 1)
    second = np.clip(((cy - ay) * (x - cx) + (ax - cx) * (y - cy)) / area, 0, 1 - first)
    shares = np.dstack([first, second, 1 - first - second]).astype(np.float32)
    return _Seen(index, shares, normals.astype(np.float32))


def _paint(model: FaceModel, seen: _Seen, skin: Float, hair: Float, rng: np.random.Generator) -> Float:
    """Return the colour of every pixel before light, float32 ``(S, S, 3)``."""
    part = model.part[model.triangles[np.maximum(seen.triangle, 0), 0]]
    names = model.part_names

    def cover(sigma: float, *wanted: str) -> Float:
        inside = np.isin(part, [names.index(name) for name in wanted]) & (seen.triangle >= 0)
        return _soft(inside.astype(np.float32), sigma)[..., None]

    shape = part.shape
    mottle = sum(weight * _noise(shape, sigma, rng) for sigma, weight in ((24, 0.035), (6, 0.025), (1.2, 0.035)))
    freckles = np.clip(_noise(shape, 2.0, rng) - rng.uniform(1.5, 3.5), 0, 1) * 0.25
    colour = skin * (1 + mottle - freckles)[..., None]
    red = np.array([1.06, 0.9, 0.88], np.float32)
    for sigma, wanted, tint in (
        (14, ("cheek_R", "cheek_L", "nose"), red),
        (3, ("eyelid_R", "eyelid_L"), np.array([0.9, 0.84, 0.82], np.float32)),
        (2, ("lips",), np.array(rng.uniform((0.82, 0.55, 0.55), (1.0, 0.72, 0.72)), np.float32)),
    ):
        here = cover(sigma, *wanted)
        colour = colour * (1 + here * (tint - 1))
    strands = np.clip(0.75 + 0.35 * _noise(shape, 1.5, rng), 0, 1)[..., None]
    brows = cover(2.5, "brow_R", "brow_L") * strands * rng.uniform(0.5, 1.0)
    colour = colour * (1 - brows) + hair * brows
    iris = np.array(_EYE_COLOURS[int(rng.integers(len(_EYE_COLOURS)))], np.float32)
    for wanted, tone in (
        (("sclera_L", "sclera_R"), np.array([214, 206, 200], np.float32)), (("iris_L", "iris_R"), iris),
        (("pupil_L", "pupil_R"), np.array([12, 10, 10], np.float32)),
    ):  # fmt: skip
        here = cover(0.8, *wanted)
        colour = colour * (1 - here) + tone * here
    return np.asarray(colour, np.float32)


def _light(model: FaceModel, seen: _Seen, rng: np.random.Generator) -> Float:
    """Return the brightness of every pixel, float32 ``(S, S)``."""
    normals = seen.spread(model, seen.normals)
    bumps = _noise(normals.shape[:2], 1.5, rng) * 0.05
    key = np.array([rng.normal(0, 0.5), rng.uniform(0.2, 0.9), 1.0])
    fill = np.array([-key[0], 0.1, 0.8])
    key, fill = key / np.linalg.norm(key), fill / np.linalg.norm(fill)
    strong = float(rng.uniform(0.5, 0.9))
    wrapped = np.clip((normals @ key + 0.3) / 1.3 + bumps, 0, 1)
    half = np.add(key, (0, 0, 1))
    half = half / np.linalg.norm(half)
    shine = np.clip(normals @ half, 0, 1) ** 30 * rng.uniform(0.02, 0.15)
    light = 0.28 + strong * wrapped + 0.25 * np.clip(normals @ fill, 0, 1) + shine
    return np.asarray(light, np.float32)


def _lines(picture: Float, model: FaceModel, points: Float, skin: Float) -> None:
    """Draw the lashes, the shade under the upper lids and the line between the lips, in place."""
    marks = points[model.landmarks68]
    dark = skin * 0.22
    for indices, width, strength in (
        ((36, 37, 38, 39), 5, 0.75), ((42, 43, 44, 45), 5, 0.75),
        ((39, 40, 41, 36), 2, 0.4), ((45, 46, 47, 42), 2, 0.4),
    ):  # fmt: skip
        _stroke(picture, marks[list(indices)], width, strength, dark)
    inner = np.concatenate([marks[[60, 61, 62, 63, 64]], marks[[65, 66, 67]]])
    gap = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(gap, [np.rint(inner * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
    here = _soft(gap, 1.0)[..., None]
    picture[:] = picture * (1 - here) + dark * here
    between = [(marks[a] + marks[b]) / 2 for a, b in ((61, 67), (62, 66), (63, 65))]
    middle = np.stack([marks[60], *between, marks[64]])
    _stroke(picture, middle, 4, 0.8, dark)


def _stroke(picture: Float, line: Float, width: int, strength: float, colour: Float) -> None:
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.polylines(mask, [np.rint(line * 16).astype(np.int32)], False, (255,), width, cv2.LINE_AA, 4)
    here = _soft(mask, 1.0)[..., None] * strength
    picture[:] = picture * (1 - here) + colour * here


def _behind(points: Float, skin: Float, hair: Float, rng: np.random.Generator, side: int) -> Float:
    """Return what is seen behind the face: a room, hair, neck and clothes, float32 ``(S, S, 3)``."""
    room = np.asarray(rng.uniform(30, 210, (4, 4, 1)) + rng.normal(0, 18, (4, 4, 3)), np.float32).clip(0, 255)
    picture = np.asarray(cv2.resize(room, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)
    low, high = points.min(0), points.max(0)
    middle, wide = (low + high) / 2, (high - low)[0]
    length = float(rng.uniform(0.5, 0.95))
    place = float(middle[0]), float(low[1] + wide * length * 0.62)
    cv2.ellipse(picture, (place, (float(wide * 1.12), float(wide * length * 1.6)), 0.0), hair.tolist(), -1, cv2.LINE_AA)
    neck = [(middle[0] - 0.27 * wide, middle[1]), (middle[0] + 0.27 * wide, middle[1]),
            (middle[0] + 0.34 * wide, side), (middle[0] - 0.34 * wide, side)]  # fmt: skip
    cv2.fillConvexPoly(picture, np.array(neck, np.int32), (skin * 0.55).tolist(), cv2.LINE_AA)
    top = high[1] + 0.02 * wide
    cloth = [(middle[0] - 0.3 * wide, top), (middle[0] + 0.3 * wide, top), (middle[0] + 1.1 * wide, top + 0.35 * wide),
             (side, side), (0, side), (middle[0] - 1.1 * wide, top + 0.35 * wide)]  # fmt: skip
    cv2.fillPoly(picture, [np.array(cloth, np.int32)], rng.uniform(15, 220, 3).tolist(), cv2.LINE_AA)
    shade = 1 + 0.04 * _noise((side, side), 2, rng) + 0.04 * _noise((side, side), 12, rng)
    return np.asarray(picture * shade[..., None], np.float32)


def _fringe(picture: Float, points: Float, hair: Float, rng: np.random.Generator) -> None:
    """Draw the hair above and beside the forehead, in place."""
    low, high = points.min(0), points.max(0)
    wide, middle = float((high - low)[0]), float((low + high)[0] / 2)
    mask = np.zeros(picture.shape[:2], np.uint8)
    top = float(low[1])
    cv2.ellipse(mask, ((middle, top + 0.32 * wide), (1.16 * wide, 1.1 * wide), 0.0), (255,), -1, cv2.LINE_AA)
    open_top, open_wide = top + wide * rng.uniform(-0.02, 0.14), wide * rng.uniform(0.82, 0.92)
    cv2.ellipse(mask, ((middle, open_top + 0.75 * wide), (open_wide, 1.5 * wide), 0.0), (0,), -1, cv2.LINE_AA)
    strands = 1 + 0.2 * cv2.resize(_noise((8, picture.shape[1]), 1.0, rng), mask.shape[::-1])
    here = _soft(mask, 3.0)[..., None]
    picture[:] = picture * (1 - here) + hair * strands[..., None] * here


def _noise(shape: tuple[int, ...], sigma: float, rng: np.random.Generator) -> Float:
    """Return smooth noise of standard deviation 1, float32 ``(H, W)``."""
    noise = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), sigma)
    return np.asarray(noise / noise.std(), np.float32)


def _soft(cover: Float | Image, sigma: float) -> Float:
    """Soften a mask, 0..1 or 0..255, to float32 0..1."""
    share = np.asarray(cover, np.float32) / (255 if cover.dtype == np.uint8 else 1)
    return np.asarray(cv2.GaussianBlur(share, (0, 0), sigma), np.float32)
