"""STSTNet: three shallow streams of different width side by side (Liong et al., FG 2019).

Written from the published description; at 28 pixels it has the paper's 162,051 parameters.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from assistive.zoo.systems import FlowSystem, Recipe, System

STREAMS = (3, 5, 8)
"""Kernels of the three streams."""

HIDDEN = 400


class StstNet(nn.Module):
    """Classify flow maps.

    Args:
        classes: number of classes.
        side: side of a map, pixels.
        dropout: share of the hidden units that is dropped while training.
    """

    def __init__(self, classes: int, side: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.streams = nn.ModuleList(
            nn.Sequential(nn.Conv2d(3, kernels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 3, 1)) for kernels in STREAMS
        )
        self.pool = nn.AvgPool2d(2)
        pooled = ((side - 1) // 3 + 1) // 2
        self.classify = nn.Sequential(
            nn.Flatten(),
            nn.Linear(sum(STREAMS) * pooled**2, HIDDEN), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(HIDDEN, classes),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Map flow ``(n, 3, side, side)`` (u, v, strain) to logits ``(n, classes)``."""
        seen = torch.cat([stream(x) for stream in self.streams], 1)
        out: Tensor = self.classify(self.pool(seen))
        return out


def build(classes: int = 3, side: int = 28) -> StstNet:
    """Build the network for maps of ``side`` pixels."""
    return StstNet(classes, side)


SYSTEM = System(
    name="stst_net",
    number="",
    paper="Liong et al.: STSTNet, FG 2019",
    public="description and sizes",
    chosen="balanced classes, epochs fixed",
    reported="composite of MEGC2019, 3 classes, LOSO: UF1 .7353, UAR .7605",
    build=lambda classes, side=28: FlowSystem(StstNet(classes, side), side, "flow"),
    recipe=Recipe(epochs=30),
    parameters=162_051,
    exported=True,
)
