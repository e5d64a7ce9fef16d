"""Made-up flow maps of known expressions, for tests of what learns from maps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from assistive.expression.flow import MAP_SIDE, Flow, pack_map
from assistive.training.datasets.packed import MapSet

BROWS, MOUTH_CORNERS, EYES = ((0.3, 0.14), (0.7, 0.14)), ((0.27, 0.65), (0.73, 0.65)), ((0.25, 0.22), (0.75, 0.22))
JAW = (0.5, 0.9)
SHARES = (0.57, 0.25, 0.18)
"""Of negative, positive and surprise."""


def bump(place: tuple[float, float], push: tuple[float, float], width: float) -> Flow:
    """A smooth push (right, down) in pixels around a place in fractions of the map."""
    y, x = (np.mgrid[:MAP_SIDE, :MAP_SIDE] + 0.5) / MAP_SIDE
    height = np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / (2 * width**2))
    return (height[..., None] * np.array(push)).astype(np.float32)


def draw(rng: np.random.Generator, kind: int, shift: np.ndarray, amplitude: tuple[float, float]) -> Flow:
    """Brows down and inward; mouth corners out and up; or brows up: among blinks, noise and head motion."""
    size = rng.uniform(*amplitude)
    flow = np.zeros((MAP_SIDE, MAP_SIDE, 2), np.float32)
    for side, brow, corner, eye in zip((1, -1), BROWS, MOUTH_CORNERS, EYES, strict=True):
        places = [tuple(np.array(place) + shift) for place in (brow, corner, eye)]
        pushes = ((0.6 * side, 1.0), None), (None, (-side * 0.8, -0.8)), ((0.0, -1.0), None)
        for place, push in zip(places, pushes[kind], strict=False):
            if push is not None:
                flow += bump(place, (push[0] * size, push[1] * size), 0.09)
        if rng.random() < 0.4:
            flow += bump(places[2], (0, rng.uniform(0.2, 0.8)), 0.06)
    if kind == 2 and rng.random() < 0.6:
        flow += bump(JAW, (0, size), 0.15)
    noise = rng.normal(0, 0.25, (7, 7, 2)).repeat(4, 0).repeat(4, 1)
    return flow + noise.astype(np.float32) + rng.normal(0, 0.25, 2).astype(np.float32)


def make_bed(
    subjects: int, clips_each: int, seed: int, amplitude: tuple[float, float] = (0.6, 1.4), dataset: str = "drawn"
) -> MapSet:
    """Maps of several subjects whose faces differ a little."""
    rng = np.random.default_rng(seed)
    maps, labels, people = [], [], []
    for subject in range(subjects):
        shift = rng.normal(0, 0.015, 2)
        for _ in range(clips_each):
            kind = int(rng.choice(3, p=SHARES))
            maps.append(pack_map(draw(rng, kind, shift, amplitude)))
            labels.append(kind)
            people.append(f"{dataset}/{subject:02d}")
    return MapSet(np.stack(maps), np.array(labels), tuple(people), (dataset,) * len(maps))


@pytest.fixture
def flow_bed() -> Callable[..., MapSet]:
    """Return :func:`make_bed`."""
    return make_bed
