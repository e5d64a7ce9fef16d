"""Spread the shards of a preparation over the machines of a Ray cluster, which share the input and output folders."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import assistive
from assistive.errors import DependencyError, RuntimeFault
from assistive.training.datasets.hagrid.shards import Outcome, Shard, make_shard

LOCAL = "local"


def make_shards(shards: Sequence[Shard], address: str) -> Iterator[Outcome]:
    """Yield how each shard ended, in the order in which they end.

    Args:
        shards: what is to be done.
        address: of the cluster; ``auto`` = the one that this machine is part of, ``local`` = a new one on this machine.

    Raises:
        DependencyError: Ray is not installed.
        RuntimeFault: the cluster cannot be reached.
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
            yield Outcome(int(row["pictures"]), str(row["disk_error"]))
    finally:
        ray.shutdown()


def _make_row(row: dict[str, Any]) -> dict[str, Any]:
    outcome = make_shard(pickle.loads(row["shard"]))
    return {"pictures": outcome.pictures, "disk_error": outcome.disk_error}
