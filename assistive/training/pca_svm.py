"""The floor that a network must beat: principal components and a support vector machine on flow maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.errors import DependencyError
from assistive.expression.flow import network_input
from assistive.training.datasets.packed import MapSet


@dataclass(frozen=True, slots=True)
class PcaSvm:
    """A fitted machine.

    Attributes:
        pipeline: scikit-learn's.
        settled: ``components``.
    """

    pipeline: Any
    settled: Mapping[str, Any]

    def predict(self, maps: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the class of each map, int64 ``(n,)``."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            return np.asarray(self.pipeline.predict(_features(maps)), np.int64)


@dataclass(frozen=True, slots=True)
class PcaSvmLearner:
    """Fits both on the training part of a fold.

    Attributes:
        components: principal components, at most as many as there are clips.
        penalty: C of the machine.
    """

    components: int = 80
    penalty: float = 1.0

    def fit(self, train: MapSet, seed: int) -> PcaSvm:
        """Fit to these clips; classes weigh the same, and the seed is for the choice of components alone.

        Raises:
            DependencyError: scikit-learn is not installed.
        """
        try:
            from sklearn.decomposition import PCA
            from sklearn.pipeline import make_pipeline
            from sklearn.svm import SVC
            from threadpoolctl import threadpool_limits
        except ImportError as error:
            raise DependencyError("scikit-learn is not installed", 'pip install -e ".[train]"') from error
        features = _features(train.maps)
        components = min(self.components, *features.shape)
        machine = SVC(C=self.penalty, gamma="scale", class_weight="balanced")
        pipeline = make_pipeline(PCA(components, random_state=seed), machine)
        with threadpool_limits(1):  # several that wait for one another take a hundred times as long on a busy machine
            return PcaSvm(pipeline.fit(features, train.labels), {"components": components})


def _features(maps: NDArray[np.uint8]) -> NDArray[np.float32]:
    return network_input(maps).reshape(len(maps), -1)
