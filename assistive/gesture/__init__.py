"""The gesture stream: a frame goes in, the hands in it and what each shows come out.

Two networks share the work: the detector (a lightened YOLOv5s) says where a hand is, whatever it shows; the verifier
looks at that hand closely and names the gesture, or none. One network alone was measured and is worse: see the cards
in ``models/``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from assistive.errors import WeightsError
from assistive.gesture.detector import Detection, letterbox, select
from assistive.gesture.second_opinion import Opinion, SecondOpinion
from assistive.gesture.verifier import Verifier
from assistive.runtime import Runner, open_session
from assistive.settings import GestureSettings, RuntimeSettings
from assistive.types import Frame, Hand
from assistive.weights import Sidecar, find_weights

SURE_HAND = 0.25
FAINT_GESTURE = 0.1
"""A candidate that is neither a sure hand nor shows even a faint gesture is clutter: a plant, a fold of a sleeve. Most
are; one look tells them (on validation people none was lost by it), and halves what the verifier costs."""


Opener = Callable[[str, str, RuntimeSettings], tuple[Sidecar, Runner]]
"""Opens a network by its name, if it is of that kind: what is known of it, and what runs it."""


def open_shipped(name: str, kind: str, runtime: RuntimeSettings) -> tuple[Sidecar, Runner]:
    """Open the network of that name in ``models/``.

    Raises:
        WeightsError: it is missing, damaged or of another kind.
        DependencyError: the inference runtime is not installed.
    """
    weights = find_weights(name)
    check_kind(weights.sidecar, kind)
    return weights.sidecar, open_session(weights, runtime)


def check_kind(sidecar: Sidecar, kind: str) -> None:
    """Refuse a network that does something else.

    Raises:
        WeightsError: it is of another kind.
    """
    if sidecar.kind != kind:
        what = f"the weights {sidecar.name!r} are a {sidecar.kind}, not a {kind}"
        raise WeightsError(what, "python run.py list models", "weights.kind")


class GestureStream:
    """Finds hands and reads their gestures, frame by frame; keeps nothing between frames.

    Args:
        settings: which weights, how many hands.
        runtime: which device.
        opener: opens the networks.

    Attributes:
        threshold: probability from which a gesture counts, as shipped with the weights.
        provider: execution provider of the networks.
        reason: why that provider.
        stage_ms: milliseconds of the last frame by stage: ``detect``, ``verify``, and ``second`` with a second opinion.

    Raises:
        WeightsError: a network is missing or damaged.
        DependencyError: the inference runtime is not installed.
    """

    def __init__(self, settings: GestureSettings, runtime: RuntimeSettings, opener: Opener = open_shipped) -> None:
        detector, self._detector = opener(settings.detector, "gesture-detector", runtime)
        verifier, session = opener(settings.verifier, "gesture-verifier", runtime)
        self._size = detector.input.width, detector.input.height
        self._thresholds = detector.thresholds
        self._detector_columns = [detector.classes.index(name) for name in verifier.classes]
        self._verifier = Verifier(session, verifier.classes, verifier.input.width)
        self._blend = verifier.thresholds
        self._limit = settings.max_hands
        self.threshold = verifier.thresholds["enter_probability"]
        self._second = None
        if settings.second_opinion:
            landmarks, reader, thresholds = _open_second(settings, verifier.classes, runtime, opener)
            self.threshold = thresholds.pop("enter_probability")
            self._second = SecondOpinion(landmarks, reader, Opinion(**thresholds))
        self.provider, self.reason = self._detector.provider, self._detector.reason
        self.stage_ms: Mapping[str, float] = {}

    def read(self, frame: Frame) -> tuple[Hand, ...]:
        """Return the hands in a frame, the most probable gesture first; ``track`` is not set yet.

        Raises:
            RuntimeFault: a network gave back nonsense.
        """
        begin = perf_counter()
        found = self.detect(frame)
        middle = perf_counter()
        exact, seen = self._verifier.look(frame.image, found, self._is_worth_a_look)
        hands = [self._hand(*one) for one in zip(exact, seen, strict=True) if self._is_worth_a_look(*one)]
        hands.sort(key=lambda hand: -hand.probability)
        self.stage_ms = {"detect": (middle - begin) * 1e3, "verify": (perf_counter() - middle) * 1e3}
        if self._second is not None:
            begin = perf_counter()
            hands = self._ask(self._second, frame.image, hands)
            self.stage_ms = {**self.stage_ms, "second": (perf_counter() - begin) * 1e3}
        return tuple(hands)

    def detect(self, frame: Frame) -> list[Detection]:
        """Return the detector's candidates alone, best first."""
        batch, placed = letterbox(frame.image, *self._size)
        output = self._detector.run(batch)[0][0]
        height, width = frame.image.shape[:2]
        limits = self._thresholds
        return select(output, placed, (width, height), limits["hand_score"], limits["overlap"], self._limit)

    def look(
        self, image: NDArray[np.uint8], found: list[Detection]
    ) -> tuple[list[Detection], NDArray[np.float32]]:
        """Return all candidates with exact boxes and the verifier's probabilities alone, float32 ``(n, k)``."""
        return self._verifier.look(image, found)

    def _is_worth_a_look(self, detection: Detection, seen: NDArray[np.float32]) -> bool:
        hand = self._hand(detection, seen)
        return hand.score >= SURE_HAND or hand.probability >= FAINT_GESTURE

    def _ask(self, second: SecondOpinion, image: NDArray[np.uint8], hands: list[Hand]) -> list[Hand]:
        """Ask the second opinion on the hand most likely to speak, unless it is clear what it shows."""
        if not hands:
            return hands
        names = self._verifier.classes
        own = np.array([hands[0].probabilities[name] for name in names])
        if not second.rule.wanted(own):
            return hands
        joined = second.weigh(image, hands[0].box, own)
        hands[0] = replace(hands[0], probabilities=dict(zip(names, joined.tolist(), strict=True)))
        return sorted(hands, key=lambda hand: -hand.probability)

    def _hand(self, detection: Detection, seen: NDArray[np.float32]) -> Hand:
        probabilities = blend(detection, self._detector_columns, seen, self._blend)
        names = self._verifier.classes
        return Hand(detection.box, detection.score, dict(zip(names, probabilities.tolist(), strict=True)))


