"""ResNet-18 (He et al., CVPR 2016), read out behind its last three stages.

Tensors are ``(batch, channels, height, width)``.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

WIDTHS = (64, 128, 256, 512)


class Basic(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which is a 1x1 convolution where shapes change.

    Args:
        c1: input channels.
        c2: output channels.
        stride: of the first convolution.
    """

    def __init__(self, c1: int, c2: int, stride: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(c1, c2, 3, stride, 1, bias=False), nn.BatchNorm2d(c2), nn.ReLU(),
            nn.Conv2d(c2, c2, 3, 1, 1, bias=False), nn.BatchNorm2d(c2),
        )  # fmt: skip
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or c1 != c2:
            self.shortcut = nn.Sequential(nn.Conv2d(c1, c2, 1, stride, bias=False), nn.BatchNorm2d(c2))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c1, h, w)`` to ``(n, c2, h / stride, w / stride)``."""
        return torch.relu(self.main(x) + self.shortcut(x))


class Resnet18(nn.Module):
    """The network without its classifier.

    Args:
        c: input channels.
        width: factor on all channels.
        small: for pictures of some thirty pixels: a 3x3 stem keeps the full resolution, and all strides are four times
            smaller.

    Attributes:
        channels: of its three outputs.
    """

    def __init__(self, c: int, width: float = 1.0, small: bool = False) -> None:
        super().__init__()
        widths = [max(8, round(one * width)) for one in WIDTHS]
        first = widths[0]
        stem: list[nn.Module] = [nn.Conv2d(c, first, 3, 1, 1, bias=False)]
        if not small:
            stem = [nn.Conv2d(c, first, 7, 2, 3, bias=False)]
        stem += [nn.BatchNorm2d(first), nn.ReLU(), *([] if small else [nn.MaxPool2d(3, 2, 1)])]
        self.stem = nn.Sequential(*stem, Basic(first, first, 1), Basic(first, first, 1))
        self.stages = nn.ModuleList(nn.Sequential(Basic(c1, c2, 2), Basic(c2, c2, 1)) for c1, c2 in pairwise(widths))
        self.channels = tuple(widths[1:])

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map ``(n, c, s, s)`` to maps at strides 8, 16 and 32 (2, 4 and 8 if ``small``)."""
        x = self.stem(x)
        seen = []
        for stage in self.stages:
            x = stage(x)
            seen.append(x)
        return seen
