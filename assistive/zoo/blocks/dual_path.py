"""Dual path: some channels are added to, as in a residual network, others are appended, as in a dense one.

Written from the description of Dual Path Networks (Chen et al., NIPS 2017). Tensors are ``(n, c, h, w)``; their first
``residual`` channels are the ones that are added to.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DualPath(nn.Module):
    """1x1, 3x3 in groups, 1x1; its first channels are added to the residual path, the others join the dense path.

    Args:
        c: input channels.
        residual: channels of the residual path, and of the bottleneck.
        increment: channels that join the dense path.
        groups: of the 3x3 convolution.
        stride: of the 3x3 convolution.
        opens: begins a stage: a 1x1 projection gives both paths their channels, two increments to the dense one.
            Otherwise the input has the residual path's channels in front.
    """

    def __init__(
        self, c: int, residual: int, increment: int, groups: int = 8, stride: int = 1, opens: bool = False
    ) -> None:
        super().__init__()
        self.residual = residual
        self.project = _ready(c, residual + 2 * increment, 1, stride) if opens else nn.Identity()
        self.steps = nn.Sequential(
            _ready(c, residual, 1), _ready(residual, residual, 3, stride, groups),
            _ready(residual, residual + increment, 1),
        )  # fmt: skip
        self.channels = (residual + 2 * increment if opens else c) + increment

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, h, w)`` to ``(n, channels, h / stride, w / stride)``."""
        kept, found, r = self.project(x), self.steps(x), self.residual
        return torch.cat([kept[:, :r] + found[:, :r], kept[:, r:], found[:, r:]], 1)


def _ready(c1: int, c2: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Norm and activation come before the convolution, so that what is added stays as it is."""
    convolution = nn.Conv2d(c1, c2, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(nn.BatchNorm2d(c1), nn.ReLU(), convolution)
