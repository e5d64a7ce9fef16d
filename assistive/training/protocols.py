"""Measure a way of training on a collection without flattering it: split by subject, pool, say how sure.

A learner is given the training part of a fold and nothing else, and what it has learned is given inputs without labels,
so that neither an epoch, nor a threshold, nor a scale can be chosen on the test part. (The best of 800 epochs by test
subject lifts a *random* classifier to UF1 .83.) Every finished fold is a line in a log; a run that was stopped goes on
behind the last whole line.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from assistive.errors import SourceError
from assistive.evaluation.expression import figures, uf1
from assistive.training.fold_log import FoldLog
from assistive.training.pools import HERE, Pool

Index = NDArray[np.int64]
Set = TypeVar("Set", bound="Labelled")


class Labelled(Protocol):
    """Clips and what they show: a ``MapSet``, or a ``ClipSet``."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """Index into ``classes``, int64 ``(n,)``."""

    @property
    def subjects(self) -> tuple[str, ...]:
        """Who is in each clip, as ``collection/subject``."""

    @property
    def datasets(self) -> tuple[str, ...]:
        """Which collection each clip is from."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""

    @property
    def knows_people(self) -> bool:
        """It says who is in each clip."""

    @property
    def inputs(self) -> Any:
        """What can be seen of the clips, without labels."""

    def __len__(self) -> int: ...

    def take(self, index: Index) -> Self:
        """Return the clips of these numbers."""

    def relabelled(self, order: Index) -> Self:
        """Return the same clips, each with what is known of another."""


class Predictor(Protocol):
    """What a learner has learned."""

    @property
    def settled(self) -> Mapping[str, Any]:
        """What it settled on itself (``epochs``), for the log."""

    def predict(self, inputs: Any) -> NDArray[np.int64]:
        """Return the class of each clip, int64 ``(n,)``.

        Args:
            inputs: of the clips (``Labelled.inputs``); their labels are not in it.
        """


class Learner(Protocol):
    """A way of training. One that has a true ``adapts`` is given ``Labelled.inputs`` of the test part as well."""

    def fit(self, train: Any, seed: int) -> Predictor:
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


def loso(maps: Labelled, seed: int) -> list[Fold]:
    """Leave one subject out: each is the test part once. The seed changes nothing about the split."""
    people = _people(maps)
    names = sorted(set(people))
    if len(names) < 2:
        raise _few(f"leave-one-subject-out needs two subjects, not {len(names)}")
    return [Fold(name, np.flatnonzero(people != name), np.flatnonzero(people == name)) for name in names]


def holdout(maps: Labelled, seed: int, share: float = 0.2) -> list[Fold]:
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


def cross(maps: Labelled, seed: int) -> list[Fold]:
    """Leave one collection out: each is the test part once, for a network that has seen none of it.

    Raises:
        SourceError: the clips are of one collection.
    """
    sources = np.array(maps.datasets)
    names = sorted(set(maps.datasets))
    if len(names) < 2:
        raise SourceError(f"all clips are of {names[0]}", "give two collections or more with --data", "maps.cross")
    return [Fold(name, np.flatnonzero(sources != name), np.flatnonzero(sources == name)) for name in names]


PROTOCOLS: Mapping[str, Callable[[Labelled, int], list[Fold]]] = {"loso": loso, "holdout": holdout, "cross": cross}


def shuffled(maps: Set, seed: int) -> Set:
    """Return the same clips with what is known of them shuffled: no learner may do better than chance on them."""
    return maps.relabelled(np.random.default_rng([seed, len(maps)]).permutation(len(maps)))


def run_fold(maps: Labelled, fold: Fold, learner: Learner, seed: int) -> tuple[Predictor, dict[str, Any]]:
    """Train and test one fold.

    Returns:
        What was learned, and the line for the log.

    Raises:
        SourceError: all training clips are of one class.
    """
    train, asked = maps.take(fold.train), maps.take(fold.test).inputs
    if len(set(train.labels.tolist())) < 2:
        raise _few(f"without {fold.name}, only one class is left to train on")
    learned = learner.fit(train, seed, asked) if getattr(learner, "adapts", False) else learner.fit(train, seed)  # type: ignore[call-arg]
    guess = learned.predict(asked)
    truth = maps.labels[fold.test]
    row = {
        "seed": seed, "fold": fold.name, "train": len(fold.train), "test": len(fold.test), **learned.settled,
        "right": int((guess == truth).sum()), "clips": fold.test.tolist(), "guess": [int(one) for one in guess],
    }  # fmt: skip
    return learned, row


