"""OFF-ApexNet: flow to the right and flow downwards, each in a stream of its own (Gan et al., 2019). A floor.

Two convolutions of 5 x 5 with 6 and 16 kernels in each stream, then two wide layers. Written from the published
description. Accepted when it has the 2.66 M parameters that others count (2,664,475 with the sizes given there).
"""

from __future__ import annotations

from torch import nn

from assistive.zoo.blocks.two_streams import TwoStreams
from assistive.zoo.systems import FlowSystem, Quick, Recipe, System

KERNELS = (6, 16)
HIDDEN = 1024


class OffApexNet(TwoStreams):
    """Classify flow maps by u and v.

    Args:
        classes: number of classes.
        side: side of a map, pixels; a multiple of 4.
        dropout: share of the hidden units that is dropped while training.
    """

    def __init__(self, classes: int, side: int = 28, dropout: float = 0.5) -> None:
        streams = [_stream() for _ in range(2)]
        super().__init__(streams, nn.Sequential(
            nn.Linear(2 * KERNELS[1] * (side // 4) ** 2, HIDDEN), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(HIDDEN, classes),
        ))  # fmt: skip


def _stream() -> nn.Sequential:
    first, second = KERNELS
    return nn.Sequential(nn.Conv2d(1, first, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(first, second, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2))  # fmt: skip


SYSTEM = System(
    name="off_apex_net",
    number="",
    paper="Gan, Liong, Yau, Huang, Tan: OFF-ApexNet, Signal Processing: Image Communication 2019",
    public="description and sizes",
    chosen="dropout of one half; balanced classes, epochs fixed",
    reported="composite of MEGC2019, 3 classes, LOSO, as others count it: UF1 .7196, UAR .7096",
    build=lambda classes, side=28: FlowSystem(OffApexNet(classes, side), side, "flow"),
    recipe=Recipe(epochs=12, rate=5e-4),
    quick=Quick(recipe=Recipe(epochs=15, rate=5e-4)),
    exported=True,
)
