"""MER-AMRE: magnified clips, the face beside its attended regions, and an LSTM both ways (Multimedia Systems 2022).

Wang, Guo, Sun, Zheng and Lang name the parts: Eulerian magnification before all, regions of interest with attention,
their features joined with those of the whole face. All sizes are our choice, the filters of the magnification too
(``assistive.training.datasets.magnification``), and every moment is seen beside what has changed since the onset. Their
extractor of regions learned on AffectNet first, whose licence binds; ours learns from the clips alone. Accepted when a
sinusoidal movement of .3 pixels grows 5 to 15 times while a still picture stays within one grey level.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from assistive.zoo.blocks.attention import Cbam, ChannelAttention, SpatialAttention
from assistive.zoo.blocks.regions import cut
from assistive.zoo.systems import Batch, Need, Quick, Recipe, System, SystemNetwork

WIDTHS = (32, 64, 128)
"""Channels of both extractors; each of their convolutions halves the side."""
STATES = 128
"""Of the LSTM, each way."""
EYES, MOUTH_HALVES = [0, 1], [3, 4]
"""Regions with the brow above each eye, and the two whose hull is the mouth; numbers in ``regions``."""


class MerAmre(SystemNetwork):
    """Classify magnified pictures of a clip.

    Args:
        classes: number of classes.
        steps: pictures.
        side: of a picture, pixels; at least 32.
        region_side: to which regions are stretched, pixels; at least 16.
        dropout: share of the features that is dropped, before the LSTM and behind it, while training.
    """

    def __init__(
        self, classes: int, steps: int = 8, side: int = 112, region_side: int = 48, dropout: float = 0.3
    ) -> None:
        super().__init__()
        self.inputs = (Need("magnified", side, steps), Need("regions", side))
        self.region_side = region_side
        self.register_buffer("middle", torch.zeros(2, 1, 1))
        self.register_buffer("reach", torch.ones(2, 1, 1))
        self.face, self.parts = _extractor(attend=False), _extractor(attend=True)
        features = (1 + len(EYES) + 1) * WIDTHS[-1]
        self.remember = nn.LSTM(features, STATES, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(dropout)
        self.classify = nn.Linear(2 * STATES, classes)

    def settle(self, batch: Batch) -> None:
        """Take mean and spread of the training pictures, and of their changes, for 0 and 1."""
        seen = changes(batch["magnified"])
        self.middle.copy_(seen.mean((0, 1, 3, 4)).view(2, 1, 1))
        self.reach.copy_(seen.std((0, 1, 3, 4)).clamp_min(1e-4).view(2, 1, 1))

    def forward(self, batch: Batch) -> Batch:
        """Return ``logits`` and the features of each moment, ``moments`` ``(n, T, 512)``: face, eyes, mouth."""
        seen = (changes(batch["magnified"]) - self.middle) / self.reach
        n, steps = seen.shape[:2]
        regions = cut(seen.flatten(1, 2), boxes(batch["regions"]), self.region_side)
        parts = regions.unflatten(2, (steps, 2)).transpose(1, 2)  # n, T, region, 2, s, s
        face = self.face(seen.flatten(0, 1)).view(n, steps, -1)
        moments = torch.cat([face, self.parts(parts.flatten(0, 2)).view(n, steps, -1)], 2)
        states, _ = self.remember(self.drop(moments))
        return {"logits": self.classify(self.drop(states.mean(1))), "moments": moments}


def changes(pictures: Tensor) -> Tensor:
    """Put beside each grey picture ``(n, T, 1, s, s)`` its difference to the first: ``(n, T, 2, s, s)``."""
    return torch.cat([pictures, pictures - pictures[:, :1]], 2)


def boxes(regions: Tensor) -> Tensor:
    """Return right eye, left eye and mouth ``(n, 3, 4)`` of ``regions`` ``(n, 7, 4)``."""
    mouth = regions[:, MOUTH_HALVES]
    hull = torch.cat([mouth[:, :, :2].amin(1), mouth[:, :, 2:].amax(1)], 1)
    return torch.cat([regions[:, EYES], hull[:, None]], 1)


def _extractor(attend: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for c1, c2 in zip((2, *WIDTHS), WIDTHS, strict=False):
        layers += [nn.Conv2d(c1, c2, 3, 2, 1, bias=False), nn.BatchNorm2d(c2), nn.ReLU()]
        layers += [Cbam(ChannelAttention(c2, 16), SpatialAttention(7))] if attend else []
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


SYSTEM = System(
    name="mer_amre",
    number="S9",
    paper="Wang, Guo, Sun, Zheng, Lang: MER-AMRE, Multimedia Systems 2022",
    public="names of the parts",
    chosen="filters and gain of the magnification, all sizes, changes since the onset beside each picture, no training "
    "on AffectNet first",
    reported="unknown",
    build=MerAmre,
    recipe=Recipe(epochs=12),
    quick=Quick({"side": 64, "region_side": 32}, Recipe(epochs=20, batch=16)),
    heavy=True,
)
