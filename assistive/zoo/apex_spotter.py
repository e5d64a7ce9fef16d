"""Apex spotting from flow: how near to its apex a face is, moment by moment (CMC 2022, 73(3) 5331-5348).

Ng, Zulkifley, Saputro and Abdani name the parts: five convolutions with local response normalisation and attention on
the flow of single frames; the frame of the highest score is the apex. Sizes, places and training are our choice, after
the continuous labels of the same group (Sensors 2022, 22, 4011). Accepted when it is at most 3 frames off in clips of
60 frames and at least 50 % better than the constant share of a clip that is the median of the training clips.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assistive.zoo.systems import Batch, Need, Quick, Recipe, System, SystemNetwork

WIDTHS = (16, 32, 64, 64, 128)
NORMALISED = 2
"""The first so many convolutions are followed by local response normalisation."""
NOT_POOLED = 3
"""This convolution, counted from 0, is not followed by pooling."""
NEAR = 0.1
"""Width of the label's bell around the apex, as a share of the clip (one standard deviation)."""


class ApexSpotter(SystemNetwork):
    """Score the moments of a clip.

    Args:
        classes: is not used: there are none.
        steps: moments of a clip that are scored; the apex is one of them.
        side: side of a flow field, pixels; at least 32.
        drawn: moments of each clip that are looked at in one step of training, drawn anew each time.
    """

    def __init__(self, classes: int, steps: int = 60, side: int = 100, drawn: int = 6) -> None:
        super().__init__()
        self.inputs = (Need("flow_sequence", side, steps),)
        self.drawn = drawn
        self.register_buffer("scale", torch.ones(()))
        pairs = zip((3, *WIDTHS), WIDTHS, strict=False)
        self.layers = nn.ModuleList([nn.Conv2d(c1, c2, 3, padding=1) for c1, c2 in pairs])
        self.where = nn.Conv2d(WIDTHS[-1], 1, 1)
        self.score = nn.Sequential(nn.Linear(WIDTHS[-1], 64), nn.ReLU(), nn.Linear(64, 1))

    def settle(self, batch: Batch) -> None:
        """Take the strength of the training flow for 1: of u and v together, for |f| is of both."""
        self.scale.copy_(batch["flow_sequence"][:, :, :2].pow(2).mean().sqrt().clamp_min(1e-6))

    def forward(self, batch: Batch) -> Batch:
        """Score every moment; while training, only ``drawn`` of them.

        Returns:
            ``scores`` ``(n, T)``, ``looked_at`` ``(n, T, s, s)`` (0..1), and, 0 = onset and 1 = offset, ``moments``
            ``(n, T)``, which were scored, and ``apex_at`` ``(n,)``.
        """
        flow = batch["flow_sequence"][:, :, :2]
        n, steps = flow.shape[:2]
        order = torch.arange(steps).expand(n, -1)
        if self.training and self.drawn < steps:
            order = torch.rand(n, steps).argsort(1)[:, : self.drawn].sort(1).values
            flow = flow[torch.arange(n)[:, None], order]
        scores, places = self._score((flow / self.scale).flatten(0, 1))
        scores, moments = scores.view(n, -1), (order + 1) / steps
        found = moments.gather(1, smooth(scores.float()).argmax(1, keepdim=True))[:, 0]
        return {"scores": scores, "looked_at": places.unflatten(0, (n, -1)), "moments": moments, "apex_at": found}

    def loss(self, out: Batch, batch: Batch) -> Tensor:
        """Return the mean squared distance of the scores from the bell around the apex, where one is coded."""
        coded = ~batch["apex_at"].isnan()  # the others are left out before: 0 times NaN is NaN on the way back
        away = (out["scores"][coded] - bell(out["moments"][coded], batch["apex_at"][coded])).pow(2)
        return away.sum() / (coded.sum().clamp_min(1) * away.shape[1])

    def _score(self, flow: Tensor) -> tuple[Tensor, Tensor]:
        y = torch.cat([flow, flow.pow(2).sum(1, keepdim=True).add(1e-12).sqrt()], 1)
        *first, last = self.layers
        for i, layer in enumerate(first):
            y = torch.relu(layer(y))
            if i < NORMALISED:
                y = F.local_response_norm(y, 5, 1e-4, 0.75, 2.0)
            if i != NOT_POOLED:
                y = F.max_pool2d(y, 2)
        y = torch.relu(last(y))
        places = torch.sigmoid(self.where(y))
        seen = F.max_pool2d(y * (1 + places), 2).mean((2, 3))
        return self.score(seen)[:, 0], places[:, 0]


def bell(moments: Tensor, apex_at: Tensor) -> Tensor:
    """Return how near moments are to the apex, 1 at the apex itself.

    Args:
        moments: ``(n, T)``, 0 = onset, 1 = offset.
        apex_at: ``(n,)``, likewise.
    """
    return torch.exp(-((moments - apex_at[:, None]) ** 2) / (2 * NEAR**2))


def smooth(scores: Tensor) -> Tensor:
    """Average scores ``(n, T)`` over moments as near as the bell is wide; at the ends over those that there are.

    Five moments, whatever T is, would leave an error a quarter larger: a movement hardly changes around its apex.
    """
    near = round(NEAR * scores.shape[1])
    averaged = F.avg_pool1d(scores[:, None], 2 * near + 1, 1, near, count_include_pad=False)
    return averaged[:, 0]


SYSTEM = System(
    name="apex_spotter",
    number="S6",
    paper="Ng, Zulkifley, Saputro, Abdani: apex spotting, CMC 2022, 73(3) 5331-5348",
    public="names of the parts, best figure",
    chosen="sizes, where the attention stands, labels, smoothing, training on a few moments of each clip at a time",
    reported="MAE 14.90 frames at 200 frames/s on SAMM and CASME II",
    build=ApexSpotter,
    recipe=Recipe(epochs=8, batch=16),
    task="apex",
    quick=Quick({"side": 50, "steps": 30}, Recipe(epochs=12, batch=16)),
    heavy=True,
)
