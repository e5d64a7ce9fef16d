from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from assistive.errors import AssistiveError  # noqa: E402
from assistive.evaluation import zoo_measure  # noqa: E402
from assistive.evaluation.expression import uf1  # noqa: E402
from assistive.evaluation.zoo_figures import summarise  # noqa: E402
from assistive.evaluation.zoo_measure import SHUFFLED, STANDARD, Job, Plan, run_plan  # noqa: E402
from assistive.synth.motion_bed import BedSettings  # noqa: E402
from assistive.training.datasets.motion_bed import make_bed, unseen  # noqa: E402
from assistive.training.fold_log import FoldLog  # noqa: E402
from assistive.training.pools import HERE  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = BedSettings(subjects=6, clips=4, intensity_px=(0.8, 1.2))


def plan(seeds: int = 1, train: BedSettings = SMALL) -> Plan:
    slow = BedSettings(subjects=6, clips=4, rate_hz=30.0)
    return Plan(True, train, {STANDARD: unseen(train, 3, 4), "slow": unseen(slow, 3, 4)}, seeds)


def test_each_job_is_done_once_and_the_figures_are_those_of_the_log(tmp_path: Path) -> None:
    logs = run_plan(plan(2), ["stst_net"], tmp_path, HERE)
    judged = {(seed, condition) for seed in (0, 1) for condition in (STANDARD, "slow")}
    assert set(logs["stst_net"].done) == judged | {(0, SHUFFLED)}
    found = summarise(plan(2), logs)
    assert found["judged"] == [STANDARD, "slow"] and found["people"]["train"] == 6
    one = found["systems"]["stst_net"]
    assert one["ms"] > 0 and one["parameters"] == 162_051
    truth = make_bed(plan().judged[STANDARD]).labels
    guess = np.array(logs["stst_net"].done[0, STANDARD]["guess"], np.int64)
    assert one["conditions"][STANDARD]["uf1_by_seed"]["0"] == pytest.approx(uf1(truth, guess), abs=1e-4)
    assert uf1(truth, guess) > 0.6
    assert list(one["conditions"][SHUFFLED]["uf1_by_seed"]) == ["0"]
    fewer = summarise(plan(1), logs)  # of a log that holds more
    assert fewer["seeds"] == 1 and list(fewer["systems"]["stst_net"]["conditions"][STANDARD]["uf1_by_seed"]) == ["0"]


class Counting:
    """Does jobs here and remembers them."""

    def __init__(self, until: int = 1_000) -> None:
        self.until, self.jobs = until, []

    def run(self, work: Callable[[Job], Any], jobs: Sequence[Job]) -> Generator[Any, None, None]:
        for job in jobs:
            if len(self.jobs) == self.until:
                raise KeyboardInterrupt
            self.jobs.append(job)
            yield work(job)


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    first, second = Counting(until=1), Counting()
    with pytest.raises(KeyboardInterrupt):
        run_plan(plan(), ["stst_net"], tmp_path, first)
    logs = run_plan(plan(), ["stst_net"], tmp_path, second)
    assert [job.conditions for job in (*first.jobs, *second.jobs)] == [(STANDARD, "slow"), (SHUFFLED,)]
    whole = run_plan(plan(), ["stst_net"], tmp_path / "anew", HERE)
    cut, uncut = ({key: row["guess"] for key, row in one["stst_net"].done.items()} for one in (logs, whole))
    assert cut == uncut


def test_one_that_adapts_is_trained_for_each_condition_on_its_own_clips(tmp_path: Path) -> None:
    jobs = zoo_measure.missing_jobs(plan(), {"astann": FoldLog(tmp_path / "astann.jsonl", {})})
    assert [job.conditions for job in jobs] == [(STANDARD,), ("slow",), (SHUFFLED,)]


def test_other_data_do_not_continue_a_log(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_plan(plan(), ["stst_net"], tmp_path, Counting(until=0))
    other = plan(train=BedSettings(subjects=7, clips=4))
    with pytest.raises(AssistiveError, match="begun with other data"):
        run_plan(other, ["stst_net"], tmp_path, Counting(until=0))


def test_a_system_that_spots_answers_moments(tmp_path: Path) -> None:
    few = BedSettings(subjects=3, clips=2, seconds=(0.2, 0.25))
    once = Plan(True, few, {STANDARD: unseen(few, 2, 3)}, 1)
    logs = run_plan(once, ["apex_spotter"], tmp_path, HERE)
    found = summarise(once, logs)["systems"]["apex_spotter"]["conditions"]
    guess = np.array(logs["apex_spotter"].done[0, STANDARD]["guess"])
    truth = make_bed(once.judged[STANDARD]).apex_at
    assert ((guess > 0) & (guess <= 1)).all() and len(set(guess.tolist())) > 1
    assert set(found) == {STANDARD, SHUFFLED}
    steps = np.array([clip.length - 1 for clip in make_bed(once.judged[STANDARD]).inputs])
    missed = np.abs(np.rint(guess * steps) - np.rint(truth * steps)).mean()
    assert found[STANDARD]["mae_frames"] == pytest.approx(missed, abs=0.2)
