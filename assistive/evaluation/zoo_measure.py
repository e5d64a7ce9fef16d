"""Measure every system of the zoo under one protocol: the same drawn people to learn from, others to be judged on.

A job trains one system once and judges it under several conditions; its rows go into the system's own log as soon as
they are there, so that a run that was stopped goes on where it was. When a system's code, recipe or options or the beds
have changed, its log is refused, and it alone must be removed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.progress import Progress

from assistive.synth.motion_bed import BedSettings
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

JUDGED_SEED = 1
"""Of the people in the published table: others than those on whom sizes and recipes were tried out (0)."""


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
