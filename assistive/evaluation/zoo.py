"""What the systems of the zoo are and cost: number, parameters, multiplications, inputs, and what of them is public."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from rich.table import Table
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from assistive.synth.motion_bed import BedSettings
from assistive.training.datasets.motion_bed import make_bed
from assistive.training.systems import batch_of
from assistive.zoo.main_paper import NUMBER, PAPER, PARTS, Part
from assistive.zoo.systems import Batch, Need, System, systems

CLASSES = 3


def describe(system: System, options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Say of a system what it is and what it costs.

    Args:
        system: which.
        options: how its network is built; None = as the whole one.

    Returns:
        ``name``, ``number``, ``paper``, ``parameters`` (that are trained), ``published_parameters`` (or None), ``macs``
        of one clip, ``inputs`` (by key: ``side_px``, ``steps``, ``colour``), ``public``, ``chosen``, ``reported``,
        ``exported``, ``task`` (``classes``, ``apex``; ``running``: a network of the running system, trained elsewhere).
    """
    with torch.random.fork_rng(devices=[]):
        network = system.build(CLASSES, **(options or {})).eval()
    return {
        "name": system.name, "number": system.number, "paper": system.paper,
        "parameters": count_parameters(network), "published_parameters": system.parameters,
        "macs": count_macs(network, one_clip(network.inputs)),
        "inputs": _inputs(network.inputs),
        "public": system.public, "chosen": system.chosen, "reported": system.reported, "exported": system.exported,
        "task": system.task,
    }  # fmt: skip


def describe_all() -> list[dict[str, Any]]:
    """Describe every system in the order in which they are listed, then the two networks of the main paper."""
    return [*(describe(system) for system in systems()), *describe_parts()]


def describe_parts() -> list[dict[str, Any]]:
    """Describe the two networks of the main paper, which are trained and measured elsewhere."""
    return [_describe_part(part) for part in PARTS]


def _describe_part(part: Part) -> dict[str, Any]:
    with torch.random.fork_rng(devices=[]):
        network = part.build().eval()
    return {
        "name": part.name, "number": NUMBER, "paper": PAPER,
        "parameters": count_parameters(network), "published_parameters": None,
        "macs": count_macs(network, torch.zeros(part.shape)), "inputs": _inputs([part.input]),
        "public": part.public, "chosen": part.chosen, "reported": part.reported, "exported": True, "task": "running",
    }  # fmt: skip


def _inputs(needs: Sequence[Need]) -> dict[str, dict[str, Any]]:
    return {need.key: {"side_px": need.side, "steps": need.steps, "colour": need.colour} for need in needs}


def one_clip(needs: Sequence[Need]) -> Batch:
    """Return the inputs of one drawn clip."""
    return batch_of(make_bed(BedSettings(subjects=1, clips=1)).inputs, needs)


def count_parameters(network: nn.Module) -> int:
    """Return how many numbers are trained."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_macs(network: nn.Module, batch: Batch | Tensor) -> int:
    """Return the multiplications of one pass: those of convolutions, matrix products and recurrent layers."""
    counter = FlopCounterMode(display=False)
    fused = torch._C._get_mkldnn_enabled()
    # Neither oneDNN's LSTM nor attention's fast way without gradients tells the counter what it multiplies.
    torch._C._set_mkldnn_enabled(False)
    try:
        with torch.enable_grad(), counter:
            network(batch)
    finally:
        torch._C._set_mkldnn_enabled(fused)
    return int(counter.get_total_flops()) // 2


def table(described: Sequence[dict[str, Any]]) -> Table:
    """Lay descriptions out for the terminal."""
    shown = Table("system", "", "parameters", "MMAC", "inputs", "public")
    for one in described:
        inputs = ", ".join(key + _size(size) for key, size in one["inputs"].items())
        shown.add_row(one["name"], one["number"], f"{one['parameters']:,}", f"{one['macs'] / 1e6:,.2f}", inputs,
                      one["public"])  # fmt: skip
    return shown


def _size(size: dict[str, Any]) -> str:
    steps = f" {size['steps']} x" if size["steps"] else ""
    side = f" {size['side_px']} px" if size["side_px"] else ""
    return steps + side + (" RGB" if size["colour"] else "")
