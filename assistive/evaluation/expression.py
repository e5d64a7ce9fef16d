"""How well micro-expressions are told apart: pooled UF1 and UAR, how sure they are, and what abstaining buys.

Predictions of all clips (all folds, all collections) are pooled first and counted then, as MEGC2019 asks (See et al.,
FG 2019): the mean of figures by subject is another, flattering number, because many subjects lack a class.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assistive.errors import AssistiveError
from assistive.types import EXPRESSIONS

DRAWS = 2000
"""Resamples of the bootstrap."""

Labels = NDArray[np.integer[Any]]
"""int ``(n,)``: index of the class of each clip."""
Counts = NDArray[np.integer[Any]]
"""int ``(..., k, k)``: clips by true class (rows) and by guessed class (columns)."""


class MapJudge(Protocol):
    """What is measured: the runtime's recogniser.

    Attributes:
        threshold: probability below which it abstains.
    """

    threshold: float

    def probabilities(self, maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return probabilities over the expressions and ``none``, float32 ``(n, 4)``."""

    def judge_maps(self, maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return probabilities over the expressions alone, float32 ``(n, 3)``."""


def confusion(truth: Labels, guess: Labels, classes: int = len(EXPRESSIONS)) -> NDArray[np.int64]:
    """Count clips, int64 ``(classes, classes)``: row = true class, column = guessed class.

    Raises:
        AssistiveError: the two do not belong together, or hold another class.
    """
    truth, guess = np.asarray(truth), np.asarray(guess)
    if truth.shape != guess.shape or truth.ndim != 1:
        what = f"{truth.size} labels and {guess.size} predictions do not belong together"
        raise AssistiveError(what, "give one prediction for each clip", "evaluation.lengths")
    if truth.size and not 0 <= min(truth.min(), guess.min()) <= max(truth.max(), guess.max()) < classes:
        what = f"a label or a prediction is none of the classes 0 to {classes - 1}"
        raise AssistiveError(what, "use the numbers of the classes in their order", "evaluation.classes")
    return np.bincount(truth.astype(np.int64) * classes + guess, minlength=classes**2).reshape(classes, classes)


def uf1(truth: Labels, guess: Labels, classes: int = len(EXPRESSIONS)) -> float:
    """Return the unweighted F1: the mean over the classes of 2 TP / (2 TP + FP + FN), 0..1.

    A class that neither occurs nor is guessed has no F1 and is left out. Nothing at all gives 0.

    Example:
        >>> round(uf1(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2])), 4)
        0.7778
    """
    return float(_uf1(confusion(truth, guess, classes)))


def uar(truth: Labels, guess: Labels, classes: int = len(EXPRESSIONS)) -> float:
    """Return the unweighted average recall: the mean over the classes of TP / N, 0..1.

    A class that does not occur has no recall and is left out. Nothing at all gives 0.
    """
    return float(_uar(confusion(truth, guess, classes)))


def uf1_ci95(
    truth: Labels, guess: Labels, subjects: Sequence[str], classes: int = len(EXPRESSIONS), draws: int = DRAWS,
    seed: int = 0,
) -> tuple[float, float]:  # fmt: skip
    """Return a 95 % interval of the pooled UF1: percentiles of a bootstrap that draws whole subjects.

    The clips of one person are alike, so that drawing single clips would promise too much.

    Args:
        truth: true classes.
        guess: guessed classes.
        subjects: who is in each clip; the same name in two collections must differ here.
        classes: number of classes.
        draws: resamples.
        seed: of the draws.
    """
    names, member = np.unique(np.asarray(subjects), return_inverse=True)
    if len(member) != len(truth):
        what = f"{len(truth)} clips and {len(member)} subjects do not belong together"
        raise AssistiveError(what, "give one subject for each clip", "evaluation.lengths")
    if not len(names):
        return 0.0, 0.0
    by_subject = np.stack([confusion(truth[member == i], guess[member == i], classes) for i in range(len(names))])
    rng = np.random.default_rng(seed)
    taken = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), draws)
    low, high = np.percentile(_uf1(np.tensordot(taken, by_subject, 1)), [2.5, 97.5])
    return float(low), float(high)


def figures(
    truth: Labels, guess: Labels, subjects: Sequence[str] | None, datasets: Sequence[str],
    classes: Sequence[str] = EXPRESSIONS,
) -> dict[str, Any]:  # fmt: skip
    """Summarise pooled predictions.

    Args:
        truth: true classes, as indices into ``classes``.
        guess: guessed classes.
        subjects: who is in each clip; None = not known, and the interval, drawn over clips, promises too much.
        datasets: which collection each clip is from.
        classes: names of the classes.

    Returns:
        ``uf1``, ``uar``, ``uf1_ci95``, ``interval_over`` (subjects or clips), ``clips``, ``subjects``, ``confusion``
        (true class by name, then guessed), and ``by_dataset`` with ``uf1``, ``uar``, ``clips`` of each.
    """
    k = len(classes)
    people = [str(i) for i in range(len(truth))] if subjects is None else subjects
    counts = confusion(truth, guess, k)
    sources = np.asarray(datasets)
    return {
        "uf1": round(float(_uf1(counts)), 4),
        "uar": round(float(_uar(counts)), 4),
        "uf1_ci95": [round(bound, 4) for bound in uf1_ci95(truth, guess, people, k)],
        "interval_over": "clips" if subjects is None else "subjects",
        "clips": len(truth),
        "subjects": None if subjects is None else len(set(subjects)),
        "by_dataset": {name: _short(confusion(truth[sources == name], guess[sources == name], k))
                       for name in sorted(set(datasets))},
        "confusion": {classes[i]: dict(zip(classes, map(int, counts[i]), strict=True)) for i in range(k)},
    }  # fmt: skip


def report(
    judge: MapJudge, maps: NDArray[np.uint8], truth: Labels, subjects: Sequence[str] | None, datasets: Sequence[str]
) -> dict[str, Any]:
    """Let the recogniser judge maps that are known to show one of the three expressions.

    Args:
        judge: the runtime's recogniser.
        maps: uint8 ``(n, 28, 28, 3)``: strain, v, u.
        truth: true classes, as indices into ``EXPRESSIONS``.
        subjects: who is in each clip, or None.
        datasets: which collection each clip is from.

    Returns:
        :func:`figures` when it must answer; ``abstaining``, the same when it answers as in the running system;
        ``ms_per_clip`` (median, one clip at a time).
    """
    guess, took_ms = [], []
    for one in maps:
        start = time.perf_counter()
        guess.append(int(judge.judge_maps(one[None])[0].argmax()))
        took_ms.append((time.perf_counter() - start) * 1000)
    rows = judge.probabilities(maps)
    kept = (rows.argmax(1) < len(EXPRESSIONS)) & (rows.max(1) >= judge.threshold)
    return {
        **figures(truth, np.array(guess), subjects, datasets),
        "abstaining": {
            "threshold": judge.threshold,
            "coverage": round(float(kept.mean()), 4),
            **_short(confusion(truth[kept], rows[kept].argmax(1))),
        },
        "ms_per_clip": round(median(took_ms), 3),
    }


def _short(counts: Counts) -> dict[str, Any]:
    if not (clips := int(counts.sum())):
        return {"uf1": None, "uar": None, "clips": 0}
    return {"uf1": round(float(_uf1(counts)), 4), "uar": round(float(_uar(counts)), 4), "clips": clips}


def _uf1(counts: Counts) -> NDArray[np.float64]:
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    return _mean_share(2 * right, counts.sum(-1) + counts.sum(-2))


def _uar(counts: Counts) -> NDArray[np.float64]:
    return _mean_share(np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(-1))


def _mean_share(part: Counts, whole: Counts) -> NDArray[np.float64]:
    """Return the mean over the last axis of ``part / whole``, over the classes whose whole is not 0."""
    shares = part / np.maximum(whole, 1)
    return np.asarray(shares.sum(-1) / np.maximum((whole > 0).sum(-1), 1))
