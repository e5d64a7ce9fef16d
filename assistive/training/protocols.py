"""Measure a way of training on a collection without flattering it: split by subject, pool, say how sure.

A learner is given the training part of a fold and nothing else, so that neither an epoch, nor a threshold, nor a scale
can be chosen on the test part. (The best of 800 epochs by test subject lifts a *random* classifier to UF1 .83.) Every
finished fold is a line in a log; a run that was stopped goes on behind the last whole line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from assistive.errors import AssistiveError, SourceError
from assistive.evaluation.expression import figures, uf1
from assistive.training.datasets.packed import MapSet

Index = NDArray[np.int64]


class Predictor(Protocol):
    """What a learner has learned.

    Attributes:
        settled: what it settled on itself (``epochs``), for the log.
    """

    settled: Mapping[str, Any]

    def predict(self, maps: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the class of each map, int64 ``(n,)``."""


class Learner(Protocol):
    """A way of training."""

    def fit(self, train: MapSet, seed: int) -> Predictor:
        """Train on these clips; the same seed gives the same result."""


@dataclass(frozen=True, slots=True)
class Fold:
    """One split.

    Attributes:
        name: the subject that is tested, or ``holdout``.
        train: int64, clips to train on.
        test: int64, clips of other subjects.
    """

    name: str
    train: Index
    test: Index


def loso(maps: MapSet, seed: int) -> list[Fold]:
    """Leave one subject out: each is the test part once. The seed changes nothing about the split."""
    people = _people(maps)
    names = sorted(set(people))
    if len(names) < 2:
        raise _few(f"leave-one-subject-out needs two subjects, not {len(names)}")
    return [Fold(name, np.flatnonzero(people != name), np.flatnonzero(people == name)) for name in names]


def holdout(maps: MapSet, seed: int, share: float = 0.2) -> list[Fold]:
    """Hold out some subjects, drawn by the seed, until they have this share of the clips.

    Raises:
        SourceError: who is in the clips is not known, or a part would be empty.
    """
    people = _people(maps)
    names = np.random.default_rng(seed).permutation(sorted(set(people)))
    before = np.cumsum([0, *(np.sum(people == name) for name in names[:-1])])
    held = np.isin(people, names[before < share * len(people)])
    if held.all() or not held.any():
        raise _few(f"{len(names)} subjects cannot be split")
    return [Fold("holdout", np.flatnonzero(~held), np.flatnonzero(held))]


PROTOCOLS: Mapping[str, Callable[[MapSet, int], list[Fold]]] = {"loso": loso, "holdout": holdout}


class FoldLog:
    """The log of finished folds, JSON lines; the first says what is measured.

    Args:
        path: the file; made where there is none, else continued.
        header: what the figures depend on: data, recipe, protocol.

    Attributes:
        done: finished folds by seed and name.

    Raises:
        AssistiveError: the file was begun with another header.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self._path = path
        self.done: dict[tuple[int, str], dict[str, Any]] = {}
        whole = _whole_lines(path)
        if not whole:
            path.write_text(json.dumps(header) + "\n", encoding="utf-8")
            return
        if json.loads(whole[0]) != json.loads(json.dumps(header)):
            what = f"{path} was begun with other data or another recipe"
            raise AssistiveError(what, "name another folder with --out, or remove that file", "training.log")
        self.done = {(row["seed"], row["fold"]): row for row in map(json.loads, whole[1:])}

    def add(self, row: Mapping[str, Any]) -> None:
        """Write a finished fold to the disk before the next one begins."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.done[row["seed"], row["fold"]] = dict(row)


def run_fold(maps: MapSet, fold: Fold, learner: Learner, seed: int) -> tuple[Predictor, dict[str, Any]]:
    """Train and test one fold.

    Returns:
        What was learned, and the line for the log.

    Raises:
        SourceError: all training clips are of one class.
    """
    train = maps.take(fold.train)
    if len(set(train.labels.tolist())) < 2:
        raise _few(f"without {fold.name}, only one class is left to train on")
    learned = learner.fit(train, seed)
    guess = learned.predict(maps.maps[fold.test])
    truth = maps.labels[fold.test]
    row = {
        "seed": seed, "fold": fold.name, "train": len(fold.train), "test": len(fold.test), **learned.settled,
        "right": int((guess == truth).sum()), "clips": fold.test.tolist(), "guess": [int(one) for one in guess],
    }  # fmt: skip
    return learned, row


def measure(maps: MapSet, protocol: str, learner: Learner, seeds: Sequence[int], log: FoldLog) -> dict[str, Any]:
    """Run a protocol with several seeds, each fold once.

    Args:
        maps: the clips, whose subjects are known.
        protocol: a key of ``PROTOCOLS``.
        learner: what is measured.
        seeds: one whole run each.
        log: where finished folds go, and from where they are taken.

    Returns:
        ``uf1`` and ``uar`` (means over the seeds), ``uf1_sd`` (over the seeds; None of one), ``by_seed`` (the figures
        of each, pooled over its folds), and ``pooled`` (the predictions of all seeds counted together: its interval
        is for the mean).
    """
    folds = [(seed, fold) for seed in seeds for fold in PROTOCOLS[protocol](maps, seed)]
    with Progress() as progress:
        task = progress.add_task(protocol, total=len(folds))
        for seed, fold in folds:
            if (seed, fold.name) not in log.done:
                log.add(run_fold(maps, fold, learner, seed)[1])
            clips, guess = _pooled(log, [one for one in folds if one[0] == seed])
            said = f"{protocol} seed {seed} {fold.name} UF1 {uf1(maps.labels[clips], guess, len(maps.classes)):.3f}"
            progress.update(task, advance=1, description=said)
    by_seed = {seed: _figures(maps, log, [one for one in folds if one[0] == seed]) for seed in seeds}
    scores = [one["uf1"] for one in by_seed.values()]
    return {
        "uf1": round(float(np.mean(scores)), 4),
        "uar": round(float(np.mean([one["uar"] for one in by_seed.values()])), 4),
        "uf1_sd": round(float(np.std(scores, ddof=1)), 4) if len(scores) > 1 else None,
        "pooled": _figures(maps, log, folds),
        "by_seed": by_seed,
    }


def _figures(maps: MapSet, log: FoldLog, folds: Sequence[tuple[int, Fold]]) -> dict[str, Any]:
    clips, guess = _pooled(log, folds)
    part = maps.take(clips)
    return figures(part.labels, guess, part.subjects, part.datasets, maps.classes)


def _pooled(log: FoldLog, folds: Sequence[tuple[int, Fold]]) -> tuple[Index, Index]:
    """Return the clips of the folds that are finished, and what was guessed."""
    rows = [log.done[seed, fold.name] for seed, fold in folds if (seed, fold.name) in log.done]
    clips, guess = ([one for row in rows for one in row[key]] for key in ("clips", "guess"))
    return np.array(clips, np.int64), np.array(guess, np.int64)


def _whole_lines(path: Path) -> list[str]:
    """Return the lines of a log; one that was cut off while it was written is taken away."""
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    return whole.splitlines()


def _people(maps: MapSet) -> NDArray[np.str_]:
    if not maps.knows_people:
        raise _few("who is in the clips is not known")
    return np.array(maps.subjects)


def _few(what: str) -> SourceError:
    return SourceError(f"no split by subject: {what}", "give clips of more subjects, each with its name", "maps.people")
