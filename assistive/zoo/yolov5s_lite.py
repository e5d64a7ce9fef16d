"""YOLOv5s and its lightened variants: one graph, widths and blocks as parameters.

The paper (Computation 13(12):277, 2025) lightens YOLOv5s with "residual modules and efficient downsampling modules"
and names no figures; the choice here is the partial-convolution residual and the split/pool downsampling, with narrow
early stages and a narrow neck, which is what pays on a CPU (docs/architecture_study.md).
The file is our own, written from the published description of YOLOv5 v6.0.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from assistive.errors import ConfigError
from assistive.yamlfile import nearest
from assistive.zoo.blocks.convolution import C3, SPPF, ConvBnAct, GhostConv, GSConv
from assistive.zoo.blocks.downsampling import (
    DepthwisePoolDown,
    GhostDown,
    GSDown,
    SpaceToDepthDown,
    SplitPoolDown,
    StridedDown,
)
from assistive.zoo.blocks.units import Bottleneck, DepthwiseResidual, GhostBottleneck, GSBottleneck, PartialResidual
from assistive.zoo.variants import Variant, variants

STRIDES = (8, 16, 32)
ANCHORS = (
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)
"""Width and height of the anchors in input pixels, three for each stride."""


UNITS: dict[str, type[nn.Module]] = {
    "bottleneck": Bottleneck, "partial": PartialResidual, "depthwise": DepthwiseResidual, "ghost": GhostBottleneck,
    "gsconv": GSBottleneck,
}  # fmt: skip
DOWNS: dict[str, type[nn.Module]] = {
    "strided": StridedDown, "split_pool": SplitPoolDown, "depthwise_pool": DepthwisePoolDown,
    "space_to_depth": SpaceToDepthDown, "ghost": GhostDown, "gsconv": GSDown,
}  # fmt: skip
LATERALS: dict[str, type[nn.Module]] = {"plain": ConvBnAct, "ghost": GhostConv, "gsconv": GSConv}
ACTIVATIONS = {"silu": nn.SiLU, "hardswish": nn.Hardswish, "relu": nn.ReLU}
"""Blocks by their names in ``configs/train/detectors.yaml``."""


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
        unit, down = UNITS[variant.unit], DOWNS[variant.down]
        neck_unit, neck_down = UNITS[variant.neck_unit or variant.unit], DOWNS[variant.neck_down or variant.down]
        lateral = LATERALS[variant.lateral]
        self.classes = classes
        self.stem = ConvBnAct(3, w1, variant.stem, 2, (variant.stem - 1) // 2)
        self.stage2 = nn.Sequential(down(w1, w2), C3(w2, w2, d2, True, unit))
        self.stage3 = nn.Sequential(down(w2, w3), C3(w3, w3, d3, True, unit))
        self.stage4 = nn.Sequential(down(w3, w4), C3(w4, w4, d4, True, unit))
        self.stage5 = nn.Sequential(down(w4, w5), C3(w5, w5, d5, True, unit), SPPF(w5))
        self.lateral5 = lateral(w5, k4, 1)
        self.top4 = C3(k4 + w4, k4, 1, False, neck_unit)
        self.lateral4 = lateral(k4, k3, 1)
        self.top3 = C3(k3 + w3, k3, 1, False, neck_unit)
        self.down3 = neck_down(k3, k3)
        self.bottom4 = C3(2 * k3, k4, 1, False, neck_unit)
        self.down4 = neck_down(k4, k4)
        self.bottom5 = C3(2 * k4, k5, 1, False, neck_unit)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.heads = nn.ModuleList(nn.Conv2d(k, 3 * (5 + classes), 1) for k in (k3, k4, k5))
        self._activate(ACTIVATIONS[variant.activation])
        self._start_quiet()

    def _activate(self, activation: type[nn.Module]) -> None:
        for module in self.modules():
            if isinstance(module, ConvBnAct) and isinstance(module.act, nn.SiLU):
                module.act = activation(inplace=True)

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
        return self.candidates(self.network(x))

    def candidates(self, outputs: list[Tensor]) -> Tensor:
        """Do the same with raw head outputs."""
        flat = []
        for raw, stride, anchors in zip(outputs, STRIDES, ANCHORS, strict=True):
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
        name: a name in ``configs/train/detectors.yaml``.
        classes: number of classes; 19 with ``no_gesture``.

    Raises:
        ConfigError: no variant has that name, or the file is wrong.
    """
    known = variants()
    if name not in known:
        raise ConfigError(f"no detector {name!r}; there are {', '.join(known)}", nearest(name, known), "zoo.variant")
    return Yolov5(classes, known[name])
