"""Pools of drawn maps: what the shipped recogniser is trained on, and what it is judged on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from assistive.expression.recogniser import CLASSES
from assistive.synth.face_model import FaceModel
from assistive.synth.face_pairs import PairMaker, Range
from assistive.synth.face_portraits import Part, portraits
from assistive.synth.flow_maps import make_maps

CHUNK = 50
"""Pairs that one process makes at a time."""

SHARES = (0.34, 0.24, 0.22, 0.20)
"""Share of each class of ``CLASSES``: how often each is expected before anything is seen. Negative movements are the
most frequent in every collection and the most varied; ``none`` is what a spotter hands over by mistake."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Under which circumstances maps are made.

    Attributes:
        part: whose portraits.
        algorithms: flow algorithms; each pair gives one map for each.
        span: how much happens beside the movement, and how strong it is.
        shares: share of each class of ``CLASSES``.
    """

    part: Part
    algorithms: tuple[str, ...]
    span: Range = field(default_factory=Range)
    shares: tuple[float, ...] = SHARES


@dataclass(frozen=True, slots=True, eq=False)
class MapPool:
    """Packed maps with all that is known of them.

    Attributes:
        maps: uint8 ``(n, 28, 28, 3)``.
        labels: int64 ``(n,)``, index into ``CLASSES``.
        intensity: float32 ``(n,)``, 0..1; 0 for ``none``.
        algorithm: text ``(n,)``.
        identity: text ``(n,)``, name of the portrait.
    """

    maps: NDArray[np.uint8]
    labels: NDArray[np.int64]
    intensity: NDArray[np.float32]
    algorithm: NDArray[np.str_]
    identity: NDArray[np.str_]

    def only(self, rows: NDArray[np.bool_]) -> MapPool:
        """Return the rows that are true."""
        return MapPool(self.maps[rows], self.labels[rows], self.intensity[rows], self.algorithm[rows],
                       self.identity[rows])  # fmt: skip


def make_pool(
    pack: Path, condition: Condition, pairs: int, seed: int, file: Path, workers: int = 2, shown: str = "maps"
) -> MapPool:
    """Make a pool of maps, or read it where it lies already.

    Args:
        pack: folder of the face pack.
        condition: under which circumstances.
        pairs: number of pairs; each gives one map for each algorithm.
        seed: of everything; pair ``i`` depends on it and on ``i`` alone.
        file: ``.npz`` that keeps the pool.
        workers: processes.
        shown: name beside the progress bar.
    """
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        meshes = file.parent / "meshes.npz"
        portraits(pack, "all", meshes)
        starts = range(0, pairs, CHUNK)
        jobs = [(pack, meshes, condition, range(start, min(start + CHUNK, pairs)), seed) for start in starts]
        rows = [row for chunk in _spread(jobs, workers, shown) for row in chunk]
        maps, labels, intensity, algorithm, identity = zip(*rows, strict=True)
        partial = file.with_suffix(f".partial{os.getpid()}.npz")
        np.savez_compressed(partial, maps=np.stack(maps), labels=np.array(labels), intensity=np.array(intensity),
                            algorithm=np.array(algorithm), identity=np.array(identity))  # fmt: skip
        os.replace(partial, file)
    with np.load(file) as kept:
        return MapPool(kept["maps"], kept["labels"].astype(np.int64), kept["intensity"].astype(np.float32),
                       kept["algorithm"], kept["identity"])  # fmt: skip


def read_pools(pack: Path, entries: Mapping[str, Mapping[str, Any]], work: Path, workers: int) -> dict[str, MapPool]:
    """Make or read all pools of a recipe.

    Args:
        pack: folder of the face pack.
        entries: by name of the pool: ``part``, ``pairs``, ``seed``, ``algorithms`` and, optionally, ``span``.
        work: folder that keeps them.
        workers: processes.
    """
    pools = {}
    for name, entry in entries.items():
        given: Mapping[str, Any] = entry.get("span", {})
        span: dict[str, Any] = {key: tuple(one) if isinstance(one, list) else one for key, one in given.items()}
        condition = Condition(entry["part"], tuple(entry["algorithms"]), Range(**span))
        pools[name] = make_pool(pack, condition, entry["pairs"], entry["seed"], work / f"{name}.npz", workers, name)
    return pools


_Row = tuple[NDArray[np.uint8], int, float, str, str]
_Job = tuple[Path, Path, Condition, range, int]


def _spread(jobs: Sequence[_Job], workers: int, shown: str) -> Iterator[list[_Row]]:
    # Begun anew and not forked: MediaPipe has threads by now, and a fork may copy a lock that one of them holds.
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        yield from track(pool.map(_make, jobs), total=len(jobs), description=shown)


def _make(job: _Job) -> list[_Row]:
    pack, meshes, condition, indices, seed = job
    cv2.setNumThreads(1)
    maker = _maker(pack, meshes, condition)
    rows: list[_Row] = []
    for i in indices:
        rng = np.random.default_rng([seed, i])
        label = CLASSES[int(rng.choice(len(CLASSES), p=condition.shares))]
        pair = maker.make(rng, label)
        for algorithm, packed in zip(condition.algorithms, make_maps(pair, condition.algorithms, rng), strict=True):
            rows.append((packed, CLASSES.index(label), pair.intensity, algorithm, pair.identity))
    return rows


@cache
def _maker(pack: Path, meshes: Path, condition: Condition) -> PairMaker:
    return PairMaker(FaceModel.load(pack), portraits(pack, condition.part, meshes), condition.span)
