"""MFVAN: an apex picture at three scales, each with its dull half masked, and identity removed (Front. Neurosci. 2023).

Pan, Yang, Xie, Wang, 1216181. Public are the idea (attention weighs regions at every scale, regions of low weight are
masked, the rest is fused; self-supervised pictures remove identity) and the names of three losses, for classes, masks
and identity. Our choices: ResNet-18 at 112 pixels, trained from nothing, read at strides 8, 16 and 32; grey pictures,
each with mean 0 and deviation 1; half of the cells kept; the form and weight of every loss; identity removed by a
subject classifier whose gradient is turned round, on subjects of the training part. The self-supervised half (a
decoder draws the onset from what tells people apart, and what the apex has beyond that is one more channel) is there
as an option, off unless asked for.

Accepted when each mask keeps exactly half of its cells, rounded up, masked cells have no influence, and a probe reads
the subject less well off features from which identity was removed.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assistive.errors import ConfigError
from assistive.zoo.blocks.residual import Resnet18
from assistive.zoo.systems import Batch, Need, Quick, Recipe, System, SystemNetwork

KEEP = 0.5
"""Share of the cells of each scale that is kept."""
FEATURES = 128
"""Features of a scale."""
SMALL_BELOW = 56
"""Below this side, in pixels, the backbone keeps the full resolution: 28 has the cells of 112."""
PEOPLE = 256
"""Most subjects of a training part."""
MASKING, IDENTITY, DRAWING = 0.1, 1.0, 1.0
"""Weights of both parts of the mask loss, of the identity loss (a tenth changes nothing), and of the drawn onset."""


class Masked(nn.Module):
    """One scale: score the cells, keep the better half, and average what is kept.

    Args:
        c: channels of its map.
    """

    def __init__(self, c: int) -> None:
        super().__init__()
        self.project = nn.Sequential(nn.Conv2d(c, FEATURES, 1, bias=False), nn.BatchNorm2d(FEATURES), nn.ReLU())
        self.score = nn.Conv2d(FEATURES, 1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map ``(n, c, g, g)`` to features ``(n, 128)``, the mask and the scores (0..1) ``(n, g, g)`` each."""
        x = self.project(x)
        score = self.score(x).float().sigmoid()
        kept = keep(score)
        features = (kept * score * x).mean((2, 3)) / kept.detach().mean((2, 3))
        return features, kept[:, 0], score[:, 0]


class Reverse(torch.autograd.Function):
    """Hand on what comes, and turn the gradient round on its way back (Ganin and Lempitsky, ICML 2015)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Return ``x``."""
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """Return minus the gradient."""
        return -gradient


