"""RRRN: regions of the face that are gated by how well they can be seen, and related by a graph (TAFFC 2022).

Mao, Zhou, Zheng, Shao, Huang, arXiv 2107.05904. Public are the modules (one backbone for all regions; region-inspired
gates that know what is hidden and what matters; graph convolutions between regions) and the code that hides parts of
faces (``blocks/occlusion.py``). Our choices: flow at 112 pixels; seven regions by landmarks, the whole face among them,
at 48 pixels; a small backbone; all widths; what a region is is added to its features, since pooled flow does not say
it; half of the clips are partly hidden while training, and there a margin keeps the gates of hidden regions below
those of clear ones.

A gate is how much of a region is seen, which the places of its map say, times how much the region matters. It says how
far the graph and the answer listen to that region. It scales no features: a region of which half is hidden would look
like one that moves half as much. For the same reason features are means over the places that are seen.

Accepted when rows of the graph sum to 1, hiding a region lowers its gate below those of clear ones in nine clips of
ten, noise for the features of a hidden region changes less than for those of a clear one, and a block over a quarter
of the face costs less than half of what it costs the same network without the gates.

The last holds against the network with neither gates nor hiding while training: on 800 clips of people whom three seeds
of the quick size had not seen, the block costs UF1 .037 (from .973) in place of .105 (from .967). It does not hold
against one that is trained on hidden faces too: without gates that one loses .039 (from .977), no clear difference.
Perfect gates would not be enough either: told the truth, the network lost .030 on other clips, where it lost .045 with
gates of its own and .055 without any (with smaller blocks while training).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from assistive.zoo.blocks.occlusion import hide
from assistive.zoo.blocks.regions import SeenPooling, cut
from assistive.zoo.blocks.relations import Affinity, GraphConvolution
from assistive.zoo.systems import Batch, Need, Quick, Recipe, System, SystemNetwork

REGIONS = 7
"""Six parts and, last, the whole face."""
WIDTHS = (16, 32, 64)
HIDDEN_FROM, CLEAR_TO = 0.5, 0.1
"""A region of which at least so much, or at most so much is hidden counts as hidden, or as clear."""
MARGIN, RANK = 0.2, 0.5
"""By how much clear gates are to lie above hidden ones, and the weight of that in the loss."""


class Rrrn(SystemNetwork):
    """Classify a flow map by its regions.

    Args:
        classes: number of classes.
        gates: False counts every region, and every place of it, in full: what the gates are compared with.
        hidden: share of the clips that are partly hidden while training.
        side: side of the map, pixels.
        size: side of a region, pixels.
    """

    def __init__(self, classes: int, gates: bool = True, hidden: float = 0.5, side: int = 112, size: int = 48) -> None:
        super().__init__()
        self.inputs = (Need("flow", side), Need("regions", side), Need("landmarks", side, 1), Need("cover", side))
        self.hidden, self.size = hidden, size
        c = WIDTHS[-1]
        self.register_buffer("scale", torch.ones(3, 1, 1))
        self.backbone = nn.Sequential(*(_stage(c1, c2) for c1, c2 in zip((3, *WIDTHS[:-1]), WIDTHS, strict=True)))
        self.place = nn.Parameter(torch.randn(REGIONS, c) * 0.5)
        self.gate = nn.Sequential(nn.Linear(c, 16), nn.ReLU(), nn.Linear(16, 1)) if gates else None
        self.pool = SeenPooling(c) if gates else None
        self.affinity = Affinity(c)
        self.relate = nn.ModuleList([GraphConvolution(c), GraphConvolution(c)])
        self.classify = nn.Sequential(nn.Dropout(0.3), nn.Linear(2 * c, classes))

    def settle(self, batch: Batch) -> None:
        """Take the strength of each channel of the training flow for 1."""
        self.scale.copy_(batch["flow"].pow(2).mean((0, 2, 3)).sqrt().clamp_min(1e-6).view(3, 1, 1))

    def features(self, flow: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Return what each region shows, ``(n, 7, 64)``, and the share of it that seems to be seen, ``(n, 7, 1)``."""
        maps = self.backbone(cut(flow / self.scale, boxes, self.size).flatten(0, 1))
        shown, seen = (maps.mean((2, 3)), maps.new_ones(len(maps), 1)) if self.pool is None else self.pool(maps)
        return shown.view(len(flow), REGIONS, -1) + self.place, seen.view(len(flow), REGIONS, 1)

    def judge(self, features: Tensor, seen: Tensor) -> Batch:
        """Return ``logits``, ``gates`` ``(n, 7)`` in 0..1, and the graph as ``attention`` ``(n, 7, 7)``.

        A gate is how much of a region is seen times how much it matters. It says how far the others and the answer
        listen to the region; it does not scale the features, whose strength is that of the movement.
        """
        gates = seen if self.gate is None else seen * self.gate(features).float().sigmoid()
        parts, graph = features, self.affinity(features, gates)
        for layer in self.relate:
            parts = layer(parts, graph)
        together = (gates * parts).sum(1) / gates.sum(1).clamp_min(1e-3)
        logits = self.classify(torch.cat([together, parts[:, -1]], 1))
        return {"logits": logits, "gates": gates[..., 0], "attention": graph}

    def forward(self, batch: Batch) -> Batch:
        """Return what :meth:`judge` returns, and the share of each region that is known to be ``hidden`` ``(n, 7)``.

        What is known to be hidden is for the loss alone: the gates do not see it.
        """
        flow, cover = batch["flow"], batch["cover"]
        if self.training:
            more = hide(batch["landmarks"][:, 0], flow.shape[-1], self.hidden)
            flow, cover = covered(flow, more), torch.maximum(cover, more)
        hidden = cut(cover, batch["regions"], self.size).mean((2, 3, 4))
        return {**self.judge(*self.features(flow, batch["regions"])), "hidden": hidden}

    def loss(self, out: Batch, batch: Batch) -> Tensor:
        """Return cross-entropy and, where there are gates, how far hidden ones are from lying below clear ones."""
        return super().loss(out, batch) + RANK * rank_loss(out["gates"], out["hidden"]) * (self.gate is not None)


