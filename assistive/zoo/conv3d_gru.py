"""3DCNN + GRU: two shallow 3-D branches on raw pictures, attention by peak minus mean, and a GRU (ICIP 2024).

Layers, sizes and losses are those of the public code, which differs from the paper's figure: both attentions see the
same input (``order``), and means and peaks have layers of their own (``shared_mlp``). It reads the first step alone,
which knows least; we read the mean of all (``readout``). It repeats a label four times while the network answers eight
times for 30 pictures: here, every step has its label. It takes mean and largest value from training and test part
together: here, from the training part. Our choice are pictures spread over the clip instead of its first 30, and at the
quick size, pictures relative to the first. Accepted when it has the code's 7,656,395 parameters, when equal pools
through equal layers give a weight of exactly one half, and when changing their places inverts the weight.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assistive.zoo.blocks.attention import Cbam, ChannelAttention, SpatialAttention
from assistive.zoo.systems import Batch, Need, Quick, Recipe, System, SystemNetwork

WIDTH = 32
"""Channels of every convolution."""
KERNELS = (5, 3)
"""Of the two branches."""
SLOPE = 0.2
STATES = 1024
"""Units of the GRU."""
CLASS_WEIGHTS = (0.30, 0.35, 0.35)
"""Of negative, positive, surprise."""
RIDGE = 0.01
"""Weight of the squares of the two layers before the GRU."""


class Conv3dGru(SystemNetwork):
    """Classify RGB pictures of a clip.

    Args:
        classes: number of classes.
        steps: pictures.
        side: of a picture, pixels; a multiple of 4.
        order: of channel and spatial attention: ``parallel`` as in the code, ``sequential`` as in the figure.
        shared_mlp: the same layers for means and peaks, as in the figure.
        readout: the ``mean`` of all steps, or the ``first`` alone, as in the code.
        dropout: share that is dropped, in three places; .5 for CASME II, .3 for SMIC and SAMM.
        relative: take a clip's first picture away from all of its pictures, which the code does not. On the small
            test-bed it then learns in 12 epochs; from the pictures as they are, it had learned nothing after 15.
    """

    def __init__(
        self, classes: int, steps: int = 30, side: int = 128, order: Literal["parallel", "sequential"] = "parallel",
        shared_mlp: bool = False, readout: Literal["mean", "first"] = "mean", dropout: float = 0.3,
        relative: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.inputs = (Need("frames", side, steps, colour=True),)
        self.readout, self.relative = readout, relative
        self.register_buffer("middle", torch.tensor(0.0))
        self.register_buffer("reach", torch.tensor(1.0))
        self.branches = nn.ModuleList(_convolution(3, kernel) for kernel in KERNELS)
        self.merge = _convolution(len(KERNELS) * WIDTH, 3)
        self.attend = Cbam(
            ChannelAttention(WIDTH, 8, "difference", shared_mlp, SLOPE),
            SpatialAttention(3, dimensions=3, maps=WIDTH, bias=True), order,
        )  # fmt: skip
        self.narrow = nn.ModuleList([nn.Linear(WIDTH * (side // 4) ** 2, 128), nn.Linear(128, 64)])
        self.drop = nn.Dropout(dropout)
        self.recur = nn.GRU(64, STATES, batch_first=True)
        self.classify = nn.Sequential(nn.Linear(STATES, 32), nn.LeakyReLU(SLOPE), nn.Linear(32, classes))
        weights = CLASS_WEIGHTS if classes == len(CLASS_WEIGHTS) else (1.0,) * classes
        self.register_buffer("class_weights", torch.tensor(weights), persistent=False)
        self.apply(_begin_as_keras)

    def settle(self, batch: Batch) -> None:
        """Take mean and largest value of the training pictures."""
        frames = self._pictures(batch)
        self.middle.copy_(frames.mean())
        self.reach.copy_((frames.amax() - self.middle).clamp_min(1e-6))

    def forward(self, batch: Batch) -> Batch:
        """Return ``logits``, and those of every step, ``step_logits`` ``(n, steps / 4, classes)``."""
        x = ((self._pictures(batch) - self.middle) / self.reach).transpose(1, 2)
        seen = self.merge(torch.cat([branch(x) for branch in self.branches], 1))
        # In bfloat16, oneDNN leaves gradients of a 3-D convolution over two moments unset.
        with torch.autocast(seen.device.type, enabled=False):
            seen = self.attend(seen.float())
        step = seen.transpose(1, 2).flatten(2)
        for layer in self.narrow:
            step = F.leaky_relu(layer(self.drop(step)), SLOPE)
        logits = self.classify(self.recur(self.drop(step))[0])
        return {"logits": logits.mean(1) if self.readout == "mean" else logits[:, 0], "step_logits": logits}

    def loss(self, out: Batch, batch: Batch) -> Tensor:
        """Return the cross-entropy of every step, classes weighed as in the code, and the squares of two layers."""
        steps = out["step_logits"].shape[1]
        label = batch["label"][:, None].expand(-1, steps)
        entropy = F.cross_entropy(out["step_logits"].transpose(1, 2), label, self.class_weights)
        return entropy + RIDGE * sum(layer.weight.pow(2).sum() for layer in self.narrow)

    def _pictures(self, batch: Batch) -> Tensor:
        frames = batch["frames"]
        return frames - frames[:, :1] if self.relative else frames


def _convolution(c: int, kernel: int) -> nn.Sequential:
    pool = nn.MaxPool3d(2, ceil_mode=True)
    return nn.Sequential(nn.Conv3d(c, WIDTH, kernel, padding=kernel // 2), nn.LeakyReLU(SLOPE), pool)


def _begin_as_keras(layer: nn.Module) -> None:
    """Draw weights as wide as the code's framework does; torch's are narrower, and the ridge narrows them further."""
    for parameter in layer.parameters(recurse=False):
        nn.init.zeros_(parameter) if parameter.ndim == 1 else nn.init.xavier_uniform_(parameter)


SYSTEM = System(
    name="conv3d_gru",
    number="S1",
    paper="Fang, Liu, Liu: 3DCNN + GRU with a new channel attention, ICIP 2024",
    public="code: layers, losses, optimiser",
    chosen="every step has its label, and the mean of all is read; scales of the training part; pictures spread evenly",
    reported="3 classes, LOSO, best epoch by test subject, UF1/UAR: SMIC .732/.737, SAMM .701/.748, CASME II .723/.755",
    build=Conv3dGru,
    recipe=Recipe(epochs=40, batch=8, decay=0.0),
    parameters=7_656_395,
    quick=Quick({"steps": 8, "side": 32, "relative": True}, Recipe(epochs=15, batch=8, decay=0.0)),
    heavy=True,
)