def run_folds(
    maps: Labelled, folds: Sequence[tuple[int, Fold]], learner: Learner, pool: Pool = HERE
) -> Generator[dict[str, Any], None, None]:
    """Train and test folds, each with its seed; yield their lines as they are finished.

    Args:
        maps: the clips.
        folds: seed and fold.
        learner: what is measured; where others do the work, it and the clips can be pickled.
        pool: where folds are trained; a fold's line is the same from anywhere.
    """
    return pool.run(_Folds(maps, learner), folds)


@dataclass(frozen=True, slots=True)
class _Folds:
    """Trains and tests one fold at a time; the clips keep from fold to fold what is made of them."""

    maps: Labelled
    learner: Learner

    def __call__(self, job: tuple[int, Fold]) -> dict[str, Any]:
        seed, fold = job
        try:
            return run_fold(self.maps, fold, self.learner, seed)[1]
        except Exception as error:  # only to say which fold; it goes on
            error.add_note(f"fold {fold.name} with seed {seed} failed")
            raise


def measure(
    maps: Labelled, protocol: str, learner: Learner, seeds: Sequence[int], log: FoldLog, pool: Pool = HERE,
    progress: Progress | None = None, title: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Run a protocol with several seeds, each fold once.

    Args:
        maps: the clips, whose subjects are known.
        protocol: a key of ``PROTOCOLS``.
        learner: what is measured.
        seeds: one whole run each.
        log: where finished folds go, and from where they are taken.
        pool: where folds are trained.
        progress: has a bar for it; None = one of its own.
        title: of the bar.

    Returns:
        ``uf1`` and ``uar`` (means over the seeds), ``uf1_sd`` (over the seeds; None of one), ``by_seed`` (the figures
        of each, pooled over its folds), and ``pooled`` (the predictions of all seeds counted together: its interval
        is for the mean).
    """
    folds = [(seed, fold) for seed in seeds for fold in PROTOCOLS[protocol](maps, seed)]
    missing = [(seed, fold) for seed, fold in folds if (seed, fold.name) not in log.done]
    with Progress() if progress is None else nullcontext(progress) as bars:
        task = bars.add_task(title or protocol, total=len(folds), completed=len(folds) - len(missing))
        with closing(run_folds(maps, missing, learner, pool)) as done:
            for row in done:
                log.add(row)
                clips, guess = _pooled(log, [one for one in folds if one[0] == row["seed"]])
                score = uf1(maps.labels[clips], guess, len(maps.classes))
                said = f"{title or protocol} seed {row['seed']} {row['fold']} UF1 {score:.3f}"
                bars.update(task, advance=1, description=said)
    by_seed = {seed: _figures(maps, log, [one for one in folds if one[0] == seed]) for seed in seeds}
    scores = [one["uf1"] for one in by_seed.values()]
    return {
        "uf1": round(float(np.mean(scores)), 4),
        "uar": round(float(np.mean([one["uar"] for one in by_seed.values()])), 4),
        "uf1_sd": round(float(np.std(scores, ddof=1)), 4) if len(scores) > 1 else None,
        "pooled": _figures(maps, log, folds),
        "by_seed": by_seed,
    }


def _figures(maps: Labelled, log: FoldLog, folds: Sequence[tuple[int, Fold]]) -> dict[str, Any]:
    clips, guess = _pooled(log, folds)
    part = maps.take(clips)
    return figures(part.labels, guess, part.subjects, part.datasets, maps.classes)


def _pooled(log: FoldLog, folds: Sequence[tuple[int, Fold]]) -> tuple[Index, Index]:
    """Return the clips of the folds that are finished, and what was guessed."""
    rows = [log.done[seed, fold.name] for seed, fold in folds if (seed, fold.name) in log.done]
    clips, guess = ([one for row in rows for one in row[key]] for key in ("clips", "guess"))
    return np.array(clips, np.int64), np.array(guess, np.int64)


def _people(maps: Labelled) -> NDArray[np.str_]:
    if not maps.knows_people:
        raise _few("who is in the clips is not known")
    return np.array(maps.subjects)


def _few(what: str) -> SourceError:
    return SourceError(f"no split by subject: {what}", "give clips of more subjects, each with its name", "maps.people")
