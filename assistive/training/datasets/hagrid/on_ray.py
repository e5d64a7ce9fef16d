"""Spread the shards of a preparation over the machines of a Ray cluster, which share the input and output folders."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from typing import Any

from assistive.errors import AssistiveError
from assistive.training.datasets.hagrid.shards import Outcome, Shard, make_shard
from assistive.training.ray_pool import connected


def make_shards(shards: Sequence[Shard], address: str) -> Iterator[Outcome]:
    """Yield how each shard ended, in the order in which they end.

    Ray Data holds back work that the machines have no room for, so that a million pictures fit as a hundred do.

    Args:
        shards: what is to be done.
        address: of the cluster; ``auto`` = the one that this machine is part of, ``local`` = a new one on this machine.

    Raises:
        DependencyError: Ray is not installed.
        RuntimeFault: the cluster cannot be reached, or a machine of it cannot do the work.
        AssistiveError: what went wrong on the other machine.
    """
    with connected(address, "ray.data") as ray:
        ray.data.DataContext.get_current().enable_progress_bars = False
        rows = [{"shard": pickle.dumps(shard)} for shard in shards]
        for row in ray.data.from_items(rows, override_num_blocks=len(shards)).map(_make_row).iter_rows():
            if row["error"]:
                raise pickle.loads(row["error"])
            yield Outcome(int(row["pictures"]), str(row["disk_error"]))


def _make_row(row: dict[str, Any]) -> dict[str, Any]:
    try:
        outcome = make_shard(pickle.loads(row["shard"]))
    except AssistiveError as error:  # Ray Data would bring home its text alone
        return {"pictures": 0, "disk_error": "", "error": pickle.dumps(error)}
    return {"pictures": outcome.pictures, "disk_error": outcome.disk_error, "error": b""}
