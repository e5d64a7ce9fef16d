"""Flow maps with labels, in memory and as a packed file.

A packed file is an ``.npz`` with

    x        uint8 (N, 28, 28, 3): strain, v, u, each scaled by itself to 0..255 (``assistive.expression.flow``)
    y        integers (N,): 0 negative, 1 positive, 2 surprise
    subject  names or numbers (N,): who is in the clip
    dataset  names (N,): which collection the clip is from
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.errors import SourceError
from assistive.expression.flow import MAP_SIDE
from assistive.types import EXPRESSIONS

KEYS = ("x", "y", "subject", "dataset")


@dataclass(frozen=True, slots=True)
class MapSet:
    """Flow maps from onset to apex, and what they show.

    Attributes:
        maps: uint8 ``(n, side, side, 3)``: strain, v, u.
        labels: int64 ``(n,)``: index into ``classes``.
        subjects: who is in each clip, as ``collection/subject``, so that two collections share nobody; empty strings
            where it is not known.
        datasets: which collection each clip is from.
        classes: names of the classes.
    """

    maps: NDArray[np.uint8]
    labels: NDArray[np.int64]
    subjects: tuple[str, ...]
    datasets: tuple[str, ...]
    classes: tuple[str, ...] = EXPRESSIONS

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: NDArray[np.integer[Any]]) -> MapSet:
        """Return the clips of these numbers."""
        pick = [int(i) for i in index]
        return replace(
            self, maps=self.maps[pick], labels=self.labels[pick], subjects=tuple(self.subjects[i] for i in pick),
            datasets=tuple(self.datasets[i] for i in pick),
        )  # fmt: skip

    def relabelled(self, order: NDArray[np.integer[Any]]) -> MapSet:
        """Return the same maps, each with the label of another."""
        return replace(self, labels=self.labels[order])

    @property
    def inputs(self) -> NDArray[np.uint8]:
        """What can be seen, without labels: the maps."""
        return self.maps

    @property
    def knows_people(self) -> bool:
        """It says who is in each clip."""
        return all(self.subjects)

    @property
    def side(self) -> int:
        """Side of a map, pixels."""
        return int(self.maps.shape[1])

    def fingerprint(self) -> str:
        """Return the SHA-256 of all that it holds: names the data that a figure was reached with."""
        digest = hashlib.sha256(self.maps.tobytes() + self.labels.tobytes())
        for names in (self.subjects, self.datasets, self.classes):
            digest.update("\0".join(names).encode() + b"\1")
        return digest.hexdigest()


def join(parts: Sequence[MapSet]) -> MapSet:
    """Return several sets as one.

    Raises:
        SourceError: their maps differ in size, their classes differ, or one collection comes twice.
    """
    first = parts[0]
    if any(part.classes != first.classes or part.side != first.side for part in parts):
        what = "the data sets differ in their classes or in the size of their maps"
        raise SourceError(what, "train on each by itself, or give all of them the same --classes and side", "maps.join")
    refuse_twice([part.datasets for part in parts])
    return MapSet(
        np.concatenate([part.maps for part in parts]),
        np.concatenate([part.labels for part in parts]),
        tuple(name for part in parts for name in part.subjects),
        tuple(name for part in parts for name in part.datasets),
        first.classes,
    )


def refuse_twice(datasets: Sequence[Sequence[str]]) -> None:
    """Refuse parts to be joined of which two hold clips of the same collection.

    Raises:
        SourceError: one collection comes twice.
    """
    names = [name for part in datasets for name in set(part)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        what = f"the data set {twice[0]} is given twice: its people would be on both sides of a split"
        raise SourceError(what, "name it once", "data.twice")


def read_packed(path: Path, need_subjects: bool = True) -> MapSet:
    """Read a packed file.

    Args:
        path: the ``.npz``.
        need_subjects: refuse a file without ``subject``; without it there is no split by person.

    Raises:
        SourceError: it cannot be read, or an array has another shape, type or value than the format says.
    """
    arrays = _load(path)
    for key in ("x", "y", *(("subject",) if need_subjects else ())):
        if key not in arrays:
            raise _wrong(path, f"holds no array {key!r}", f"it needs {', '.join(KEYS)}")
    x, y = arrays["x"], arrays["y"]
    if x.dtype != np.uint8 or x.ndim != 4 or x.shape[1:] != (MAP_SIDE, MAP_SIDE, 3):
        wanted = f"make it uint8 (N, {MAP_SIDE}, {MAP_SIDE}, 3): strain, v, u"
        raise _wrong(path, f"x is {x.dtype} {x.shape}", wanted)
    if not len(x):
        raise _wrong(path, "x holds no clip", "pack at least one")
    if y.dtype.kind not in "iu" or y.ndim != 1:
        raise _wrong(path, f"y is {y.dtype} {y.shape}", "make it integers (N,)")
    if not 0 <= y.min() <= y.max() < len(EXPRESSIONS):
        wanted = ", ".join(f"{i} {name}" for i, name in enumerate(EXPRESSIONS))
        raise _wrong(path, f"y holds values from {y.min()} to {y.max()}", f"it may hold {wanted}")
    for key in KEYS[1:]:
        if key in arrays and arrays[key].shape != (len(x),):
            raise _wrong(path, f"{key} is {arrays[key].shape} beside {len(x)} maps", "give one entry for each map")
    datasets = _names(path, "dataset", arrays["dataset"]) if "dataset" in arrays else (path.stem,) * len(x)
    if "subject" in arrays:
        people = _names(path, "subject", arrays["subject"])
        subjects = tuple(f"{dataset}/{person}" for dataset, person in zip(datasets, people, strict=True))
    else:
        subjects = ("",) * len(x)
    return MapSet(np.ascontiguousarray(x), y.astype(np.int64), subjects, datasets)


def write_packed(path: Path, maps: MapSet) -> None:
    """Write a packed file whole or not at all.

    Args:
        path: the ``.npz``.
        maps: maps of 28 pixels with the three classes of ``EXPRESSIONS``.
    """
    people = [subject.partition("/")[2] or subject for subject in maps.subjects]
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        np.savez_compressed(
            file, x=maps.maps, y=maps.labels, subject=np.array(people), dataset=np.array(maps.datasets)
        )
    os.replace(partial, path)


def _load(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as data:  # numpy leaves the file open when it is no .npz
            file = np.load(data)
            if isinstance(file, np.ndarray):
                raise _wrong(path, "is a single array", f"save it with np.savez and {', '.join(KEYS)}")
            with file:
                return {key: file[key] for key in KEYS if key in file.files}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        what = f"cannot read {path}: it is damaged, no .npz at all, or holds Python objects"
        raise SourceError(what, "save numbers as numbers and names as text, with np.savez", "packed.file") from error
    except OSError as error:
        what = f"cannot read {path}: {error.strerror or 'it is damaged'}"
        raise SourceError(what, "give an .npz in the packed form", "packed.file") from error


def _names(path: Path, key: str, array: NDArray[Any]) -> tuple[str, ...]:
    if array.dtype.kind not in "USiu":
        raise _wrong(path, f"{key} is {array.dtype}", "make it text or integers")
    return tuple(item.decode() if isinstance(item, bytes) else str(item) for item in array.tolist())


def _wrong(path: Path, what: str, remedy: str) -> SourceError:
    return SourceError(f"{path}: {what}", remedy, "packed.format")
