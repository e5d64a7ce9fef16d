"""The published systems under one contract: each is built by name, fed one dictionary, and answers with one.

A system's file describes it with a ``SYSTEM`` and builds a :class:`SystemNetwork`. That network names the inputs that
it needs (:class:`Need`); the data module makes those and no others. One trainer fits all of them; a system that is
trained in stages, or ends in a classical classifier, names a function of its own (``trained_by``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assistive.errors import ConfigError
from assistive.yamlfile import nearest

Batch = dict[str, Tensor]
"""Inputs by key; what the keys hold is said in ``assistive.training.datasets.inputs``. While training it has also the
truth (``label``, ``subject``, ``action_units``, ``apex_at``), ``class_weight`` and ``progress``."""

MODULES = (
    "off_tanet",
    "mfe_net",
    "stst_net",
    "dual_atme",
    "flow_net",
    "conv3d_gru",
    "dstan",
    "co_attention_3d",
    "convlstm_transformer",
    "feat_ref",
    "dcbam_efficientnet",
    "mfvan",
    "rrrn",
    "astann",
    "apex_spotter",
    "mer_amre",
    "adp_dstn",
    "mol",
    "off_apex_net",
    "dual_inception",
    "lbp_top",
    "bi_woof",
)
"""Modules of this package that hold a ``SYSTEM``, named as the system is; in the order in which they are listed."""


@dataclass(frozen=True, slots=True)
class Need:
    """One input that a system needs.

    Attributes:
        key: its name in a batch.
        side: side of its pictures or maps, pixels; 0 where it has none.
        steps: moments of a clip, evenly spaced from onset to offset; 0 where it has no time.
        colour: RGB instead of grey pictures.
    """

    key: str
    side: int = 0
    steps: int = 0
    colour: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a system is trained, unless it is told otherwise.

    Attributes:
        epochs: passes over the clips.
        batch: clips in a step.
        rate: highest learning rate of AdamW; after a warm-up of one epoch it falls along a cosine.
        decay: weight decay.
    """

    epochs: int = 30
    batch: int = 32
    rate: float = 1e-3
    decay: float = 1e-2


@dataclass(frozen=True, slots=True)
class Quick:
    """A system at a size that trains on 144 clips within 40 s of one core.

    Attributes:
        options: of its network, where it differs from the whole one (fewer moments, smaller pictures).
        recipe: how it is trained; None = as the whole one.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    recipe: Recipe | None = None


class SystemNetwork(nn.Module):
    """What every system's network is.

    Attributes:
        inputs: what it needs; no key twice.
    """

    inputs: tuple[Need, ...]

    def forward(self, batch: Batch) -> Batch:
        """Return at least ``logits`` ``(n, classes)``; whatever is returned has a row for each clip."""
        raise NotImplementedError

    def loss(self, out: Batch, batch: Batch) -> Tensor:
        """Return what is made small, a scalar: cross-entropy in which all classes weigh the same together.

        Args:
            out: what :meth:`forward` returned, in float32.
            batch: what it was given, with ``label`` and ``class_weight``.
        """
        return F.cross_entropy(out["logits"], batch["label"], batch["class_weight"])

    def settle(self, batch: Batch) -> None:
        """Look at clips of the training part once before training, for scales that are kept as buffers."""


class FlowSystem(SystemNetwork):
    """A network on one flow map, made a system.

    Args:
        network: maps u, v, strain ``(n, 3, side, side)`` to logits.
        side: side of its map, pixels.
        key: ``flow`` (pixels) or ``flow_map`` (its shape alone, as the running system packs it).
    """

    def __init__(self, network: nn.Module, side: int, key: str = "flow") -> None:
        super().__init__()
        self.network, self.key = network, key
        self.inputs = (Need(key, side),)

    def forward(self, batch: Batch) -> Batch:
        """Return ``logits``."""
        return {"logits": self.network(batch[self.key])}


Builder = Callable[..., SystemNetwork]


@dataclass(frozen=True, slots=True)
class System:
    """One published system.

    Attributes:
        name: that of its module.
        number: its number in the list of systems (``S16``); empty for a floor or one of our own.
        paper: authors, title or venue, year.
        public: what the authors have published of it, in words.
        chosen: what we chose, because it is not public or because it is wrong; empty = nothing.
        reported: the paper's own figure with its protocol; ``unknown`` where we could not read it.
        build: makes its network of a number of classes and its own options.
        recipe: how it is trained here.
        parameters: as the paper or its code counts them, for three classes; None = not said.
        exported: it can be written as ONNX.
        adapts: it is also given the test clips, without any label: each input a second time as ``target_`` + key, a
            batch of them with each batch.
        trained_by: ``module:function`` of ``assistive.training`` that takes the trainer's place.
        task: what it answers: ``classes``, or ``apex``, the moment of the apex (it has no ``logits``).
        quick: how it is built and trained where minutes count (``evaluate.py zoo --quick``).
        heavy: as a whole it takes a processor minutes to hours for one training: the published table has it at its
            quick size.
    """

    name: str
    number: str
    paper: str
    public: str
    chosen: str
    reported: str
    build: Builder
    recipe: Recipe = field(default_factory=Recipe)
    parameters: int | None = None
    exported: bool = False
    adapts: bool = False
    trained_by: str | None = None
    task: Literal["classes", "apex"] = "classes"
    quick: Quick = field(default_factory=Quick)
    heavy: bool = False

    @property
    def inputs(self) -> tuple[Need, ...]:
        """What it needs as it is built by default."""
        with torch.random.fork_rng(devices=[]):
            return self.build(3).inputs


def find(name: str) -> System:
    """Return a system by name.

    Raises:
        ConfigError: none has that name; the remedy names the nearest.
    """
    if name not in MODULES:
        raise ConfigError(f"no system is named {name!r}", nearest(name, MODULES), "zoo.system")
    system: System = import_module(f"assistive.zoo.{name}").SYSTEM
    return system


def systems() -> list[System]:
    """Return all systems, in the order in which they are listed."""
    return [find(name) for name in MODULES]


def build(name: str, classes: int, **config: Any) -> SystemNetwork:
    """Build a system's network.

    Args:
        name: of the system.
        classes: number of classes.
        config: its own options.

    Raises:
        ConfigError: no system has that name, or it has no such option.
    """
    system = find(name)
    try:
        return system.build(classes, **config)
    except TypeError as error:
        if "unexpected keyword" not in str(error):
            raise
        what = f"{name} has no such option: {error}"
        raise ConfigError(what, f"read assistive/zoo/{name}.py", "zoo.option") from error

