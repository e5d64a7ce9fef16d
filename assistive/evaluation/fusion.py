"""How well hand and face are read together: every method on the same fixed pairs, and how sure the differences are.

A pair is right when gesture and tone are. Pairs share hands and portraits, so that they are not independent: intervals
come from a two-way cluster bootstrap, which draws hands and portraits anew and not pairs (Cameron et al. 2011).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.errors import AssistiveError
from assistive.evaluation.expression import uar, uf1

Flags = NDArray[np.bool_]
Floats = NDArray[np.floating[Any]]

DRAWS = 1000
COVERAGE = 0.8
"""Share of the pairs that selective accuracy answers: those it is surest of."""
CLEAR = 0.3
"""Expressions stronger than this are clear; up to it they are weak."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What the pairs of one condition show.

    Attributes:
        gesture: int64 ``(n,)``.
        tone: int64 ``(n,)``; the last of ``tones`` is none.
        intent: int64 ``(n,)``, or None where gesture and tone were put together at random.
        intensity: of the expression, float ``(n,)``, 0 for none.
        hand: number of the hand's picture, int64 ``(n,)``.
        face: number of the portrait, int64 ``(n,)``.
        tones: number of tones.
    """

    gesture: NDArray[np.int64]
    tone: NDArray[np.int64]
    intent: NDArray[np.int64] | None
    intensity: Floats
    hand: NDArray[np.int64]
    face: NDArray[np.int64]
    tones: int = 4

    def only(self, rows: Flags) -> Truth:
        """Return some of the pairs."""
        intent = None if self.intent is None else self.intent[rows]
        return Truth(self.gesture[rows], self.tone[rows], intent, self.intensity[rows], self.hand[rows],
                     self.face[rows], self.tones)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What one method says of the same pairs, with one seed.

    Attributes:
        gesture: probabilities, float ``(n, 19)``.
        tone: probabilities, float ``(n, 4)``.
        intent: probabilities, float ``(n, k)``.
    """

    gesture: Floats
    tone: Floats
    intent: Floats

    def only(self, rows: NDArray[Any]) -> Said:
        """Return what is said of some of the pairs."""
        return Said(self.gesture[rows], self.tone[rows], self.intent[rows])


def condition(truth: Truth, methods: Mapping[str, Sequence[Said]], reference: str, judged: str, seed: int = 0
              ) -> dict[str, Any]:  # fmt: skip
    """Compare methods on the pairs of one condition.

    Args:
        truth: what the pairs show; with intents, those are what must be right.
        methods: what each method says, once for each seed.
        reference: method that others are compared with.
        judged: method whose difference from all others is stated.
        seed: of the bootstrap.

    Returns:
        ``pairs``, ``rows`` by method (:func:`row`), and ``differences`` of ``judged`` less each other method, in
        points, with intervals; ``over_reference`` says whether the interval lies above 0, and whether the two intervals
        are apart.
    """
    weights = cluster_weights(truth.hand, truth.face, DRAWS, seed)
    right = {name: np.mean([_right(truth, one) for one in said], 0) for name, said in methods.items()}
    rows = {name: row(truth, said, weights) for name, said in methods.items()}
    differences = {name: _points(right[judged] - right[name], weights) for name in methods if name != judged}
    low, high = rows[judged]["interval_95"], rows[reference]["interval_95"]
    return {
        "pairs": len(truth.tone),
        "rows": rows,
        "differences": differences,
        "over_reference": {
            "reference": reference, **differences[reference],
            "interval_above_0": differences[reference]["interval_95"][0] > 0,
            "intervals_apart": low[0] > high[1],
        },
    }  # fmt: skip


def row(truth: Truth, said: Sequence[Said], weights: Floats) -> dict[str, Any]:
    """Return the figures of one method, each the mean over its seeds.

    Returns:
        ``right`` (share of pairs; of intents where there are), ``interval_95``, ``seeds``; ``joint`` (gesture and
        tone), ``acc_g``, ``acc_a``, ``independence_gap`` (joint less their product), ``uf1`` and ``uar`` of the tone,
        ``selective_80`` (share right among the 80 % it is surest of) and ``ece``.
    """
    right = [_right(truth, one) for one in said]
    each = [_figures(truth, one) for one in said]
    mean = {name: round(float(np.mean([figures[name] for figures in each])), 4) for name in each[0]}
    return {
        "right": round(float(np.mean(right)), 4),
        "interval_95": _interval(np.mean(right, 0), weights),
        "seeds": [round(float(one.mean()), 4) for one in right],
        **mean,
    }


def clear_and_weak(truth: Truth, said: Sequence[Said]) -> dict[str, Any]:
    """State clear expressions, weak ones and calm faces apart: joint exact match, of gesture and of tone, and pairs."""
    calm = truth.tone == truth.tones - 1
    parts = {"clear": ~calm & (truth.intensity > CLEAR), "weak": ~calm & (truth.intensity <= CLEAR), "none": calm}
    parts["clear_and_none"] = parts["clear"] | calm
    return {name: _short(truth, said, rows) for name, rows in parts.items()}


