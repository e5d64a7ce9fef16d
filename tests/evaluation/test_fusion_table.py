from __future__ import annotations

import json

import numpy as np
import pytest

from assistive.evaluation.fusion_table import milliseconds, table
from assistive.fusion.attention import FusionHead
from assistive.fusion.tokens import PRESENT, WIDTH
from assistive.synth.scenes import FACE_TROUBLES, HAND_TROUBLES
from assistive.training.datasets.intents import IntentTable
from assistive.training.datasets.pairs import Pairs

TABLE = IntentTable.declared({
    "agree": {"share": 1, "gestures": {"like": 1}, "tones": {"positive": 1, "none": 1}},
    "doubt": {"share": 1, "gestures": {"like": 1}, "tones": {"negative": 1, "none": 1}},
})  # fmt: skip
METHODS = ("majority", "gesture_only", "face_only", "late", "late_gated", "product", "mean_logit", "concat", "gate",
           "attention")  # fmt: skip


def made_up(n: int = 900) -> Pairs:
    rng = np.random.default_rng(0)
    condition = np.array(["C0", "C1", "C1b"])[np.arange(n) % 3]
    alone = (*FACE_TROUBLES, *HAND_TROUBLES)
    trouble = np.where(condition == "C1", np.array(alone)[np.arange(n) // 3 % len(alone)], "")
    tone = rng.integers(0, 4, n)
    tokens = np.zeros((n, 3, 1, WIDTH), np.float32)
    tokens[:, 0, 0, PRESENT] = trouble != "absent"
    tokens[:, 1, 0, PRESENT] = trouble != "out_of_frame"
    return Pairs(tokens, np.zeros((n, 28, 28, 3), np.uint8), rng.integers(0, 19, n), tone,
                 np.where(tone < 3, rng.uniform(0.05, 1, n), 0), condition, trouble, rng.integers(0, 200, n),
                 rng.integers(0, 90, n), np.zeros(n, bool))  # fmt: skip


def test_the_table_has_every_condition_and_method_and_can_be_written() -> None:
    pairs, rng, said = made_up(), np.random.default_rng(1), {}
    for method in METHODS:
        for seed in (0, 1):
            for what, k in (("gesture", 19), ("tone", 4), ("intent", 2)):
                said[f"{method}/{seed}/{what}"] = rng.dirichlet(np.ones(k), len(pairs))
    for seed in (0, 1):
        said[f"attention/{seed}/gesture"] = np.eye(19)[pairs.gesture]
        said[f"attention/{seed}/tone"] = np.eye(4)[pairs.tone]
    clean = np.flatnonzero(pairs.condition == "C0")[:80]
    said |= {"dependent/pair": clean, "dependent/intent": rng.integers(0, 2, 80)}
    result = table(pairs, said, TABLE)
    assert list(result) == ["C0", "C1", "C1b", "C2"]
    for part in result.values():
        assert set(part["rows"]) == set(METHODS) and set(part["differences"]) == set(METHODS) - {"attention"}
        assert all(len(row["seeds"]) == 2 for row in part["rows"].values())
    assert result["C0"]["rows"]["attention"]["right"] == 1 and result["C0"]["over_reference"]["intervals_apart"]
    assert set(result["C1"]["by_trouble"]) == {*FACE_TROUBLES, *HAND_TROUBLES}
    assert result["C1"]["missing"]["no_hand"]["pairs"] == result["C1"]["missing"]["hand_not_found"]["pairs"] == 30
    assert result["C1"]["missing"]["no_face"]["attention"] == 1
    assert result["C2"]["bayes_ceiling"] == pytest.approx(TABLE.ceiling, abs=1e-4)
    assert result["C2"]["rows"]["attention"]["joint"] == 1 > result["C2"]["rows"]["attention"]["right"]
    json.dumps(result, allow_nan=False)


def test_the_time_of_one_frame_is_of_tokens_and_network_together() -> None:
    head = FusionHead.__new__(FusionHead)
    seen = []

    class Quick:
        def run(self, batch: np.ndarray) -> tuple[np.ndarray, ...]:
            seen.append(batch.shape)
            return (np.zeros((1, 19)), np.zeros((1, 4)), np.zeros((1, 2)), np.zeros((1, 2)))

    head._session = Quick()  # type: ignore[assignment]
    took = milliseconds(head)
    assert set(seen) == {(1, 3, 1, WIDTH)} and 0 < took["network"] < took["together"]
