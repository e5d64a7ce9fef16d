"""Train detectors of action units, and then the emotion on what they say of people whom they have not seen.

A detector is surer of clips that it was trained on. So each half of the people is judged by detectors of the other
half, and the logistic regression learns from that; the detectors that are kept learn from all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from assistive.errors import SourceError
from assistive.training.datasets.clip_set import ACTION_UNITS, ClipInputs, ClipSet
from assistive.training.loop import balance
from assistive.training.protocols import Predictor
from assistive.training.systems import Fitted, SystemLearner, outputs_of
from assistive.types import EXPRESSIONS
from assistive.zoo.adp_dstn import UNITS, AdpDstn, by_rules, unit_loss

TYPICAL: Mapping[str, tuple[int, ...]] = {
    "negative": (4,), "positive": (12,), "surprise": (1, 2), "disgust": (4, 9), "happiness": (6, 12),
    "repression": (14, 17), "anger": (4, 7), "contempt": (14,), "others": (),
}  # fmt: skip
"""Units that stand for a class where a collection codes none (SMIC), after the usual tables of prototypes."""

MOST_POSITIVE = 10.0
"""A clip in which a unit moves counts at most so many times."""
RIDGE = 1e-3
"""Weight of the squares of the logistic regression's weights."""


@dataclass(frozen=True, slots=True)
class ByRules:
    """Detectors whose emotion follows from rules: there was nobody to learn it from.

    Attributes:
        network: the detectors, in evaluation mode.
        settled: as :func:`fit` says.
    """

    network: AdpDstn
    settled: Mapping[str, Any]

    def predict(self, inputs: ClipInputs) -> NDArray[np.int64]:
        """Return the class of each clip, int64 ``(n,)``: negative, positive, surprise."""
        units = torch.from_numpy(outputs_of(self.network, inputs)["units"])
        return np.asarray(by_rules(units).argmax(1), np.int64)


def fit(learner: SystemLearner, train: ClipSet, seed: int, unlabelled: ClipInputs | None) -> Predictor:
    """Train the detectors, then the emotion; with one person alone, rules take the place of the latter.

    Args:
        learner: of ``adp_dstn``.
        train: clips to learn from; units that are not coded become those typical of the class.
        seed: of everything.
        unlabelled: is not looked at.

    Returns:
        What was learned; it has settled on ``epochs``, ``units`` (``coded``, ``typical``, or ``mixed`` of both) and
        ``emotion`` (``logistic`` or ``rules``).

    Raises:
        SourceError: there is one person alone, and the rules do not know the classes.
    """
    unknown = np.isnan(train.units[:, : len(UNITS)])
    origin = "typical" if unknown.all() else "mixed" if unknown.any() else "coded"
    train = with_typical_units(train)
    settled = {"epochs": learner.pace.epochs, "units": origin}
    people = np.unique(train.subjects)
    if len(people) == 1:
        if train.classes != EXPRESSIONS:
            raise SourceError("all training clips are of one person", "give clips of more", "units.people")
        return ByRules(_detectors(learner, train, seed), settled | {"emotion": "rules"})
    half = np.isin(train.subjects, np.random.default_rng(seed).permutation(people)[: len(people) // 2])
    said = np.zeros((len(train), len(UNITS)), np.float32)
    for judged in (half, ~half):
        detectors = _detectors(learner, train.take(np.flatnonzero(~judged)), seed)
        said[judged] = outputs_of(detectors, train.inputs.take(np.flatnonzero(judged)))["units"]
    network = _detectors(learner, train, seed)
    weight, bias = logistic(torch.from_numpy(said), torch.from_numpy(train.labels), len(train.classes))
    network.emotion_weight.copy_(weight)
    network.emotion_bias.copy_(bias)
    return Fitted(network, settled | {"emotion": "logistic"})


def with_typical_units(clips: ClipSet) -> ClipSet:
    """Return clips whose uncoded units are those typical of their class."""
    typical = np.array([[unit in TYPICAL[name] for unit in ACTION_UNITS] for name in clips.classes], np.float32)
    return replace(clips, units=np.where(np.isnan(clips.units), typical[clips.labels], clips.units))


def logistic(x: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Fit a multinomial logistic regression in which all classes weigh the same.

    Args:
        x: ``(n, f)``.
        labels: int64 ``(n,)``.
        classes: number of classes.

    Returns:
        Weights ``(classes, f)`` and biases ``(classes,)``. The cost is convex: there is one answer, whatever the seed.
    """
    balanced = torch.from_numpy(balance(labels.numpy(), classes)).double()
    weight = torch.zeros(classes, x.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=500, line_search_fn="strong_wolfe")

    def cost() -> Tensor:
        optimiser.zero_grad()
        lost = F.cross_entropy(F.linear(x.double(), weight, bias), labels, balanced) + RIDGE * weight.pow(2).sum()
        lost.backward()
        return lost

    optimiser.step(cost)
    return weight.detach().float(), bias.detach().float()


def _detectors(learner: SystemLearner, train: ClipSet, seed: int) -> AdpDstn:
    moved = train.units[:, : len(UNITS)].sum(0)
    weight = np.clip((len(train) - moved) / np.maximum(moved, 1), 1 / MOST_POSITIVE, MOST_POSITIVE)
    positive = torch.from_numpy(weight.astype(np.float32))
    network = learner.train(
        train, seed, loss=lambda out, batch: unit_loss(out["unit_scores"], batch["action_units"], positive)
    )
    assert isinstance(network, AdpDstn)
    return network
