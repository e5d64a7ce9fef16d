"""The crop verifier: looks at one hand closely and says which gesture it shows, or that it shows none.

A small residual network on 96 px crops, built of the detector's own light blocks. It also says where the hand lies in
the crop, which is far more exact than the detector's box, so that the crop can be cut again before it is judged. While
it is trained a further head predicts the hand's 21 landmarks, which teaches the features where the fingers are; that
head is not exported.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from assistive.zoo.blocks.convolution import ConvBnAct
from assistive.zoo.blocks.downsampling import SplitPoolDown
from assistive.zoo.blocks.units import PartialResidual

EMBEDDING = 128


class GestureVerifier(nn.Module):
    """Classify crops of hands.

    Args:
        classes: number of classes, ``no_gesture`` included.
        widths: channels of the four stages.
        depths: residual blocks of the four stages.
        dropout: share of the embedding that is dropped while training.
    """

    def __init__(
        self,
        classes: int,
        widths: tuple[int, int, int, int] = (32, 56, 112, 192),
        depths: tuple[int, int, int, int] = (1, 2, 3, 2),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [ConvBnAct(3, widths[0], 3, 2)]
        previous = widths[0]
        for i, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            if i:
                layers.append(SplitPoolDown(previous, width))
            layers += [PartialResidual(width) for _ in range(depth)]
            previous = width
        self.features = nn.Sequential(*layers)
        self.embed = nn.Sequential(nn.Linear(previous, EMBEDDING), nn.BatchNorm1d(EMBEDDING), nn.SiLU())
        self.classify = nn.Sequential(nn.Dropout(dropout), nn.Linear(EMBEDDING, classes))
        self.box = nn.Sequential(nn.Conv2d(previous, 24, 1), nn.SiLU(), nn.Flatten(), nn.LazyLinear(4))
        self.landmarks = nn.Sequential(nn.Conv2d(previous, 32, 1), nn.SiLU(), nn.Flatten(), nn.LazyLinear(42))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Classify crops.

        Args:
            x: float ``(n, 3, 96, 96)``, RGB in 0..1.

        Returns:
            Logits ``(n, classes)``, embedding ``(n, 128)``, box ``(n, 4)`` as left, top, right, bottom and landmarks
            ``(n, 42)`` as x, y pairs, both in fractions of the crop.
        """
        y = self.features(x)
        embedding = self.embed(y.mean((2, 3)))
        return self.classify(embedding), embedding, self.box(y), self.landmarks(y)


class Probabilities(nn.Module):
    """What is exported: class probabilities, the embedding and the box.

    Args:
        network: the trained network.
    """

    def __init__(self, network: GestureVerifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map crops ``(n, 3, 96, 96)`` to probabilities ``(n, classes)``, embeddings ``(n, 128)``, boxes ``(n, 4)``."""
        logits, embedding, box, _ = self.network(x)
        return torch.softmax(logits, 1), embedding, box


def build(classes: int, size: int = 96) -> GestureVerifier:
    """Build the verifier for crops of ``size`` pixels."""
    network = GestureVerifier(classes)
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, size, size))
    return network.train()
