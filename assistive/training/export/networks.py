"""Put trained gesture networks into models/, and fit what joins them on validation people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from assistive.gesture import GestureStream
from assistive.gesture.detector import Detection
from assistive.settings import Settings
from assistive.training.datasets.gesture_pack import Picture
from assistive.training.detector import DetectorRecipe, validate
from assistive.training.export.onnx_file import ANY_SIZE, write_onnx, write_sidecar
from assistive.training.stock import CLASSES, Stock
from assistive.training.verifier import VerifierRecipe, figures, judge, target
from assistive.types import NO_GESTURE, Frame, Hand
from assistive.zoo.gesture_verifier import Probabilities
from assistive.zoo.gesture_verifier import build as build_verifier
from assistive.zoo.yolov5s_lite import Decode
from assistive.zoo.yolov5s_lite import build as build_detector

PLAIN_BLEND = {"verifier_weight": 1.0, "detector_weight": 0.0, "hand_weight": 0.0, "hand_bias": 0.0}
"""The verifier alone: what is written before the blend has been fitted."""

Sample = tuple[Detection, NDArray[np.float32], tuple[str, ...]]


def collect(stream: GestureStream, pictures: Sequence[Picture]) -> list[Sample]:
    """Run the runtime's networks over labelled frames.

    Returns:
        For every candidate: the detection, the verifier's probabilities, and the names that are right for it
        (``no_gesture`` where no labelled hand lies).
    """
    samples: list[Sample] = []
    for picture in pictures:
        found, seen = stream.look(picture.image, stream.detect(Frame(picture.image, 0.0, 0, 0.0)))
        for detection, row in zip(found, seen, strict=True):
            match = max(picture.hands, key=lambda hand: hand.box.iou(detection.box))
            hit = match.box.iou(detection.box) >= 0.4
            samples.append((detection, row, match.names if hit else (NO_GESTURE,)))
    return samples


def fit_blend(samples: Sequence[Sample]) -> dict[str, float]:
    """Fit the weights of ``assistive.gesture.blend`` by the likelihood of the right names (multinomial, L-BFGS)."""
    seen = torch.tensor(np.log(np.maximum(np.stack([row for _, row, _ in samples]), 1e-9)), dtype=torch.float64)
    classes = np.stack([detection.classes for detection, _, _ in samples])
    detector = torch.tensor(np.log(np.maximum(classes, 1e-4)), dtype=torch.float64)
    score = np.clip([detection.score for detection, _, _ in samples], 1e-4, 1 - 1e-4)
    hand = torch.tensor(np.log(score / (1 - score)), dtype=torch.float64)
    wanted = torch.tensor(np.stack([target(names) for _, _, names in samples]), dtype=torch.float64)
    weights = torch.tensor([1.0, 0.1, 0.3, 0.0], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        log_odds = weights[0] * seen + weights[1] * detector
        other = log_odds[:, -1:] - (weights[2] * hand + weights[3])[:, None]
        log_p = torch.log_softmax(torch.cat([log_odds[:, :-1], other], 1), 1)
        # Where either of two names is right, their sum is what should be likely.
        likely = torch.logsumexp(log_p.masked_fill(wanted == 0, -torch.inf), 1)
        value: torch.Tensor = -likely.mean() + 0.002 * (weights**2).sum()
        value.backward()
        return value

    optimiser.step(loss)
    names = ("verifier_weight", "detector_weight", "hand_weight", "hand_bias")
    return {name: round(float(value), 4) for name, value in zip(names, weights.detach(), strict=True)}


class Reader(Protocol):
    """Whatever reads the hands in a frame."""

    def read(self, frame: Frame) -> tuple[Hand, ...]:
        """Return the hands, the most probable gesture first."""


def choose_threshold(
    stream: Reader, pictures: Sequence[Picture], allowed: float, lowest: float = 0.3
) -> dict[str, float]:
    """Choose the probability from which a gesture counts, on validation people.

    Args:
        stream: the runtime's own code with the fitted blend.
        pictures: labelled frames; those with no gesture in them are what must stay silent.
        allowed: share of silent frames that may fire, 0..1.
        lowest: never choose less.

    Returns:
        ``enter_probability``, and what it gives on these pictures: ``top1``, ``false_activation_rate``, and the
        number of frames of each kind.
    """
    best, right, silent = [], [], []
    for picture in pictures:
        hands = stream.read(Frame(picture.image, 0.0, 0, 0.0))
        names = {name for hand in picture.hands for name in hand.names} - {NO_GESTURE}
        best.append(hands[0].probability if hands else 0.0)
        right.append(bool(hands) and hands[0].gesture in names)
        silent.append(not names)
    quiet = np.sort(np.array(best)[silent])[::-1]
    floor = quiet[int(allowed * len(quiet))] if len(quiet) else 0.5
    threshold = float(np.clip(np.ceil(floor * 100 + 1) / 100, lowest, 0.95))
    fires, told = np.array(best) >= threshold, ~np.array(silent)
    return {
        "enter_probability": threshold,
        "top1": float((fires & np.array(right))[told].mean()),
        "false_activation_rate": float(fires[~told].mean()) if len(quiet) else 0.0,
        "gesture_frames": int(told.sum()),
        "silent_frames": int((~told).sum()),
    }


def export_detector(weights: Path, variant: str, models: Path, people: Stock, made: dict[str, Any]) -> dict[str, Any]:
    """Write ``gesture_detector.onnx`` and its sidecar.

    Args:
        weights: final weights, or a checkpoint (its averaged network is taken).
        variant: which network of the YOLOv5 family.
        models: folder to write to.
        people: validation people.
        made: how it was made, for the sidecar.

    Returns:
        Its figures on the validation people.
    """
    size = DetectorRecipe().size
    network = build_detector(variant, len(CLASSES))
    network.load_state_dict(_state(weights))
    found = validate(network.eval(), list(people.frames), size)
    path = models / "gesture_detector.onnx"
    parity = write_onnx(Decode(network), torch.rand(1, 3, size, size), path, ["candidates"], ANY_SIZE)
    thresholds = {"hand_score": 0.05, "overlap": 0.5}
    write_sidecar(path, "gesture-detector", size, thresholds, made, {"validation": found, "parity": parity})
    return found


def export_verifier(
    weights: Path, models: Path, people: Stock, made: dict[str, Any], allowed: float, shipped: Sequence[Path] = ()
) -> dict[str, Any]:
    """Write ``gesture_verifier.onnx``, fit its blend with the detector beside it, choose the threshold.

    Args:
        weights: final weights, or a checkpoint (its averaged network is taken).
        models: folder to write to; must be the one that ``assistive.home`` finds, and hold the detector.
        people: validation people.
        made: how it was made, for the sidecar.
        allowed: share of silent validation frames that may fire, 0..1.
        shipped: weights whose mean is shipped instead (Izmailov et al. 2018), which were trained on the validation
            people too: nothing can be measured or chosen on those people with them, so figures, blend and threshold
            stay those of ``weights``.

    Returns:
        Its figures on the validation people: the ``verifier`` alone, both ``together``, and the ``thresholds``.
    """
    size = VerifierRecipe().size
    network = build_verifier(len(CLASSES), size)
    network.load_state_dict(_state(weights))
    example = torch.rand(2, 3, size, size)
    told = figures(*judge(network, [*people.crops, *people.frames, *people.others], size))
    path = models / "gesture_verifier.onnx"
    outputs = ["probabilities", "embedding", "box"]
    parity = write_onnx(Probabilities(network), example, path, outputs)
    measured: dict[str, Any] = {"validation": told, "parity": parity}
    settings = Settings()

    def opened(blend: dict[str, float]) -> GestureStream:
        thresholds = {**blend, "enter_probability": 0.5}
        write_sidecar(path, "gesture-verifier", size, thresholds, made, measured)
        return GestureStream(settings.gesture.alone(), settings.runtime)

    blend = fit_blend(collect(opened(PLAIN_BLEND), people.frames))
    empty = [Picture("", image, (), "", "") for image in people.backgrounds]
    together = choose_threshold(opened(blend), [*people.frames, *people.others, *empty], allowed)
    thresholds = {**blend, "enter_probability": together.pop("enter_probability")}
    measured["together"] = together
    if shipped:
        network.load_state_dict(_mean([_state(path) for path in shipped]))
        parity = write_onnx(Probabilities(network), example, path, outputs)
        measured |= {"parity": parity, "of": "the network before the stages that saw the validation people too"}
    write_sidecar(path, "gesture-verifier", size, thresholds, made, measured)
    return {"verifier": told, "thresholds": thresholds, "together": together}


def _mean(states: Sequence[dict[str, Any]]) -> dict[str, Any]:
    first = states[0]
    return {
        name: torch.stack([state[name] for state in states]).mean(0) if value.dtype.is_floating_point else value
        for name, value in first.items()
    }


def _state(path: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(path, weights_only=True)
    averaged: dict[str, Any] = state.get("average", state)
    return averaged
