"""Say what a movement of the face was: negative, positive, surprise, or nothing that can be told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistive.errors import WeightsError
from assistive.expression.flow import Flow, network_input, pack_map
from assistive.runtime import open_session
from assistive.settings import RuntimeSettings
from assistive.types import EXPRESSIONS, NO_EXPRESSION
from assistive.weights import find_weights

KIND = "expression-recogniser"
CLASSES = (*EXPRESSIONS, NO_EXPRESSION)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one movement was.

    Attributes:
        label: one of ``EXPRESSIONS``, or ``none`` when nothing can be told.
        probability: calibrated probability of the label, 0..1.
        probabilities: float32 ``(4,)``, calibrated, over ``EXPRESSIONS`` and ``none``; sums to 1.
    """

    label: str
    probability: float
    probabilities: NDArray[np.float32]

    @property
    def refused(self) -> bool:
        """It was most probably no expression at all: speech, a glance, a blink, a turn of the head."""
        return CLASSES[int(self.probabilities.argmax())] == NO_EXPRESSION


class Recogniser:
    """Judges onset-to-apex movements with the recogniser's network.

    Args:
        name: name of the weights in ``models/``.
        runtime: which device.

    Attributes:
        threshold: probability below which it abstains, as shipped with the weights.
        provider: execution provider of the network.

    Raises:
        WeightsError: the weights are missing, damaged, or of another kind.
        DependencyError: the inference runtime is not installed.
    """

    def __init__(self, name: str, runtime: RuntimeSettings) -> None:
        weights = find_weights(name)
        if weights.sidecar.kind != KIND or tuple(weights.sidecar.classes) != CLASSES:
            what = f"the weights {name!r} are a {weights.sidecar.kind}, not an {KIND}"
            raise WeightsError(what, "python run.py list models", "weights.kind")
        self._session = open_session(weights, runtime)
        self.threshold = weights.sidecar.thresholds["abstain_below"]
        self.provider = self._session.provider

    def judge(self, flow: Flow) -> Judgement:
        """Judge one movement.

        Args:
            flow: float32 ``(H, W, 2)`` of the tight crop from onset to apex, pixels, head motion removed.
        """
        row = self.probabilities(pack_map(flow)[None])[0]
        best = int(row.argmax())
        if CLASSES[best] == NO_EXPRESSION or row[best] < self.threshold:
            return Judgement(NO_EXPRESSION, float(row[-1]), row)
        return Judgement(CLASSES[best], float(row[best]), row)

    def probabilities(self, maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return calibrated probabilities over ``EXPRESSIONS`` and ``none``, float32 ``(n, 4)``, rows sum to 1.

        Args:
            maps: packed maps, uint8 ``(n, 28, 28, 3)``: strain, v, u.
        """
        return np.asarray(self._session.run(network_input(maps))[0], np.float32)

    def judge_maps(self, maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return probabilities of movements known to be one of ``EXPRESSIONS``, float32 ``(n, 3)``, rows sum to 1.

        Args:
            maps: packed maps, uint8 ``(n, 28, 28, 3)``: strain, v, u.
        """
        rows = self.probabilities(maps)[:, : len(EXPRESSIONS)]
        return np.asarray(rows / np.maximum(rows.sum(1, keepdims=True), 1e-9), np.float32)
