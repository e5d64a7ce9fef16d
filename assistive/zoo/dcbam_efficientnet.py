"""DCBAM-EfficientNet: attention over places with a dilated kernel, in an EfficientNet (J. Phys. Conf. Ser. 2504, 2023).

CBAM weighs places by a 7x7 convolution. Here that is a 3x3 one with dilation 3, which sees the same 7x7 places
(1 + 2 * 3) with 18 weights for 98. Of the whole network that saves 80 weights in each of three places: nothing.
Public (012062) are this idea and that data are augmented. Our choices: EfficientNet-B0 (Tan and Le, 2019) at 128
pixels on the flow from onset to apex; attention behind stages 3, 5 and 7 of the table in Tan and Le (strides 4, 16 and
32), reduction 16; no stochastic depth; mirrored and turned by up to 8 degrees; half the width as an option.

Accepted when the attention's gradient reaches exactly 7x7 places, through 18 weights, with weights within 0..1.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assistive.zoo.blocks.attention import Cbam, ChannelAttention, SpatialAttention
from assistive.zoo.blocks.inverted import Inverted, convolution
from assistive.zoo.systems import Batch, Need, Quick, Recipe, System, SystemNetwork

STEM, HEAD = 32, 1280
STAGES = (
    (1, 16, 3, 1, 1), (6, 24, 3, 2, 2), (6, 40, 5, 2, 2), (6, 80, 3, 2, 3), (6, 112, 5, 1, 3), (6, 192, 5, 2, 4),
    (6, 320, 3, 1, 1),
)  # fmt: skip
"""Expansion, channels, kernel, stride, blocks of stages 2 to 8; the stem is stage 1."""
ATTENDED = (3, 5, 7)
"""Stages behind which places and channels are weighed."""
TURNED_DEG = 8.0
"""While training a clip is turned by up to so much."""
SMOOTHING = 0.1


class DcbamEfficientNet(SystemNetwork):
    """Classify a flow map.

    Args:
        classes: number of classes.
        side: side of the map, pixels.
        width: factor on all channels; .5 is for machines with little room.
        stem_stride: 1 keeps the full resolution, for maps much smaller than 128.
        dropout: share of the features that is dropped while training.
    """

    def __init__(
        self, classes: int, side: int = 128, width: float = 1.0, stem_stride: int = 2, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.inputs = (Need("flow", side),)
        self.register_buffer("scale", torch.ones(3, 1, 1))
        c = _channels(STEM, width)
        layers: list[nn.Module] = [convolution(3, c, 3, stem_stride)]
        for stage, (expand, channels, kernel, stride, blocks) in enumerate(STAGES, 2):
            for block in range(blocks):
                layers.append(Inverted(c, _channels(channels, width), expand, kernel, 1 if block else stride))
                c = _channels(channels, width)
            if stage in ATTENDED:
                layers.append(dcbam(c))
        self.features = nn.Sequential(*layers, convolution(c, _channels(HEAD, width), 1))
        self.classify = nn.Sequential(nn.Dropout(dropout), nn.Linear(_channels(HEAD, width), classes))

    def settle(self, batch: Batch) -> None:
        """Take the strength of each channel of the training flow for 1."""
        self.scale.copy_(batch["flow"].pow(2).mean((0, 2, 3)).sqrt().clamp_min(1e-6).view(3, 1, 1))

    def forward(self, batch: Batch) -> Batch:
        """Return ``logits``."""
        flow = batch["flow"] / self.scale
        if self.training:
            flow = turned(flow, (2 * torch.rand(len(flow)) - 1) * math.radians(TURNED_DEG), self.scale)
        return {"logits": self.classify(self.features(flow).mean((2, 3)))}

    def loss(self, out: Batch, batch: Batch) -> Tensor:
        """Return balanced cross-entropy on smoothed labels."""
        return F.cross_entropy(out["logits"], batch["label"], batch["class_weight"], label_smoothing=SMOOTHING)


def dcbam(c: int) -> Cbam:
    """Return CBAM with the dilated kernel, for ``c`` channels."""
    return Cbam(ChannelAttention(c, 16), SpatialAttention(3, dilation=3))


def turned(flow: Tensor, angle: Tensor, scale: Tensor) -> Tensor:
    """Turn flow maps about their middles, what is at a place and where it goes.

    Args:
        flow: u, v, strain ``(n, 3, s, s)``, each divided by its ``scale``.
        angle: ``(n,)``, radians, clockwise as seen (y points down).
        scale: ``(3, 1, 1)``.

    Returns:
        The same shape; beyond the edge nothing moves.
    """
    cos, sin = angle.cos(), angle.sin()
    still = torch.zeros_like(angle)
    back = torch.stack([torch.stack([cos, sin, still], 1), torch.stack([-sin, cos, still], 1)], 1)
    with torch.autocast("cpu", enabled=False):
        places = F.affine_grid(back, list(flow.shape), align_corners=False)
        u, v, strain = (F.grid_sample(flow, places, align_corners=False) * scale).unbind(1)
    cos, sin = cos[:, None, None], sin[:, None, None]
    return torch.stack([cos * u - sin * v, sin * u + cos * v, strain], 1) / scale


def _channels(c: int, width: float) -> int:
    """Return a number of channels times ``width``, as a multiple of 8."""
    return max(8, round(c * width / 8) * 8)


SYSTEM = System(
    name="dcbam_efficientnet",
    number="S12",
    paper="DCBAM-EfficientNet, Journal of Physics: Conference Series 2504, 012062, 2023",
    public="the idea: dilated attention over places in an EfficientNet, augmented data",
    chosen="EfficientNet-B0 without stochastic depth, where attention stands, flow as input, how it is trained",
    reported="unknown",
    build=DcbamEfficientNet,
    recipe=Recipe(epochs=30),
    exported=True,
    quick=Quick({"side": 28, "width": 0.5, "stem_stride": 1}, Recipe(epochs=25, batch=16)),
    heavy=True,
)
