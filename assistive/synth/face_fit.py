"""Lay the face model on a portrait, so that action units move the portrait's own pixels.

The identity modes and an affine camera are fitted to the portrait's landmarks; what is left is taken up by a smooth
bend of the picture plane, so that lips and lids of the model lie on those of the portrait. The nearest surface of the
mesh is then found for every cell of a grid over the face, once; after that a movement costs one look-up a cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.synth.face_model import FaceModel, Vertices
from assistive.synth.face_portraits import Portrait, landmarks68

Points = NDArray[np.float32]

GRID = 128
"""Cells of the grid along each side."""
MODES = 30
"""Identity modes that are fitted."""
ROOM = 1.5
"""Side of the grid over the longer side of the face."""
FADE = 0.16
"""Distance from the face over which its movement fades away, share of the grid's side."""

EYES = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
)
"""Outline of each opening in the face mesh: from corner to corner over the upper half and back over the lower."""
MOUTH = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)

_RIDGE = 60.0
_ROUNDS = 5
_WEIGHTS = np.where(np.arange(68) < 17, 0.4, 1.0)[:, None]
"""The jaw line of a face mesh is where the face ends in the picture, not a fixed place of the skin."""
_SAMPLES = np.array([(i + 0.5, j + 0.5) for i in range(4) for j in range(4 - i)]) / 4.5
_UPPER_SHARE = 0.75
"""Share of an eye's opening that is covered by the upper lid when the eye closes."""


@dataclass(frozen=True, slots=True)
class FittedFace:
    """A portrait with the model laid on it.

    Attributes:
        portrait: the still face.
        vertices: float32 ``(n, 3)``, the model's neutral face of this identity, cm.
        camera: float32 ``(3, 2)``, pixels of the portrait per cm along x, y and z.
        points: float32 ``(n, 2)``, where the vertices appear, pixels of the portrait.
        origin: left and top of the grid, pixels of the portrait.
        cell: side of a cell, pixels of the portrait.
        corners: int32 ``(GRID * GRID, 3)``, vertices that carry each cell.
        shares: float32 ``(GRID * GRID, 3)``, their shares; the sum falls from 1 to 0 away from the face.
        holders: int32 ``(468,)``, the vertex that each point of the mesh moves with.
    """

    portrait: Portrait
    vertices: Vertices
    camera: NDArray[np.float32]
    points: Points
    origin: tuple[float, float]
    cell: float
    corners: NDArray[np.int32]
    shares: NDArray[np.float32]
    holders: NDArray[np.int32]

    @property
    def width_px(self) -> float:
        """Width of the face, ear to ear, in pixels of the portrait."""
        mesh = self.portrait.mesh
        return float(np.hypot(*(mesh[454] - mesh[234])))

    def spread(self, moved: Points) -> NDArray[np.float32]:
        """Spread values of the vertices, float32 ``(n, c)``, over the grid: float32 ``(GRID, GRID, c)``."""
        total = self.shares[:, :1] * moved[self.corners[:, 0]]
        for corner in (1, 2):
            total += self.shares[:, corner : corner + 1] * moved[self.corners[:, corner]]
        return total.reshape(GRID, GRID, -1)


