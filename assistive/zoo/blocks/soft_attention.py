"""Softmax attention: items (places of a map, moments of a clip) become one by weights that sum to 1."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SoftAttention(nn.Module):
    """Score each item by itself, and return their sum weighed by the softmax of the scores.

    Args:
        c: numbers of an item.
        hidden: width of a tanh layer in the score, or None: the score is linear.
    """

    def __init__(self, c: int, hidden: int | None = None) -> None:
        super().__init__()
        # A bias behind the last layer would change nothing: the softmax takes it away.
        deep = [] if hidden is None else [nn.Linear(c, hidden, bias=False), nn.Tanh()]
        self.score = nn.Sequential(*deep, nn.Linear(hidden or c, 1, bias=False))

    def forward(self, items: Tensor) -> tuple[Tensor, Tensor]:
        """Map ``(..., items, c)`` to the sum ``(..., c)`` and the weights ``(..., items)``, float32, that sum to 1."""
        weights = torch.softmax(self.score(items).squeeze(-1).float(), -1)
        return (weights.unsqueeze(-1) * items).sum(-2), weights