def covered(flow: Tensor, hidden: Tensor) -> Tensor:
    """Return flow maps u, v, strain ``(n, 3, s, s)``, pixels, with what is ``hidden`` ``(n, 1, s, s)`` standing still.

    What hides a face moves with the head, whose movement has been taken away.
    """
    moved = flow[:, :2] * (1 - hidden)
    (uy, ux), (vy, vx) = (torch.gradient(moved[:, i], dim=(1, 2)) for i in (0, 1))
    strain = (ux**2 + vy**2 + 0.5 * (uy + vx) ** 2).sqrt()
    touched = hidden.flatten(1).amax(1).view(-1, 1, 1, 1) > 0
    return torch.where(touched, torch.cat([moved, strain[:, None]], 1), flow)


def rank_loss(gates: Tensor, hidden: Tensor) -> Tensor:
    """Return by how much the gates of hidden regions fail to lie .2 below those of clear ones, a scalar.

    Args:
        gates: ``(n, 7)``, 0..1.
        hidden: share of each region that is hidden, ``(n, 7)``; clips without hidden or without clear ones are left
            out.
    """
    low, high = (hidden >= HIDDEN_FROM).float(), (hidden <= CLEAR_TO).float()
    counted = (low.sum(1) > 0) & (high.sum(1) > 0)
    means = [(gates * one).sum(1) / one.sum(1).clamp_min(1) for one in (low, high)]
    short = torch.relu(means[0] + MARGIN - means[1]) * counted
    return short.sum() / counted.sum().clamp_min(1)


def _stage(c1: int, c2: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(c1, c2, 3, padding=1, bias=False), nn.BatchNorm2d(c2), nn.ReLU(), nn.MaxPool2d(2))


SYSTEM = System(
    name="rrrn",
    number="S15",
    paper="Mao, Zhou, Zheng, Shao, Huang: region-inspired relation reasoning, IEEE TAFFC 2022, arXiv 2107.05904",
    public="names of the modules; code of the three ways to hide a face",
    chosen="regions, backbone, all widths, margin of the gates, shapes of masks and glasses, how it is trained",
    reported="unknown",
    build=Rrrn,
    recipe=Recipe(epochs=30),
    quick=Quick(options={"side": 56, "size": 24}, recipe=Recipe(epochs=40, batch=16)),
)
