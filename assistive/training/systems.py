"""The one trainer of all systems of the zoo.

It makes the inputs that a network asks for, trains it for the number of epochs that is fixed beforehand, and says what
it has learned. It is given the training part of a fold; a system that adapts to new data is given the test part's
inputs too, which hold no label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from assistive.evaluation.expression import uf1
from assistive.training.datasets.clip_set import ClipInputs, ClipSet
from assistive.training.datasets.mirror import mirrored
from assistive.training.loop import Watch, balance, best_epoch, descend
from assistive.training.protocols import Predictor, holdout
from assistive.zoo.systems import Batch, Need, Recipe, SystemNetwork, build, find

SETTLED_ON = 256
"""Training clips that a network sees before training, to settle its scales."""
JUDGED_AT_ONCE = 32

TARGET = "target_"
"""Begins the keys of unlabelled inputs of the test part."""


def batch_of(inputs: ClipInputs, needs: Sequence[Need], index: NDArray[np.integer[Any]] | None = None) -> Batch:
    """Return inputs of clips as float32 tensors, a row a clip; pictures in 0..1.

    Args:
        inputs: of clips.
        needs: which.
        index: numbers of clips; None = all.
    """
    return {need.key: _tensor(inputs.read(need, index)) for need in needs}


def truth_of(clips: ClipSet, index: NDArray[np.integer[Any]] | None = None) -> Batch:
    """Return what is known of clips: ``label`` and ``subject`` int64, ``action_units`` and ``apex_at`` float32.

    Subjects are numbered from 0 in the order of their names, among all of ``clips``.
    """
    pick = np.arange(len(clips)) if index is None else index
    people = np.unique(np.array(clips.subjects), return_inverse=True)[1]
    known: dict[str, NDArray[Any]] = {"label": clips.labels, "subject": people.astype(np.int64),
                                      "action_units": clips.units, "apex_at": clips.apex_at}  # fmt: skip
    return {key: torch.from_numpy(np.ascontiguousarray(value[pick])) for key, value in known.items()}


def _tensor(array: NDArray[Any]) -> Tensor:
    tensor = torch.from_numpy(array)
    return tensor.float() / 255 if tensor.dtype == torch.uint8 else tensor.float()


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained network, as a protocol sees it.

    Attributes:
        network: in evaluation mode.
        settled: ``epochs``.
    """

    network: SystemNetwork
    settled: Mapping[str, Any]

    def predict(self, inputs: ClipInputs) -> NDArray[Any]:
        """Return the class of each clip, int64 ``(n,)``; of a system that spots, the moment of the apex, 0..1."""
        out = self.outputs(inputs)
        return np.asarray(out["logits"].argmax(1), np.int64) if "logits" in out else out["apex_at"]

    def outputs(self, inputs: ClipInputs) -> dict[str, NDArray[np.float32]]:
        """Return all that the network answers, a row a clip."""
        return outputs_of(self.network, inputs)


@torch.no_grad()
def outputs_of(network: SystemNetwork, inputs: ClipInputs) -> dict[str, NDArray[np.float32]]:
    """Return all that a network answers of clips, a row a clip, in full precision."""
    parts = [network(batch_of(inputs, network.inputs, part)) for part in
             np.array_split(np.arange(len(inputs)), -(-len(inputs) // JUDGED_AT_ONCE))]  # fmt: skip
    return {key: np.asarray(torch.cat([part[key] for part in parts]).numpy(), np.float32) for key in parts[0]}


Loss = Callable[[Batch, Batch], Tensor]


@dataclass(frozen=True, slots=True)
class SystemLearner:
    """Trains one system on the training part of a fold.

    Attributes:
        system: its name.
        recipe: how; None = the system's own.
        options: of its network.
        mirror: show half of the clips mirrored, anew in each epoch.
        inner_share: None = exactly the recipe's epochs. Else this share of the training clips, of subjects by
            themselves, is held back once, the epoch with their best UF1 is noted, and the network is trained anew on
            all of the training part for that many epochs. Not for a system that is trained in stages.
    """

    system: str
    recipe: Recipe | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    mirror: bool = True
    inner_share: float | None = None

    @property
    def adapts(self) -> bool:
        """It is given the inputs of the test part as well."""
        return find(self.system).adapts

    def fit(self, train: ClipSet, seed: int, unlabelled: ClipInputs | None = None) -> Predictor:
        """Train; the same arguments give the same weights on the same machine."""
        own = find(self.system).trained_by
        if own is not None:
            module, _, function = own.partition(":")
            learned: Predictor = getattr(import_module(module), function)(self, train, seed, unlabelled)
            return learned
        epochs = self.pace.epochs
        if self.inner_share is not None:
            epochs = self._choose(train, seed, self.inner_share, unlabelled)
        network = self.train(train, seed, unlabelled=unlabelled, recipe=replace(self.pace, epochs=epochs))
        return Fitted(network, {"epochs": epochs})

    def _choose(self, train: ClipSet, seed: int, share: float, unlabelled: ClipInputs | None) -> int:
        fold = holdout(train, seed, share)[0]
        inner, judged = train.take(fold.train), train.take(fold.test)
        scores: list[float] = []

        def watch(_: int, network: nn.Module) -> None:
            assert isinstance(network, SystemNetwork)
            guess = outputs_of(network, judged.inputs)["logits"].argmax(1)
            scores.append(uf1(judged.labels, guess, len(train.classes)))

        self.train(inner, seed, unlabelled=unlabelled, watch=watch)
        return best_epoch(scores)

    @property
    def pace(self) -> Recipe:
        """The recipe that counts."""
        return self.recipe or find(self.system).recipe

    def train(
        self, train: ClipSet, seed: int, *, unlabelled: ClipInputs | None = None, loss: Loss | None = None,
        recipe: Recipe | None = None, watch: Watch | None = None,
    ) -> SystemNetwork:  # fmt: skip
        """Train one network: all there is to a system, or a stage of it.

        Args:
            train: clips to learn from.
            seed: of weights, order, dropout and mirroring; torch's own random state is left as it was.
            unlabelled: inputs to adapt to, for a system that does.
            loss: takes the place of the network's own.
            recipe: takes the place of the learner's.
            watch: called after each epoch.

        Returns:
            The network after the last epoch, in evaluation mode.
        """
        pace = recipe or self.pace
        rng = torch.Generator().manual_seed(seed)
        weight = torch.from_numpy(balance(train.labels, len(train.classes)))
        truth = truth_of(train)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = build(self.system, len(train.classes), **self.options)
            seen = torch.randperm(len(train), generator=rng)[:SETTLED_ON].numpy()
            net.settle(batch_of(train.inputs, net.inputs, seen))

            def cost(pick: Tensor, progress: float) -> Tensor:
                batch = batch_of(train.inputs, net.inputs, pick.numpy())
                if unlabelled is not None:
                    other = torch.randint(len(unlabelled), pick.shape, generator=rng).numpy()
                    more = batch_of(unlabelled, net.inputs, other)
                    batch |= {TARGET + key: value for key, value in more.items()}
                if self.mirror:
                    batch = mirrored(batch, rng)
                batch |= {key: value[pick] for key, value in truth.items()}
                batch |= {"class_weight": weight, "progress": torch.tensor(progress)}
                with torch.autocast("cpu", torch.bfloat16):  # twice as fast
                    out = net(batch)
                return (loss or net.loss)({key: value.float() for key, value in out.items()}, batch)

            trained: nn.Module = descend(net, cost, len(train), pace.epochs, pace, rng, watch)
        assert isinstance(trained, SystemNetwork)
        return trained
