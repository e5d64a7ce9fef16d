"""The head on made-up streams: it starts as late fusion, and learns when not to believe a stream."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from assistive.fusion.attention import CLASSES, KIND, FusionHead  # noqa: E402
from assistive.fusion.evidence import NAMES  # noqa: E402
from assistive.fusion.tokens import (  # noqa: E402
    BRIEF,
    BRIEF_KNOWN,
    FACE_SEEN,
    HAND_SAYS,
    HAND_SEEN,
    LOG_RANGE,
    PRESENT,
    TONE,
    TONES,
    WIDTH,
    log_row,
)  # fmt: skip
from assistive.settings import RuntimeSettings  # noqa: E402
from assistive.training.datasets.intents import IntentTable  # noqa: E402
from assistive.training.datasets.pairs import Pairs  # noqa: E402
from assistive.training.fusion import Batch, FusionRecipe, dependent, split  # noqa: E402
from assistive.training.fusion_run import export_head, train_all  # noqa: E402
from assistive.types import NO_EXPRESSION  # noqa: E402
from assistive.zoo.fusion_attention import Calibrated, FusionAttention  # noqa: E402

TABLE = IntentTable.declared({
    "agree": {"share": 1, "gestures": {"like": 1, "ok": 1}, "tones": {"positive": 1, "none": 1}},
    "doubt": {"share": 1, "gestures": {"like": 1, "ok": 1}, "tones": {"negative": 1}},
    "danger": {"share": 1, "gestures": {"stop": 1}, "tones": {"surprise": 1}},
})  # fmt: skip
OVER = torch.ones(3, len(NAMES), len(TONES))


def streams_say(truth: np.ndarray, k: int, sure: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    logits = rng.normal(0, 1, (len(truth), k))
    logits[np.arange(len(truth)), truth] += sure
    odds = np.exp(logits)
    return np.log(np.clip(odds / odds.sum(1, keepdims=True), 1e-4, 1)) / LOG_RANGE


def made_up(n: int, seed: int) -> Pairs:
    """A covered face says at random, and as surely as ever; calm faces are twice as frequent as each tone."""
    rng = np.random.default_rng(seed)
    gesture, tone = rng.integers(0, 19, n), rng.choice(4, n, p=[0.2, 0.2, 0.2, 0.4])
    covered = rng.random(n) < 0.4
    tokens = np.zeros((n, 3, 1, WIDTH), np.float32)
    tokens[:, :, 0, PRESENT] = 1
    tokens[:, 0, 0, HAND_SAYS] = streams_say(gesture, 19, np.full(n, 5.0), rng)
    tokens[:, 0, 0, HAND_SEEN] = 0.5
    shown = np.where(covered, rng.integers(0, 3, n), tone)
    tokens[:, 1, 0, BRIEF] = streams_say(shown, 4, np.full(n, 5.0), rng)
    tokens[:, 1, 0, BRIEF_KNOWN] = 1
    tokens[:, 1, 0, TONE] = log_row({NO_EXPRESSION: 1.0}, TONES)
    tokens[:, 2, 0, FACE_SEEN] = np.where(covered, 0.1, 0.9)[:, None]
    intensity = np.where(tone < 3, 0.5, 0).astype(np.float32)
    return Pairs(tokens, np.zeros((n, 28, 28, 3), np.uint8), gesture, tone, intensity,
                 np.where(covered, "C1", "C0"), np.where(covered, "mask", ""), rng.integers(0, n // 3, n),
                 rng.integers(0, n // 4, n), np.zeros(n, bool))  # fmt: skip


@pytest.fixture(scope="module")
def trained() -> tuple[torch.nn.Module, dict[str, np.ndarray], Pairs]:
    test = made_up(600, 1)
    recipe = FusionRecipe(epochs=20, batch=64, rate=5e-3, seeds=1)
    plan = {"count": 100, "most_uses": 5, "seed": 1, "train": 200}
    head, said = train_all(made_up(900, 0), test, TABLE, recipe, plan)
    return head, said, test


def right(said: dict[str, np.ndarray], method: str, test: Pairs, condition: str) -> float:
    rows = test.condition == condition
    tone = said[f"{method}/0/tone"].argmax(1) == test.tone
    return float((tone & (said[f"{method}/0/gesture"].argmax(1) == test.gesture))[rows].mean())


@pytest.mark.parametrize("co_attention", [False, True])
def test_it_starts_as_late_fusion(co_attention: bool) -> None:
    head = FusionAttention(OVER, co_attention).eval()
    x = torch.from_numpy(made_up(50, 2).tokens)
    gesture, tone, intent, weights = head(x)
    alone = head.streams(x)
    assert torch.allclose(gesture, alone[0], atol=1e-5) and torch.allclose(tone, alone[1], atol=1e-5)
    assert intent.shape == (50, 3)
    assert torch.allclose(weights.sum(1), torch.ones(50))


def test_it_is_small() -> None:
    assert sum(value.numel() for value in FusionAttention(OVER).parameters()) < 60_000


def test_a_stream_that_is_not_there_weighs_nothing_and_is_not_spoken_for() -> None:
    head = FusionAttention(OVER).eval()
    for layer in (head.add_gesture, head.add_tone, head.gains):
        torch.nn.init.normal_(layer.weight)
    x = torch.from_numpy(made_up(20, 3).tokens)
    x[:, 1:] = 0
    x[:, 1, 0, BRIEF] = x[:, 1, 0, TONE] = torch.from_numpy(log_row({NO_EXPRESSION: 1.0}, TONES))
    _, tone, _, weights = head(x)
    assert torch.allclose(weights, torch.tensor([[1.0, 0.0]]))
    assert torch.equal(tone, head.streams(x)[1])
    x[:, 0] = 0
    gesture, *_ = head(x)
    assert torch.equal(gesture, head.streams(x)[0])


def test_it_learns_when_not_to_believe_the_face_and_harms_nothing(
    trained: tuple[torch.nn.Module, dict[str, np.ndarray], Pairs]
) -> None:
    _, said, test = trained
    assert right(said, "attention", test, "C1") > right(said, "late", test, "C1") + 0.08
    assert right(said, "attention", test, "C0") > right(said, "late", test, "C0") - 0.02
    assert right(said, "late", test, "C0") > 0.85
    assert right(said, "told", test, "C1") > right(said, "late", test, "C1") + 0.04, "who is told more says more"


def test_the_weights_say_which_stream_can_be_believed(
    trained: tuple[torch.nn.Module, dict[str, np.ndarray], Pairs]
) -> None:
    _, said, test = trained
    face = said["attention/0/weights"][:, 1]
    assert face[test.condition == "C1"].mean() < face[test.condition == "C0"].mean() - 0.08
    assert 0.35 < face[test.condition == "C0"].mean() < 0.65


def test_the_late_methods_guess_alike_and_the_majority_is_worse(
    trained: tuple[torch.nn.Module, dict[str, np.ndarray], Pairs]
) -> None:
    _, said, test = trained
    for method in ("product", "mean_logit"):
        assert np.array_equal(said[f"{method}/0/tone"].argmax(1), said["late/0/tone"].argmax(1))
    assert right(said, "majority", test, "C0") < 0.15
    assert all(np.allclose(values.sum(1), 1, atol=1e-4) for key, values in said.items() if key.count("/") == 2)


def test_people_of_the_development_part_are_not_learned_from() -> None:
    learn, dev = split(made_up(300, 4), 6)
    assert len(learn) and len(dev) and not set(learn.hand.tolist()) & set(dev.hand.tolist())


def test_dependent_training_pairs_follow_the_table() -> None:
    batch = dependent(made_up(900, 5), TABLE, 500, 0)
    assert isinstance(batch, Batch) and len(batch.tokens) == len(batch.intent) > 400
    danger = batch.intent == TABLE.names.index("danger")
    assert (batch.gesture[danger] == NAMES.index("stop")).float().mean() > 0.95


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_exported_head_runs_and_says_the_same(
    trained: tuple[torch.nn.Module, dict[str, np.ndarray], Pairs], install_network: Callable[..., Path], tmp_path: Path
) -> None:
    head, said, test = trained
    assert isinstance(head, Calibrated)
    path = tmp_path / "fusion_head.onnx"
    export_head(head, TABLE, path, {"command": "-", "data": {}, "seeds": [0]}, {})
    sidecar = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert sidecar["kind"] == KIND and sidecar["figures"]["intents"] == list(TABLE.names)
    known = {key: value for key, value in sidecar.items() if key not in ("name", "file", "sha256")}
    install_network("fusion_head", data=path.read_bytes(), **known)
    gesture, tone, weights = FusionHead("fusion_head", RuntimeSettings()).probabilities(test.tokens[:40])
    assert gesture == pytest.approx(said["attention/0/gesture"][:40], abs=1e-4)
    assert tone == pytest.approx(said["attention/0/tone"][:40], abs=1e-4)
    assert weights == pytest.approx(said["attention/0/weights"][:40], abs=1e-4)
    assert list(CLASSES) == sidecar["classes"]
