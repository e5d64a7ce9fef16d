"""Two streams of 3-D convolutions, pictures and flow, with co-attention between them (SPIE 12.2671575, 2023).

Known is the abstract: a stream of the pictures and one of the flow, an attention layer in each, co-attention between.
Our choices: 16 grey pictures at 112 pixels and the flow from the first of them to each other, with a still field put
before; widths 16, 32, 64; 196 tokens a stream; one head of self-attention; the parallel form of co-attention; shifts by
one moment while training. Accepted when both softmaxes of the affinity sum to 1, when without an affinity each token is
given the mean of the other stream, and when streams of equal weights change places with their inputs.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assistive.zoo.blocks.co_attention import CoAttention, SelfAttention
from assistive.zoo.systems import Batch, Need, Quick, Recipe, System, SystemNetwork

WIDTHS = (16, 32, 64)
POOLS = ((1, 2, 2), (2, 2, 2), (2, 2, 2))
PLACES = 7
"""Tokens across a picture."""


class Stream(nn.Module):
    """Turn a clip into tokens that have looked at one another.

    Args:
        c: channels of its pictures.
    """

    def __init__(self, c: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, width, pool in zip((c, *WIDTHS), WIDTHS, POOLS, strict=False):
            convolution = nn.Conv3d(before, width, 3, padding=1, bias=False)
            layers += [convolution, nn.BatchNorm3d(width), nn.ReLU(), nn.MaxPool3d(pool)]
        self.convolve = nn.Sequential(*layers)
        self.attend = SelfAttention(WIDTHS[-1])

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, t, s, s)`` to tokens ``(n, t / 4 * places * places, 64)``."""
        seen = self.convolve(x)
        places = min(PLACES, seen.shape[-1])
        pooled = F.adaptive_avg_pool3d(seen, (seen.shape[2], places, places))
        out: Tensor = self.attend(pooled.flatten(2).transpose(1, 2))
        return out


class CoAttention3d(SystemNetwork):
    """Classify grey pictures and the flow from the first of them to each other.

    Args:
        classes: number of classes.
        steps: pictures, a multiple of 4.
        side: of a picture, pixels; a multiple of 8.
    """

    def __init__(self, classes: int, steps: int = 16, side: int = 112) -> None:
        super().__init__()
        self.inputs = (Need("frames", side, steps), Need("flow_sequence", side, steps - 1))
        for name, value in (("middle", 0.0), ("reach", 1.0), ("strength", 1.0)):
            self.register_buffer(name, torch.tensor(value))
        self.pictures, self.flow = Stream(1), Stream(2)
        self.join = CoAttention(WIDTHS[-1])
        self.classify = nn.Sequential(nn.Linear(2 * WIDTHS[-1], 64), nn.ReLU(), nn.Linear(64, classes))

    def settle(self, batch: Batch) -> None:
        """Take mean and spread of the training pictures, and the strength of the flow."""
        self.middle.copy_(batch["frames"].mean())
        self.reach.copy_(batch["frames"].std().clamp_min(1e-6))
        self.strength.copy_(batch["flow_sequence"][:, :, :2].pow(2).mean().sqrt().clamp_min(1e-6))

    def forward(self, batch: Batch) -> Batch:
        """Return ``logits``."""
        pictures = (batch["frames"] - self.middle) / self.reach
        flow = F.pad(batch["flow_sequence"][:, :, :2] / self.strength, (0, 0, 0, 0, 0, 0, 1, 0))
        if self.training:
            pictures, flow = jittered(pictures, flow)
        seen = self.join(self.pictures(pictures.transpose(1, 2)), self.flow(flow.transpose(1, 2)))
        return {"logits": self.classify(torch.cat([one.mean(1) for one in seen], 1))}


def jittered(pictures: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """Show each clip a moment earlier, later or as it is; at its ends a moment comes twice.

    Args:
        pictures: ``(n, t, c, s, s)``.
        flow: ``(n, t, 2, s, s)``: from the first picture to each.
    """
    n, steps = pictures.shape[:2]
    there = (torch.arange(steps) + torch.randint(-1, 2, (n, 1))).clamp(0, steps - 1)
    rows = torch.arange(n)[:, None]
    return pictures[rows, there], flow[rows, there]


SYSTEM = System(
    name="co_attention_3d",
    number="S4",
    paper="two-stream 3-D convolutions with attention and co-attention, SPIE 2023, doi 10.1117/12.2671575",
    public="abstract: two streams, attention in each, co-attention between",
    chosen="all sizes, flow from the first picture on, the parallel form of co-attention, the recipe",
    reported="unknown",
    build=CoAttention3d,
    recipe=Recipe(epochs=80, batch=16, rate=3e-4),
    quick=Quick({"steps": 8, "side": 32}, Recipe(epochs=20, batch=16, rate=1e-3)),
    heavy=True,
)
