"""Blocks that halve the picture: the reference, and what is meant to do it with less.

Written from the published descriptions (YOLOv5 v6; ADown of YOLOv9, Wang 2024; SPD-Conv, Sunkara 2022; GhostNet, Han
2020; GSConv, Li 2022). All take the number of channels before and after.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assistive.zoo.blocks.convolution import ConvBnAct, GhostConv, GSConv


class StridedDown(nn.Module):
    """The reference downsampling: one 3x3 convolution of stride 2."""

    def __init__(self, c1: int, c2: int) -> None:
        super().__init__()
        self.conv = ConvBnAct(c1, c2, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c1, h, w)`` to ``(n, c2, h / 2, w / 2)``."""
        out: Tensor = self.conv(x)
        return out


class SplitPoolDown(nn.Module):
    """Halve the picture with two cheap branches: half the channels by a strided 3x3, half by max-pool and 1x1.

    28 % of the weights of :class:`StridedDown`; both branches keep what the other loses (edges, peaks).
    """

    def __init__(self, c1: int, c2: int) -> None:
        super().__init__()
        self.conv = ConvBnAct(c1 // 2, c2 // 2, 3, 2)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.point = ConvBnAct(c1 - c1 // 2, c2 - c2 // 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c1, h, w)`` to ``(n, c2, h / 2, w / 2)``."""
        a, b = x.split([x.shape[1] // 2, x.shape[1] - x.shape[1] // 2], dim=1)
        return torch.cat([self.conv(a), self.point(self.pool(b))], dim=1)


class DepthwisePoolDown(nn.Module):
    """Halve the picture twice over, by a strided depthwise 3x3 and by max-pool, and weigh both with one 1x1.

    The idea of :class:`SplitPoolDown` with all channels in both branches and none split off: 22 % of the weights of
    :class:`StridedDown`.
    """

    def __init__(self, c1: int, c2: int) -> None:
        super().__init__()
        self.conv = ConvBnAct(c1, c1, 3, 2, groups=c1, active=False)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.point = ConvBnAct(2 * c1, c2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c1, h, w)`` to ``(n, c2, h / 2, w / 2)``."""
        out: Tensor = self.point(torch.cat([self.conv(x), self.pool(x)], dim=1))
        return out


class SpaceToDepthDown(nn.Module):
    """Lay every 2x2 of cells into the channels, then a 1x1 convolution: nothing is thrown away before it is weighed.

    SPD-Conv (Sunkara and Luo, 2022) with the smallest kernel; 44 % of the weights of :class:`StridedDown`.
    """

    def __init__(self, c1: int, c2: int) -> None:
        super().__init__()
        self.point = ConvBnAct(4 * c1, c2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c1, h, w)`` to ``(n, c2, h / 2, w / 2)``; both sides even."""
        out: Tensor = self.point(F.pixel_unshuffle(x, 2))
        return out


class GhostDown(GhostConv):
    """A ghost convolution, 3x3 and of stride 2."""

    def __init__(self, c1: int, c2: int) -> None:
        super().__init__(c1, c2, 3, 2)


class GSDown(GSConv):
    """A GSConv, 3x3 and of stride 2."""

    def __init__(self, c1: int, c2: int) -> None:
        super().__init__(c1, c2, 3, 2)