def by_trouble(truth: Truth, trouble: NDArray[np.str_], methods: Mapping[str, Sequence[Said]]) -> dict[str, Any]:
    """State each trouble apart: joint exact match, of gesture and of tone, by method."""
    return {name: {method: _short(truth, said, trouble == name) for method, said in methods.items()}
            for name in sorted(set(trouble.tolist()))}  # fmt: skip


def without(truth: Truth, missing: Flags, methods: Mapping[str, Sequence[Said]], judged: str, alone: str, what: str
            ) -> dict[str, Any]:  # fmt: skip
    """Compare a method with one stream alone where the other stream is missing, in points.

    Args:
        truth: of all pairs.
        missing: where the stream is missing.
        methods: what each says.
        judged: the method.
        alone: the method of the other stream.
        what: ``gesture`` or ``tone``, what that stream says.
    """
    wanted = getattr(truth, what)[missing]
    shares = {name: float(np.mean([getattr(one, what)[missing].argmax(1) == wanted for one in methods[name]]))
              for name in (judged, alone)}  # fmt: skip
    return {"pairs": int(missing.sum()), "of": what, judged: round(shares[judged], 4), alone: round(shares[alone], 4),
            "points": round(100 * (shares[judged] - shares[alone]), 2)}  # fmt: skip


def cluster_weights(hand: NDArray[np.int64], face: NDArray[np.int64], draws: int, seed: int) -> Floats:
    """Draw hands and portraits with replacement: how often each pair counts, float64 ``(draws, n)``."""
    rng = np.random.default_rng(seed)
    total = np.ones((draws, len(hand)))
    for part in (hand, face):
        _, index = np.unique(part, return_inverse=True)
        size = int(index.max()) + 1 if len(index) else 1
        counts = rng.multinomial(size, np.full(size, 1 / size), draws)
        total *= counts[:, index]
    return total


def _right(truth: Truth, said: Said) -> Flags:
    if truth.intent is not None:
        return np.asarray(said.intent.argmax(1) == truth.intent)
    return np.asarray((said.gesture.argmax(1) == truth.gesture) & (said.tone.argmax(1) == truth.tone))


def _figures(truth: Truth, said: Said) -> dict[str, float]:
    guess = said.tone.argmax(1)
    gesture_right, tone_right = said.gesture.argmax(1) == truth.gesture, guess == truth.tone
    joint = float((gesture_right & tone_right).mean())
    right = _right(truth, said)
    sure = said.gesture.max(1) * said.tone.max(1) if truth.intent is None else said.intent.max(1)
    kept = np.argsort(-sure, kind="stable")[: max(1, round(COVERAGE * len(sure)))]
    acc_g, acc_a = float(gesture_right.mean()), float(tone_right.mean())
    return {
        "joint": joint, "acc_g": acc_g, "acc_a": acc_a, "independence_gap": joint - acc_g * acc_a,
        "uf1": uf1(truth.tone, guess, truth.tones), "uar": uar(truth.tone, guess, truth.tones),
        "selective_80": float(right[kept].mean()), "ece": _calibration_error(sure, right),
    }  # fmt: skip


def _calibration_error(sure: Floats, right: Flags, bins: int = 15) -> float:
    """Return the expected calibration error (Guo et al. 2017), 0..1."""
    place = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [abs(right[place == b].mean() - sure[place == b].mean()) * (place == b).mean() for b in set(place.tolist())]
    return float(sum(gaps))


def _short(truth: Truth, said: Sequence[Said], rows: Flags) -> dict[str, Any]:
    if not rows.any():
        raise AssistiveError("a part of the pairs is empty", "draw more pairs", "evaluation.empty")
    gesture = np.mean([one.gesture.argmax(1) == truth.gesture for one in said], 0)[rows]
    tone = np.mean([one.tone.argmax(1) == truth.tone for one in said], 0)[rows]
    both = [(one.gesture.argmax(1) == truth.gesture) & (one.tone.argmax(1) == truth.tone) for one in said]
    found = {"joint": np.mean(both, 0)[rows], "acc_g": gesture, "acc_a": tone}
    return {name: round(float(values.mean()), 4) for name, values in found.items()} | {"pairs": int(rows.sum())}


def _interval(values: Floats, weights: Floats) -> list[float]:
    means = weights @ values / np.maximum(weights.sum(1), 1e-9)
    return [round(float(bound), 4) for bound in np.percentile(means, (2.5, 97.5))]


def _points(values: Floats, weights: Floats) -> dict[str, Any]:
    low, high = _interval(values, weights)
    return {"points": round(100 * float(values.mean()), 2), "interval_95": [round(100 * low, 2), round(100 * high, 2)]}
