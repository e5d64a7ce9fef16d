"""Inception: four ways of looking at once, side by side (Szegedy et al., CVPR 2015; as Dual-Inception uses it).

Tensors are ``(batch, channels, height, width)``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Inception(nn.Module):
    """1x1; 1x1 then 3x3; 1x1 then 5x5; 3x3 max-pool then 1x1; joined.

    Args:
        c: input channels.
        k: output channels of each of the four ways.
        reduced: channels between the 1x1 and the wider kernel.
        norm: batch norm and ReLU behind each convolution, else ReLU alone.
    """

    def __init__(self, c: int, k: int, reduced: int = 6, norm: bool = True) -> None:
        super().__init__()
        self.ways = nn.ModuleList([
            _convolution(c, k, 1, norm),
            nn.Sequential(_convolution(c, reduced, 1, norm), _convolution(reduced, k, 3, norm)),
            nn.Sequential(_convolution(c, reduced, 1, norm), _convolution(reduced, k, 5, norm)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), _convolution(c, k, 1, norm)),
        ])  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, h, w)`` to ``(n, 4 k, h, w)``."""
        return torch.cat([way(x) for way in self.ways], 1)


def _convolution(c1: int, c2: int, kernel: int, norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(c1, c2, kernel, padding=kernel // 2)]
    return nn.Sequential(*layers, *([nn.BatchNorm2d(c2)] if norm else []), nn.ReLU())
