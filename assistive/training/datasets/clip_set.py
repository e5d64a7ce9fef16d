"""Clips with what is known of them, whose inputs are made when a system asks for them and kept while they fit.

What is seen (:class:`ClipInputs`) and what is known (:class:`ClipSet`) are two things: who predicts is given the first
alone. The clips in it know what they show, but no maker of inputs asks them (``tests/zoo/test_systems.py`` tells them
lies, and nobody notices); what every system is told is the frame of the apex, where its flow ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.errors import SourceError
from assistive.training.datasets.inputs import Array, Clip, make
from assistive.training.datasets.packed import refuse_twice
from assistive.types import EXPRESSIONS
from assistive.zoo.systems import Need

Index = NDArray[np.integer[Any]]

ACTION_UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 24, 26)
"""Action units in the order of the columns of :attr:`ClipSet.units`."""

KEPT_BYTES = 1_500_000_000
"""How much made input a process keeps; what does not fit is made again each time."""

STALE_READS = 200
"""When room is short, an input is forgotten that was not asked for in so many readings: its system is done."""


class _Kept:
    """Inputs that were made, by need and clip, while they fit."""

    def __init__(self) -> None:
        self.made: dict[Need, dict[int, Array]] = {}
        self.room = KEPT_BYTES
        self._reads, self._last = 0, dict[Need, int]()

    def of(self, need: Need) -> dict[int, Array]:
        """Return what was made for a need, and note that it is asked for."""
        self._reads += 1
        self._last[need] = self._reads
        return self.made.setdefault(need, {})

    def add(self, row: int, need: Need, made: Array) -> None:
        if made.nbytes > self.room:
            for stale in [one for one in self.made if self._last[one] < self._reads - STALE_READS]:
                self.room += sum(array.nbytes for array in self.made.pop(stale).values())
        if made.nbytes <= self.room:
            self.made[need][row] = made
            self.room -= made.nbytes


class ClipInputs:
    """What can be seen of clips, without any label.

    Args:
        clips: the clips; shared by all that are taken from this one, together with what was made of them.
    """

    def __init__(self, clips: Sequence[Clip]) -> None:
        self._clips = tuple(clips)
        self._index = np.arange(len(clips))
        self._kept = _Kept()

    def __len__(self) -> int:
        return len(self._index)

    def __iter__(self) -> Iterator[Clip]:
        return (self._clips[i] for i in self._index)

    def __getstate__(self) -> dict[str, Any]:
        """Leave what was made behind: another process makes what it needs."""
        return {"_clips": self._clips, "_index": self._index, "_kept": _Kept()}

    def take(self, index: Index) -> ClipInputs:
        """Return the clips of these numbers."""
        taken = object.__new__(ClipInputs)
        taken._clips, taken._kept, taken._index = self._clips, self._kept, self._index[np.asarray(index, np.int64)]
        return taken

    def read(self, need: Need, index: Index | None = None) -> Array:
        """Return one input of clips, made now or before.

        Args:
            need: which.
            index: numbers of clips; None = all.

        Returns:
            The arrays of ``assistive.training.datasets.inputs``, one clip a row.
        """
        rows = self._index if index is None else self._index[np.asarray(index, np.int64)]
        kept = self._kept.of(need)
        return np.stack([self._one(int(row), need, kept) for row in rows])

    def _one(self, row: int, need: Need, kept: dict[int, Array]) -> Array:
        found = kept.get(row)
        if found is None:
            found = make(self._clips[row], need)
            self._kept.add(row, need, found)
        return found


@dataclass(frozen=True, slots=True)
class ClipSet:
    """Clips and what is known of them.

    Attributes:
        inputs: what can be seen.
        labels: int64 ``(n,)``: index into ``classes``.
        subjects: who is in each clip, as ``collection/subject``.
        datasets: which collection each clip is from.
        units: float32 ``(n, 14)``: 1 = that unit of ``ACTION_UNITS`` moved; NaN where it was not coded.
        apex_at: float32 ``(n,)``: moment of the apex, 0 = onset, 1 = offset; NaN where it was not coded.
        names: of the clips, unique with their data set; with the data set's name they stand for the pixels.
        classes: names of the classes.
    """

    inputs: ClipInputs
    labels: NDArray[np.int64]
    subjects: tuple[str, ...]
    datasets: tuple[str, ...]
    units: NDArray[np.float32]
    apex_at: NDArray[np.float32]
    names: tuple[str, ...]
    classes: tuple[str, ...] = EXPRESSIONS

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: Index) -> ClipSet:
        """Return the clips of these numbers."""
        pick = np.asarray(index, np.int64)
        names = ("subjects", "datasets", "names")
        return replace(
            self, inputs=self.inputs.take(pick), labels=self.labels[pick], units=self.units[pick],
            apex_at=self.apex_at[pick], **{name: tuple(getattr(self, name)[i] for i in pick) for name in names},
        )  # fmt: skip

    def relabelled(self, order: Index) -> ClipSet:
        """Return the same clips, each with what is known of another: label, action units and apex go together."""
        return replace(self, labels=self.labels[order], units=self.units[order], apex_at=self.apex_at[order])

    @property
    def knows_people(self) -> bool:
        """It says who is in each clip."""
        return all(self.subjects)

    def fingerprint(self) -> str:
        """Return a SHA-256 of names and of all that is known: names the data that a figure was reached with."""
        digest = hashlib.sha256(self.labels.tobytes() + self.units.tobytes() + self.apex_at.tobytes())
        for names in (self.subjects, self.datasets, self.names, self.classes):
            digest.update("\0".join(names).encode() + b"\1")
        return digest.hexdigest()


def join_clips(parts: Sequence[ClipSet]) -> ClipSet:
    """Return several sets as one.

    Raises:
        SourceError: their classes differ, or one collection comes twice.
    """
    first = parts[0]
    if any(part.classes != first.classes for part in parts):
        what = "the data sets differ in their classes"
        raise SourceError(what, "train on each by itself, or give all of them the same --classes", "clips.join")
    refuse_twice([part.datasets for part in parts])
    return ClipSet(
        ClipInputs([clip for part in parts for clip in part.inputs]),
        np.concatenate([part.labels for part in parts]),
        tuple(one for part in parts for one in part.subjects),
        tuple(one for part in parts for one in part.datasets),
        np.concatenate([part.units for part in parts]),
        np.concatenate([part.apex_at for part in parts]),
        tuple(one for part in parts for one in part.names),
        first.classes,
    )
