from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assistive.errors import AssistiveError
from assistive.evaluation.fusion import Said, Truth, clear_and_weak, cluster_weights, condition, without


def certain(classes: np.ndarray, k: int, sure: float = 0.9) -> np.ndarray:
    rows = np.full((len(classes), k), (1 - sure) / (k - 1))
    rows[np.arange(len(classes)), classes] = sure
    return rows


def truth(n: int = 400) -> Truth:
    rng = np.random.default_rng(0)
    tone = rng.integers(0, 4, n)
    return Truth(rng.integers(0, 19, n), tone, None, np.where(tone < 3, rng.uniform(0.05, 1, n), 0),
                 rng.integers(0, 90, n), rng.integers(0, 60, n))  # fmt: skip


def saying(shown: Truth, wrong_gestures: float, wrong_tones: float, seed: int = 1, sure: float = 0.9) -> Said:
    rng = np.random.default_rng(seed)
    n = len(shown.tone)
    gesture = np.where(rng.random(n) < wrong_gestures, (shown.gesture + 1) % 19, shown.gesture)
    tone = np.where(rng.random(n) < wrong_tones, (shown.tone + 1) % 4, shown.tone)
    return Said(certain(gesture, 19, sure), certain(tone, 4, sure), np.full((n, 3), 1 / 3))


def test_the_figures_of_a_method_that_errs_independently() -> None:
    shown = truth(4000)
    row = condition(shown, {"late": [saying(shown, 0.1, 0.2)], "attention": [saying(shown, 0, 0)]}, "late", "attention")
    late = row["rows"]["late"]
    assert late["acc_g"] == pytest.approx(0.9, abs=0.02) and late["acc_a"] == pytest.approx(0.8, abs=0.02)
    assert late["joint"] == late["right"] == pytest.approx(0.72, abs=0.03)
    assert abs(late["independence_gap"]) < 0.02
    assert late["ece"] == pytest.approx(abs(0.81 - late["joint"]), abs=0.02)
    assert row["rows"]["attention"]["right"] == row["rows"]["attention"]["uf1"] == 1
    assert row["over_reference"]["points"] == pytest.approx(100 * (1 - late["right"]), abs=0.02)
    assert row["over_reference"]["interval_above_0"] and row["over_reference"]["intervals_apart"]


def test_the_same_method_twice_is_no_gain() -> None:
    shown = truth()
    same = [saying(shown, 0.1, 0.2)]
    found = condition(shown, {"late": same, "attention": same}, "late", "attention")["over_reference"]
    assert found["points"] == 0 and found["interval_95"] == [0, 0]
    assert not found["interval_above_0"] and not found["intervals_apart"]


def test_intents_are_what_counts_where_there_are_any() -> None:
    shown = truth()
    intent = np.random.default_rng(2).integers(0, 3, len(shown.tone))
    said = replace(saying(shown, 0, 0), intent=certain((intent + 1) % 3, 3))
    row = condition(replace(shown, intent=intent), {"late": [said], "attention": [said]}, "late", "attention")
    assert row["rows"]["late"]["right"] == 0 and row["rows"]["late"]["joint"] == 1


def test_selective_accuracy_leaves_out_what_it_is_least_sure_of() -> None:
    shown = truth(100)
    said = saying(shown, 0, 0)
    unsure = np.arange(100) < 20
    tone = np.where(unsure[:, None], certain((shown.tone + 1) % 4, 4, 0.4), said.tone)
    half_sure = Said(said.gesture, tone, said.intent)
    row = condition(shown, {"late": [half_sure], "attention": [said]}, "late", "attention")["rows"]["late"]
    assert row["right"] == 0.8 and row["selective_80"] == 1


def test_few_people_make_wide_intervals() -> None:
    rng = np.random.default_rng(3)
    many, few = rng.integers(0, 400, 400), rng.integers(0, 8, 400)
    values = (few % 2 == 0).astype(float)

    def spread(people: np.ndarray) -> float:
        weights = cluster_weights(people, many, 500, 0)
        return float((weights @ values / weights.sum(1)).std())

    assert spread(few) > 3 * spread(many)


def test_the_bootstrap_is_fixed_and_keeps_the_mean() -> None:
    people = np.arange(50) % 10
    weights = cluster_weights(people, people, 2000, 1)
    assert np.array_equal(weights, cluster_weights(people, people, 2000, 1))
    assert cluster_weights(people, np.arange(50), 4000, 1).mean() == pytest.approx(1, abs=0.03)


def test_clear_weak_and_none_are_apart() -> None:
    shown = truth()
    parts = clear_and_weak(shown, [saying(shown, 0.1, 0.2)])
    assert parts["clear"]["pairs"] + parts["weak"]["pairs"] + parts["none"]["pairs"] == len(shown.tone)
    assert parts["clear_and_none"]["pairs"] == parts["clear"]["pairs"] + parts["none"]["pairs"]
    with pytest.raises(AssistiveError, match="empty"):
        clear_and_weak(replace(shown, intensity=np.where(shown.tone < 3, 0.9, 0)), [saying(shown, 0, 0)])


def test_a_missing_stream_is_compared_with_the_other_alone() -> None:
    shown = truth()
    methods = {"attention": [saying(shown, 0.3, 0)], "gesture_only": [saying(shown, 0.1, 0)]}
    found = without(shown, np.arange(400) < 200, methods, "attention", "gesture_only", "gesture")
    assert found["pairs"] == 200 and -32 < found["points"] < -8
