"""Clips of faces in which one micro-expression happens at known moments, with everything about it known.

A clip depends on its seed, the portraits and the scene alone: any number of processes make the same clips.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.errors import ConfigError
from assistive.synth.face_action import draw_movement
from assistive.synth.face_camera import FaceCamera, VideoCodec, skin_grain
from assistive.synth.face_cover import Cover
from assistive.synth.face_fit import FaceFitter, FittedFace
from assistive.synth.face_model import FaceModel
from assistive.synth.face_portraits import Portrait, landmarks68
from assistive.synth.face_time import Timeline, draw_timeline
from assistive.synth.face_warp import Bend, Window, bend, draw, true_flow
from assistive.types import EXPRESSIONS, NO_EXPRESSION

Image = NDArray[np.uint8]
Float = NDArray[np.float32]

LABELS = (*EXPRESSIONS, NO_EXPRESSION)
RATE_HZ = (15.0, 200.0)
"""Slowest and fastest frame rate of a clip."""
_KEPT = 64
"""Fitted portraits that are kept."""


@dataclass(frozen=True, slots=True)
class SceneSettings:
    """How clips are filmed.

    Attributes:
        rate_hz: frames per second, 15..200.
        face_px: narrowest and widest face, pixels.
        busy: factor on what happens beside the movement (blinks, eyes, speech, head, light); 0 = nothing.
        harsh: from a laboratory's camera (0) to what is found in homes (1).
        covered: share of clips in which something hides part of the face, 0..1.
        video: share of clips compressed as a video is, with blocks that stay when little changed, 0..1.
        shares: how often each label is shown.
    """

    rate_hz: float = 30.0
    face_px: tuple[float, float] = (120.0, 220.0)
    busy: float = 1.0
    harsh: float = 0.7
    covered: float = 0.1
    video: float = 0.4
    shares: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(LABELS, 0.25))

    def __post_init__(self) -> None:
        if not RATE_HZ[0] <= self.rate_hz <= RATE_HZ[1]:
            what = f"clips cannot have {self.rate_hz:g} frames a second"
            raise ConfigError(what, f"choose a rate from {RATE_HZ[0]:g} to {RATE_HZ[1]:g}", "synth.rate")


@dataclass(frozen=True, slots=True)
class FaceClip:
    """A clip.

    Attributes:
        frames: uint8 ``(T, H, W, 3)``, RGB; frame ``i`` shows the moment ``i / rate_hz``.
        rate_hz: frames per second.
        label: ``negative``, ``positive``, ``surprise``, or ``none``: nothing but what happens beside.
        units: peak of each action unit by name with its side.
        intensity: strength of the movement, 0.05..0.6; 0 for ``none``.
        onset_s: beginning of the movement, seconds of the clip; None for ``none``, like the next two.
        apex_s: its strongest moment.
        offset_s: its end.
        landmarks: float32 ``(T, 68, 2)``, pixels.
        flow: float32 ``(H, W, 2)``, true flow from the onset to the apex (for ``none`` from the first to the middle
            frame): u right, v down, pixels.
        identity: name of the portrait.
        group: where the portrait comes from; ``drawn`` for rendered skin.
        cover: what hides part of the face, or None.
        beside: kinds of events that happen beside the movement.
        seed: what the clip was made from, with its number.
    """

    frames: Image
    rate_hz: float
    label: str
    units: Mapping[str, float]
    intensity: float
    onset_s: float | None
    apex_s: float | None
    offset_s: float | None
    landmarks: Float
    flow: Float
    identity: str
    group: str
    cover: str | None
    beside: tuple[str, ...]
    seed: tuple[int, int]

    def describe(self) -> dict[str, Any]:
        """Return all but the arrays, ready for JSON."""
        arrays = ("frames", "landmarks", "flow")
        values = {name: getattr(self, name) for name in self.__slots__ if name not in arrays}
        return values | {"frames": len(self.frames), "size": list(self.frames.shape[2:0:-1]), "units": dict(self.units)}

    def save(self, path: Path) -> None:
        """Write the clip to a ``.npz`` file: whole, or not at all. ``about`` holds :meth:`describe` as JSON."""
        partial = path.with_suffix(f".partial{os.getpid()}")
        with partial.open("wb") as file:
            np.savez_compressed(
                file, frames=self.frames, landmarks=self.landmarks, flow=self.flow, about=json.dumps(self.describe())
            )
        os.replace(partial, path)


class ClipMaker:
    """Makes clips from portraits, photographed or drawn.

    Args:
        model: the face model.
        faces: portraits.
        scene: how clips are filmed.
    """

    def __init__(self, model: FaceModel, faces: Sequence[Portrait], scene: SceneSettings | None = None) -> None:
        self.model = model
        self.scene = scene or SceneSettings()
        self._portraits = list(faces)
        fitter = FaceFitter(model)
        self._fitted = lru_cache(_KEPT)(lambda index: fitter.fit(self._portraits[index]))

    def make(self, seed: int, number: int, label: str | None = None) -> FaceClip:
        """Make clip ``number`` of a seed; its label is drawn when None."""
        rng = np.random.default_rng((seed, number))
        scene = self.scene
        face: FittedFace = self._fitted(int(rng.integers(len(self._portraits))))
        shares = np.array([scene.shares.get(name, 0.0) for name in LABELS])
        drawn = LABELS[int(rng.choice(len(LABELS), p=shares / shares.sum()))]
        movement = draw_movement(self.model, label or drawn, rng)
        timeline = draw_timeline(movement, self.model.durations, rng, scene.busy)
        cover = Cover.draw(rng) if rng.random() < scene.covered else None
        window = _window(face, float(rng.uniform(*scene.face_px)))
        frames, landmarks = self._film(face, timeline, window, cover, rng)
        course = timeline.course
        return FaceClip(
            frames, scene.rate_hz, movement.label, movement.units, movement.intensity,
            course.onset_s if course else None, course.apex_s if course else None,
            course.offset_s if course else None, landmarks, self._flow(face, timeline, window, cover),
            face.portrait.name, face.portrait.group,
            cover.kind if cover else None, tuple(sorted({event.kind for event in timeline.events})), (seed, number),
        )  # fmt: skip

    def _film(
        self, face: FittedFace, timeline: Timeline, window: Window, cover: Cover | None, rng: np.random.Generator
    ) -> tuple[Image, Float]:
        camera = FaceCamera.draw(rng, self.scene.harsh)
        codec = None
        if rng.random() < self.scene.video:
            codec = VideoCodec(int(rng.integers(50, 90)), float(rng.uniform(1, 4)))
            camera = replace(camera, quality=None)
        grain = skin_grain(rng, 2 * max(face.portrait.image.shape[:2]), float(rng.exponential(2.0)))
        light = (float(rng.normal(0, 0.4)), float(rng.normal(-0.4, 0.3)))
        frames, landmarks = [], []
        for index in range(round(timeline.seconds * self.scene.rate_hz)):
            t_s = index / self.scene.rate_hz
            pose = bend(self.model, face, timeline.pose(t_s), light)
            picture = draw(face, pose, window, grain)
            if cover is not None:
                cover.apply(picture, _worn(face, pose, window, cover))
            taken = replace(camera, gain=camera.gain * timeline.brightness(t_s)).take(picture, rng)
            frames.append(codec.take(taken) if codec else taken)
            landmarks.append(landmarks68(window.place(pose.mesh)))
        return np.stack(frames), np.stack(landmarks)

    def _flow(self, face: FittedFace, timeline: Timeline, window: Window, cover: Cover | None) -> Float:
        course = timeline.course
        moments = (course.onset_s, course.apex_s) if course else (0.0, timeline.seconds / 2)
        onset, apex = (bend(self.model, face, timeline.pose(t_s)) for t_s in moments)
        flow = true_flow(face, onset, apex, window)
        if cover is not None:
            blank = np.zeros((*flow.shape[:2], 3), np.uint8)
            hidden = cover.apply(blank, _worn(face, onset, window, cover)) > 0.5
            where = window.pixels()[hidden]
            moved = (apex.head_at(where) - onset.head_at(where)) * window.scale
            flow[hidden] = moved if cover.moves_with_head else 0.0
        return flow


def _worn(face: FittedFace, pose: Bend, window: Window, cover: Cover) -> Float:
    """Return where the mesh would lie if only the head moved; for a hand, where it lies at rest."""
    rest = face.portrait.mesh
    return window.place(rest + pose.head_at(rest) if cover.moves_with_head else rest)


def _window(face: FittedFace, width_px: float) -> Window:
    """Return a window with room around the face; its sides are even, as video wants them."""
    low, high = face.portrait.mesh.min(0), face.portrait.mesh.max(0)
    height, width = face.portrait.image.shape[:2]
    left, top = np.maximum(low - 0.3 * (high - low), 0)
    right, bottom = np.minimum(high + 0.3 * (high - low), (width, height))
    scale = width_px / face.width_px
    sides = [2 * round(float(side) * scale / 2) for side in (right - left, bottom - top)]
    return Window(float(left), float(top), scale, (sides[0], sides[1]))
