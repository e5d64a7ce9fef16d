"""Convolutional blocks of the YOLOv5 family and the two that lighten it.

Written from the published description (YOLOv5 v6 architecture; CSP, Wang 2020; FasterNet, Chen 2023; ADown of
YOLOv9, Wang 2024). Tensors are ``(batch, channels, height, width)``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ConvBnAct(nn.Module):
    """Convolution without bias, batch norm, SiLU; ``same`` padding for odd kernels.

    Args:
        c1: input channels.
        c2: output channels.
        k: kernel size.
        s: stride.
        p: padding; None = ``k // 2``.
    """

    def __init__(self, c1: int, c2: int, k: int = 1, s: int = 1, p: int | None = None) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c1, c2, k, s, k // 2 if p is None else p, bias=False)
        self.bn = nn.BatchNorm2d(c2, eps=1e-3, momentum=0.03)
        self.act = nn.SiLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c1, h, w)`` to ``(n, c2, h / s, w / s)``."""
        out: Tensor = self.act(self.bn(self.conv(x)))
        return out


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


class C3(nn.Module):
    """Cross-stage partial block with three 1x1 convolutions around ``n`` residual units at half width."""

    def __init__(self, c1: int, c2: int, n: int, shortcut: bool, unit: type[nn.Module]) -> None:
        super().__init__()
        hidden = c2 // 2
        self.main = ConvBnAct(c1, hidden, 1)
        self.side = ConvBnAct(c1, hidden, 1)
        self.units = nn.Sequential(*(unit(hidden, shortcut) for _ in range(n)))
        self.merge = ConvBnAct(2 * hidden, c2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c1, h, w)`` to ``(n, c2, h, w)``."""
        out: Tensor = self.merge(torch.cat([self.units(self.main(x)), self.side(x)], dim=1))
        return out


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


class SPPF(nn.Module):
    """Spatial pyramid pooling: three chained 5x5 max-pools see 5, 9 and 13 cells."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.reduce = ConvBnAct(c, c // 2, 1)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.merge = ConvBnAct(c // 2 * 4, c, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, h, w)`` to the same shape."""
        x = self.reduce(x)
        a = self.pool(x)
        b = self.pool(a)
        out: Tensor = self.merge(torch.cat([x, a, b, self.pool(b)], dim=1))
        return out
