"""Measure every system of the zoo under one protocol: the same drawn people to learn from, others to be judged on.

A job trains one system once and judges it under several conditions; its rows go into the system's own log as soon as
they are there, so that a run that was stopped goes on where it was. When a system's recipe or options or the beds have
changed, its log is refused, and it alone must be removed; of changed code a log knows nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress

from assistive.evaluation.expression import figures
from assistive.evaluation.zoo import CLASSES, describe, describe_parts, one_clip
from assistive.synth.motion_bed import BedSettings
from assistive.training.datasets.clip_set import ClipSet
from assistive.training.datasets.motion_bed import BEDS, make_bed, unseen
from assistive.training.fold_log import FoldLog
from assistive.training.pools import Pool
from assistive.training.protocols import shuffled
from assistive.training.system_code import code_of
from assistive.training.systems import SystemLearner
from assistive.zoo.systems import Recipe, System, find

STANDARD, SHUFFLED = "standard", "shuffled"
MEASURED = ("classes", "apex")
"""What a system that is measured here answers."""

CHANCE = 1 / CLASSES
"""UF1 that guessing in the shares of the classes is expected to reach, whatever these are."""
JUDGED_SEED = 1
"""Of the people in the published table: others than those on whom sizes and recipes were tried out (0)."""
HALF = 0.5
"""An apex spotter must lie so far below the error of the constant."""
ROUNDS = 15
"""Interleaved rounds in which milliseconds are measured."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        quick: the systems at their quick size; else only those that are heavy.
        train: the bed that all learn from.
        judged: beds of other people by condition; the first is the one like ``train``.
        seeds: trainings of each system.
    """

    quick: bool
    train: BedSettings
    judged: Mapping[str, BedSettings]
    seeds: int

    def reduced(self, system: System) -> bool:
        """Say whether a system is measured at its quick size."""
        return self.quick or system.heavy

    def options(self, system: System) -> Mapping[str, Any]:
        """Return how a system's network is built, where it differs from the whole one."""
        return system.quick.options if self.reduced(system) else {}

    def recipe(self, system: System) -> Recipe:
        """Return how a system is trained."""
        return (system.quick.recipe if self.reduced(system) else None) or system.recipe

    def header(self, system: System) -> dict[str, Any]:
        """Return all that a system's figures depend on, for its log."""
        return {
            "system": system.name, "code": code_of(system), "options": dict(self.options(system)),
            "train": asdict(self.train),
            "judged": {name: asdict(bed) for name, bed in self.judged.items()}, "recipe": asdict(self.recipe(system)),
        }  # fmt: skip


def whole(seeds: int) -> Plan:
    """Return the plan of the published table: 60 people to learn from, 30 others in each condition."""
    conditions = {
        STANDARD: BEDS["standard"], "faint": BEDS["hard"], "slow": BEDS["slow"],
        "covered": replace(BEDS["covered"], covered=1.0), "other": BEDS["other"],
    }  # fmt: skip
    judged = {name: unseen(replace(bed, seed=JUDGED_SEED)) for name, bed in conditions.items()}
    return Plan(False, BEDS["standard"], judged, seeds)


def quick(seeds: int) -> Plan:
    """Return a plan that ends in minutes with one seed: 24 people to learn from, 12 others."""
    return Plan(True, BEDS["quick"], {STANDARD: unseen(replace(BEDS["quick"], seed=JUDGED_SEED), 12, 8)}, seeds)


@dataclass(frozen=True, slots=True)
class Job:
    """One training of one system.

    Attributes:
        system: its name.
        seed: of the training.
        conditions: under which it is judged; of ``judged`` in the plan, or ``shuffled``: learned from shuffled labels
            and judged under the standard condition.
    """

    system: str
    seed: int
    conditions: tuple[str, ...]


