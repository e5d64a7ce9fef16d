"""Dual-ATME: two Inception branches, on the whole face and on a puzzle of its regions (Entropy 2023, 25(3) 460).

The puzzle holds the strip of brows and eyes above the strip of the mouth, so that nothing else of the face is seen. A
cosine term pulls what both branches see together. Written from the layers of the public code; the boxes of the puzzle
are our choice. Accepted when it has the code's 4,833,193 parameters and when the cosine term of equal features is 0.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assistive.zoo.blocks.attention import Cbam, ChannelAttention, SpatialAttention
from assistive.zoo.blocks.inception import Inception
from assistive.zoo.systems import Batch, Need, Recipe, System, SystemNetwork

FOCUS = 2.0
"""Exponent of the focal loss."""
TOGETHER = 0.01
"""Weight of the cosine term."""
HIDDEN = 1024


class DualAtme(SystemNetwork):
    """Classify a flow map and its puzzle.

    Args:
        classes: number of classes.
        cbam_on: ``both`` branches pass through the one attention, as in the released code, or the ``upper`` alone, as
            in the paper's figure.
        side: side of map and puzzle, pixels; a multiple of 4.
    """

    def __init__(self, classes: int, cbam_on: Literal["upper", "both"] = "both", side: int = 28) -> None:
        super().__init__()
        self.inputs = (Need("flow", side), Need("puzzle", side))
        self.cbam_on = cbam_on
        self.register_buffer("scale", torch.ones(3, 1, 1))
        self.face, self.parts = _branch(), _branch()
        self.attend = Cbam(ChannelAttention(48, 16), SpatialAttention(3, bias=True))
        self.classify = nn.Sequential(
            nn.Linear(2 * 48 * (side // 4) ** 2, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(HIDDEN, classes),
        )  # fmt: skip

    def settle(self, batch: Batch) -> None:
        """Take the strength of each channel of the training flow for 1; the code reads pictures scaled to -1..1."""
        self.scale.copy_(batch["flow"].pow(2).mean((0, 2, 3)).sqrt().clamp_min(1e-6).view(3, 1, 1))

    def forward(self, batch: Batch) -> Batch:
        """Return ``logits`` and what each branch sees, ``face`` and ``parts`` ``(n, f)``."""
        face, parts = self.face(batch["flow"] / self.scale), self.parts(batch["puzzle"] / self.scale)
        face = self.attend(face).flatten(1)
        parts = (self.attend(parts) if self.cbam_on == "both" else parts).flatten(1)
        return {"logits": self.classify(torch.cat([face, parts], 1)), "face": face, "parts": parts}

    def loss(self, out: Batch, batch: Batch) -> Tensor:
        """Return the focal loss with the cosine term; classes are not weighed, as in the code."""
        right = F.log_softmax(out["logits"], 1).gather(1, batch["label"][:, None])[:, 0]
        focal = -((1 - right.exp()) ** FOCUS * right).mean()
        return focal + TOGETHER * apart(out["face"], out["parts"])


def apart(one: Tensor, other: Tensor) -> Tensor:
    """Return the mean of 1 - cosine between rows ``(n, f)``, a scalar 0..2."""
    return (1 - F.cosine_similarity(one, other, 1)).mean()


def _branch() -> nn.Sequential:
    return nn.Sequential(Inception(3, 6), nn.MaxPool2d(2), Inception(24, 12), nn.MaxPool2d(2))


SYSTEM = System(
    name="dual_atme",
    number="S3",
    paper="Zhou, Huang, Li, Wang: Dual-ATME, Entropy 2023, 25(3) 460",
    public="code: layers, losses, optimiser",
    chosen="boxes of the puzzle; channels u, v, strain scaled by the training part instead of flow drawn as a picture",
    reported="unknown",
    build=DualAtme,
    recipe=Recipe(epochs=60, batch=128),
    parameters=4_833_193,
    exported=True,
)
