"""A convolutional LSTM, a transformer over its steps, and the scores of several fused (Sensors 2023, 23(12) 5650).

Zheng and Blasch compare CNN, ResNet, Xception, ViT and ConvLSTM with a hybrid of convolution, LSTM and transformer, and
fuse scores. Their sizes are not known to us. Our choices: 10 grey pictures of 64 pixels as differences from the first,
32 maps, a token a picture, two layers of four heads; what is fused are networks of one kind from several seeds, by one
of the three rules of ``assistive.training.score_fusion``, whose weights come from training subjects that were left out.
Accepted when fusing identical networks is the one network, when three networks together are no worse than one of them
on the average, and when a poisoned test part leaves the weights as they are.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assistive.zoo.blocks.conv_lstm import ConvLstm
from assistive.zoo.systems import Batch, Need, Quick, Recipe, System, SystemNetwork

PLACES = 8
"""Cells across a map, of which a token is made."""
TOKEN = 128
HEADS, LAYERS = 4, 2


class ConvLstmTransformer(SystemNetwork):
    """One of the networks that are fused.

    Args:
        classes: number of classes.
        steps: pictures.
        side: of a picture, pixels; a multiple of 8.
        hidden: maps of the convolutional LSTM.
        dropout: in the transformer.
        members: how many networks are fused.
        folds: parts of the training subjects, each judged by networks that have not seen it, for the weights.
        fusion: ``mean`` of the probabilities, ``weighted`` by UAR, or ``stacked``.
    """

    def __init__(
        self, classes: int, steps: int = 10, side: int = 64, hidden: int = 32, dropout: float = 0.1, members: int = 3,
        folds: int = 3, fusion: Literal["mean", "weighted", "stacked"] = "weighted",
    ) -> None:  # fmt: skip
        super().__init__()
        self.inputs = (Need("frames", side, steps),)
        self.members, self.folds, self.fusion = members, folds, fusion
        self.register_buffer("reach", torch.tensor(1.0))
        self.remember = ConvLstm(1, hidden)
        self.embed = nn.Linear(hidden * PLACES**2, TOKEN)
        self.begin = nn.Parameter(torch.zeros(1, 1, TOKEN))
        self.position = nn.Parameter(0.02 * torch.randn(1, steps + 1, TOKEN))
        layer = nn.TransformerEncoderLayer(TOKEN, HEADS, 2 * TOKEN, dropout, "gelu", batch_first=True, norm_first=True)
        self.transform = nn.TransformerEncoder(layer, LAYERS, nn.LayerNorm(TOKEN), enable_nested_tensor=False)
        self.classify = nn.Linear(TOKEN, classes)

    def settle(self, batch: Batch) -> None:
        """Take the strength of what changes in the training pictures for 1."""
        self.reach.copy_(_changes(batch["frames"]).pow(2).mean().sqrt().clamp_min(1e-6))

    def forward(self, batch: Batch) -> Batch:
        """Return ``logits``."""
        maps = self.remember(_changes(batch["frames"]) / self.reach)
        places = F.adaptive_avg_pool2d(maps.flatten(0, 1), PLACES).flatten(1).unflatten(0, maps.shape[:2])
        tokens = torch.cat([self.begin.expand(len(maps), -1, -1), self.embed(places)], 1) + self.position
        return {"logits": self.classify(self.transform(tokens)[:, 0])}


def _changes(frames: Tensor) -> Tensor:
    return frames - frames[:, :1]


SYSTEM = System(
    name="convlstm_transformer",
    number="S10",
    paper="Zheng, Blasch: ConvLSTM and ViT with score fusion, Sensors 2023, 23(12) 5650",
    public="abstract: the kinds of networks, score fusion, relative rate increase",
    chosen="all sizes, differences from the first picture, what is fused (seeds), the three rules, the recipe",
    reported="unknown",
    build=ConvLstmTransformer,
    recipe=Recipe(epochs=30, batch=16, rate=5e-4),
    trained_by="assistive.training.score_fusion:fit",
    quick=Quick({"side": 32, "hidden": 8, "steps": 8, "members": 2, "folds": 2}, Recipe(epochs=15, batch=16)),
    heavy=True,
)
