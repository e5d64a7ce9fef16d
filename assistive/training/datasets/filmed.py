"""Clips of real collections as systems see them: all frames from onset to offset, cut out as the onset is.

The face is found in the onset picture, and that one cut serves the whole clip: to align every frame anew looks like
motion. What takes long (the face mesh, TV-L1) is kept in a folder, under the hash of what it was computed from.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from assistive.errors import SourceError
from assistive.expression import flow as flow_code
from assistive.expression.flow import aligned, crop_matrix, optical_flow
from assistive.sources.images import read_picture
from assistive.synth.face_portraits import landmarks68
from assistive.training.datasets.clip_set import ACTION_UNITS, ClipInputs, ClipSet
from assistive.training.datasets.face_points import MeshPoints
from assistive.training.datasets.flow_maps import MAX_PIXELS, NO_FACE, OTHER_SIZE, PointFinder
from assistive.training.datasets.inputs import Float
from assistive.training.datasets.me_clip import Collection, MicroClip, number_pictures

RATES_HZ = {"casme2": 200.0, "samm": 200.0, "smic": 100.0, "casme_sq": 30.0, "casme3": 30.0}
"""Frames per second of the collections."""

OpenFinder = Callable[[], PointFinder]


class FilmedClip:
    """One clip of a collection, read from its pictures when something of it is asked for.

    Args:
        clip: the coded clip.
        open_finder: makes a finder of the face mesh; a class or a function, so that other processes can make theirs.
        method: of the optical flow.
        cache: folder for what was computed.
    """

    def __init__(
        self, clip: MicroClip, open_finder: OpenFinder, method: Literal["dis", "tvl1"], cache: Path
    ) -> None:
        self.clip, self._open, self._method, self._cache = clip, open_finder, method, cache
        found = number_pictures(clip.onset.parent)
        ends = [clip.onset, clip.apex, clip.offset]
        first, apex, last = (list(found.values()).index(path) for path in ends)
        self.pictures = list(found.values())[first : last + 1]
        self.apex, self.length = apex - first, last - first + 1
        self.rate_hz = RATES_HZ[clip.dataset]

    def problem(self) -> str | None:
        """Say why the clip cannot be used, or None."""
        if self._mesh(0) is None:
            return NO_FACE
        return OTHER_SIZE if self._picture(0).shape != self._picture(self.apex).shape else None

    def frames(self, numbers: Sequence[int], side: int, colour: bool = False) -> NDArray[np.uint8]:
        """Return frames, uint8 ``(T, side, side, 3 or 1)``."""
        matrix = crop_matrix(self._onset_mesh, side)
        if not colour:
            return np.stack([aligned(self._picture(n), matrix, side)[..., None] for n in numbers])
        cut = [cv2.warpAffine(self._picture(n), matrix, (side, side), borderMode=cv2.BORDER_REPLICATE) for n in numbers]
        return np.asarray(np.stack(cut), np.uint8)

    def flow(self, before: int, after: int, side: int) -> Float:
        """Return the flow between two frames, float32 ``(side, side, 2)``: u right, v down, pixels."""
        key = self._key(f"flow {self._method} {side}", before, after)

        def compute() -> Float:
            one, two = self.frames([before, after], side)[..., 0]
            return optical_flow(one, two, self._method)

        return _cached(self._cache / f"{key}.npy", compute)

    def landmarks(self, numbers: Sequence[int], side: int) -> Float:
        """Return the 68 landmarks of frames, float32 ``(T, 68, 2)``, fractions of the crop.

        Raises:
            SourceError: no face is seen in one of them.
        """
        matrix = crop_matrix(self._onset_mesh, 1)
        made = []
        for number in numbers:
            mesh = self._mesh(number)
            if mesh is None:
                what = f"no face is seen in {self.pictures[number]}"
                raise SourceError(what, "use a system without landmarks, or leave the clip out", "filmed.landmarks")
            made.append(landmarks68(np.asarray(mesh @ matrix[:, :2].T + matrix[:, 2], np.float32)))
        return np.stack(made)

    def hidden(self, side: int) -> Float:
        """Return which share of each pixel is known to be hidden: none, for collections do not say."""
        return np.zeros((side, side), np.float32)

    @cached_property
    def _onset_mesh(self) -> Float:
        mesh = self._mesh(0)
        assert mesh is not None  # clips without a face are left out
        return mesh

    def _mesh(self, number: int) -> Float | None:
        path = self._cache / f"{self._key('mesh', number)}.npy"

        def compute() -> Float:
            points = _finder(self._open).points(self._picture(number))
            return np.zeros((0, 2), np.float32) if points is None else np.asarray(points[:, :2], np.float32)

        found = _cached(path, compute)
        return found if len(found) else None

    def _picture(self, number: int) -> NDArray[np.uint8]:
        return _read(self.pictures[number])

    def _key(self, what: str, *numbers: int) -> str:
        digest = hashlib.sha256(Path(flow_code.__file__).read_bytes())
        digest.update(f"{getattr(self._open, 'name', '')} {what}".encode())
        for number in (0, *numbers):  # the onset decides how all are cut out
            digest.update(hashlib.sha256(self.pictures[number].read_bytes()).digest())
        return digest.hexdigest()


@lru_cache(maxsize=16)
def _read(path: Path) -> NDArray[np.uint8]:
    try:
        return read_picture(path, MAX_PIXELS)
    except SourceError as error:
        what = f"cannot read {path} as a picture"
        raise SourceError(what, "copy it again from the release", "maps.picture") from error


@lru_cache(maxsize=2)
def _finder(open_finder: OpenFinder) -> PointFinder:
    return open_finder()


def _cached(path: Path, compute: Callable[[], Float]) -> Float:
    if path.is_file():
        return np.asarray(np.load(path), np.float32)
    made = compute()
    partial = path.with_suffix(f".{os.getpid()}.partial")
    with partial.open("wb") as file:
        np.save(file, made)
    os.replace(partial, path)
    return made


def read_clips(
    collection: Collection, cache: Path, open_finder: OpenFinder = MeshPoints,
    method: Literal["dis", "tvl1"] = "tvl1",
) -> tuple[ClipSet, Collection]:  # fmt: skip
    """Turn a collection into clips that systems can be trained on.

    Args:
        collection: what a reader yielded.
        cache: folder for what is computed; made where there is none.
        open_finder: makes a finder of the face mesh.
        method: of the optical flow.

    Returns:
        The clips, and the collection without those that cannot be used (counted in ``left_out``).

    Raises:
        SourceError: a picture is damaged, or no clip can be used.
    """
    cache.mkdir(parents=True, exist_ok=True)
    made: list[Any] = [FilmedClip(clip, open_finder, method, cache) for clip in collection.clips]
    problems = [one.problem() for one in track(made, description=f"faces {collection.dataset}")]
    clips = [one for one, problem in zip(made, problems, strict=True) if problem is None]
    if not clips:
        what = f"none of the {len(made)} clips of {collection.dataset} shows a face"
        raise SourceError(what, "use the pictures that show the whole face", "maps.faces")
    left_out = Counter(collection.left_out) + Counter(problem for problem in problems if problem)
    dataset, classes = collection.dataset, collection.classes
    known = ClipSet(
        ClipInputs(clips),
        np.array([classes.index(one.clip.label) for one in clips], np.int64),
        tuple(f"{dataset}/{one.clip.subject}" for one in clips),
        (dataset,) * len(clips),
        np.stack([one.clip.units.row(ACTION_UNITS) for one in clips]),
        np.array([one.apex / max(one.length - 1, 1) for one in clips], np.float32),
        tuple(f"{one.clip.subject} {one.clip.name}" for one in clips),
        classes,
    )
    return known, replace(collection, clips=tuple(one.clip for one in clips), left_out=dict(left_out))
