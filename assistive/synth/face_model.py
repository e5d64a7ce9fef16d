"""A parametric face that moves by action units: ICT-FaceKit (MIT, USC Institute for Creative Technologies), reduced.

The folder that :meth:`FaceModel.load` reads holds ``ict_facekit.npz`` (mesh, identity modes, expression shapes),
``au_to_blendshape.json`` (action unit -> shapes) and ``au_by_emotion.json`` (which action units were coded together
under which emotion, and how long the movements last). Axes: x to the person's left, y up, z to the camera; cm.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.errors import SourceError
from assistive.types import EXPRESSIONS

Vertices = NDArray[np.float32]

FILES = ("ict_facekit.npz", "au_to_blendshape.json", "au_by_emotion.json")
BROW_GAIN = 2.0
"""The model lowers its brows half as far as it raises them, so action unit 4 gets twice the weight."""


@dataclass(frozen=True, slots=True)
class ActionSet:
    """Action units that move together.

    Attributes:
        units: names such as ``4``, ``L12`` (the person's left) or ``R14``.
        weight: how often the set is met within its class; the weights of a class sum to 1.
    """

    units: tuple[str, ...]
    weight: float


class FaceModel:
    """The mesh, and how it moves.

    Args:
        arrays: the content of ``ict_facekit.npz``.
        units: the content of ``au_to_blendshape.json``.
        coded: the content of ``au_by_emotion.json``.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]], units: Mapping[str, Any], coded: Mapping[str, Any]) -> None:
        self.neutral: Vertices = arrays["neutral"].astype(np.float32)
        self.triangles: NDArray[np.int32] = arrays["tri"].astype(np.int32)
        self.uv: NDArray[np.float32] = arrays["uv"].astype(np.float32)
        self.region: NDArray[np.uint8] = arrays["region"]
        self.part: NDArray[np.uint8] = arrays["part"]
        self.part_names: tuple[str, ...] = tuple(map(str, arrays["part_names"]))
        self.landmarks68: NDArray[np.int32] = arrays["landmarks68"].astype(np.int32)
        self.eye_centres: Vertices = arrays["eye_centre_LR"].astype(np.float32)
        names = list(map(str, arrays["expr_names"]))
        shapes = arrays["expr_q"].astype(np.float32) * arrays["expr_scale"][:, None, None]
        self.shapes: dict[str, Vertices] = dict(zip(names, shapes, strict=True))
        self.mode_shapes: NDArray[np.float32] = arrays["id_q"].astype(np.float32) * arrays["id_scale"][:, None, None]
        self._units = units["AU"]
        self._coded = coded

    @classmethod
    def load(cls, pack: Path) -> FaceModel:
        """Read the model from a folder.

        Raises:
            SourceError: a file is missing.
        """
        for name in FILES:
            if not (pack / name).is_file():
                raise SourceError(f"{pack} holds no {name}", "name the folder of the face pack", "source.faces")
        with np.load(pack / FILES[0]) as arrays:
            content = {name: arrays[name] for name in arrays.files}
        return cls(content, *(json.loads((pack / name).read_text(encoding="utf-8")) for name in FILES[1:]))

    @property
    def durations(self) -> Mapping[str, Any]:
        """Percentiles of the time from onset to apex and from apex to offset by collection, seconds."""
        found: Mapping[str, Any] = self._coded["durations_s"]
        return found

    def identity(self, coefficients: Sequence[float] | NDArray[np.floating[Any]]) -> Vertices:
        """Return the neutral face of a person.

        Args:
            coefficients: up to 60, of a standard normal distribution (clip at 2.5).

        Returns:
            float32 ``(n, 3)``, cm.
        """
        values = np.asarray(coefficients, np.float32)
        moved = np.tensordot(values, self.mode_shapes[: len(values)], 1)
        return np.asarray(self.neutral + moved, np.float32)

    def displacement(self, units: Mapping[str, float]) -> Vertices:
        """Return how far action units move each vertex.

        Args:
            units: intensity 0..1 by name (``4``, ``L12``, ``R14``); shapes of the model (``eyeLookUp_L``) work too.

        Returns:
            float32 ``(n, 3)``, cm. Units that the model cannot show add nothing.
        """
        total = np.zeros_like(self.neutral)
        for unit, intensity in units.items():
            for shape, gain in self.shapes_of(unit).items():
                total += self.shapes[shape] * np.float32(gain * intensity)
        return total

    def shapes_of(self, unit: str) -> dict[str, float]:
        """Return the gain of each shape that an action unit is made of; empty for one that the model cannot show."""
        if unit in self.shapes:
            return {unit: 1.0}
        match = re.fullmatch(r"([LR]?)(\d+)", unit)
        if match is None or match[2] not in self._units:
            return {}
        sides, entry = (match[1] or "LR"), self._units[match[2]]
        gain = BROW_GAIN if match[2] == "4" else 1.0
        sided = {f"{stem}_{side}": gain * g for stem, g in entry.get("sided", {}).items() for side in sides}
        half = 1.0 if len(sides) == 2 else 0.5
        return sided | {stem: half * g for stem, g in entry.get("central", {}).items()}

    @cached_property
    def coded_sets(self) -> dict[str, tuple[ActionSet, ...]]:
        """Sets of action units as they were coded under each class, cleaned.

        Codes are noisy (the brow lowerer alone is found under all three classes), so only sets are kept that were seen
        at least twice and whose share, with every class counted alike, is above one half in one class.
        """
        totals: dict[tuple[str, ...], dict[str, float]] = {}
        for name, entries in self._coded["all"]["by_class"].items():
            for entry in entries:
                counts = totals.setdefault(tuple(entry["aus"]), dict.fromkeys(EXPRESSIONS, 0.0))
                counts[name] += entry["count"]
        size = {name: sum(e["count"] for e in entries) for name, entries in self._coded["all"]["by_class"].items()}
        kept: dict[str, dict[tuple[str, ...], float]] = {name: {} for name in EXPRESSIONS}
        for units, counts in totals.items():
            shares = {name: count / size[name] for name, count in counts.items()}
            best = max(shares, key=lambda name: shares[name])
            clear = counts[best] >= 2 and shares[best] > sum(shares.values()) / 2
            if clear and any(self.shapes_of(unit) for unit in units):
                kept[best][units] = counts[best]
        return {name: _weighted(sets) for name, sets in kept.items()}

    @cached_property
    def rule_sets(self) -> dict[str, tuple[ActionSet, ...]]:
        """Textbook prototypes (EMFACS) of each class, all alike in weight."""
        groups: dict[str, dict[tuple[str, ...], float]] = {name: {} for name in EXPRESSIONS}
        of_class = {"happiness": "positive", "surprise": "surprise"}
        for emotion, sets in self._coded["rules"].items():
            if emotion != "note":
                groups[of_class.get(emotion, "negative")] |= {tuple(units): 1.0 for units in sets}
        return {name: _weighted(sets) for name, sets in groups.items()}


def _weighted(sets: Mapping[tuple[str, ...], float]) -> tuple[ActionSet, ...]:
    total = sum(sets.values())
    return tuple(ActionSet(units, weight / total) for units, weight in sets.items())


def project(
    vertices: Vertices, scale: float, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0,
    centre: tuple[float, float] = (0.0, 0.0),
) -> NDArray[np.float32]:
    """Return where vertices appear in a picture, by scaled orthographic projection.

    Args:
        vertices: float ``(n, 3)``, cm.
        scale: pixels per cm.
        yaw: turn to the person's left, degrees.
        pitch: turn downwards, degrees.
        roll: turn clockwise in the picture, degrees.
        centre: where the model's origin appears, pixels.

    Returns:
        float32 ``(n, 2)``: x to the right, y down, pixels. (The person's left is right in the picture.)
    """
    a, b, c = np.radians([yaw, pitch, roll])
    turn_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    turn_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    turned = vertices @ (turn_x @ turn_y).T
    flat = np.stack([turned[:, 0], -turned[:, 1]], 1)
    spin = np.array([[np.cos(c), -np.sin(c)], [np.sin(c), np.cos(c)]])
    return np.asarray(flat @ spin.T * scale + np.asarray(centre), np.float32)
