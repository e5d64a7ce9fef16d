"""Relations between the parts of a face: graph convolutions whose graph the parts themselves say."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Affinity(nn.Module):
    """How much each part attends to each: softmax over theta(f) phi(f)', row by row, in which a gate counts as a share.

    Args:
        c: features of a part.
    """

    def __init__(self, c: int) -> None:
        super().__init__()
        self.theta, self.phi = nn.Linear(c, c, bias=False), nn.Linear(c, c, bias=False)

    def forward(self, parts: Tensor, gates: Tensor) -> Tensor:
        """Map ``(n, r, c)`` to a graph ``(n, r, r)`` whose rows sum to 1.

        Args:
            parts: features.
            gates: ``(n, r, 1)``, 0..1: how much the others listen to each part.
        """
        score = self.theta(parts) @ self.phi(parts).transpose(1, 2) / parts.shape[2] ** 0.5
        return (score.float() + gates.float().clamp_min(1e-3).log().transpose(1, 2)).softmax(2)


class GraphConvolution(nn.Module):
    """Gather over the graph, map, ReLU, and add (Kipf and Welling, ICLR 2017, with a residual).

    Args:
        c: features of a part.
    """

    def __init__(self, c: int) -> None:
        super().__init__()
        self.map = nn.Linear(c, c)

    def forward(self, parts: Tensor, graph: Tensor) -> Tensor:
        """Map ``(n, r, c)`` to the same shape, along ``graph`` ``(n, r, r)``."""
        return parts + torch.relu(self.map(graph.to(parts.dtype) @ parts))