def run_job(plan: Plan, job: Job) -> tuple[Job, list[dict[str, Any]]]:
    """Train and judge; return the job and a line for the log for each condition.

    A line holds ``seed``, ``fold`` (the condition), ``epochs`` and what else the system settled on, ``guess`` (classes,
    or moments of the apex as shares of the clip) and ``cpu_s``, processor time of training and judging.
    """
    start = time.process_time()
    system = find(job.system)
    learner = SystemLearner(system.name, plan.recipe(system), plan.options(system))
    train = make_bed(plan.train)  # anew for each job: what is made of its clips goes with it
    if SHUFFLED in job.conditions:
        train = shuffled(train, job.seed)
    rows = []
    beds = {name: make_bed(plan.judged[STANDARD if name == SHUFFLED else name]).inputs for name in job.conditions}
    learned = learner.fit(train, job.seed, next(iter(beds.values())) if system.adapts else None)
    for name, inputs in beds.items():
        guess = [round(float(one), 4) for one in learned.predict(inputs)]
        rows.append({"seed": job.seed, "fold": name, **learned.settled, "guess": guess})
    spent = round((time.process_time() - start) / len(rows), 1)
    return job, [row | {"cpu_s": spent} for row in rows]


def missing_jobs(plan: Plan, logs: Mapping[str, FoldLog]) -> list[Job]:
    """Return what is still to be done, seed by seed, so that a run that is stopped early has a word on each system."""
    jobs = []
    for seed in range(plan.seeds):
        for conditions in (tuple(plan.judged), (SHUFFLED,)):
            if SHUFFLED in conditions and seed:
                continue  # one control is enough
            for name, log in logs.items():
                todo = tuple(one for one in conditions if (seed, one) not in log.done)
                parts = [(one,) for one in todo] if find(name).adapts else [todo] if todo else []
                jobs += [Job(name, seed, part) for part in parts]
    return jobs


def run_plan(plan: Plan, names: Sequence[str], folder: Path, pool: Pool) -> dict[str, FoldLog]:
    """Train and judge all systems, each job once; return their logs.

    Args:
        plan: what is measured.
        names: of the systems.
        folder: for the logs; made where there is none.
        pool: who works.
    """
    folder.mkdir(parents=True, exist_ok=True)
    logs = {name: FoldLog(folder / f"{name}.jsonl", plan.header(find(name))) for name in names}
    jobs = missing_jobs(plan, logs)
    with Progress() as progress:
        task = progress.add_task("systems", total=len(jobs))
        with closing(pool.run(partial(run_job, plan), jobs)) as done:
            for job, rows in done:
                for row in rows:
                    logs[job.system].add(row)
                progress.update(task, advance=1, description=f"{job.system} seed {job.seed}")
    return logs


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
    """Return how far the apex was missed, beside the constant share of a clip that training clips suggest."""
    steps = np.array([clip.length - 1 for clip in bed.inputs], np.float64)
    ms = 1000 / np.array([clip.rate_hz for clip in bed.inputs], np.float64)

    def missed(moment: NDArray[Any] | float) -> tuple[float, float]:
        frames = np.abs(np.rint(moment * steps) - np.rint(bed.apex_at * steps))
        return float(frames.mean()), float((frames * ms).mean())

    each = [missed(guess) for guess in guesses.values()]
    still = missed(constant)
    return {
        "mae_frames": round(float(np.mean([one[0] for one in each])), 3),
        "mae_ms": round(float(np.mean([one[1] for one in each])), 2),
        "mae_frames_by_seed": dict(zip(map(str, guesses), [round(one[0], 3) for one in each], strict=True)),
        "constant": {"at": round(constant, 3), "mae_frames": round(still[0], 3), "mae_ms": round(still[1], 2)},
        "below_constant": round(1 - float(np.mean([one[0] for one in each])) / still[0], 3),
        "clips": len(bed),
    }  # fmt: skip


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

    Classes: its interval lies above that of shuffled labels and above chance. Moments: it misses the apex by at most
    half of what the constant does.

    Args:
        one: of ``systems`` in a summary.
    """
    conditions = one["conditions"]
    if not {STANDARD, SHUFFLED} <= set(conditions):
        return None
    if one["task"] == "apex":
        return bool(conditions[STANDARD]["below_constant"] >= HALF)
    low = conditions[STANDARD]["uf1_ci95"][0]
    return bool(low > conditions[SHUFFLED]["uf1_ci95"][1] and low > CHANCE)
