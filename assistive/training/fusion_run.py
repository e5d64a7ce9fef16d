"""Train every method on the same pairs, note what each says of the test pairs, and export the head that ships."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from assistive.fusion.attention import CLASSES, KIND
from assistive.fusion.evidence import NAMES
from assistive.fusion.tokens import BRIEF, TONE, TONES, WIDTH, log_row
from assistive.training.datasets.intents import IntentTable
from assistive.training.datasets.pairs import Pairs
from assistive.training.export import write_onnx, write_sidecar
from assistive.training.fusion import (
    KINDS,
    Batch,
    FusionRecipe,
    best_temperature,
    dependent,
    expected,
    said,
    split,
    temperatures,
    train_head,
    train_streams,
)  # fmt: skip
from assistive.training.fusion_told import told
from assistive.types import NO_EXPRESSION
from assistive.zoo.fusion_attention import Calibrated, Streams

log = logging.getLogger(__name__)

Arrays = dict[str, NDArray[Any]]


def train_all(
    train: Pairs, test: Pairs, table: IntentTable, recipe: FusionRecipe, plan: Mapping[str, int]
) -> tuple[nn.Module, Arrays]:
    """Train all methods with all seeds.

    Args:
        train: pairs for learning, with what the recogniser says.
        test: pairs of other people.
        table: of intents.
        recipe: how.
        plan: ``count``, ``most_uses`` and ``seed`` of the dependent test pairs, ``train`` of those for learning.

    Returns:
        The calibrated head of the first seed, and what is said of the test pairs: ``METHOD/SEED/gesture``, ``.../tone``
        and ``.../intent``; beside them ``dependent/pair`` and ``dependent/intent``.
    """
    learn, dev = split(train, recipe.dev)
    usual = expected(learn)
    clean = np.flatnonzero(test.condition == "C0")
    chosen, intents = table.draw(
        test.gesture[clean], test.tone[clean], (test.hand[clean], test.face[clean]), plan["count"], plan["most_uses"],
        plan["seed"],
    )  # fmt: skip
    gesture, tone = told(train, test)
    knowing = gesture, tone, table.given(gesture, tone, usual)
    found: Arrays = {"dependent/pair": clean[chosen], "dependent/intent": intents}
    meant = dependent(learn, table, plan["train"], plan["seed"]), dependent(dev, table, plan["train"] // 4, 1)
    heads: list[nn.Module] = []
    for seed in range(recipe.seeds):
        streams = train_streams(learn, dev, recipe, seed)
        found |= _stream_methods(streams, Batch.of(dev), test, table, usual, seed)
        found |= _named("told", seed, knowing)
        for kind in KINDS:
            head = train_head(kind, streams, (learn, dev), meant, table, recipe, seed)
            divide = temperatures(head, Batch.of(dev), meant[1])
            found |= {f"{kind}/{seed}/{name}": value for name, value in said(head, test, divide).items()}
            log.info("%s, seed %d: temperatures %.2f %.2f %.2f", kind, seed, *divide)
            if kind == "attention":
                heads.append(Calibrated(head, divide))
    return heads[0], found


def _stream_methods(
    streams: Streams, dev: Batch, test: Pairs, table: IntentTable,
    usual: tuple[NDArray[np.float64], NDArray[np.float64]], seed: int,
) -> Arrays:  # fmt: skip
    """Return what can be said without a fusion head, from each stream's own calibrated probabilities."""
    with torch.no_grad():
        divide = [best_temperature(x, y) for x, y in zip(streams(dev.tokens), (dev.gesture, dev.tone), strict=True)]
        gesture, tone = (F.softmax(x / t, 1).numpy() for x, t in zip(_read(streams, test.tokens), divide, strict=True))
        gated = F.softmax(_read(streams, _behind_gate(test))[1] / divide[1], 1).numpy()
    prior_g, prior_a = (np.broadcast_to(part, like.shape) for part, like in zip(usual, (gesture, tone), strict=True))
    prior = np.broadcast_to(table.together.sum((1, 2)), (len(test), len(table.names)))
    one_g, one_a = np.eye(len(NAMES))[gesture.argmax(1)], np.eye(len(TONES))[tone.argmax(1)]
    by_hand, by_face = table.given(gesture, prior_a, usual), table.given(prior_g, tone, usual)
    both = np.sqrt(by_hand * by_face)
    methods = {
        "majority": (prior_g, prior_a, prior),
        "gesture_only": (gesture, prior_a, by_hand),
        "face_only": (prior_g, tone, by_face),
        "late": (gesture, tone, table.given(one_g, one_a, usual)),
        "late_gated": (gesture, gated, table.given(one_g, np.eye(len(TONES))[gated.argmax(1)], usual)),
        "product": (gesture, tone, table.given(gesture, tone, usual)),
        "mean_logit": (_flatter(gesture), _flatter(tone), both / both.sum(1, keepdims=True)),
    }
    return {key: value for name, values in methods.items() for key, value in _named(name, seed, values).items()}


def _named(name: str, seed: int, values: Sequence[NDArray[Any]]) -> Arrays:
    """Return gesture, tone and intent as one method says them, by the name under which they are kept."""
    kinds = zip(("gesture", "tone", "intent"), values, strict=True)
    return {f"{name}/{seed}/{kind}": np.asarray(value, np.float32) for kind, value in kinds}


def _read(streams: Streams, tokens: NDArray[np.float32]) -> tuple[torch.Tensor, torch.Tensor]:
    gesture, tone = streams(torch.from_numpy(tokens))
    return gesture, tone


def _behind_gate(pairs: Pairs) -> NDArray[np.float32]:
    """Return tokens as the running system has them: of a face whose quality is too low, nothing is read."""
    tokens = pairs.tokens.copy()
    tokens[pairs.gated, 1] = 0
    tokens[pairs.gated, 1, 0, BRIEF] = tokens[pairs.gated, 1, 0, TONE] = log_row({NO_EXPRESSION: 1.0}, TONES)
    return tokens


def _flatter(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities whose logits are half as large: what the mean of two opinions leaves of either."""
    rooted = np.sqrt(probabilities)
    return np.asarray(rooted / rooted.sum(1, keepdims=True), np.float32)


def export_head(
    head: nn.Module, table: IntentTable, path: Path, made: dict[str, Any], figures: Mapping[str, Any]
) -> None:
    """Write the head as ONNX with its sidecar.

    Args:
        head: calibrated.
        table: of intents; their names go into the sidecar.
        path: ``NAME.onnx``.
        made: how it was made.
        figures: what was measured.

    Raises:
        WeightsError: ONNX and torch differ.
    """
    example = torch.rand(2, 3, 1, WIDTH)
    parity = write_onnx(head, example, path, ["gesture", "tone", "intent", "weights"])
    known = {"parity": parity, "parameters": sum(value.numel() for value in head.parameters()),
             "intents": list(table.names), **figures}  # fmt: skip
    write_sidecar(path, KIND, (1, WIDTH), {}, made, known, CLASSES)
