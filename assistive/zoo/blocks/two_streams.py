"""Two streams that know nothing of one another, on flow to the right and on flow downwards, read together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class TwoStreams(nn.Module):
    """Classify flow maps by u and v.

    Args:
        streams: of u and of v; each maps ``(n, 1, side, side)`` to features of any shape.
        classify: maps the features of both, flat, to logits.
    """

    def __init__(self, streams: Sequence[nn.Module], classify: nn.Module) -> None:
        super().__init__()
        self.streams, self.classify = nn.ModuleList(streams), classify

    def forward(self, x: Tensor) -> Tensor:
        """Map u, v, strain ``(n, 3, side, side)`` to logits ``(n, classes)``; the strain is not looked at."""
        seen = [stream(x[:, i : i + 1]).flatten(1) for i, stream in enumerate(self.streams)]
        out: Tensor = self.classify(torch.cat(seen, 1))
        return out
