"""Fuse the scores of several classifiers: their mean, a mean weighed by how good each is, or stacking.

The weights are learned from training subjects whom the judged networks have not seen (out-of-fold scores), never from
those who are tested. All three rules give back the one classifier if all are identical: weights sum to 1, all classes
share them, and nothing is added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from assistive.errors import SourceError
from assistive.evaluation.expression import uar
from assistive.training.datasets.clip_set import ClipInputs, ClipSet
from assistive.training.systems import SystemLearner, outputs_of
from assistive.zoo.systems import SystemNetwork, build

Rule = Literal["mean", "weighted", "stacked"]
Scores = NDArray[np.float32]
"""Probabilities, float32 ``(k, n, classes)``: of ``k`` classifiers on ``n`` clips."""

LEAST = 1e-6
"""Probabilities below it are raised to it before their logarithm is taken; no classifier is worth less."""
STEPS = 100
"""Of the solver that finds the weights of stacking."""


@dataclass(frozen=True, slots=True)
class Fusion:
    """A rule with its weights.

    Attributes:
        rule: ``mean`` and ``weighted`` add probabilities, ``stacked`` adds their logarithms.
        weights: float64 ``(k,)``, sum 1.
    """

    rule: Rule
    weights: NDArray[np.float64]

    def fuse(self, scores: Scores) -> NDArray[np.float64]:
        """Return the probabilities of all together, float64 ``(n, classes)``."""
        if self.rule != "stacked":
            return np.einsum("k,knc->nc", self.weights, scores.astype(np.float64))
        both = np.exp(np.einsum("k,knc->nc", self.weights, _logarithm(scores)))
        return np.asarray(both / both.sum(1, keepdims=True))


def learn_fusion(rule: Rule, scores: Scores, labels: NDArray[np.int64]) -> Fusion:
    """Find the weights of a rule.

    Args:
        rule: ``mean``: all the same; ``weighted``: in proportion to UAR; ``stacked``: of a logistic regression on the
            logarithms of the probabilities with one weight a classifier, none below 0, sum 1.
        scores: of clips that the classifiers have not learned from.
        labels: int64 ``(n,)``.
    """
    k, _, classes = scores.shape
    if rule == "mean":
        return Fusion(rule, np.full(k, 1 / k))
    if rule == "weighted":
        worth = np.array([LEAST + uar(labels, one.argmax(1), classes) for one in scores])
        return Fusion(rule, worth / worth.sum())
    return Fusion(rule, _regress(_logarithm(scores), labels))


def rate_increase(fused: float, best: float) -> float:
    """Return the relative rate increase: which share of the best single classifier's errors fusion takes away.

    Below 0 where fusion adds errors. The paper's own definition is not known to us.

    Args:
        fused: accuracy of all together, 0..1.
        best: accuracy of the best one, 0..1; without errors, nothing can be taken away: 0.
    """
    return 0.0 if best == 1 else (fused - best) / (1 - best)


@dataclass(frozen=True, slots=True)
class FusedNetworks:
    """Networks whose scores are fused.

    Attributes:
        networks: each answers ``logits``.
        fusion: how.
        settled: ``epochs``, ``weights``, and, where weights were learned, the ``rate_increase`` on the clips that they
            were learned from.
    """

    networks: tuple[SystemNetwork, ...]
    fusion: Fusion
    settled: Mapping[str, Any]

    def predict(self, inputs: ClipInputs) -> NDArray[np.int64]:
        """Return the class of each clip, int64 ``(n,)``."""
        return np.asarray(self.fusion.fuse(scores_of(self.networks, inputs)).argmax(1), np.int64)


def scores_of(networks: Sequence[SystemNetwork], inputs: ClipInputs) -> Scores:
    """Return the probabilities of each network for each clip."""
    logits = torch.from_numpy(np.stack([outputs_of(network, inputs)["logits"] for network in networks]))
    return np.asarray(logits.softmax(2).numpy(), np.float32)


def fit(learner: SystemLearner, train: ClipSet, seed: int, unlabelled: ClipInputs | None) -> FusedNetworks:
    """Train networks from several seeds, and learn from left-out training subjects how they are fused.

    Raises:
        SourceError: the weights are to be learned, and there is one person alone.
    """
    with torch.random.fork_rng(devices=[]):
        plan: Any = build(learner.system, len(train.classes), **learner.options)
    seeds = [seed * plan.members + i for i in range(plan.members)]
    scores = np.zeros((plan.members, len(train), len(train.classes)), np.float32)
    for part in _parts(train.subjects, plan.folds, seed) if plan.fusion != "mean" else ():
        if part.all():
            what = "nobody can be left out of the training clips to learn how scores are fused"
            raise SourceError(what, "give clips of more people", "fusion.people")
        seen = train.take(np.flatnonzero(~part))
        judged = [learner.train(seen, one) for one in seeds]
        scores[:, part] = scores_of(judged, train.take(np.flatnonzero(part)).inputs)
    fusion = learn_fusion(plan.fusion, scores, train.labels)
    settled: dict[str, Any] = {"epochs": learner.pace.epochs, "weights": fusion.weights.round(4).tolist()}
    if plan.fusion != "mean":
        fused, *single = (float((one.argmax(1) == train.labels).mean()) for one in (fusion.fuse(scores), *scores))
        settled["rate_increase"] = round(rate_increase(fused, max(single)), 4)
    return FusedNetworks(tuple(learner.train(train, one) for one in seeds), fusion, settled)


def _parts(subjects: Sequence[str], folds: int, seed: int) -> list[NDArray[np.bool_]]:
    """Split subjects evenly, in an order drawn by the seed; a part is true at its clips."""
    people = np.random.default_rng(seed).permutation(sorted(set(subjects)))
    return [np.isin(np.array(subjects), names) for names in np.array_split(people, min(folds, len(people)))]


def _regress(features: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the weights, float64 ``(k,)``, under which labels are likeliest; features ``(k, n, classes)``."""
    given, label = torch.from_numpy(features), torch.from_numpy(labels)
    free = torch.zeros(len(features), dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([free], max_iter=STEPS, line_search_fn="strong_wolfe")

    def cost() -> torch.Tensor:
        solver.zero_grad()
        # The square keeps weights finite where one classifier makes no error.
        loss = F.cross_entropy(torch.einsum("k,knc->nc", free.softmax(0), given), label) + 1e-3 * free.pow(2).sum()
        loss.backward()
        return loss

    solver.step(cost)
    return np.asarray(free.detach().softmax(0).numpy())


def _logarithm(scores: Scores) -> NDArray[np.float64]:
    return np.log(np.maximum(scores.astype(np.float64), LEAST))