class Portrait(nn.Module):
    """Draw a face at rest from a code of who it is, for pictures of a side divisible by 4."""

    def __init__(self, side: int) -> None:
        super().__init__()
        grid = side // 4
        self.encode = nn.Sequential(
            nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten(),
            nn.Linear(32 * grid**2, 64),
        )  # fmt: skip
        self.decode = nn.Sequential(
            nn.Linear(64, 32 * grid**2), nn.ReLU(), nn.Unflatten(1, (32, grid, grid)),
            nn.Upsample(scale_factor=2), nn.Conv2d(32, 16, 3, 1, 1), nn.ReLU(),
            nn.Upsample(scale_factor=2), nn.Conv2d(16, 1, 3, 1, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Map pictures ``(n, 1, side, side)`` to the same shape."""
        out: Tensor = self.decode(self.encode(x))
        return out


class Mfvan(SystemNetwork):
    """Classify the apex picture.

    Args:
        classes: number of classes.
        identity: remove it while training.
        drawn: draw the onset too, and see what the apex has beyond it.
        side: side of the picture, pixels; a multiple of 4.
        width: factor on the channels of the backbone.
    """

    def __init__(
        self, classes: int, identity: bool = True, drawn: bool = False, side: int = 112, width: float = 1.0
    ) -> None:
        super().__init__()
        self.inputs = (Need("apex", side), Need("onset", side)) if drawn else (Need("apex", side),)
        self.portrait = Portrait(side) if drawn else None
        self.backbone = Resnet18(2 if drawn else 1, width, side < SMALL_BELOW)
        self.scales = nn.ModuleList(Masked(c) for c in self.backbone.channels)
        self.heads = nn.ModuleList(nn.Linear(FEATURES, classes) for _ in self.scales)
        fused = FEATURES * len(self.scales)
        self.classify = nn.Sequential(nn.Dropout(0.3), nn.Linear(fused, classes))
        self.who = nn.Sequential(
            nn.LayerNorm(fused), nn.Linear(fused, 256), nn.ReLU(), nn.Linear(256, PEOPLE)
        ) if identity else None  # fmt: skip

    def forward(self, batch: Batch) -> Batch:
        """Say what the picture shows, and by which cells.

        Returns:
            ``logits``; ``fused`` features ``(n, 384)``; ``logits``, ``mask`` and ``score`` (0..1) of each scale,
            numbered from 1, the finest; while training ``person``, logits of who it is; ``portrait`` if one is drawn.
        """
        x = standardised(batch["apex"])
        out: Batch = {}
        if self.portrait is not None:
            out["portrait"] = self.portrait(x)
            x = torch.cat([x, x - out["portrait"].detach()], 1)
        features = []
        for i, (scale, head, seen) in enumerate(zip(self.scales, self.heads, self.backbone(x), strict=True), 1):
            one, out[f"mask{i}"], out[f"score{i}"] = scale(seen)
            out[f"logits{i}"] = head(one)
            features.append(one)
        out["fused"] = torch.cat(features, 1)
        out["logits"] = self.classify(out["fused"])
        if self.who is not None and self.training:
            out["person"], out["known"] = (self.who(way(out["fused"])) for way in (Reverse.apply, Tensor.detach))
        return out

    def loss(self, out: Batch, batch: Batch) -> Tensor:
        """Return the losses for classes (of each scale and of all), masks, identity and the drawn onset, summed.

        Raises:
            ConfigError: there are more than 256 subjects.
        """
        total = super().loss(out, batch)
        for i in range(1, len(self.scales) + 1):
            total = total + super().loss({"logits": out[f"logits{i}"]}, batch)
            total = total + MASKING * mask_loss(out[f"score{i}"])
        if self.who is not None:
            if int(batch["subject"].max()) >= PEOPLE:
                raise ConfigError(f"mfvan tells {PEOPLE} subjects apart, not more", "train with identity=False",
                                  "zoo.people")  # fmt: skip
            total = total + IDENTITY * identity_loss(out["person"], out["known"], batch["subject"])
        if self.portrait is not None:
            total = total + DRAWING * F.l1_loss(out["portrait"], standardised(batch["onset"]))
        return total


def keep(score: Tensor) -> Tensor:
    """Return 1 for the better half of the cells, rounded up, and 0 for the others; the gradient goes to the scores.

    Args:
        score: ``(n, 1, g, g)``.
    """
    flat = score.detach().flatten(1)
    best = flat.topk(math.ceil(KEEP * flat.shape[1]), 1).indices
    hard = torch.zeros_like(flat).scatter(1, best, 1.0).view_as(score)
    return hard + (score - score.detach())


def identity_loss(person: Tensor, known: Tensor, subject: Tensor) -> Tensor:
    """Return how badly subjects are told apart, a scalar whose gradient is turned round where they are.

    Where the classifier is wrong, nothing is gained from making it more so: features that are pushed to where another
    subject is expected still say who it is. There the classifier alone learns.

    Args:
        person: logits ``(n, 256)``, turned round on the way back.
        known: the same logits, of features that do not learn from it.
        subject: int64 ``(n,)``.
    """
    turned, alone = (F.cross_entropy(logits, subject, reduction="none") for logits in (person, known))
    return torch.where(person.argmax(1) == subject, turned, alone).mean()


def mask_loss(score: Tensor) -> Tensor:
    """Return how far the mean score is from a half, squared, and how much neighbours differ, of ``(n, g, g)``."""
    uneven = score.diff(dim=1).abs().mean() + score.diff(dim=2).abs().mean()
    return (score.mean() - 0.5) ** 2 + uneven


def standardised(pictures: Tensor) -> Tensor:
    """Return pictures ``(n, 1, s, s)`` with mean 0 and standard deviation 1 each."""
    deviation, mean = torch.std_mean(pictures, (1, 2, 3), keepdim=True)
    return (pictures - mean) / deviation.clamp_min(1e-3)


SYSTEM = System(
    name="mfvan",
    number="S7",
    paper="Pan, Yang, Xie, Wang: multi-scale fusion visual attention, Frontiers in Neuroscience 2023, 1216181",
    public="the idea, and names of the losses",
    chosen="ResNet-18 from nothing, scales, share kept, form and weight of all losses, how it is trained",
    reported="unknown",
    build=Mfvan,
    recipe=Recipe(epochs=30),
    quick=Quick({"side": 28, "width": 0.25}, Recipe(epochs=30, batch=16)),
)
