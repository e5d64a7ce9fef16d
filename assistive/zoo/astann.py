"""ASTANN: spatial and temporal attention on flow, with two collections drawn together (VRIH 2023, 5(2)).

It learns from a collection with labels and is tested on another, whose clips it may see but whose labels it may not.
The paper (Ran, Zheng, Zong, Liu) names the parts; all sizes are our choice, and so is its loss of alignment: the
maximum mean discrepancy of both collections' features under five Gaussian kernels, let in slowly. Its flow is from the
onset to evenly spaced moments: between neighbours, micro-expressions drown in the noise of every field. Accepted when
labels of the target change nothing in training, bit for bit, and when the alignment does not lower UF1 on a target with
half the movement and twice the noise.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from assistive.zoo.blocks.discrepancy import discrepancy
from assistive.zoo.blocks.soft_attention import SoftAttention
from assistive.zoo.systems import Batch, Need, Quick, Recipe, System, SystemNetwork

WIDTHS = (16, 32, 64)
"""Channels of the frame encoder."""
FLOW = "flow_sequence"
TARGET_FLOW = f"target_{FLOW}"


class Astann(SystemNetwork):
    """Classify flow from the onset to evenly spaced moments.

    Args:
        classes: number of classes.
        alignment: weight that the discrepancy has at the end of training; 0 = the target is not looked at.
        steps: flow fields of a clip.
        side: side of a field, pixels; a multiple of 8.
        dropout: share of the features that is dropped before the classifier while training.
    """

    def __init__(
        self, classes: int, alignment: float = 1.0, steps: int = 8, side: int = 64, dropout: float = 0.3
    ) -> None:
        super().__init__()
        self.inputs = (Need(FLOW, side, steps),)
        self.alignment = alignment
        self.register_buffer("scale", torch.ones(3, 1, 1))
        layers: list[nn.Module] = []
        for c1, c2 in zip((3, *WIDTHS), WIDTHS, strict=False):
            layers += [nn.Conv2d(c1, c2, 3, padding=1, bias=False), nn.BatchNorm2d(c2), nn.ReLU(), nn.MaxPool2d(2)]
        self.encode = nn.Sequential(*layers)
        self.where, self.when = SoftAttention(WIDTHS[-1]), SoftAttention(WIDTHS[-1])
        self.remember = nn.GRU(WIDTHS[-1], WIDTHS[-1], batch_first=True)
        self.classify = nn.Sequential(nn.Dropout(dropout), nn.Linear(WIDTHS[-1], classes))

    def settle(self, batch: Batch) -> None:
        """Take the strength of each channel of the source's flow for 1."""
        self.scale.copy_(batch[FLOW].pow(2).mean((0, 1, 3, 4)).sqrt().clamp_min(1e-6).view(3, 1, 1))

    def forward(self, batch: Batch) -> Batch:
        """Classify; a target, which is there in training alone, is looked at beside.

        Returns:
            ``logits``, ``feature`` ``(n, 64)``, ``spatial_attention`` ``(n, T, places)``, ``temporal_attention``
            ``(n, T)``, and ``target_feature`` if there is a target.
        """
        if TARGET_FLOW not in batch or not self.alignment:
            feature, where, when = self._see(batch[FLOW])
            more = {}
        else:  # in one pass, so that both are normalised by the same statistics
            n = len(batch[FLOW])
            both, where, when = self._see(torch.cat([batch[FLOW], batch[TARGET_FLOW]]))
            feature, where, when, more = both[:n], where[:n], when[:n], {"target_feature": both[n:]}
        attention = {"spatial_attention": where, "temporal_attention": when}
        return {"logits": self.classify(feature), "feature": feature, **attention, **more}

    def loss(self, out: Batch, batch: Batch) -> Tensor:
        """Return the cross-entropy of the source, and the discrepancy of the target weighed by how far training is."""
        loss = super().loss(out, batch)
        if "target_feature" not in out:
            return loss
        return loss + self.alignment * batch["progress"] * discrepancy(out["feature"], out["target_feature"])

    def _see(self, flow: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        n, steps = flow.shape[:2]
        maps = self.encode((flow / self.scale).flatten(0, 1))
        moments, where = self.where(maps.flatten(2).transpose(1, 2))
        states, _ = self.remember(moments.view(n, steps, -1))
        feature, when = self.when(states)
        return feature, where.view(n, steps, -1), when


SYSTEM = System(
    name="astann",
    number="S5",
    paper="Ran, Zheng, Zong, Liu: ASTANN, Virtual Reality & Intelligent Hardware 2023, 5(2)",
    public="names of the parts",
    chosen="all sizes; flow from the onset; the loss of alignment: discrepancy under five Gaussian kernels, weight 0 "
    "to 1; one pass for both collections; channels scaled by the source",
    reported="unknown; SMIC (HS, VIS, NIR) to CASME II and back",
    build=Astann,
    recipe=Recipe(epochs=12, rate=2e-3),
    adapts=True,
    quick=Quick({"side": 32}, Recipe(epochs=20, batch=16, rate=2e-3)),
    heavy=True,
)
