"""Train a linear machine: the support vectors of descriptions, one class against the rest."""

from __future__ import annotations

import numpy as np
import torch

from assistive.errors import DependencyError
from assistive.training.datasets.clip_set import ClipInputs, ClipSet
from assistive.training.systems import Fitted, SystemLearner, outputs_of
from assistive.zoo.blocks.linear_machine import LinearMachine
from assistive.zoo.systems import build

PENALTY = 0.01
"""C of the machine, on descriptions whose every number has mean 0 and standard deviation 1."""
PATIENCE = 20_000
"""Passes after which the search for the machine ends."""
NEVER = -1e3
"""Score of a class that no training clip showed."""


def fit(learner: SystemLearner, train: ClipSet, seed: int, unlabelled: ClipInputs | None) -> Fitted:
    """Fit the machine and write it into the network: its scales go into the weights.

    Raises:
        DependencyError: scikit-learn is not installed.
    """
    try:
        from sklearn.svm import LinearSVC
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise DependencyError("scikit-learn is not installed", 'pip install -e ".[train]"') from error
    network = build(learner.system, len(train.classes), **learner.options).eval()
    assert isinstance(network, LinearMachine)
    seen = outputs_of(network, train.inputs)["description"].astype(np.float64)
    mean, spread = seen.mean(0), seen.std(0)
    # A number that is the same in all training clips tells nothing.
    scale = np.where(spread > 1e-9, 1 / np.maximum(spread, 1e-9), 0)
    machine = LinearSVC(C=PENALTY, class_weight="balanced", random_state=seed, max_iter=PATIENCE)
    with threadpool_limits(1):
        machine.fit((seen - mean) * scale, train.labels)
    weights, biases = machine.coef_ * scale, machine.intercept_
    if len(machine.classes_) == 2:  # one machine says both
        weights, biases = np.concatenate([-weights, weights]), np.concatenate([-biases, biases])
    with torch.no_grad():
        network.judge.weight.zero_()
        network.judge.bias.fill_(NEVER)
        network.judge.weight[machine.classes_] = torch.from_numpy(weights).float()
        network.judge.bias[machine.classes_] = torch.from_numpy(biases - weights @ mean).float()
    return Fitted(network, {"penalty": PENALTY})
