"""The landmark reader: which gesture 21 landmarks of a hand show, by lengths, angles and directions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

FINGERS = ((0, 1, 2, 3, 4), (0, 5, 6, 7, 8), (0, 9, 10, 11, 12), (0, 13, 14, 15, 16), (0, 17, 18, 19, 20))
TIPS = tuple(finger[-1] for finger in FINGERS)
JOINTS = tuple(joint for finger in FINGERS for joint in zip(finger, finger[1:], finger[2:], strict=False))
SPANS = (*((a, b) for i, a in enumerate(TIPS) for b in TIPS[i + 1 :]), *((tip, 0) for tip in TIPS))
EVEN, ODD = 21 * 4 + len(JOINTS) + len(SPANS) + 6, 21 * 2 + 3
"""How many features a mirror leaves alone, and of how many it changes the sign."""


class LandmarkReader(nn.Module):
    """Classify packed landmarks (``assistive.gesture.second_opinion.pack``).

    Args:
        classes: number of classes, ``no_gesture`` included.
        width: of both hidden layers.
        dropout: share of them that is dropped while training.
    """

    mean: Tensor
    even_scale: Tensor
    odd_scale: Tensor

    def __init__(self, classes: int, width: int = 160, dropout: float = 0.25) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(EVEN))
        self.register_buffer("even_scale", torch.ones(EVEN))
        self.register_buffer("odd_scale", torch.ones(ODD))
        layers: list[nn.Module] = []
        for before in (EVEN + ODD, width):
            layers += [nn.Linear(before, width), nn.BatchNorm1d(width), nn.SiLU(), nn.Dropout(dropout)]
        self.judge = nn.Sequential(*layers, nn.Linear(width, classes))

    def calibrate(self, x: Tensor) -> None:
        """Take mean and scale of the features from packed landmarks ``(n, 3, 1, 45)``."""
        even, odd = features(x)
        self.mean.copy_(even.mean(0))
        self.even_scale.copy_(even.std(0) + 1e-4)
        self.odd_scale.copy_((odd**2).mean(0).sqrt() + 1e-4)

    def scaled(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return both kinds of features at the same scale, ``(n, EVEN)`` and ``(n, ODD)``."""
        even, odd = features(x)
        return ((even - self.mean) / self.even_scale).clamp(-5, 5), (odd / self.odd_scale).clamp(-5, 5)

    def forward(self, x: Tensor) -> Tensor:
        """Map packed landmarks ``(n, 3, 1, 45)`` to probabilities ``(n, classes)``: a hand and its mirror are one."""
        even, odd = self.scaled(x)
        both = self.judge(torch.cat([even, odd], 1)) + self.judge(torch.cat([even, -odd], 1))
        return torch.softmax(both / 2, 1)


def features(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return what a mirror leaves alone, ``(n, EVEN)``, and what changes its sign, ``(n, ODD)``.

    Args:
        x: float ``(n, 3, 1, 45)``, as packed.
    """
    flat, world = x[:, :, 0, :21], x[:, :, 0, 21:42]
    sides, turn, box = x[:, :, 0, 42], x[:, :, 0, 43], x[:, :2, 0, 44].clamp_min(1e-3)
    place = flat[:, :2] - flat[:, :2].mean(2, keepdim=True)
    spread = (place**2).sum(1).mean(1).add(1e-8).sqrt()[:, None]
    place, depth = place / spread[:, None], flat[:, 2] / spread
    world = world - world.mean(2, keepdim=True)
    world = world / (world**2).sum(1).mean(1).add(1e-12).sqrt()[:, None, None]
    bends = [_bend(world, *joint) for joint in JOINTS]
    spans = [((world[:, :, a] - world[:, :, b]) ** 2).sum(1).add(1e-8).sqrt() for a, b in SPANS]
    low, high = flat[:, :2].amin(2), flat[:, :2].amax(2)
    centre = (low + high) / 2 / box
    grown = ((high - low) / box + 1e-3).log()
    shape = (box[:, 0] / box[:, 1]).log()
    told = [*bends, *spans, centre[:, 1], grown[:, 0], grown[:, 1], sides[:, 1], turn[:, 1], shape]
    even = torch.cat([place[:, 1], depth, world[:, 1], world[:, 2], torch.stack(told, 1)], 1)
    odd = torch.cat([place[:, 0], world[:, 0], torch.stack([centre[:, 0], sides[:, 0], turn[:, 0]], 1)], 1)
    return even, odd


def _bend(world: Tensor, a: int, b: int, c: int) -> Tensor:
    """Cosine of the angle between two bones."""
    first, second = world[:, :, b] - world[:, :, a], world[:, :, c] - world[:, :, b]
    long = ((first**2).sum(1) * (second**2).sum(1)).add(1e-12).sqrt()
    return (first * second).sum(1) / long
