"""MFE-Net: multi-scale residual blocks with squeeze-and-excitation, then self-attention (SIViP 2024).

The paper (s11760-024-03221-1) names the parts: a light network of residual blocks with multi-scale features,
squeeze-and-excitation and multi-head self-attention on the flow from onset to apex. Its sizes are not public; those
here are our choice.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from assistive.zoo.blocks.attention import SqueezeExcitation
from assistive.zoo.systems import FlowSystem, Recipe, System

WIDTHS = (16, 32, 64)
"""Channels of the three blocks."""

HEADS = 4


class MultiScaleResidual(nn.Module):
    """A third of the channels sees 1x1, a third 3x3, the rest 5x5 pixels (two 3x3); weighed, joined, and added.

    Args:
        c1: input channels.
        c2: output channels.
    """

    def __init__(self, c1: int, c2: int) -> None:
        super().__init__()
        third = c2 // 3
        rest = c2 - 2 * third
        self.near = _convolution(c1, third, 1)
        self.middle = _convolution(c1, third, 3)
        self.wide = nn.Sequential(_convolution(c1, rest, 3), _convolution(rest, rest, 3))
        self.weigh = SqueezeExcitation(c2)
        self.project = nn.Sequential(nn.Conv2d(c2, c2, 1, bias=False), nn.BatchNorm2d(c2))
        self.shortcut = nn.Identity() if c1 == c2 else nn.Conv2d(c1, c2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c1, h, w)`` to ``(n, c2, h, w)``."""
        seen = torch.cat([self.near(x), self.middle(x), self.wide(x)], 1)
        return torch.relu(self.project(self.weigh(seen)) + self.shortcut(x))


class MfeNet(nn.Module):
    """Classify flow maps.

    Args:
        classes: number of classes.
        side: side of a map, pixels; a multiple of 4.
        dropout: share of the features that is dropped while training.
    """

    def __init__(self, classes: int, side: int, dropout: float = 0.3) -> None:
        super().__init__()
        narrow, middle, wide = WIDTHS
        self.features = nn.Sequential(
            _convolution(3, narrow, 3),
            MultiScaleResidual(narrow, narrow), nn.MaxPool2d(2),
            MultiScaleResidual(narrow, middle), nn.MaxPool2d(2),
            MultiScaleResidual(middle, wide),
        )  # fmt: skip
        self.positions = nn.Parameter(torch.randn(1, (side // 4) ** 2, wide) * 0.02)
        self.norm = nn.LayerNorm(wide)
        self.attend = nn.MultiheadAttention(wide, HEADS, batch_first=True)
        self.classify = nn.Sequential(nn.Dropout(dropout), nn.Linear(wide, classes))

    def attention(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Attend.

        Args:
            x: ``(n, 3, side, side)``: u, v, strain.

        Returns:
            Tokens ``(n, t, 64)`` and the attention of each head ``(n, 4, t, t)``, whose rows sum to 1; t = (side/4)^2.
        """
        tokens = self.features(x).flatten(2).transpose(1, 2) + self.positions
        normed = self.norm(tokens)
        seen, weights = self.attend(normed, normed, normed, average_attn_weights=False)
        return tokens + seen, weights

    def forward(self, x: Tensor) -> Tensor:
        """Map flow ``(n, 3, side, side)`` (u, v, strain) to logits ``(n, classes)``."""
        tokens, _ = self.attention(x)
        out: Tensor = self.classify(tokens.mean(1))
        return out


def _convolution(c1: int, c2: int, k: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(c1, c2, k, padding=k // 2, bias=False), nn.BatchNorm2d(c2), nn.ReLU())


def build(classes: int = 3, side: int = 28) -> MfeNet:
    """Build the network for maps of ``side`` pixels."""
    return MfeNet(classes, side)


SYSTEM = System(
    name="mfe_net",
    number="S13",
    paper="MFE-Net, Signal, Image and Video Processing 2024, s11760-024-03221-1",
    public="names of the parts",
    chosen="all sizes, and how it is trained",
    reported="unknown",
    build=lambda classes, side=28: FlowSystem(MfeNet(classes, side), side, "flow_map"),
    recipe=Recipe(epochs=25),
    exported=True,
)
