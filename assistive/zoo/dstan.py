"""DSTAN: pictures and flow, attention over places, channels and moments, and a support vector machine (JHE 2021).

Wang, Huang, Liu, Gu, Yang, Wang and Zhang (J. Healthcare Eng. 2021, 7799100) name the parts: a stream of appearance and
one of motion, each with spatial attention of several kernels, channel attention by two pools and temporal attention,
whose features one machine reads. All sizes are our choice: 10 grey pictures at 128 pixels and the 9 flow fields from
the first of them to each other (between neighbours, far more of a field is noise), four convolutions of 16 to 96
channels, a recurrent layer in both directions. Each stream learns by itself, as if it answered alone; then the machine
is fitted to the features of both; its C is chosen among training people, on features of streams that have seen them.
Accepted when the weights of the moments sum to 1 and point at the one in which
something moves, and when a poisoned test part changes no support vector.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assistive.zoo.blocks.attention import ChannelAttention
from assistive.zoo.blocks.soft_attention import SoftAttention
from assistive.zoo.systems import Batch, Need, Quick, Recipe, System, SystemNetwork

WIDTHS = (16, 32, 64, 96)
KERNELS = (3, 5, 7)
"""Of the spatial attention."""
STATES = 64
"""Units of the recurrent layer, each way."""
FEATURES = 2 * STATES
"""Numbers that a stream makes of a clip."""


class MultiScaleAttention(nn.Module):
    """Weigh the places by mean and peak over the channels, seen through three kernels."""

    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.ModuleList(nn.Conv2d(2, 1, kernel, padding=kernel // 2) for kernel in KERNELS)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, h, w)`` to the same shape."""
        seen = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
        return x * torch.sigmoid(torch.stack([weigh(seen) for weigh in self.weigh]).sum(0))


class Stream(nn.Module):
    """Turn a sequence of pictures or maps into features of the clip.

    Args:
        c: channels of a picture.
    """

    def __init__(self, c: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, (before, width) in enumerate(zip((c, *WIDTHS), WIDTHS, strict=False)):
            layers += [nn.Conv2d(before, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            layers += [nn.MaxPool2d(2), *([ChannelAttention(width, 8), MultiScaleAttention()] if i else [])]
        self.encode = nn.Sequential(*layers)
        self.recur = nn.GRU(WIDTHS[-1], STATES, batch_first=True, bidirectional=True)
        self.when = SoftAttention(FEATURES, FEATURES)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map ``(n, t, c, s, s)`` to features ``(n, 128)`` and the weights of the moments ``(n, t)``, sum 1."""
        seen = self.encode(x.flatten(0, 1)).mean((2, 3)).unflatten(0, x.shape[:2])
        features, weights = self.when(self.recur(seen)[0])
        return features, weights


class Dstan(SystemNetwork):
    """Both streams, each with a classifier of its own that is needed for training alone.

    Args:
        classes: number of classes.
        steps: pictures; there is a flow field less.
        side: of both, pixels; a multiple of 16.
        dropout: share of the features that is dropped before the classifiers.
    """

    def __init__(self, classes: int, steps: int = 10, side: int = 128, dropout: float = 0.5) -> None:
        super().__init__()
        self.inputs = (Need("frames", side, steps), Need("flow_sequence", side, steps - 1))
        for name, value in (("middle", 0.0), ("reach", 1.0), ("strength", 1.0)):
            self.register_buffer(name, torch.tensor(value))
        self.appearance, self.motion = Stream(1), Stream(3)
        self.classify = nn.ModuleList(
            nn.Sequential(nn.Dropout(dropout), nn.Linear(FEATURES, classes)) for _ in range(2)
        )

    def settle(self, batch: Batch) -> None:
        """Take mean and spread of the training pictures, and the strength of the flow."""
        self.middle.copy_(batch["frames"].mean())
        self.reach.copy_(batch["frames"].std().clamp_min(1e-6))
        self.strength.copy_(batch["flow_sequence"][:, :, :2].pow(2).mean().sqrt().clamp_min(1e-6))

    def forward(self, batch: Batch) -> Batch:
        """Return what each stream sees and says.

        Returns:
            ``logits`` (both streams together), ``appearance_logits``, ``motion_logits``, ``feature`` ``(n, 256)`` for
            the machine, ``appearance_attention`` ``(n, t)`` and ``motion_attention`` ``(n, t - 1)``.
        """
        move = batch["flow_sequence"][:, :, :2] / self.strength
        speed = move.pow(2).sum(2, keepdim=True).add(1e-6).sqrt()
        appearance, seen = self.appearance((batch["frames"] - self.middle) / self.reach)
        motion, felt = self.motion(torch.cat([move, speed], 2))
        one, other = (layer(feature) for layer, feature in zip(self.classify, (appearance, motion), strict=True))
        return {
            "logits": one + other, "appearance_logits": one, "motion_logits": other,
            "feature": torch.cat([appearance, motion], 1), "appearance_attention": seen, "motion_attention": felt,
        }  # fmt: skip

    def loss(self, out: Batch, batch: Batch) -> Tensor:
        """Return the cross-entropy of each stream: nothing of the one reaches the other."""
        label, weight = batch["label"], batch["class_weight"]
        motion = F.cross_entropy(out["motion_logits"], label, weight)
        return F.cross_entropy(out["appearance_logits"], label, weight) + motion


SYSTEM = System(
    name="dstan",
    number="S2",
    paper="Wang, Huang, Liu, Gu, Yang, Wang, Zhang: DSTAN, J. Healthcare Eng. 2021, 7799100",
    public="abstract: names of the modules",
    chosen="all sizes, flow from the first picture on, streams trained side by side, kernel and C of the machine",
    reported="unknown",
    build=Dstan,
    recipe=Recipe(epochs=60, batch=32),
    trained_by="assistive.training.stream_svm:fit",
    quick=Quick({"side": 32}, Recipe(epochs=15, batch=16)),
    heavy=True,
)
