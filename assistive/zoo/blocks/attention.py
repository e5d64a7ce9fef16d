"""Attention over channels and places (CBAM, Woo et al., ECCV 2018) and its relatives, for pictures and for clips.

Tensors are ``(batch, channels, height, width)`` or, with ``dimensions=3``, ``(batch, channels, time, height, width)``.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

CONVOLUTIONS = {2: nn.Conv2d, 3: nn.Conv3d}


class ChannelAttention(nn.Module):
    """Weigh the channels by their means and their peaks, each through the same two layers.

    Args:
        c: channels.
        reduction: how many times narrower the layer between is.
        join: ``sum``: sigmoid(peak + mean), as in CBAM; ``difference``: sigmoid((peak - mean) / 2).
        shared: False gives means and peaks layers of their own.
        slope: of the activation below 0.
    """

    def __init__(
        self, c: int, reduction: int = 16, join: Literal["sum", "difference"] = "sum", shared: bool = True,
        slope: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.join = join
        self.of_mean = _bottleneck(c, max(1, c // reduction), slope)
        self.of_peak = self.of_mean if shared else _bottleneck(c, max(1, c // reduction), slope)

    def weights(self, x: Tensor) -> Tensor:
        """Return the weight of each channel ``(n, c)``, 0..1."""
        flat = x.flatten(2)
        mean, peak = self.of_mean(flat.mean(2)), self.of_peak(flat.amax(2))
        score = peak + mean if self.join == "sum" else 0.5 * (peak - mean)
        return torch.sigmoid(score)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, ...)`` to the same shape."""
        weights = self.weights(x)
        return x * weights.view(*weights.shape, *(1,) * (x.ndim - 2))


class SpatialAttention(nn.Module):
    """Weigh the places by mean and peak over the channels.

    Args:
        kernel: of the convolution.
        dilation: 3 with kernel 3 sees the same 7 x 7 places as kernel 7, with 9 weights for 49.
        dimensions: 2 for pictures, 3 for clips.
        maps: 1, or one for each channel.
        bias: of the convolution.
    """

    def __init__(
        self, kernel: int = 7, dilation: int = 1, dimensions: int = 2, maps: int = 1, bias: bool = False
    ) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        self.weigh = CONVOLUTIONS[dimensions](2, maps, kernel, padding=padding, dilation=dilation, bias=bias)

    def weights(self, x: Tensor) -> Tensor:
        """Return the weight of each place ``(n, maps, ...)``, 0..1."""
        return torch.sigmoid(self.weigh(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, ...)`` to the same shape."""
        return x * self.weights(x)


class Cbam(nn.Module):
    """Channels first, then places of what is left; or both of the same input.

    Args:
        channel: attention over channels.
        spatial: attention over places.
        order: ``sequential`` as in the paper, or ``parallel``.
    """

    def __init__(
        self, channel: ChannelAttention, spatial: SpatialAttention,
        order: Literal["sequential", "parallel"] = "sequential",
    ) -> None:  # fmt: skip
        super().__init__()
        self.channel, self.spatial, self.order = channel, spatial, order

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, ...)`` to the same shape."""
        weighed = self.channel(x)
        out: Tensor = weighed * self.spatial.weights(weighed if self.order == "sequential" else x)
        return out


class SqueezeExcitation(nn.Module):
    """Weigh the channels by their means (Hu et al., CVPR 2018).

    Args:
        c: channels.
        reduction: how many times narrower the layer between is.
    """

    def __init__(self, c: int, reduction: int = 4) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.Conv2d(c, c // reduction, 1), nn.ReLU(), nn.Conv2d(c // reduction, c, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, h, w)`` to the same shape."""
        out: Tensor = x * self.weigh(x.mean((2, 3), keepdim=True))
        return out


def _bottleneck(c: int, hidden: int, slope: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(c, hidden), nn.LeakyReLU(slope), nn.Linear(hidden, c))
