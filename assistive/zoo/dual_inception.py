"""Dual-Inception: two Inception blocks on flow to the right, two on flow downwards (Zhou et al., FG 2019). A floor.

The trunk that Dual-ATME and FeatRef build on, with ReLU and no batch norm. Written from the published description; the
width of its narrow convolutions is our choice (that of the block), with which it has the 6.45 M parameters that others
count. Accepted when it has (6,449,867).
"""

from __future__ import annotations

from torch import nn

from assistive.zoo.blocks.inception import Inception
from assistive.zoo.blocks.two_streams import TwoStreams
from assistive.zoo.systems import FlowSystem, Quick, Recipe, System

KERNELS = (6, 16)
"""Of each of the four ways through a block."""
HIDDEN = 1024


class DualInception(TwoStreams):
    """Classify flow maps by u and v.

    Args:
        classes: number of classes.
        side: side of a map, pixels; a multiple of 4.
        dropout: share of the hidden units that is dropped while training.
    """

    def __init__(self, classes: int, side: int = 28, dropout: float = 0.5) -> None:
        streams = [_stream() for _ in range(2)]
        super().__init__(streams, nn.Sequential(
            nn.Linear(2 * 4 * KERNELS[1] * (side // 4) ** 2, HIDDEN), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(HIDDEN, classes),
        ))  # fmt: skip


def _stream() -> nn.Sequential:
    first, second = KERNELS
    return nn.Sequential(Inception(1, first, first, norm=False), nn.MaxPool2d(2),
                         Inception(4 * first, second, second, norm=False), nn.MaxPool2d(2))  # fmt: skip


SYSTEM = System(
    name="dual_inception",
    number="",
    paper="Zhou, Mao, Xue: Dual-Inception network, FG 2019",
    public="description and sizes",
    chosen="narrow convolutions as wide as their block; dropout of one half; balanced classes, epochs fixed",
    reported="composite of MEGC2019, 3 classes, LOSO: UF1 .7322, UAR .7278",
    build=lambda classes, side=28: FlowSystem(DualInception(classes, side), side, "flow"),
    recipe=Recipe(epochs=12, rate=5e-4),
    quick=Quick(recipe=Recipe(epochs=15, rate=5e-4)),
    exported=True,
)
