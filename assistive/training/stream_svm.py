"""The last stage of DSTAN: a support vector machine on what the trained streams see of a clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.errors import DependencyError, SourceError
from assistive.training.datasets.clip_set import ClipInputs, ClipSet
from assistive.training.systems import SystemLearner, outputs_of
from assistive.zoo.systems import SystemNetwork

PENALTIES = (0.1, 1.0, 10.0, 100.0)
"""Values of C among which the machine chooses."""
FOLDS = 5
"""Parts of the training subjects, each of which is judged by a machine that has not seen it."""


@dataclass(frozen=True, slots=True)
class StreamSvm:
    """Trained streams and a fitted machine.

    Attributes:
        network: answers ``feature`` ``(n, f)``.
        machine: scikit-learn's pipeline: standardise, then the machine.
        settled: ``epochs`` and ``penalty``.
    """

    network: SystemNetwork
    machine: Any
    settled: Mapping[str, Any]

    def predict(self, inputs: ClipInputs) -> NDArray[np.int64]:
        """Return the class of each clip, int64 ``(n,)``."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            return np.asarray(self.machine.predict(outputs_of(self.network, inputs)["feature"]), np.int64)


def fit(learner: SystemLearner, train: ClipSet, seed: int, unlabelled: ClipInputs | None) -> StreamSvm:
    """Train the streams, then fit a machine to their features of the same clips."""
    network = learner.train(train, seed)
    machine, penalty = fit_machine(outputs_of(network, train.inputs)["feature"], train.labels, train.subjects)
    return StreamSvm(network, machine, {"epochs": learner.pace.epochs, "penalty": penalty})


def fit_machine(features: NDArray[np.float32], labels: NDArray[np.int64], subjects: Sequence[str]) -> tuple[Any, float]:
    """Fit a machine with a radial kernel; its C is the one that judges left-out training subjects best.

    Args:
        features: float32 ``(n, f)``.
        labels: int64 ``(n,)``; classes weigh the same.
        subjects: who is in each clip.

    Returns:
        A pipeline of standardiser and machine, and its C.

    Raises:
        DependencyError: scikit-learn is not installed.
        SourceError: nobody can be left out: without any one part of the people, one class is left, or no clip at all.
    """
    try:
        from sklearn.model_selection import GridSearchCV, GroupKFold
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import SVC
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise DependencyError("scikit-learn is not installed", 'pip install -e ".[train]"') from error
    people = len(set(subjects))
    folds = list(GroupKFold(min(FOLDS, people)).split(features, labels, subjects)) if people > 1 else []
    # A part without two classes teaches no machine.
    useful = [(one, rest) for one, rest in folds if len(set(labels[one].tolist())) > 1]
    if not useful:
        what = f"{people} training subjects are too few for dstan to choose the C of its machine"
        raise SourceError(what, "give clips of more people, each with several classes", "svm.people")
    search = GridSearchCV(make_pipeline(StandardScaler(), SVC(class_weight="balanced")),
                          {"svc__C": PENALTIES}, scoring="f1_macro", cv=useful)  # fmt: skip
    with threadpool_limits(1):
        search.fit(features, labels)
    return search.best_estimator_, float(search.best_params_["svc__C"])
