"""What every training loop here shares: averaged weights, schedule, parameter groups, checkpoints."""

from __future__ import annotations

import copy
import logging
import math
import os
from pathlib import Path

import torch
from torch import nn

log = logging.getLogger(__name__)


class Average:
    """Exponential moving average of a network's weights: what is validated and shipped.

    Args:
        network: the network that is trained.
        decay: share of the old average that is kept at each step once warmed up.
    """

    def __init__(self, network: nn.Module, decay: float = 0.9985) -> None:
        self.network = copy.deepcopy(network).eval()
        self.decay, self.steps = decay, 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move the average towards the network's present weights."""
        self.steps += 1
        keep = self.decay * (1 - math.exp(-self.steps / 300))
        new = network.state_dict()
        for name, value in self.network.state_dict().items():
            if value.dtype.is_floating_point:
                value.mul_(keep).add_(new[name], alpha=1 - keep)
            else:
                value.copy_(new[name])


def schedule(step: int, steps: int, warmup: int) -> float:
    """Return the factor on the learning rate: linear warm-up, then a cosine down to 2 %."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def parameter_groups(network: nn.Module, decay: float) -> list[dict[str, object]]:
    """Split the parameters: matrices decay, biases and norms do not."""
    weights = [p for p in network.parameters() if p.ndim > 1]
    return [
        {"params": weights, "weight_decay": decay},
        {"params": [p for p in network.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]


def save(path: Path, step: int, network: nn.Module, average: Average, optimiser: torch.optim.Optimizer) -> None:
    """Write a checkpoint whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    state = {"step": step, "network": network.state_dict(), "average": average.network.state_dict()}
    torch.save({**state, "optimiser": optimiser.state_dict()}, partial)
    os.replace(partial, path)


def resume(path: Path, network: nn.Module, average: Average, optimiser: torch.optim.Optimizer) -> int:
    """Load a checkpoint where there is one and return its step, else 0."""
    if not path.is_file():
        return 0
    state = torch.load(path, weights_only=True)
    network.load_state_dict(state["network"])
    average.network.load_state_dict(state["average"])
    optimiser.load_state_dict(state["optimiser"])
    average.steps = int(state["step"])
    log.info("resuming at step %d", state["step"])
    return int(state["step"])
