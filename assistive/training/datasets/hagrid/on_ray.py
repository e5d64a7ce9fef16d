"""Spread the shards of a preparation over the machines of a Ray cluster, which share the input and output folders."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import assistive
from assistive.errors import AssistiveError, DependencyError, RuntimeFault
from assistive.training.datasets.hagrid.shards import Outcome, Shard, make_shard

_ERROR_LINE = re.compile(r"[\w.]+(?:Error|Exception)\b")


def make_shards(shards: Sequence[Shard], address: str) -> Iterator[Outcome]:
    """Yield how each shard ended, in the order in which they end.

    Args:
        shards: what is to be done.
        address: of the cluster; ``auto`` = the one that this machine is part of, ``local`` = a new one on this machine.

    Raises:
        DependencyError: Ray is not installed.
        RuntimeFault: the cluster cannot be reached, or a machine of it cannot do the work.
        AssistiveError: what went wrong on the other machine.
    """
    try:
        import ray
        import ray.data
    except ImportError as error:
        what = f"--ray needs Ray, which cannot be imported: {error}"
        raise DependencyError(what, "pip install 'assistive[ray]', on every machine", "prepare.ray") from error
    try:
        code = {"py_modules": [str(Path(assistive.__file__).parent)]}  # every machine runs the code that runs here
        ray.init(address=address, ignore_reinit_error=True, log_to_driver=False, runtime_env=code)
    except (ConnectionError, RuntimeError, ValueError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise RuntimeFault(f"no Ray cluster at {address}: {first}", "start one: ray start --head; or give --ray local",
                           "prepare.ray") from error  # fmt: skip
    ray.data.DataContext.get_current().enable_progress_bars = False
    work = ray.data.from_items([{"shard": pickle.dumps(shard)} for shard in shards], override_num_blocks=len(shards))
    try:
        for row in work.map(_make_row).iter_rows():
            if row["error"]:
                raise pickle.loads(row["error"])
            yield Outcome(int(row["pictures"]), str(row["disk_error"]))
    except ray.exceptions.RayError as error:
        raise _cluster_fails(error) from error
    finally:
        ray.shutdown()


def _cluster_fails(error: Exception) -> RuntimeFault:
    lines = str(error).strip().splitlines() or [""]
    telling = [line.strip() for line in lines if _ERROR_LINE.match(line.strip())]
    what = f"a machine of the Ray cluster failed: {type(error).__name__}: {(telling or lines)[-1]}"
    return RuntimeFault(what, "mend it, then run the same command again: what is done is kept", "prepare.ray")


def _make_row(row: dict[str, Any]) -> dict[str, Any]:
    try:
        outcome = make_shard(pickle.loads(row["shard"]))
    except AssistiveError as error:  # Ray Data would bring home its text alone
        return {"pictures": 0, "disk_error": "", "error": pickle.dumps(error)}
    return {"pictures": outcome.pictures, "disk_error": outcome.disk_error, "error": b""}
