"""What the measured zoo reaches: figures of every system with intervals, its control, its cost."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from assistive.evaluation.expression import DRAWS, figures
from assistive.evaluation.zoo import CLASSES, describe, describe_parts, one_clip
from assistive.evaluation.zoo_measure import SHUFFLED, STANDARD, Plan
from assistive.training.datasets.clip_set import ClipSet
from assistive.training.datasets.motion_bed import make_bed
from assistive.training.fold_log import FoldLog
from assistive.zoo.systems import Need, find

CHANCE = 1 / CLASSES
"""UF1 that guessing in the shares of the classes is expected to reach, whatever these are."""
MOVEMENT = Need("flow_sequence", 50, 30)
"""What is searched for the largest movement."""
ROUNDS = 15
"""Interleaved rounds in which milliseconds are measured."""


def summarise(plan: Plan, logs: Mapping[str, FoldLog]) -> dict[str, Any]:
    """Return the figures of every system, of as many of the plan's seeds as are finished.

    Returns:
        ``quick``, ``seeds``, ``judged`` (the conditions), ``data`` (fingerprint by bed), ``people`` (how many, and
        clips), and ``systems``: for each what ``describe`` says of it as it was trained, ``options``,
        ``whole`` (``parameters`` and ``macs`` of the whole one), ``recipe``, ``ms``, ``cpu_s`` (of one seed: the
        judging and the training, which one that adapts has for each condition), and ``conditions``: by name what
        :func:`_scores` or, for a system that answers moments, :func:`_distances` says.
    """
    train, truth = make_bed(plan.train), {name: make_bed(bed) for name, bed in plan.judged.items()}
    took_ms = milliseconds(plan, list(logs))
    middle = float(np.median(train.apex_at))
    summary = {}
    for name, log in logs.items():
        system = find(name)
        found: dict[str, dict[int, Any]] = {}
        done = [(key, row) for key, row in log.done.items() if key[0] < plan.seeds]  # the log may hold more
        for (seed, condition), row in done:
            found.setdefault(condition, {})[seed] = np.array(row["guess"])
        scored = {
            condition: _distances(truth[STANDARD if condition == SHUFFLED else condition], by_seed, middle)
            if system.task == "apex" else _scores(truth[STANDARD if condition == SHUFFLED else condition], by_seed)
            for condition in (*plan.judged, SHUFFLED) if (by_seed := found.get(condition))
        }  # fmt: skip
        spent = [row["cpu_s"] for (_, condition), row in done if condition != SHUFFLED]
        as_whole = describe(system)
        summary[name] = {
            **describe(system, plan.options(system)), "options": dict(plan.options(system)),
            "whole": {key: as_whole[key] for key in ("parameters", "macs")},
            "recipe": asdict(plan.recipe(system)), "ms": took_ms[name],
            "cpu_s": round(len(plan.judged) * float(np.mean(spent)), 1) if spent else None, "conditions": scored,
        }  # fmt: skip
    standard = truth[STANDARD]
    return {
        "quick": plan.quick, "seeds": plan.seeds, "judged": list(plan.judged),
        "data": {"train": train.fingerprint(), **{name: bed.fingerprint() for name, bed in truth.items()}},
        "people": {"train": len(set(train.subjects)), "train_clips": len(train), "test": len(set(standard.subjects)),
                   "test_clips": len(standard)},
        "systems": summary, "running": describe_parts(),
    }  # fmt: skip


def _scores(bed: ClipSet, guesses: Mapping[int, NDArray[Any]]) -> dict[str, Any]:
    """Return means over the seeds, spread, and an interval over subjects of all seeds' predictions together."""
    each = [figures(bed.labels, guess.astype(np.int64), bed.subjects, bed.datasets, bed.classes)
            for guess in guesses.values()]  # fmt: skip
    pooled = figures(
        np.tile(bed.labels, len(each)), np.concatenate(list(guesses.values())).astype(np.int64),
        bed.subjects * len(each), bed.datasets * len(each), bed.classes,
    )  # fmt: skip
    scores = [one["uf1"] for one in each]
    return {
        "uf1": round(float(np.mean(scores)), 4), "uar": round(float(np.mean([one["uar"] for one in each])), 4),
        "uf1_sd": round(float(np.std(scores, ddof=1)), 4) if len(each) > 1 else None,
        "uf1_ci95": pooled["uf1_ci95"], "uf1_by_seed": dict(zip(map(str, guesses), scores, strict=True)),
        "clips": len(bed), "subjects": pooled["subjects"],
    }  # fmt: skip


