"""The main paper's two networks, as they ship: listed beside the published systems, trained by commands of their own.

Li and Jettanasen (Computation 13(12):277, 2025) name a YOLOv5s lightened by residual modules and efficient downsampling
modules, and an attention-based fusion of gesture and expression. No more of either is public, so that all below that
is our choice: ``assistive.zoo.yolov5s_lite`` and ``assistive.zoo.fusion_attention``. They see a hand, or both streams,
and not a clip of a face, so that the zoo's protocols do not measure them; accepted when their costs, counted here, are
those that the architecture study asserts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from assistive.fusion.evidence import NAMES
from assistive.fusion.tokens import TONES, WIDTH
from assistive.zoo import yolov5s_lite
from assistive.zoo.fusion_attention import FusionAttention
from assistive.zoo.systems import Need

INTENTS = 12
"""Intents of the declared table; its numbers are not trained, and their count costs next to nothing."""


@dataclass(frozen=True, slots=True)
class Part:
    """A network of the running system.

    Attributes:
        name: what it is.
        public: what the authors have published of it, in words.
        chosen: what we chose.
        reported: the paper's own figure.
        input: what it sees.
        shape: the same as a tensor, for one moment.
        build: makes it.
    """

    name: str
    public: str
    chosen: str
    reported: str
    input: Need
    shape: tuple[int, ...]
    build: Callable[[], nn.Module]


NUMBER = "S14"
PAPER = "Li, Jettanasen: YOLOv5s-based multimodal recognition, Computation 2025, 13(12) 277"

PARTS = (
    Part(
        name="yolov5s_lite",
        public="that residual and efficient downsampling modules lighten it",
        chosen="partial-convolution residuals, split/pool downs, all widths; figures in docs/results/gesture.json",
        reported="22 frames/s, machine and size unknown",
        input=Need("picture", 320, colour=True),
        shape=(1, 3, 320, 320),
        build=lambda: yolov5s_lite.build("yolov5s_lite", len(NAMES)),
    ),
    Part(
        name="fusion_attention",
        public="that it is attention-based and adaptive",
        chosen="tokens, co-attention, gates, a declared table of intents; figures in docs/results/fusion.json",
        reported="joint accuracy 95.3 %, of what and on whom unknown",
        input=Need("tokens"),
        shape=(1, 3, 1, WIDTH),
        build=lambda: FusionAttention(torch.ones(INTENTS, len(NAMES), len(TONES))),
    ),
)
