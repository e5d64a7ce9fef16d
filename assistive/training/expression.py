"""Train a network on flow maps: balanced cross-entropy, a number of epochs that is fixed before or chosen inside.

:func:`fit` is used for every training on maps, real or drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from assistive.evaluation.expression import uf1
from assistive.expression.flow import network_input
from assistive.registry import Registry
from assistive.training.datasets.packed import MapSet
from assistive.training.loop import Watch, balance, best_epoch, descend
from assistive.training.protocols import holdout

NETWORKS: Registry[nn.Module] = Registry(
    "network",
    {
        "off_tanet": "assistive.zoo.off_tanet:build",
        "mfe_net": "assistive.zoo.mfe_net:build",
        "stst_net": "assistive.zoo.stst_net:build",
        "flow_net": "assistive.zoo.flow_net:build",
    },
)
"""Networks on flow maps by name; each is called with the number of classes and the side of a map."""

Augment = Callable[[Tensor, torch.Generator], Tensor]
"""Changes a batch ``(n, 3, s, s)`` of u, v, strain (median 0, root mean square 1) while training."""


@dataclass(frozen=True, slots=True)
class FitRecipe:
    """How a network is trained.

    Attributes:
        batch: clips in a step.
        rate: highest learning rate of AdamW; after a warm-up of one epoch it falls along a cosine.
        decay: weight decay.
        smoothing: share of the label that is spread over all classes.
    """

    batch: int = 32
    rate: float = 1e-3
    decay: float = 1e-2
    smoothing: float = 0.0


def mirror(maps: Tensor, rng: torch.Generator) -> Tensor:
    """Mirror half of the maps: left and right change places, and u changes its sign."""
    turned = maps.flip(3) * torch.tensor([-1.0, 1.0, 1.0]).view(1, 3, 1, 1)
    return torch.where(torch.rand(len(maps), 1, 1, 1, generator=rng) < 0.5, turned, maps)


def fit(
    network_name: str, maps: NDArray[np.uint8], labels: NDArray[np.integer[Any]], epochs: int, seed: int, *,
    classes: int = 3, recipe: FitRecipe = FitRecipe(),
    augment: Augment | None = mirror, watch: Watch | None = None,
) -> nn.Module:  # fmt: skip
    """Train a network; the same arguments give the same weights on the same machine.

    Args:
        network_name: a key of ``NETWORKS``.
        maps: uint8 ``(n, s, s, 3)``: strain, v, u.
        labels: int ``(n,)``, 0..classes-1.
        epochs: passes over the clips.
        seed: of weights, order, dropout and augmentation; torch's own random state is left as it was.
        classes: number of classes.
        recipe: how.
        augment: changes each batch, or None.
        watch: called after each epoch with its number (from 1) and the network, in evaluation mode.

    Returns:
        The network after the last epoch, in evaluation mode.
    """
    x, y = torch.from_numpy(network_input(maps)), torch.from_numpy(np.asarray(labels, np.int64))
    weight = torch.from_numpy(balance(labels, classes))
    rng = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = NETWORKS.get(network_name)(classes, int(maps.shape[1]))

        def cost(pick: Tensor, _: float) -> Tensor:
            batch = x[pick] if augment is None else augment(x[pick], rng)
            with torch.autocast("cpu", torch.bfloat16):  # twice as fast
                logits = network(batch)
            return F.cross_entropy(logits.float(), y[pick], weight, label_smoothing=recipe.smoothing)

        return descend(network, cost, len(x), epochs, recipe, rng, watch)


@torch.no_grad()
def logits_of(network: nn.Module, maps: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the logits ``(n, k)`` of maps, uint8 ``(n, s, s, 3)``."""
    parts = [network(part) for part in torch.from_numpy(network_input(maps)).split(256)]
    return np.asarray(torch.cat(parts).numpy())


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained network as a protocol sees it.

    Attributes:
        network: in evaluation mode.
        settled: ``epochs``.
    """

    network: nn.Module
    settled: Mapping[str, Any]

    def predict(self, maps: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the class of each map, int64 ``(n,)``."""
        return np.asarray(logits_of(self.network, maps).argmax(1), np.int64)


@dataclass(frozen=True, slots=True)
class NetworkLearner:
    """Trains a network on the training part of a fold.

    Attributes:
        network_name: a key of ``NETWORKS``.
        epochs: passes over the clips.
        recipe: how.
        inner_share: None = exactly those epochs. Else this share of the training clips, of subjects by themselves, is
            held back once, the epoch with their best UF1 (smoothed over three) is noted, and the network is trained
            anew on all of the training part for that many epochs.
    """

    network_name: str
    epochs: int
    recipe: FitRecipe
    inner_share: float | None = None

    def fit(self, train: MapSet, seed: int) -> Trained:
        """Train on these clips."""
        epochs = self.epochs if self.inner_share is None else self._choose(train, seed, self.inner_share)
        network = fit(
            self.network_name, train.maps, train.labels, epochs, seed, classes=len(train.classes),
            recipe=self.recipe,
        )  # fmt: skip
        return Trained(network, {"epochs": epochs})

    def _choose(self, train: MapSet, seed: int, share: float) -> int:
        fold = holdout(train, seed, share)[0]
        inner, judged = train.take(fold.train), train.take(fold.test)
        scores: list[float] = []

        def watch(epoch: int, network: nn.Module) -> None:
            guess = logits_of(network, judged.maps).argmax(1)
            scores.append(uf1(judged.labels, guess, len(train.classes)))

        fit(self.network_name, inner.maps, inner.labels, self.epochs, seed, classes=len(train.classes),
            recipe=self.recipe, watch=watch)  # fmt: skip
        return best_epoch(scores)
