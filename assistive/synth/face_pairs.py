"""Onset and apex of micro-expressions, two pictures each, as fast as training needs them.

Example:
    model = FaceModel.load(pack)
    maker = PairMaker(model, portraits(pack, "train", cache))
    pair = maker.make(np.random.default_rng(seed))
    matrix = crop_matrix(pair.mesh)  # of assistive.expression.flow, like the rest
    flow = optical_flow(aligned(pair.onset, matrix), aligned(pair.apex, matrix))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assistive.synth.face_action import FacePose, draw_beside, draw_gaze, draw_head, draw_movement, draw_stray, together
from assistive.synth.face_camera import FaceCamera, skin_grain
from assistive.synth.face_fit import FaceFitter, FittedFace
from assistive.synth.face_model import FaceModel
from assistive.synth.face_portraits import Portrait, landmarks68
from assistive.synth.face_warp import Window, bend, draw, true_flow
from assistive.types import EXPRESSIONS

FACE_PX = (120.0, 300.0)
"""Narrowest and widest face in the pictures, pixels; in CASME II a face is about 280 wide."""


@dataclass(frozen=True, slots=True)
class Range:
    """How much happens beside the movement.

    Attributes:
        intensity: weakest and strongest movement.
        face_px: narrowest and widest face, pixels.
        head: typical movement of the head between onset and apex, widths of the face.
        beside: factor on how often lids, eyes and mouth do something else.
        harsh: from a laboratory's camera (0) to what is found in homes (1).
    """

    intensity: tuple[float, float] = (0.05, 0.6)
    face_px: tuple[float, float] = FACE_PX
    head: float = 0.006
    beside: float = 1.0
    harsh: float = 0.7


@dataclass(frozen=True, slots=True)
class ApexPair:
    """A face before a movement and at its strongest.

    Attributes:
        onset: uint8 ``(H, W)``, grey.
        apex: uint8 ``(H, W)``, grey.
        mesh: float32 ``(468, 2)``, points of MediaPipe's face mesh at the onset, pixels.
        apex_mesh: float32 ``(468, 2)``, the same points at the apex.
        label: class of the movement, or ``none``.
        units: peak of each action unit by name with its side, those beside the movement left out.
        intensity: strength of the movement, 0 for ``none``.
        flow: float32 ``(H, W, 2)``, true flow from onset to apex: u right, v down, pixels; None unless asked for.
        identity: name of the portrait.
    """

    onset: NDArray[np.uint8]
    apex: NDArray[np.uint8]
    mesh: NDArray[np.float32]
    apex_mesh: NDArray[np.float32]
    label: str
    units: Mapping[str, float]
    intensity: float
    flow: NDArray[np.float32] | None
    identity: str

    @property
    def landmarks(self) -> NDArray[np.float32]:
        """The usual 68 landmarks at the onset, float32 ``(68, 2)``, pixels."""
        return landmarks68(self.mesh)


class PairMaker:
    """Makes endless pairs from portraits; what is made depends on the generator of chance alone.

    Args:
        model: the face model.
        faces: portraits; one is fitted when it is first drawn (0.1 s, and 0.6 MB are kept).
        span: how much happens.
    """

    def __init__(self, model: FaceModel, faces: Sequence[Portrait], span: Range | None = None) -> None:
        self.model = model
        self.span = span or Range()
        self._portraits = list(faces)
        self._fitter = FaceFitter(model)
        self._fitted: dict[int, FittedFace] = {}

    def make(
        self, rng: np.random.Generator, label: str | None = None, intensity: float | None = None, flow: bool = False
    ) -> ApexPair:
        """Make one pair.

        Args:
            rng: source of chance.
            label: class of the movement; one of the three at random when None.
            intensity: strength of the movement; drawn when None.
            flow: compute the true flow as well.
        """
        span = self.span
        face = self.face(int(rng.integers(len(self._portraits))))
        label = label or str(rng.choice(EXPRESSIONS))
        if intensity is None:
            intensity = float(np.exp(rng.uniform(*np.log(span.intensity))))
        movement = draw_movement(self.model, label, rng, intensity)
        beside, gaze = draw_beside(rng, span.beside), (0.0, 0.0)
        beside = together(beside, draw_stray(rng, movement.intensity))
        if rng.random() < 0.2 * span.beside:
            gaze, lids = draw_gaze(rng)
            beside = together(beside, lids)
        head = draw_head(rng, float(rng.exponential(span.head)))
        light = (float(rng.normal(0, 0.4)), float(rng.normal(-0.4, 0.3)))
        window = _window(face, float(rng.uniform(*span.face_px)), rng)
        rest = bend(self.model, face, FacePose())
        moved = bend(self.model, face, replace(head, units=together(movement.units, beside), gaze=gaze), light)
        grain = skin_grain(rng, 512, float(rng.exponential(2.0)))
        camera = FaceCamera.draw(rng, span.harsh)
        onset, apex = (camera.take(draw(face, pose, window, grain, grey=True), rng) for pose in (rest, moved))
        return ApexPair(
            onset, apex, window.place(rest.mesh), window.place(moved.mesh), label, movement.units, movement.intensity,
            true_flow(face, rest, moved, window) if flow else None, face.portrait.name,
        )  # fmt: skip

    def face(self, index: int) -> FittedFace:
        """Return a portrait with the model laid on it."""
        if index not in self._fitted:
            self._fitted[index] = self._fitter.fit(self._portraits[index])
        return self._fitted[index]


def _window(face: FittedFace, width_px: float, rng: np.random.Generator) -> Window:
    """Return a window with some room around the face."""
    low, high = face.portrait.mesh.min(0), face.portrait.mesh.max(0)
    side = high - low
    left, top = low - side * rng.uniform(0.08, 0.25, 2)
    right, bottom = high + side * rng.uniform(0.08, 0.25, 2)
    scale = width_px / face.width_px
    return Window(float(left), float(top), scale, (round((right - left) * scale), round((bottom - top) * scale)))
