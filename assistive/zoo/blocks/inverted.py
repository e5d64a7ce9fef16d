"""The inverted bottleneck of MobileNet and EfficientNet (Sandler et al., CVPR 2018; Tan and Le, ICML 2019).

Tensors are ``(batch, channels, height, width)``.
"""

from __future__ import annotations

from torch import Tensor, nn


class Inverted(nn.Module):
    """1x1 to more channels, a kernel for each by itself, squeeze and excitation, 1x1 back; added where shapes allow.

    Args:
        c1: input channels.
        c2: output channels.
        expand: how many times more channels there are between.
        kernel: of the middle convolution.
        stride: of it.
    """

    def __init__(self, c1: int, c2: int, expand: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = c1 * expand
        layers = [] if expand == 1 else [convolution(c1, wide, 1)]
        self.main = nn.Sequential(
            *layers,
            convolution(wide, wide, kernel, stride, groups=wide),
            Excitation(wide, max(1, c1 // 4)),
            nn.Conv2d(wide, c2, 1, bias=False), nn.BatchNorm2d(c2),
        )  # fmt: skip
        self.adds = stride == 1 and c1 == c2

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c1, h, w)`` to ``(n, c2, h / stride, w / stride)``."""
        out: Tensor = self.main(x)
        return out + x if self.adds else out


class Excitation(nn.Module):
    """Weigh the channels by their means, with SiLU between; narrowed to a number that its block's input sets.

    Args:
        c: channels.
        narrow: channels between.
    """

    def __init__(self, c: int, narrow: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(nn.Conv2d(c, narrow, 1), nn.SiLU(), nn.Conv2d(narrow, c, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, h, w)`` to the same shape."""
        out: Tensor = x * self.weigh(x.mean((2, 3), keepdim=True))
        return out


def convolution(c1: int, c2: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Return a convolution with batch norm and SiLU."""
    conv = nn.Conv2d(c1, c2, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(c2), nn.SiLU())
