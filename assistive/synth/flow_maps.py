"""Maps for the recogniser: drawn pairs of pictures seen through several flow algorithms and cut out in several ways."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.expression.flow import Flow, Grey, aligned, crop_matrix, optical_flow, pack_map
from assistive.synth.face_pairs import ApexPair

ALGORITHMS = ("dis", "dis_fast", "farneback", "tvl1")
"""``dis`` is what runs live, ``tvl1`` what the published collections are packed with."""

SIDES = {"dis": (56, 168), "dis_fast": (40, 168), "farneback": (40, 168), "tvl1": (36, 72)}
"""Smallest and largest side of the crops that an algorithm sees, pixels; TV-L1 is slow."""

SCALE_SPREAD, SHIFT_SPREAD, TURN_SPREAD_DEG = 0.05, 0.025, 2.0
"""Every collection cuts its faces out a little differently."""


def make_maps(pair: ApexPair, algorithms: Sequence[str], rng: np.random.Generator) -> list[NDArray[np.uint8]]:
    """Turn a pair into one packed map for each algorithm, each cut out in its own way.

    Args:
        pair: a face at onset and apex.
        algorithms: some of ``ALGORITHMS``.
        rng: source of chance.

    Returns:
        uint8 ``(28, 28, 3)`` each: strain, v, u.
    """
    return [_make_map(pair, algorithm, rng) for algorithm in algorithms]


def _make_map(pair: ApexPair, algorithm: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    low, high = SIDES[algorithm]
    side = round(float(np.exp(rng.uniform(np.log(low), np.log(high)))))
    matrix = _jitter(side, rng) @ np.vstack([crop_matrix(pair.mesh, side), (0, 0, 1)])
    before, after = (_cut(picture, matrix[:2], side) for picture in (pair.onset, pair.apex))
    return pack_map(_flow(before, after, algorithm, rng))


def _jitter(side: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a small random change of a crop, float64 ``(3, 3)``, about its middle."""
    angle = np.radians(rng.normal(0, TURN_SPREAD_DEG))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn = turn * np.exp(rng.normal(0, SCALE_SPREAD, 2))[:, None]
    middle = np.full(2, side / 2)
    moved = middle - turn @ middle + rng.normal(0, SHIFT_SPREAD, 2) * side
    return np.vstack([np.c_[turn, moved], (0, 0, 1)])


def _cut(picture: Grey, matrix: NDArray[np.float64], side: int) -> Grey:
    """Cut a crop out; a large face is made smaller first, so that nothing aliases."""
    shrink = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if shrink < 0.6:
        height, width = (max(8, round(extent * 1.5 * shrink)) for extent in picture.shape)
        size = np.array([width / picture.shape[1], height / picture.shape[0], 1.0])
        picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        matrix = matrix / size
    return aligned(picture, matrix, side)


def _flow(before: Grey, after: Grey, algorithm: str, rng: np.random.Generator) -> Flow:
    if algorithm == "farneback":
        window = int(rng.integers(7, 18))
        return np.asarray(cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 3, window, 3, 5, 1.1, 0), np.float32)  # type: ignore[call-overload]
    if algorithm == "dis_fast":
        fast = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)  # type: ignore[attr-defined]
        return np.asarray(fast.calc(before, after, None), np.float32)
    return optical_flow(before, after, "tvl1" if algorithm == "tvl1" else "dis")
