"""ADP-DSTN: action units first, the emotion from them (Electronics 2024, 13(20) 4012).

A Dual Path Network with attention behind every bottleneck looks at the apex, three shallow 3-D streams at the flow; a
detector for each action unit reads both, and the emotion follows from what was detected. The paper gives these parts,
6.356 M parameters and 1,087 MFLOPs; the sizes are our choice, and that one trunk serves all detectors (which share
nothing else, so that each is trained on its own unit alone). ``assistive.training.action_units`` trains it. Accepted
within 6.4 M parameters and 1.1 GFLOPs when every unit that the test-bed moves is ranked with an AUC above .9.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assistive.zoo.blocks.attention import Cbam, ChannelAttention, SpatialAttention
from assistive.zoo.blocks.dual_path import DualPath
from assistive.zoo.systems import Batch, Need, Quick, Recipe, System, SystemNetwork

UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17)
"""Action units that are detected: the first columns of ``action_units``, in their order."""
POSITIVE, NEGATIVE = (12,), (4, 7, 9, 10, 14, 15, 17)
SURPRISE = (1, 2)
"""Both together; 5 may be with them."""

STEM = 32
STAGES = ((64, 16), (128, 24), (256, 32))
"""Residual width and dense increment of the three stages of two bottlenecks."""
REDUCTION = 16
STREAMS = (3, 5, 8)
"""Filters of the three 3-D streams."""
POOL = (2, 4, 4)
"""Moments, rows and columns that the streams pool together."""
HIDDEN = 64


class AdpDstn(SystemNetwork):
    """Detect action units, and read the emotion off them.

    Args:
        classes: number of classes.
        side: side of the picture of the apex, pixels; at least 32.
        flow_side: side of a flow field, pixels; a multiple of 4.
        steps: flow fields; even.
        dropout: share of the features that is dropped before each detector while training.
    """

    def __init__(
        self, classes: int, side: int = 112, flow_side: int = 28, steps: int = 8, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.inputs = (Need("apex", side), Need("flow_sequence", flow_side, steps))
        self.register_buffer("scale", torch.ones(3, 1, 1, 1))
        # Not trained by descent: they are fitted to what the detectors say of clips that they have not seen.
        self.register_buffer("emotion_weight", torch.zeros(classes, len(UNITS)))
        self.register_buffer("emotion_bias", torch.zeros(classes))
        self.still, seen = _dual_path()
        self.streams = nn.ModuleList([
            nn.Sequential(nn.Conv3d(3, k, 3, padding=1, bias=False), nn.BatchNorm3d(k), nn.ReLU(), nn.MaxPool3d(POOL))
            for k in STREAMS
        ])  # fmt: skip
        features = seen + sum(STREAMS) * (steps // POOL[0]) * (flow_side // POOL[1]) ** 2
        self.detectors = nn.ModuleList([
            nn.Sequential(nn.Dropout(dropout), nn.Linear(features, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))
            for _ in UNITS
        ])  # fmt: skip

    def settle(self, batch: Batch) -> None:
        """Take the strength of each channel of the training flow for 1."""
        strength = batch["flow_sequence"].pow(2).mean((0, 1, 3, 4)).sqrt()
        self.scale.copy_(strength.clamp_min(1e-6).view(3, 1, 1, 1))

    def forward(self, batch: Batch) -> Batch:
        """Return ``unit_scores`` ``(n, 12)``, the same as probabilities in ``units``, and the emotion's ``logits``."""
        flow = batch["flow_sequence"].transpose(1, 2) / self.scale
        moving = [stream(flow).flatten(1) for stream in self.streams]
        features = torch.cat([self.still(batch["apex"]), *moving], 1)
        scores = torch.cat([detector(features) for detector in self.detectors], 1)
        units = torch.sigmoid(scores.float())
        return {"unit_scores": scores, "units": units,
                "logits": F.linear(units, self.emotion_weight, self.emotion_bias)}  # fmt: skip

    def loss(self, out: Batch, batch: Batch) -> Tensor:
        """Return the detectors' loss with every clip weighed the same."""
        return unit_loss(out["unit_scores"], batch["action_units"], torch.ones(len(UNITS)))


def unit_loss(scores: Tensor, units: Tensor, positive_weight: Tensor) -> Tensor:
    """Return the sum of the detectors' cross-entropies.

    Args:
        scores: ``(n, 12)``.
        units: ``(n, 12 or more)``: 1 = that unit moved.
        positive_weight: ``(12,)``: how many times a clip counts in which the unit moved.
    """
    known = units[:, : len(UNITS)]
    found = F.binary_cross_entropy_with_logits(scores, known, pos_weight=positive_weight, reduction="none")
    return found.mean(0).sum()


def by_rules(units: Tensor) -> Tensor:
    """Score negative, positive, surprise without having learned anything: ``(n, 12)`` probabilities to ``(n, 3)``.

    12 is positive; 1 with 2, with or without 5, is surprise; any of 4, 7, 9, 10, 14, 15, 17 is negative.
    """

    def of(names: tuple[int, ...]) -> Tensor:
        return units[:, [UNITS.index(name) for name in names]]

    return torch.stack([of(NEGATIVE).amax(1), of(POSITIVE).amax(1), of(SURPRISE).amin(1)], 1)


def _dual_path() -> tuple[nn.Sequential, int]:
    """Return the network on the apex, and how many features it gives."""
    layers: list[nn.Module] = [nn.Conv2d(1, STEM, 3, 2, 1, bias=False)]
    c = STEM
    for residual, increment in STAGES:
        for opens in (True, False):
            block = DualPath(c, residual, increment, stride=2 if opens else 1, opens=opens)
            c = block.channels
            layers += [block, Cbam(ChannelAttention(c, REDUCTION), SpatialAttention(7))]
    return nn.Sequential(*layers, nn.BatchNorm2d(c), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()), c


SYSTEM = System(
    name="adp_dstn",
    number="S11",
    paper="ADP-DSTN, Electronics 2024, 13(20) 4012",
    public="names of the parts, parameters and FLOPs of the whole",
    chosen="all sizes; one trunk for all detectors; logistic regression on what half of the people say of the others; "
    "where no units are coded, those typical of the class",
    reported="MEGC2019 composite UF1 .8895, UAR .8832; SAMM .7932, CASME II .8830, CAS(ME)^3 .4303, SMIC .8112 (UF1)",
    build=AdpDstn,
    recipe=Recipe(epochs=8),
    trained_by="assistive.training.action_units:fit",
    quick=Quick({"side": 64}, Recipe(epochs=12, batch=16)),
)
