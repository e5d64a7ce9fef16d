"""Convolutional blocks that the YOLOv5 family is built of.

Written from the published descriptions (YOLOv5 v6 architecture; CSP, Wang 2020; GhostNet, Han 2020; GSConv, Li 2022).
Tensors are ``(batch, channels, height, width)``.
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
        groups: groups of channels that see only themselves.
        active: False leaves the activation out.
    """

    def __init__(
        self, c1: int, c2: int, k: int = 1, s: int = 1, p: int | None = None, groups: int = 1, active: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c1, c2, k, s, k // 2 if p is None else p, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(c2, eps=1e-3, momentum=0.03)
        self.act: nn.Module = nn.SiLU(inplace=True) if active else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c1, h, w)`` to ``(n, c2, h / s, w / s)``."""
        out: Tensor = self.act(self.bn(self.conv(x)))
        return out


class GhostConv(nn.Module):
    """Half of the outputs by a convolution, the other half by a cheap 5x5 depthwise one on the first half.

    Ghost module (Han et al., CVPR 2020). Its arithmetic is half; its time is not, since depthwise kernels wait for
    memory.

    Args:
        c1: input channels.
        c2: output channels, even.
        k: kernel size.
        s: stride.
        active: False leaves the activations out.
    """

    def __init__(self, c1: int, c2: int, k: int = 1, s: int = 1, active: bool = True) -> None:
        super().__init__()
        self.primary = ConvBnAct(c1, c2 // 2, k, s, active=active)
        self.cheap = ConvBnAct(c2 // 2, c2 // 2, 5, groups=c2 // 2, active=active)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c1, h, w)`` to ``(n, c2, h / s, w / s)``."""
        y = self.primary(x)
        return torch.cat([y, self.cheap(y)], dim=1)


class GSConv(GhostConv):
    """The same with the two halves shuffled into each other, so that the next layer meets both everywhere.

    GSConv (Li et al., "Slim-neck by GSConv", 2022).
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c1, h, w)`` to ``(n, c2, h / s, w / s)``."""
        y = super().forward(x)
        n, c, h, w = y.shape
        return y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


class C3(nn.Module):
    """Cross-stage partial block with three 1x1 convolutions around ``n`` units at half width.

    With :class:`assistive.zoo.blocks.units.GSBottleneck` as unit it is the VoV-GSCSP of the slim neck.
    """

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
