"""Bi-WOOF: directions of the flow, weighed by its strength and each block by its strain (Liong et al., 2018). A floor.

A block's histogram counts each pixel's direction by the pixel's magnitude; the histogram as a whole counts by the
block's mean strain. Judged by a linear machine. Written from the published description. Ours: the size of the map, and
C of the machine. Accepted when flow of one direction fills one bin of each block, and a block that is twice as strained
counts twice.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from assistive.zoo.blocks.linear_machine import LinearMachine
from assistive.zoo.systems import Batch, Need, System

BLOCKS = 8
BINS = 8
"""Directions, the first from -180 to -135 degrees."""


class BiWoof(LinearMachine):
    """Describe flow by its directions in each block.

    Args:
        classes: number of classes.
        side: side of a map, pixels; a multiple of 8.
    """

    def __init__(self, classes: int, side: int = 64) -> None:
        super().__init__(BLOCKS**2 * BINS, classes)
        self.inputs = (Need("flow", side),)

    def describe(self, batch: Batch) -> Tensor:
        """Return the weighed histograms of all blocks ``(n, 512)``."""
        u, v, strained = batch["flow"].unbind(1)
        turn = (torch.atan2(v, u) + math.pi) / (2 * math.pi)
        bins = (turn * BINS).long().remainder(BINS)
        counted = F.one_hot(bins, BINS).movedim(3, 1) * torch.hypot(u, v)[:, None]
        blocks = u.shape[1] // BLOCKS
        return (F.avg_pool2d(counted, blocks) * F.avg_pool2d(strained[:, None], blocks)).flatten(1)


SYSTEM = System(
    name="bi_woof",
    number="",
    paper="Liong, See, Wong, Phan: Less is more (Bi-WOOF), Signal Processing: Image Communication 2018",
    public="description and sizes",
    chosen="map of 64 pixels; C of the machine",
    reported="composite of MEGC2019, 3 classes, LOSO: UF1 .6296, UAR .6227",
    build=BiWoof,
    trained_by="assistive.training.linear_svm:fit",
)