def _distances(bed: ClipSet, guesses: Mapping[int, NDArray[Any]], constant: float) -> dict[str, Any]:
    """Return how far the apex was missed, beside two that know no network.

    ``constant`` is the share of a clip that training clips suggest, ``movement`` the moment of the largest mean
    movement since the onset.
    """
    steps = np.array([clip.length - 1 for clip in bed.inputs], np.float64)
    ms = 1000 / np.array([clip.rate_hz for clip in bed.inputs], np.float64)

    def off(moment: NDArray[Any] | float) -> NDArray[np.float64]:
        return np.asarray(np.abs(np.rint(moment * steps) - np.rint(bed.apex_at * steps)), np.float64)

    def missed(moment: NDArray[Any] | float) -> tuple[float, float]:
        return float(off(moment).mean()), float((off(moment) * ms).mean())

    each = [missed(guess) for guess in guesses.values()]
    low, high = _mean_ci95(np.mean([off(guess) for guess in guesses.values()], 0), bed.subjects)
    still, most = missed(constant), missed(_largest_movement(bed))
    return {
        "mae_frames": round(float(np.mean([one[0] for one in each])), 3),
        "mae_ms": round(float(np.mean([one[1] for one in each])), 2),
        "mae_frames_ci95": [round(low, 3), round(high, 3)],
        "mae_frames_by_seed": dict(zip(map(str, guesses), [round(one[0], 3) for one in each], strict=True)),
        "constant": {"at": round(constant, 3), "mae_frames": round(still[0], 3), "mae_ms": round(still[1], 2)},
        "movement": {"mae_frames": round(most[0], 3), "mae_ms": round(most[1], 2)},
        "below_constant": round(1 - float(np.mean([one[0] for one in each])) / still[0], 3),
        "clips": len(bed),
    }  # fmt: skip


def _mean_ci95(values: NDArray[np.float64], subjects: Sequence[str]) -> tuple[float, float]:
    """Return a 95 % interval of the mean of ``(n,)``: percentiles of a bootstrap that draws whole subjects."""
    member = np.unique(np.array(subjects), return_inverse=True)[1]
    sums, counts = np.bincount(member, values), np.bincount(member)
    drawn = np.random.default_rng(0).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), DRAWS)
    low, high = np.percentile(drawn @ sums / (drawn @ counts), [2.5, 97.5])
    return float(low), float(high)


def _largest_movement(bed: ClipSet) -> NDArray[np.float64]:
    """Return when the flow since the onset is strongest on average, 0..1, float64 ``(n,)``."""
    fields = bed.inputs.read(MOVEMENT)[:, :, :2].astype(np.float32)
    strength = np.hypot(fields[:, :, 0], fields[:, :, 1]).mean((2, 3))
    return np.asarray((strength.argmax(1) + 1) / MOVEMENT.steps, np.float64)


def milliseconds(plan: Plan, names: Sequence[str]) -> dict[str, float]:
    """Return the milliseconds of processor that a network takes for one clip whose inputs are there, on one thread.

    The median of interleaved rounds: every network has its turn in each.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            built = [find(name).build(CLASSES, **plan.options(find(name))).eval() for name in names]
        ready = [(network, one_clip(network.inputs)) for network in built]
        taken: list[list[float]] = [[] for _ in ready]
        for round_number in range(ROUNDS + 1):
            for (network, batch), times in zip(ready, taken, strict=True):
                start = time.thread_time()
                with torch.no_grad():
                    network(batch)
                if round_number:  # the first warms up
                    times.append((time.thread_time() - start) * 1000)
        return {name: round(median(times), 3) for name, times in zip(names, taken, strict=True)}
    finally:
        torch.set_num_threads(before)


def learned(one: Mapping[str, Any]) -> bool | None:
    """Say whether a system has learned; None = that is not known yet.

    Classes: its interval lies above that of shuffled labels and above chance. Moments: the interval of its error lies
    below what the constant misses, and below what the largest movement does.

    Args:
        one: of ``systems`` in a summary.
    """
    conditions = one["conditions"]
    if not {STANDARD, SHUFFLED} <= set(conditions):
        return None
    if one["task"] == "apex":
        found = conditions[STANDARD]
        return bool(found["mae_frames_ci95"][1] < min(found[key]["mae_frames"] for key in ("constant", "movement")))
    low = conditions[STANDARD]["uf1_ci95"][0]
    return bool(low > conditions[SHUFFLED]["uf1_ci95"][1] and low > CHANCE)