def _open_second(
    settings: GestureSettings, classes: list[str], runtime: RuntimeSettings, opener: Opener
) -> tuple[Runner, Runner, dict[str, float]]:
    _, landmarks = opener(settings.landmarks, "hand-landmarks", runtime)
    sidecar, reader = opener(settings.second_opinion, "second-opinion", runtime)
    if sidecar.classes != classes:
        what = f"the weights {sidecar.name!r} name other gestures than {settings.verifier!r}"
        raise WeightsError(what, "train both on the same gestures", "weights.classes")
    return landmarks, reader, dict(sidecar.thresholds)


def blend(
    detection: Detection, columns: list[int], seen: NDArray[np.float32], weights: dict[str, float]
) -> NDArray[np.float64]:
    """Join what both networks say of one hand into one calibrated distribution.

    A product of experts: log-odds of the verifier, a share of the detector's class scores, and the hand score with a
    bias, taken from ``no_gesture``. The weights are fitted on validation people, signs included: where the verifier
    knows clutter by itself, the hand score tells hardly anything and the bias leans towards ``no_gesture``.

    Args:
        detection: the candidate.
        columns: the detector's column of each of the verifier's classes.
        seen: the verifier's probabilities, float32 ``(k,)``.
        weights: ``verifier_weight``, ``detector_weight``, ``hand_weight``, ``hand_bias``.

    Returns:
        float64 ``(k,)``, sums to 1.
    """
    log_odds = weights["verifier_weight"] * np.log(np.maximum(seen.astype(np.float64), 1e-9))
    log_odds += weights["detector_weight"] * np.log(np.maximum(detection.classes[columns].astype(np.float64), 1e-4))
    hand = float(np.clip(detection.score, 1e-4, 1 - 1e-4))
    evidence = weights["hand_weight"] * np.log(hand / (1 - hand)) + weights["hand_bias"]
    log_odds[-1] -= evidence
    odds = np.exp(log_odds - log_odds.max())
    return np.asarray(odds / odds.sum())


