"""Off-TANet: a tiny residual network whose last block attends in three ways (Zhang et al., PRICAI 2021).

Written from the published description: channel, spatial and self-attention in one block, on the flow from onset to
apex. At 112 pixels it has the 59,403 parameters of the paper. For the 28 pixels of packed maps, which the paper does
not use, the stem keeps the full resolution; everything else stays.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from assistive.zoo.systems import FlowSystem, Recipe, System

WIDTHS = (8, 18, 28)
"""Channels after the stem and the two residual blocks."""

HALVING_STEM_FROM = 56
"""From this side on, in pixels, the stem halves the map."""


class Residual(nn.Module):
    """Two 3x3 convolutions beside a 1x1 shortcut, then a 2x2 max-pool."""

    def __init__(self, c1: int, c2: int) -> None:
        super().__init__()
        self.main = nn.Sequential(*_convolution(c1, c2), *_convolution(c2, c2))
        self.shortcut = nn.Conv2d(c1, c2, 1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c1, h, w)`` to ``(n, c2, h / 2, w / 2)``."""
        out: Tensor = self.pool(self.main(x) + self.shortcut(x))
        return out


class ChannelAttention(nn.Module):
    """Weigh the channels by their mean and their peak, through one shared bottleneck (after CBAM, Woo et al. 2018).

    The bottleneck has a single unit. CBAM's ReLU behind it would let nothing through, and learn nothing, from every
    second start, so there is none.
    """

    def __init__(self, c: int) -> None:
        super().__init__()
        self.bottleneck = nn.Sequential(nn.Conv2d(c, 1, 1, bias=False), nn.Conv2d(1, c, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, h, w)`` to the same shape."""
        weight = self.bottleneck(x.mean((2, 3), keepdim=True)) + self.bottleneck(x.amax((2, 3), keepdim=True))
        return x * weight.sigmoid()


class SpatialAttention(nn.Module):
    """Weigh the places by mean and peak over the channels (CBAM)."""

    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.Conv2d(2, 1, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, h, w)`` to the same shape."""
        seen = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
        return x * self.weigh(seen).sigmoid()


class SelfAttention(nn.Module):
    """The paper's own self-attention: one weight for each place of each channel, all of them together 1.

    The rows of a map are compared with one another and with their positions, softmax(Q K' + Q P') runs over the whole
    map, and the values are multiplied with it place by place. Its four heads are groups of channels that share
    nothing; since each attends by itself, they need no axis of their own.

    Args:
        c: channels.
        side: side of the map, pixels.
    """

    positions: Tensor

    def __init__(self, c: int, side: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Conv2d(c, c, 1) for _ in range(3))
        index = torch.arange(side)
        angle = 10000.0 ** (-(index // 2) / side)
        wave = torch.where(index % 2 == 0, angle.sin(), angle.cos())
        self.register_buffer("positions", wave[:, None] + wave[None, :], persistent=False)

    def attention(self, x: Tensor) -> Tensor:
        """Return the weights ``(n, c, side, side)``; those of one channel sum to 1."""
        query = self.query(x)
        score = query @ self.key(x).transpose(2, 3) + query @ self.positions.T
        return score.flatten(2).softmax(2).view_as(score)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, side, side)`` to the same shape."""
        out: Tensor = self.attention(x) * self.value(x)
        return out


class EnhancedResidual(nn.Module):
    """The last block: 3x3 convolution, the three attentions, 3x3 convolution, beside a 1x1 shortcut."""

    def __init__(self, c1: int, c2: int, side: int) -> None:
        super().__init__()
        self.shortcut = nn.Conv2d(c1, c2, 1)
        self.attend = SelfAttention(c1, side)
        self.main = nn.Sequential(
            *_convolution(c1, c1), ChannelAttention(c1), SpatialAttention(), self.attend, *_convolution(c1, c2)
        )
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c1, side, side)`` to ``(n, c2, side / 2, side / 2)``."""
        out: Tensor = self.pool(self.main(x) + self.shortcut(x))
        return out


class OffTANet(nn.Module):
    """Classify flow maps.

    Args:
        classes: number of classes.
        side: side of a map, pixels; a multiple of 4, at least 16.
        dropout: share of the hidden units that is dropped while training.
    """

    def __init__(self, classes: int, side: int, dropout: float = 0.5) -> None:
        super().__init__()
        stride = 2 if side >= HALVING_STEM_FROM else 1
        inner = side // stride // 4
        stem, middle, last = WIDTHS
        self.features = nn.Sequential(
            nn.Conv2d(3, stem, 7, stride, 3), nn.ReLU(), nn.BatchNorm2d(stem),
            Residual(stem, middle), Residual(middle, last), EnhancedResidual(last, stem, inner),
        )  # fmt: skip
        self.classify = nn.Sequential(
            nn.Flatten(),
            nn.Linear(stem * (inner // 2) ** 2, 64), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(64, 64), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(64, classes),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Map flow ``(n, 3, side, side)`` (u, v, strain) to logits ``(n, classes)``."""
        out: Tensor = self.classify(self.features(x))
        return out


def _convolution(c1: int, c2: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(c1, c2, 3, padding=1), nn.BatchNorm2d(c2), nn.ReLU()


def build(classes: int = 3, side: int = 28) -> OffTANet:
    """Build the network for maps of ``side`` pixels."""
    return OffTANet(classes, side)


SYSTEM = System(
    name="off_tanet",
    number="S16",
    paper="Zhang et al.: Off-TANet, PRICAI 2021",
    public="code: layers, optimiser, preprocessing",
    chosen="strain by its formula (the code squares du/dy for dv/dy); balanced classes; no ReLU in a bottleneck of one",
    reported="CASME + CASME II + CAS(ME)^2, 294 clips, 3 classes, LOSO, best epoch by test, mean of subjects: "
    "UF1 .7242, UAR .7315",
    build=lambda classes, side=112: FlowSystem(OffTANet(classes, side), side, "flow"),
    recipe=Recipe(epochs=12),
    parameters=59_403,
    exported=True,
)
