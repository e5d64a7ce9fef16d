"""FlowNet: the recogniser that ships. Six plain convolutions on a 28-pixel flow map, pooled to three by three places.

Where something moved matters as much as how, so the last maps are not averaged away but kept as nine places. Compared
with Off-TANet, MFE-Net, an STSTNet of this size and PCA with an SVM in ``docs/results/expression_models.json``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from assistive.zoo.systems import FlowSystem, Recipe, System

WIDTHS = (24, 48, 96)
PLACES = 3


class FlowNet(nn.Module):
    """Classify flow maps.

    Args:
        classes: number of classes.
        dropout: share of the features that is dropped while training.
    """

    def __init__(self, classes: int, dropout: float = 0.4) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        previous = 3
        for i, width in enumerate(WIDTHS):
            layers += [nn.MaxPool2d(2)] if i else []
            for c in (previous, width):
                layers += [nn.Conv2d(c, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            previous = width
        self.features = nn.Sequential(*layers)
        self.classify = nn.Sequential(nn.Dropout(dropout), nn.Linear(previous * PLACES**2, classes))

    def forward(self, x: Tensor) -> Tensor:
        """Map u, v, strain ``(n, 3, s, s)`` to logits ``(n, classes)``."""
        y = self.features(x)
        size = y.shape[-1] // PLACES  # a fixed window: adaptive pooling of 7 by 3 cannot be exported
        pooled = torch.nn.functional.avg_pool2d(y, size + 1, size)
        out: Tensor = self.classify(pooled.flatten(1))
        return out


def build(classes: int, side: int) -> FlowNet:
    """Build the network for maps of ``side`` pixels; ``side`` 28 gives the nine places of 3 x 3 cells each."""
    return FlowNet(classes)


SYSTEM = System(
    name="flow_net",
    number="",
    paper="ours: six convolutions, what ships",
    public="all of it",
    chosen="all of it",
    reported="docs/results/expression_models.json",
    build=lambda classes: FlowSystem(FlowNet(classes), 28, "flow_map"),
    recipe=Recipe(epochs=20),
    exported=True,
)
