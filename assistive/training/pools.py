"""Where jobs are done: in this process, in several, or on the machines of a Ray cluster; the results are the same.

The work is a function, or an object that is called with one job at a time and holds what all jobs share (clips, a way
of training): each worker gets it once. A worker computes with one thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from signal import SIG_IGN, SIGINT, signal
from threading import Thread
from typing import Any, Protocol, TypeVar

from assistive.errors import AssistiveError, RuntimeFault

Job = TypeVar("Job")
Result = TypeVar("Result")

KEPT = "what is done is kept"


class Pool(Protocol):
    """A place where jobs are done."""

    def run(self, work: Callable[[Job], Result], jobs: Sequence[Job]) -> Generator[Result, None, None]:
        """Yield the result of each job, in the order in which they are finished.

        Args:
            work: does one job; it and the jobs can be pickled.
            jobs: what is to be done.

        Raises:
            AssistiveError: a job failed, or a worker died. No other is begun then, and those that are under way end
                first, so that no result is lost. (In this process, a failure escapes as it is.)
        """


@dataclass(frozen=True, slots=True)
class Here:
    """This process: one job after the other, in their order."""

    def run(self, work: Callable[[Job], Result], jobs: Sequence[Job]) -> Generator[Result, None, None]:
        """Yield the result of each job."""
        yield from map(work, jobs)


HERE = Here()


@dataclass(frozen=True, slots=True)
class Processes:
    """Several processes of this machine, which end with this one, however it ends.

    Attributes:
        workers: how many.
    """

    workers: int

    def run(self, work: Callable[[Job], Result], jobs: Sequence[Job]) -> Generator[Result, None, None]:
        """Yield the result of each job."""
        context = get_context("spawn")  # never forked: MediaPipe and torch have threads
        held, ours = context.Pipe(duplex=False)
        pool = ProcessPoolExecutor(max(1, min(self.workers, len(jobs))), context, _begin, (held, work))
        try:
            yield from _results(_submit(pool, jobs))
        finally:
            ours.close()  # ends the workers, also in the middle of a job that nobody waits for any more
            pool.shutdown(cancel_futures=True)
            held.close()


def choose_pool(workers: int = 1, ray: str | None = None) -> Pool:
    """Return the place that a command's options ask for.

    Args:
        workers: processes of this machine; 1 = this one.
        ray: address of a Ray cluster (``auto``, ``local``, ``HOST:PORT``, ``ray://HOST:PORT``), in place of them.
    """
    if ray is not None:
        from assistive.training.ray_pool import RayPool

        return RayPool(ray)
    return HERE if workers == 1 else Processes(workers)


def told(error: BaseException) -> AssistiveError:
    """Return what went wrong with a worker as it is told to a user."""
    if isinstance(error, AssistiveError):
        return error
    if isinstance(error, BrokenProcessPool):
        remedy = f"run the same command again, with fewer --workers if memory is short: {KEPT}"
        return RuntimeFault("a process was killed while it worked", remedy, "pool.killed")
    first = (str(error).strip().splitlines() or [""])[0]
    what = ": ".join((*getattr(error, "__notes__", ()), type(error).__name__, first))
    return RuntimeFault(what, f"run the same command again with --workers 1 to see where: {KEPT}", "pool.job")


def _submit(pool: ProcessPoolExecutor, jobs: Sequence[Any]) -> list[Future[Any]]:
    threads = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"  # inherited by the workers, which all start now, and read by what they import
    try:
        return [pool.submit(_do, job) for job in jobs]
    finally:
        os.environ.pop("OMP_NUM_THREADS") if threads is None else os.environ.update(OMP_NUM_THREADS=threads)


def _results(futures: Sequence[Future[Any]]) -> Iterator[Any]:
    failure: BaseException | None = None
    for future in as_completed(futures):
        if future.cancelled():
            continue
        error = future.exception()
        if error is None:
            yield future.result()
        elif failure is None:
            failure = error
            for other in futures:
                other.cancel()
    if failure is not None:
        raise told(failure) from failure


_work: list[Callable[[Any], Any]] = []
"""In a worker: the work, and with it what it has made once and keeps from job to job."""


def _begin(held: Connection, work: Callable[[Any], Any]) -> None:
    """Leave Ctrl-C to the parent, and end with it: an executor's processes outlive a parent that is killed."""
    signal(SIGINT, SIG_IGN)
    Thread(target=_end_with_parent, args=(held,), daemon=True).start()
    _work[:] = [work]


def _end_with_parent(held: Connection) -> None:
    held.poll(None)  # until the other end is closed: by the parent, or by its death
    os._exit(1)


def _do(job: Any) -> Any:
    return _work[0](job)
