"""The table of the fusion head: every condition, every method, and what must be known to read it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.evaluation.fusion import Said, Truth, by_trouble, clear_and_weak, condition, without
from assistive.fusion.attention import FusionHead
from assistive.fusion.tokens import PRESENT, tokens
from assistive.training.datasets.intents import IntentTable
from assistive.training.datasets.pairs import CONDITIONS, Pairs
from assistive.types import GESTURES, NO_EXPRESSION, Box, Face, Hand, Reading

JUDGED, REFERENCE = "attention", "late"
DEPENDENT = "C2"
TIMED = 300
Methods = dict[str, list[Said]]


def table(pairs: Pairs, said: Mapping[str, NDArray[Any]], intents: IntentTable) -> dict[str, Any]:
    """Judge all methods on the test pairs.

    Args:
        pairs: the test pairs.
        said: what each method says of them, as ``scripts/train_fusion.py`` keeps it.
        intents: what the dependent pairs were drawn from.

    Returns:
        One entry for each condition (:func:`assistive.evaluation.fusion.condition`), with ``expressions``: clear, weak
        and none apart; ``C1`` with ``by_trouble`` and ``missing``; ``C2`` with the table and its ``bayes_ceiling``.
    """
    methods = _methods(said)
    result: dict[str, Any] = {}
    for name in CONDITIONS:
        rows = np.flatnonzero(pairs.condition == name)
        truth, theirs = _truth(pairs, rows), _only(methods, rows)
        result[name] = condition(truth, theirs, REFERENCE, JUDGED)
        result[name]["expressions"] = {
            method: clear_and_weak(truth, theirs[method]) for method in (REFERENCE, "concat", JUDGED)
        }
        if name == "C1":
            few = {method: theirs[method] for method in (REFERENCE, "late_gated", "concat", "gate", JUDGED)}
            result[name]["by_trouble"] = by_trouble(truth, pairs.trouble[rows], few)
            result[name]["missing"] = _missing(pairs, rows, truth, theirs)
    result[DEPENDENT] = _dependent(pairs, said, methods, intents)
    return result


def milliseconds(head: FusionHead) -> dict[str, float]:
    """Return what joining one frame costs, median of 300: making the tokens, the network, and both."""
    probabilities = dict.fromkeys(GESTURES, 1 / len(GESTURES))
    hand = Hand(Box(0.1, 0.2, 0.2, 0.3), 0.9, probabilities)
    mesh = np.random.default_rng(0).uniform(0.4, 0.6, (468, 3)).astype(np.float32)
    face = Face(Box(0.4, 0.4, 0.2, 0.2), mesh, 0, 0.9)
    shapes = dict.fromkeys(("smile", "frown", "brow_raise", "mouth_open", "pucker", "mouth_corners_down",
                            "nose_wrinkle", "eyes_closed"), 0.1)  # fmt: skip
    reading = Reading(0.0, face, shapes, NO_EXPRESSION, {NO_EXPRESSION: 1.0}, 0.0)
    image = np.zeros((480, 640, 3), np.uint8)
    took: list[tuple[float, float]] = []
    for _ in range(TIMED):
        begin = time.perf_counter()
        row = tokens(image, hand, reading, None)[None]
        middle = time.perf_counter()
        head.probabilities(row)
        took.append((1e3 * (middle - begin), 1e3 * (time.perf_counter() - middle)))
    making, running = (round(median(part), 3) for part in zip(*took, strict=True))
    return {"tokens": making, "network": running, "together": round(making + running, 3)}


def _methods(said: Mapping[str, NDArray[Any]]) -> Methods:
    names = dict.fromkeys(key.split("/")[0] for key in said if key.count("/") == 2)
    seeds = sorted({int(key.split("/")[1]) for key in said if key.count("/") == 2})
    return {name: [Said(*(said[f"{name}/{seed}/{what}"] for what in ("gesture", "tone", "intent"))) for seed in seeds]
            for name in names}  # fmt: skip


def _only(methods: Methods, rows: NDArray[np.int64]) -> Methods:
    return {name: [one.only(rows) for one in said] for name, said in methods.items()}


def _truth(pairs: Pairs, rows: NDArray[np.int64], intent: NDArray[np.int64] | None = None) -> Truth:
    return Truth(pairs.gesture[rows], pairs.tone[rows], intent, pairs.intensity[rows], pairs.hand[rows],
                 pairs.face[rows])  # fmt: skip


def _missing(pairs: Pairs, rows: NDArray[np.int64], truth: Truth, methods: Methods) -> dict[str, Any]:
    """Compare with the other stream alone where one is missing: taken away on purpose, and not found by its stream."""
    trouble, seen = pairs.trouble[rows], pairs.tokens[rows]
    return {
        "no_hand": without(truth, trouble == "absent", methods, JUDGED, "face_only", "tone"),
        "no_face": without(truth, trouble == "out_of_frame", methods, JUDGED, "gesture_only", "gesture"),
        "hand_not_found": without(truth, seen[:, 0, 0, PRESENT] == 0, methods, JUDGED, "face_only", "tone"),
        "face_not_found": without(truth, seen[:, 1, 0, PRESENT] == 0, methods, JUDGED, "gesture_only", "gesture"),
    }


def _dependent(
    pairs: Pairs, said: Mapping[str, NDArray[Any]], methods: Methods, intents: IntentTable
) -> dict[str, Any]:
    rows = said["dependent/pair"]
    truth = _truth(pairs, rows, said["dependent/intent"])
    found = condition(truth, _only(methods, rows), REFERENCE, JUDGED)
    reached = found["rows"][JUDGED]["right"]
    by_truth = intents.together[:, truth.gesture, truth.tone].argmax(0)
    assert truth.intent is not None
    return {
        **found,
        "bayes_ceiling": round(intents.ceiling, 4),
        "right_if_gesture_and_tone_were_known": round(float((by_truth == truth.intent).mean()), 4),
        "share_of_ceiling": round(reached / intents.ceiling, 4),
        "intents": list(intents.names),
    }  # fmt: skip
