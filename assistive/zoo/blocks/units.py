"""Residual units: what stands inside a cross-stage partial block, at constant width and size.

Written from the published descriptions (YOLOv5 v6; FasterNet, Chen 2023; GhostNet, Han 2020; GSConv, Li 2022).
All take the number of channels, and whether the input is added to the output where the unit leaves that open.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from assistive.zoo.blocks.convolution import ConvBnAct, GhostConv, GSConv


class Bottleneck(nn.Module):
    """1x1 then 3x3 convolution at constant width, with an optional residual."""

    def __init__(self, c: int, shortcut: bool) -> None:
        super().__init__()
        self.reduce = ConvBnAct(c, c, 1)
        self.conv = ConvBnAct(c, c, 3)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, h, w)`` to the same shape."""
        y: Tensor = self.conv(self.reduce(x))
        return x + y if self.shortcut else y


class PartialResidual(nn.Module):
    """3x3 on the first quarter of the channels, then a 1x1 expansion by two and projection, added to the input.

    The partial convolution of FasterNet (Chen et al., CVPR 2023): most channels pass untouched, which saves memory
    traffic, not only arithmetic.
    """

    def __init__(self, c: int, shortcut: bool = True) -> None:
        super().__init__()
        self.part = c // 4
        self.spatial = nn.Conv2d(self.part, self.part, 3, 1, 1, bias=False)
        self.expand = ConvBnAct(c, 2 * c, 1)
        self.project = nn.Conv2d(2 * c, c, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, h, w)`` to the same shape."""
        head, rest = x.split([self.part, x.shape[1] - self.part], dim=1)
        y: Tensor = self.project(self.expand(torch.cat([self.spatial(head), rest], dim=1)))
        return x + y


class DepthwiseResidual(nn.Module):
    """3x3 depthwise convolution, then a 1x1 expansion by two and projection, added to the input.

    The same shape as :class:`PartialResidual`, but every channel looks around itself, and nothing is split: a runtime
    that keeps channels in blocks (onnxruntime's NCHWc) need not sort them out and back for every unit.
    """

    def __init__(self, c: int, shortcut: bool = True) -> None:
        super().__init__()
        self.spatial = ConvBnAct(c, c, 3, groups=c, active=False)
        self.expand = ConvBnAct(c, 2 * c, 1)
        self.project = nn.Conv2d(2 * c, c, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, h, w)`` to the same shape."""
        y: Tensor = self.project(self.expand(self.spatial(x)))
        return x + y


class GhostBottleneck(nn.Module):
    """Two 1x1 ghost convolutions, the first to half the width, the second without activation, added to the input.

    Ghost bottleneck of stride 1 (Han et al., CVPR 2020), narrowed where the original widens, as in YOLOv5's variant.
    """

    def __init__(self, c: int, shortcut: bool = True) -> None:
        super().__init__()
        self.reduce = GhostConv(c, c // 2)
        self.expand = GhostConv(c // 2, c, active=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, h, w)`` to the same shape."""
        y: Tensor = self.expand(self.reduce(x))
        return x + y


class GSBottleneck(nn.Module):
    """:class:`Bottleneck` of GSConv: 1x1 then 3x3, with an optional residual (Li et al., 2022)."""

    def __init__(self, c: int, shortcut: bool) -> None:
        super().__init__()
        self.reduce = GSConv(c, c, 1)
        self.conv = GSConv(c, c, 3)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, h, w)`` to the same shape."""
        y: Tensor = self.conv(self.reduce(x))
        return x + y if self.shortcut else y
