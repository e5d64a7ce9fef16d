"""YOLOv5s and its lightened variants: one graph, widths and blocks as parameters.

The paper (Computation 13(12):277, 2025) lightens YOLOv5s with "residual modules and efficient downsampling modules"
and names no figures; the choice here is the partial-convolution residual and the split/pool downsampling, with narrow
early stages and a narrow neck, which is what pays on a CPU (docs/results/architecture of the parts: see the card).
The file is our own, written from the published description of YOLOv5 v6.0.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from assistive.zoo.blocks.convolution import (
    C3,
    SPPF,
    Bottleneck,
    ConvBnAct,
    PartialResidual,
    SplitPoolDown,
    StridedDown,
)

STRIDES = (8, 16, 32)
ANCHORS = (
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)
"""Width and height of the anchors in input pixels, three for each stride."""


@dataclass(frozen=True, slots=True)
class Variant:
    """Widths of the five stages and of the three neck levels, units a stage, and the two blocks."""

    widths: tuple[int, int, int, int, int]
    neck: tuple[int, int, int]
    depths: tuple[int, int, int, int]
    unit: type[nn.Module]
    down: type[nn.Module]


VARIANTS = {
    "yolov5s": Variant((32, 64, 128, 256, 512), (128, 256, 512), (1, 2, 3, 1), Bottleneck, StridedDown),
    "yolov5n": Variant((16, 32, 64, 128, 256), (64, 128, 256), (1, 2, 3, 1), Bottleneck, StridedDown),
    "yolov5s_lite": Variant((24, 48, 112, 256, 416), (80, 128, 192), (1, 2, 3, 1), PartialResidual, SplitPoolDown),
}
"""The reference, its smallest sister, and ours."""


class Yolov5(nn.Module):
    """Backbone, path-aggregation neck and the anchor-based head with objectness.

    Args:
        classes: number of classes.
        variant: widths, depths and blocks.
    """

    def __init__(self, classes: int, variant: Variant) -> None:
        super().__init__()
        w1, w2, w3, w4, w5 = variant.widths
        k3, k4, k5 = variant.neck
        d2, d3, d4, d5 = variant.depths
        unit, down = variant.unit, variant.down
        self.classes = classes
        self.stem = ConvBnAct(3, w1, 6, 2, 2)
        self.stage2 = nn.Sequential(down(w1, w2), C3(w2, w2, d2, True, unit))
        self.stage3 = nn.Sequential(down(w2, w3), C3(w3, w3, d3, True, unit))
        self.stage4 = nn.Sequential(down(w3, w4), C3(w4, w4, d4, True, unit))
        self.stage5 = nn.Sequential(down(w4, w5), C3(w5, w5, d5, True, unit), SPPF(w5))
        self.lateral5 = ConvBnAct(w5, k4, 1)
        self.top4 = C3(k4 + w4, k4, 1, False, unit)
        self.lateral4 = ConvBnAct(k4, k3, 1)
        self.top3 = C3(k3 + w3, k3, 1, False, unit)
        self.down3 = down(k3, k3)
        self.bottom4 = C3(2 * k3, k4, 1, False, unit)
        self.down4 = down(k4, k4)
        self.bottom5 = C3(2 * k4, k5, 1, False, unit)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.heads = nn.ModuleList(nn.Conv2d(k, 3 * (5 + classes), 1) for k in (k3, k4, k5))
        self._start_quiet()

    def _start_quiet(self) -> None:
        # Focal-loss initialisation: about eight hands in a 640 px picture, so that training does not start by
        # un-learning thousands of false hands.
        for head, stride in zip(self.heads, STRIDES, strict=True):
            assert isinstance(head, nn.Conv2d) and head.bias is not None
            bias = head.bias.detach().view(3, -1)
            bias[:, 4] += torch.log(torch.tensor(8 / (640 / stride) ** 2))
            bias[:, 5:] += torch.log(torch.tensor(0.6 / (self.classes - 0.99999)))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Predict raw head outputs.

        Args:
            x: float ``(n, 3, h, w)``, RGB in 0..1, sides multiples of 32.

        Returns:
            For each stride a tensor ``(n, 3, h / stride, w / stride, 5 + classes)``: x, y, w, h, objectness, classes,
            all before the sigmoid.
        """
        p3 = self.stage3(self.stage2(self.stem(x)))
        p4 = self.stage4(p3)
        p5 = self.lateral5(self.stage5(p4))
        n4 = self.lateral4(self.top4(torch.cat([self.up(p5), p4], 1)))
        out3 = self.top3(torch.cat([self.up(n4), p3], 1))
        out4 = self.bottom4(torch.cat([self.down3(out3), n4], 1))
        out5 = self.bottom5(torch.cat([self.down4(out4), p5], 1))
        raw = []
        for head, feature in zip(self.heads, (out3, out4, out5), strict=True):
            n, _, rows, columns = feature.shape
            y = head(feature).view(n, 3, 5 + self.classes, rows, columns)
            raw.append(y.permute(0, 1, 3, 4, 2).contiguous())
        return raw


class Decode(nn.Module):
    """Turn raw head outputs into boxes, so that the exported file needs no arithmetic outside.

    Args:
        network: the trained network.
    """

    def __init__(self, network: Yolov5) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, 3, h, w)`` to ``(n, anchors, 5 + classes)``: centre x, y, w, h in input pixels, probabilities."""
        flat = []
        for raw, stride, anchors in zip(self.network(x), STRIDES, ANCHORS, strict=True):
            n, _, rows, columns, width = raw.shape
            y = raw.sigmoid()
            cells_y, cells_x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
            grid = torch.stack([cells_x, cells_y], -1).to(y) - 0.5
            size = torch.tensor(anchors).to(y).view(1, 3, 1, 1, 2)
            centre = (y[..., 0:2] * 2 + grid) * stride
            extent = (y[..., 2:4] * 2) ** 2 * size
            flat.append(torch.cat([centre, extent, y[..., 4:]], -1).view(n, 3 * rows * columns, width))
        return torch.cat(flat, 1)


def build(name: str, classes: int) -> Yolov5:
    """Build a variant by name.

    Args:
        name: key of :data:`VARIANTS`.
        classes: number of classes; 19 with ``no_gesture``.

    Raises:
        KeyError: no variant has that name.
    """
    return Yolov5(classes, VARIANTS[name])