class FaceFitter:
    """Lays the model on portraits (about 60 ms each).

    Args:
        model: the face model.
    """

    def __init__(self, model: FaceModel) -> None:
        self.model = model
        self._still = model.neutral[model.landmarks68].astype(np.float64)
        self._modes = np.stack([model.identity(one)[model.landmarks68] - self._still for one in np.eye(MODES)])
        self._skin = model.triangles[(model.region[model.triangles] < 2).all(1)]  # the eyeballs move by themselves
        drop = model.displacement({"jawOpen": 1.0})[:, 1]
        close = model.displacement({"eyeBlink_L": 1.0, "eyeBlink_R": 1.0})[:, 1]
        lips = model.part == model.part_names.index("lips")
        self._halves: list[tuple[Sequence[int], NDArray[np.bool_]]] = [
            (MOUTH[1:10], lips & (drop > -1.3)), (MOUTH[11:], lips & (drop < -1.3)),
        ]  # fmt: skip
        for eye, name in zip(EYES, ("eyelid_R", "eyelid_L"), strict=True):
            lids = model.part == model.part_names.index(name)
            self._halves += [(eye[1:8], lids & (close < -0.3)), (eye[9:], lids & (np.abs(close) < 0.1))]

    def fit(self, portrait: Portrait) -> FittedFace:
        """Lay the model on a portrait."""
        model = self.model
        marks = landmarks68(portrait.mesh).astype(np.float64)
        coefficients, camera = self._solve(marks)
        vertices = model.identity(coefficients)
        points = np.c_[vertices, np.ones(len(vertices))] @ camera
        points = points + _bend(points[model.landmarks68], marks, points)
        toward = np.cross(camera[:3, 0], camera[:3, 1])
        depth = vertices @ (toward if toward[2] > 0 else -toward)
        low, high = points[model.region == 0].min(0), points[model.region == 0].max(0)
        side = float((high - low).max()) * ROOM
        left, top = (low + high) / 2 - side / 2
        cell = side / GRID
        holders = self._holders(points, depth, portrait.mesh)
        corners, shares = self._carriers((points - (left, top)) / cell - 0.5, depth)
        for eye in EYES:
            outline = (portrait.mesh[list(eye)] - (left, top)) / cell - 0.5
            _close(corners, shares, outline, holders[list(eye)])
        return FittedFace(
            portrait, vertices, camera[:3].astype(np.float32), points.astype(np.float32), (float(left), float(top)),
            cell, corners, shares, holders,
        )  # fmt: skip

    def _solve(self, marks: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return identity coefficients ``(MODES,)`` and an affine camera ``(4, 2)``, found by turns."""
        coefficients = np.zeros(MODES)
        for last in (False,) * _ROUNDS + (True,):
            solid = np.c_[self._still + np.tensordot(coefficients, self._modes, 1), np.ones(68)]
            camera = np.linalg.lstsq(solid * _WEIGHTS, marks * _WEIGHTS, rcond=None)[0]
            if last:
                break
            rest = ((marks - np.c_[self._still, np.ones(68)] @ camera) * _WEIGHTS).ravel()
            slopes = (self._modes @ camera[:3] * _WEIGHTS).reshape(MODES, -1).T
            coefficients = np.linalg.solve(slopes.T @ slopes + _RIDGE * np.eye(MODES), slopes.T @ rest).clip(-2.5, 2.5)
        return coefficients, camera

    def _holders(self, points: NDArray[np.float64], depth: NDArray[np.float64], mesh: Points) -> NDArray[np.int32]:
        """Return the vertex that each point of the mesh moves with; at lids and lips one of the right half."""
        front = (self.model.region < 2) & (depth > np.median(depth) - np.ptp(depth) * 0.25)
        holders = np.empty(len(mesh), np.int32)
        everywhere: tuple[Sequence[int], NDArray[np.bool_]] = (range(len(mesh)), front)
        for indices, allowed in (everywhere, *self._halves):
            own = np.flatnonzero(allowed)
            at = points[own].astype(np.float32)
            for index in indices:
                holders[index] = own[((at - mesh[index]) ** 2).sum(1).argmin()]
        return holders

    def _carriers(
        self, own: NDArray[np.float64], depth: NDArray[np.float64]
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return for each cell the vertices that carry it and their shares; ``own`` are the vertices in cells."""
        nearest = _nearest(self._skin, own, depth)
        empty = (nearest < 0).astype(np.uint8)
        distance, labels = cv2.distanceTransformWithLabels(empty, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
        place = np.zeros(labels.max() + 1, np.int64)
        place[labels[empty == 0]] = np.flatnonzero(empty == 0)
        source = place[labels].ravel()
        corners = self._skin[nearest.ravel()[source]]
        hull = np.zeros((GRID, GRID), np.uint8)
        cv2.fillConvexPoly(hull, cv2.convexHull(own[self.model.region == 0].astype(np.int32)), (1,))
        inside = (hull > 0) | (empty == 0)  # the mouth's hole moves with its rim
        fade = np.where(inside, 1.0, np.clip(1 - distance / (FADE * GRID), 0, 1))
        fade = fade * fade * (3 - 2 * fade)
        shares = _shares(own[corners], np.stack([source % GRID, source // GRID], 1)) * fade.reshape(-1, 1)
        return corners.astype(np.int32), shares.astype(np.float32)


def _bend(
    known: NDArray[np.float64], wanted: NDArray[np.float64], points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the smooth shift of ``points`` that carries ``known`` (the jaw left out) onto ``wanted``, pixels."""
    known, wanted = known[17:], wanted[17:]
    size = float(np.ptp(known[:, 0]))

    def near(a: NDArray[np.float64]) -> NDArray[np.float64]:
        distance = np.linalg.norm(a[:, None] - known[None], axis=2) / size
        return np.asarray(np.exp(-((distance / 0.25) ** 2)))

    weights = np.linalg.solve(near(known) + 0.05 * np.eye(len(known)), wanted - known)
    return np.asarray(near(points) @ weights)


def _nearest(
    triangles: NDArray[np.int32], own: NDArray[np.float64], depth: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the triangle nearest to the camera in each cell, int64 ``(GRID, GRID)``; -1 where there is none."""
    share = np.c_[_SAMPLES, 1 - _SAMPLES.sum(1)]
    at = np.rint(np.einsum("sk,tkc->tsc", share, own[triangles])).astype(np.int64)
    deep = np.einsum("sk,tk->ts", share, depth[triangles])
    index = np.broadcast_to(np.arange(len(triangles))[:, None], deep.shape)
    seen = ((at >= 0) & (at < GRID)).all(2)
    order = np.argsort(deep[seen])
    cells = np.full(GRID * GRID, -1, np.int64)
    cells[(at[..., 1] * GRID + at[..., 0])[seen][order]] = index[seen][order]
    return cells.reshape(GRID, GRID)


def _close(
    corners: NDArray[np.int32], shares: NDArray[np.float32], outline: Points, holders: NDArray[np.int32]
) -> None:
    """Give the opening of an eye to its lids, in place: most of it to the upper one, which travels farther.

    Args:
        corners: int32 ``(GRID * GRID, 3)``.
        shares: float32 ``(GRID * GRID, 3)``.
        outline: ``(16, 2)`` in cells, as in ``EYES``.
        holders: int32 ``(16,)``, the vertex that each point moves with.
    """
    mask = np.zeros((GRID, GRID), np.uint8)
    cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], (1,))
    rows, columns = np.nonzero(mask)
    halves = []
    for half in ((0, 1, 2, 3, 4, 5, 6, 7, 8), (0, 15, 14, 13, 12, 11, 10, 9, 8)):
        order = np.array(half)[np.argsort(outline[list(half), 0])]
        place = np.interp(columns, outline[order, 0], np.arange(9.0))
        first = np.minimum(place.astype(int), 7)
        halves.append((np.interp(columns, outline[order, 0], outline[order, 1]), order, first, place - first))
    (top, *upper), (bottom, *lower) = halves
    above = rows < top + _UPPER_SHARE * (bottom - top)
    for own, (order, first, step) in ((above, upper), (~above, lower)):
        cells = (rows * GRID + columns)[own]
        first, step = first[own], step[own]
        corners[cells] = np.stack([holders[order[first]], holders[order[first + 1]], holders[order[first]]], 1)
        shares[cells] = np.stack([1 - step, step, np.zeros_like(step)], 1)


def _shares(triangle: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return barycentric coordinates, held within the triangle: float ``(m, 3)``."""
    a, b, c = triangle[:, 0], triangle[:, 1], triangle[:, 2]
    area = (b[:, 1] - c[:, 1]) * (a[:, 0] - c[:, 0]) + (c[:, 0] - b[:, 0]) * (a[:, 1] - c[:, 1])
    area = np.where(np.abs(area) < 1e-6, 1e-6, area)
    first = ((b[:, 1] - c[:, 1]) * (x[:, 0] - c[:, 0]) + (c[:, 0] - b[:, 0]) * (x[:, 1] - c[:, 1])) / area
    second = ((c[:, 1] - a[:, 1]) * (x[:, 0] - c[:, 0]) + (a[:, 0] - c[:, 0]) * (x[:, 1] - c[:, 1])) / area
    first = np.clip(first, 0, 1)
    second = np.clip(second, 0, 1 - first)
    return np.stack([first, second, 1 - first - second], 1)
