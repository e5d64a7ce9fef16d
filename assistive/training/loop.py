"""The loop in which expression networks are trained, whatever they see, for a fixed number of epochs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from assistive.errors import AssistiveError
from assistive.training.optimise import parameter_groups, schedule

Watch = Callable[[int, nn.Module], None]
"""Called after each epoch with its number (from 1) and the network, in evaluation mode."""


class Pace(Protocol):
    """How fast is learned."""

    @property
    def batch(self) -> int:
        """Clips in a step."""

    @property
    def rate(self) -> float:
        """Highest learning rate; after a warm-up of one epoch it falls along a cosine."""

    @property
    def decay(self) -> float:
        """Weight decay."""


def descend(
    network: nn.Module, cost: Callable[[Tensor, float], Tensor], clips: int, epochs: int, pace: Pace,
    rng: torch.Generator, watch: Watch | None = None,
) -> nn.Module:  # fmt: skip
    """Train a network.

    Args:
        network: what is trained, in place.
        cost: returns what is made small, a scalar, for clips of these numbers, int64 ``(b,)``; its second argument is
            how much of the training is over, 0..1.
        clips: number of clips.
        epochs: passes over the clips.
        pace: how fast.
        rng: draws the order of the clips.
        watch: looks on.

    Returns:
        The network after the last epoch, in evaluation mode.

    Raises:
        AssistiveError: the cost is no number any more.
    """
    parts = -(-clips // pace.batch)
    groups = parameter_groups(network, pace.decay)
    optimiser = torch.optim.AdamW(groups, lr=pace.rate)
    for epoch in range(epochs):
        network.train()
        for i, pick in enumerate(torch.randperm(clips, generator=rng).tensor_split(parts)):
            step = epoch * parts + i
            for group in optimiser.param_groups:
                group["lr"] = pace.rate * schedule(step, epochs * parts, parts)
            loss = cost(pick, step / (epochs * parts))
            if not torch.isfinite(loss):
                what = f"{type(network).__name__} has left all bounds in epoch {epoch + 1}"
                raise AssistiveError(what, "lower its learning rate", "training.diverged")
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        network.eval()
        if watch is not None:
            watch(epoch + 1, network)
    return network.eval()


def best_epoch(scores: Sequence[float]) -> int:
    """Return the epoch, from 1, with the best score, smoothed over three; of equals the first."""
    return int(np.argmax(np.convolve(np.pad(scores, 1, "edge"), np.ones(3) / 3, "valid"))) + 1


def balance(labels: NDArray[np.integer[Any]], classes: int) -> NDArray[np.float32]:
    """Return the weight of each class, float32 ``(classes,)``: together, all classes weigh the same; absent ones 0."""
    counts = np.bincount(labels, minlength=classes)
    present = np.maximum((counts > 0).sum(), 1)
    return np.asarray(np.where(counts > 0, len(labels) / (present * np.maximum(counts, 1)), 0), np.float32)
