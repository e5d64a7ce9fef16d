"""Clips of real collections as systems see them: all frames from onset to offset, cut out as the onset is.

The face is found in the onset picture, and that one cut serves the whole clip: to align every frame anew looks like
motion. Flow is measured at 112 pixels or more and made smaller then: at 28 pixels a micro-expression moves a fifth of
one. What takes long (the face mesh, TV-L1) is kept in a folder, under the hash of what it was computed from.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from assistive.errors import SourceError
from assistive.expression import flow as flow_code
from assistive.expression.flow import SIDE, aligned, crop_matrix, optical_flow
from assistive.synth.face_portraits import landmarks68
from assistive.training.datasets.clip_set import ACTION_UNITS, ClipInputs, ClipSet
from assistive.training.datasets.face_points import MeshPoints
from assistive.training.datasets.flow_maps import NO_FACE, OTHER_SIZE, PointFinder, read_release
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
        self.clip, self._open, self._method, self._cache = clip, open_finder, method, cache.absolute()
        found = list(number_pictures(clip.onset.parent.absolute()).values())  # workers elsewhere have another folder
        names = [path.name for path in found]
        first, apex, last = (names.index(path.name) for path in (clip.onset, clip.apex, clip.offset))
        self.pictures = found[first : last + 1]
        self.apex, self.length = apex - first, last - first + 1
        self.rate_hz = RATES_HZ[clip.dataset]

    def problem(self) -> str | None:
        """Say why the clip cannot be used, or None."""
        if self._mesh(0) is None:
            return NO_FACE
        return OTHER_SIZE if self._picture(0).shape != self._picture(self.apex).shape else None

    def frames(self, numbers: Sequence[int], side: int, colour: bool = False) -> NDArray[np.uint8]:
        """Return frames, uint8 ``(T, side, side, 3 or 1)``; pixels are means of what lies in them."""
        stretch = np.sqrt(abs(np.linalg.det(crop_matrix(self._onset_mesh, side)[:, :2])))
        fine = side * max(1, round(1 / stretch))
        matrix, cut = crop_matrix(self._onset_mesh, fine), list[NDArray[Any]]()
        for picture in map(self._picture, numbers):
            large = aligned(picture, matrix, fine) if not colour else cv2.warpAffine(
                picture, matrix, (fine, fine), borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
            cut.append(cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA).reshape(side, side, -1))
        return np.asarray(np.stack(cut), np.uint8)

    def flow(self, before: int, after: int, side: int) -> Float:
        """Return the flow between two frames, float32 ``(side, side, 2)``: u right, v down, pixels."""
        seen = max(side, SIDE)
        key = self._key(f"flow of means {self._method} {seen}", before, after)

        def compute() -> Float:
            one, two = self.frames([before, after], seen)[..., 0]
            return optical_flow(one, two, self._method)

        found = _cached(self._cache / f"{key}.npy", compute)
        if seen == side:
            return found
        return np.asarray(cv2.resize(found, (side, side), interpolation=cv2.INTER_AREA) * (side / seen), np.float32)

    def landmarks(self, numbers: Sequence[int], side: int) -> Float:
        """Return the 68 landmarks of frames, float32 ``(T, 68, 2)``, fractions of the crop.

        Where no face is seen, they are those of the last frame before that shows one; the onset does.
        """
        matrix = crop_matrix(self._onset_mesh, 1)
        made = []
        for number in numbers:
            mesh = next(found for n in range(number, -1, -1) if (found := self._mesh(n)) is not None)
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


_read = lru_cache(maxsize=16)(read_release)


@lru_cache(maxsize=2)
def _finder(open_finder: OpenFinder) -> PointFinder:
    return open_finder()


def _cached(path: Path, compute: Callable[[], Float]) -> Float:
    if path.is_file():
        return np.asarray(np.load(path), np.float32)
    made = compute()
    # Others may compute the same, on other machines as well, where process numbers come again.
    with NamedTemporaryFile(dir=path.parent, suffix=".partial", delete=False) as file:
        np.save(file, made)
    os.replace(file.name, path)
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
        np.array([one.apex / (one.length - 1) if one.clip.knows_apex else np.nan for one in clips], np.float32),
        tuple(f"{one.clip.subject} {one.clip.name}" for one in clips),
        classes,
    )
    return known, replace(collection, clips=tuple(one.clip for one in clips), left_out=dict(left_out))
