"""LBP-TOP: local binary patterns of frames and of both ways through time, and a linear machine. A floor.

Zhao and Pietikainen (PAMI 2007), as Yan et al. (CASME II, 2014) took it for micro-expressions: four neighbours on each
plane, one pixel away across a frame and four moments through time, 5 x 5 blocks. Written from the published
description. Ours: sixteen moments of a clip instead of all of its frames, and the size of the frames. Accepted when its
codes are those of a loop over every pixel, a brighter picture is described in the same words, and each block's
histogram of a plane sums to 1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from assistive.zoo.blocks.linear_machine import LinearMachine
from assistive.zoo.systems import Batch, Need, System

BLOCKS = 5
CODES = 16
"""Four neighbours, each darker or not."""
ACROSS, LATER = 1, 4
"""Radius across a frame, pixels, and through time, moments."""
PLANES = ((3, 2), (3, 1), (2, 1))
"""Axes of the planes in ``(n, moments, height, width)``: a frame, a row through time, a column through time."""


class LbpTop(LinearMachine):
    """Describe frames by how often each pattern occurs in each block.

    Args:
        classes: number of classes.
        side: side of a frame, pixels.
        steps: moments, more than eight.
    """

    def __init__(self, classes: int, side: int = 64, steps: int = 16) -> None:
        super().__init__(BLOCKS**2 * len(PLANES) * CODES, classes)
        self.inputs = (Need("frames", side, steps),)

    def describe(self, batch: Batch) -> Tensor:
        """Return the histograms of all blocks and planes ``(n, 1200)``."""
        frames = batch["frames"][:, :, 0]
        return torch.stack([_histograms(codes(frames, plane)) for plane in PLANES], 1).flatten(1)


def codes(frames: Tensor, plane: tuple[int, int]) -> Tensor:
    """Return the pattern of each pixel that has all neighbours, int64 0..15.

    Args:
        frames: ``(n, moments, height, width)``.
        plane: two axes of it; the neighbours lie before and after a pixel on each.

    Returns:
        ``(n, moments - 8, height - 2, width - 2)``.
    """
    radii = (0, LATER, ACROSS, ACROSS)
    inner = [slice(r, frames.shape[axis] - r) for axis, r in enumerate(radii)]
    centre = frames[tuple(inner)]
    found = torch.zeros(centre.shape, dtype=torch.int64)
    bit = 1
    for axis in plane:
        for step in (-radii[axis], radii[axis]):
            near = list(inner)
            near[axis] = slice(radii[axis] + step, frames.shape[axis] - radii[axis] + step)
            found += bit * (frames[tuple(near)] >= centre)
            bit *= 2
    return found


def _histograms(found: Tensor) -> Tensor:
    """Return how often each code occurs in each block ``(n, 16 x 25)``; a block's shares sum to 1."""
    shares = [F.adaptive_avg_pool2d((found == code).float().mean(1), BLOCKS) for code in range(CODES)]
    return torch.stack(shares, 1).flatten(1)


SYSTEM = System(
    name="lbp_top",
    number="",
    paper="Zhao, Pietikainen: LBP-TOP, PAMI 2007; as in Yan et al.: CASME II, PLoS ONE 2014",
    public="description and sizes",
    chosen="sixteen moments of 64 pixels; C of the machine",
    reported="composite of MEGC2019, 3 classes, LOSO: UF1 .5882, UAR .5785",
    build=LbpTop,
    trained_by="assistive.training.linear_svm:fit",
)
