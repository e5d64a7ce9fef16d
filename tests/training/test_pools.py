"""Jobs in this process, in several, and on a Ray cluster of two workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from assistive.errors import AssistiveError, DependencyError, RuntimeFault, SourceError
from assistive.training.pools import HERE, Processes, choose_pool
from assistive.training.ray_pool import RayPool, cluster_fails

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Square:
    """Squares numbers, but 0, 1 and 2 are not as they should be."""

    folder: Path
    fails: bool = True

    def __call__(self, number: int) -> int:
        (self.folder / f"{number} {os.getpid()} {os.environ['OMP_NUM_THREADS']}").touch()
        if self.fails and number == 0:
            raise SourceError("no zero", "count from 3")
        if self.fails and number == 1:
            error = ValueError("no one\nin two lines")
            error.add_note("the number 1 failed")
            raise error
        if self.fails and number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.3)
        return number**2


def test_the_options_choose_the_place() -> None:
    assert choose_pool() is HERE is choose_pool(1)
    assert choose_pool(3) == Processes(3) and choose_pool(3, "auto") == RayPool("auto")


def test_processes_do_each_job_once_with_one_thread_and_keep_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    found = list(Processes(2).run(Square(tmp_path, fails=False), range(6)))
    assert sorted(found) == [0, 1, 4, 9, 16, 25] and "OMP_NUM_THREADS" not in os.environ
    done = [path.name.split() for path in tmp_path.iterdir()]
    assert sorted(int(number) for number, _, _ in done) == list(range(6))
    assert len({process for _, process, _ in done}) == 2 and {threads for _, _, threads in done} == {"1"}


@pytest.mark.parametrize(
    ("number", "kind", "what"),
    [(0, SourceError, "error: no zero\ntry: count from 3"),
     (1, RuntimeFault, "error: the number 1 failed: ValueError: no one\ntry: run the same command again with"),
     (2, RuntimeFault, "error: a process was killed while it worked\ntry: run the same command again")],
)  # fmt: skip
def test_what_fails_is_said_in_two_lines_after_what_is_finished(
    tmp_path: Path, number: int, kind: type[AssistiveError], what: str
) -> None:
    found = []
    with pytest.raises(kind) as caught:
        for result in Processes(2).run(Square(tmp_path), [3, 4, number, *range(5, 50)]):
            found.append(result)
    assert str(caught.value).startswith(what) and len(str(caught.value).splitlines()) == 2
    begun = {int(path.name.split()[0]) for path in tmp_path.iterdir()} - {number}
    assert found and len(begun) < 10
    if number != 2:  # a process that is killed takes what the others have under way with it
        assert sorted(found) == sorted(one**2 for one in begun)


def test_who_waits_no_longer_ends_the_workers(tmp_path: Path) -> None:
    results = Processes(2).run(Square(tmp_path, fails=False), range(50))
    next(results)
    results.close()  # type: ignore[attr-defined]
    begun = list(tmp_path.iterdir())
    assert len(begun) < 10 and not any(Path(f"/proc/{path.name.split()[1]}").exists() for path in begun)


def test_without_ray_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DependencyError, match="--ray needs Ray") as caught:
        list(RayPool("local").run(abs, [1]))
    assert "assistive[ray]" in caught.value.remedy


def test_a_machine_of_the_cluster_that_fails_is_said_in_two_lines() -> None:
    """The text is one of Ray 2.60: a traceback, the error, and advice after it."""
    text = "ray::Map()\n  File 'x.py', line 1\nModuleNotFoundError: No module named 'cv2'\nTo change retries, ..."
    fault = cluster_fails(ValueError(text))
    assert "No module named 'cv2'" in fault.what and len(str(fault).splitlines()) == 2


TWO_WORKERS = """
import ray
start = ray.init
ray.init = lambda **given: start(**given, num_cpus=2, include_dashboard=False)  # however many cores this machine has
"""

RAY_JOBS = """
import os, signal, sys
from assistive.errors import AssistiveError, SourceError
from assistive.training.ray_pool import RayPool

class Square:
    def __init__(self):
        self.met = 0

    def __call__(self, number):
        if number == 0:
            raise SourceError("no zero", "count from 3")
        if number == 1:
            raise ValueError("no one")
        if number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        self.met += 1
        return number ** 2, self.met, os.environ["OMP_NUM_THREADS"]

ray.shutdown = lambda: None  # one cluster for all of them
for jobs in (range(3, 13), (3, 4, 0), (3, 4, 1, *range(50)), (3, 4, 2)):
    try:
        for one in RayPool("local").run(Square(), jobs):
            print(*one)
    except AssistiveError as error:
        print(repr(str(error)))
    print("end")
"""


def on_ray(program: str, *arguments: str) -> list[str]:
    """Run a program in a process of its own, for Ray warns of itself, and return what it says."""
    for_ray = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}  # 15 of itself: a busy machine starves them
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **for_ray}
    command = [sys.executable, "-c", TWO_WORKERS + program, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_ray_cluster_does_each_job_once_and_says_what_fails_in_two_lines() -> None:
    pytest.importorskip("ray")
    parts = "\n".join(on_ray(RAY_JOBS)).split("\nend")
    rows = [line.split() for line in parts[0].split("\n")]
    assert sorted(int(square) for square, _, _ in rows) == [n**2 for n in range(3, 13)]
    assert {threads for _, _, threads in rows} == {"1"}
    assert max(int(met) for _, met, _ in rows) >= 5  # a worker keeps the work from job to job
    wanted = ("error: no zero\\ntry: count from 3", "error: ValueError: no one\\ntry: run the",
              "error: a machine of the Ray cluster failed: WorkerCrashedError")  # fmt: skip
    for part, what in zip(parts[1:], wanted, strict=False):
        *finished, said = part.strip().split("\n")
        assert {"9", "16"} <= {line.split()[0] for line in finished} and len(finished) < 10
        assert said[1:].startswith(what) and said.count("\\n") == 1


RAY_FOLDS = """
import sys
from pathlib import Path
import torch
from assistive.synth.motion_bed import BedSettings
from assistive.training.datasets.motion_bed import make_bed
from assistive.training.fold_log import FoldLog
from assistive.training.pools import choose_pool
from assistive.training.protocols import measure
from assistive.training.systems import SystemLearner
from assistive.zoo.systems import Recipe

if __name__ == "__main__":
    torch.set_num_threads(1)
    made = make_bed(BedSettings(subjects=3, clips=6, intensity_px=(0.8, 1.2)))
    learner = SystemLearner("stst_net", Recipe(epochs=2, batch=8))
    log = FoldLog(Path(sys.argv[1]), {})
    print("result", measure(made, "loso", learner, [0, 1], log, choose_pool(1, sys.argv[2] if sys.argv[2:] else None)))
"""


def test_folds_on_a_ray_cluster_give_the_same_lines(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    pytest.importorskip("torch")
    here, there = (on_ray(RAY_FOLDS, str(tmp_path / name), *where)[-1]
                   for name, where in (("here", ()), ("there", ("local",))))  # fmt: skip
    assert here == there and here.startswith("result")
    rows = [sorted((tmp_path / name).read_text().splitlines()) for name in ("here", "there")]
    assert rows[0] == rows[1] and len(rows[0]) == 7
