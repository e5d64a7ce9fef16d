"""The machines of a Ray cluster as a place where jobs are done; they share the folders that the work reads and writes.

Machines of one kind give the same results as this one: the last bits of a network's weights depend on the processor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import assistive
from assistive.errors import AssistiveError, DependencyError, RuntimeFault
from assistive.training.pools import KEPT, Job, Result, told

TRIES_AGAIN = 1
"""How often a job is begun anew, on another machine, when the one that did it is lost."""

_ERROR_LINE = re.compile(r"[\w.]+(?:Error|Exception)\b")


@dataclass(frozen=True, slots=True)
class RayPool:
    """The machines of a Ray cluster; each job has one of their processor cores.

    Attributes:
        address: of the cluster; ``auto`` = the one that this machine is part of, ``local`` = a new one on this machine.
    """

    address: str

    def run(self, work: Callable[[Job], Result], jobs: Sequence[Job]) -> Generator[Result, None, None]:
        """Yield the result of each job.

        Raises:
            DependencyError: Ray is not installed.
            RuntimeFault: the cluster cannot be reached, or a machine of it cannot do the work.
            AssistiveError: a job failed; those that are under way end first.
        """
        with connected(self.address) as ray:
            task = ray.remote(num_cpus=1, max_retries=TRIES_AGAIN)(_do)
            shared, failure = ray.put(work), None
            left, running = list(jobs)[::-1], list[Any]()
            while running or (left and failure is None):
                while left and failure is None and len(running) < _cores(ray):
                    running.append(task.remote([shared], left.pop()))
                (done,), running = ray.wait(running)
                try:
                    error, result = ray.get(done)
                except ray.exceptions.RayError as lost:
                    error, result = cluster_fails(lost), None
                if error is None:
                    yield result
                failure = failure or error
            if failure is not None:
                raise failure


@contextmanager
def connected(address: str, part: str = "ray") -> Iterator[Any]:
    """Connect to a cluster, give the module ``ray``, and part from it at the end.

    Args:
        address: of the cluster, as in :class:`RayPool`.
        part: module of Ray that is needed.

    Raises:
        DependencyError: Ray is not installed.
        RuntimeFault: the cluster cannot be reached, or fails.
    """
    try:
        ray = import_module("ray")
        import_module(part)
    except ImportError as error:
        what = f"--ray needs Ray, which cannot be imported: {error}"
        raise DependencyError(what, "pip install 'assistive[ray]', on every machine", "ray.missing") from error
    code = {
        "py_modules": [str(Path(assistive.__file__).parent)],  # every machine runs the code that runs here
        "env_vars": {"OMP_NUM_THREADS": "1"},
    }
    try:
        ray.init(address=address, ignore_reinit_error=True, log_to_driver=False, runtime_env=code)
    except (ConnectionError, RuntimeError, ValueError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise RuntimeFault(f"no Ray cluster at {address}: {first}", "start one: ray start --head; or give --ray local",
                           "ray.connect") from error  # fmt: skip
    try:
        yield ray
    except ray.exceptions.RayError as error:
        raise cluster_fails(error) from error
    finally:
        ray.shutdown()


def cluster_fails(error: Exception) -> RuntimeFault:
    """Return what a machine of the cluster failed with, in two lines: Ray's own words are a traceback and advice."""
    lines = str(error).strip().splitlines() or [""]
    telling = [line.strip() for line in lines if _ERROR_LINE.match(line.strip())]
    what = f"a machine of the Ray cluster failed: {type(error).__name__}: {(telling or lines)[-1]}"
    return RuntimeFault(what, f"mend it, then run the same command again: {KEPT}", "ray.machine")


def _cores(ray: Any) -> int:
    """Return how many jobs the cluster can do at a time; machines may join it while it works."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


_work: dict[str, Callable[[Any], Any]] = {}
"""In a worker: the work by its name in the object store, and with it what it has made once and keeps."""


def _do(shared: list[Any], job: Any) -> tuple[AssistiveError | None, Any]:
    """Do one job; an error comes home as it is, where Ray would wrap it up in its traceback."""
    (reference,) = shared
    name = reference.hex()
    if name not in _work:
        _work.clear()
        _work[name] = import_module("ray").get(reference)
    try:
        return None, _work[name](job)
    except Exception as error:  # the worker's edge: what failed is told where the run began
        return told(error), None
