from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistive.errors import AssistiveError
from assistive.evaluation.expression import confusion, figures, report, uar, uf1, uf1_ci95
from assistive.expression.recogniser import CLASSES, KIND, Recogniser
from assistive.settings import RuntimeSettings

pairs = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40)


def columns(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    truth, guess = zip(*rows, strict=True)
    return np.array(truth), np.array(guess)


def test_always_negative_on_the_composite_is_chance() -> None:
    truth = np.repeat([0, 1, 2], [250, 109, 83])
    guess = np.zeros(442, int)
    assert uf1(truth, guess) == pytest.approx(2 * 250 / (250 + 442) / 3)
    assert uar(truth, guess) == pytest.approx(1 / 3)


def test_the_count_is_pooled_not_a_mean_of_means() -> None:
    """By hand: three negatives right and one false, both positives right, the surprise missed."""
    truth, guess = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 0, 1, 1, 0])
    assert uf1(truth, guess) == pytest.approx((6 / 7 + 1 + 0) / 3)
    assert uar(truth, guess) == pytest.approx(2 / 3)


@given(pairs)
def test_agrees_with_scikit_learn(rows: list[tuple[int, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    truth, guess = columns(rows)
    assert uf1(truth, guess) == pytest.approx(metrics.f1_score(truth, guess, average="macro", zero_division=0))
    occurring = sorted(set(truth.tolist()))
    recall = metrics.recall_score(truth, guess, labels=occurring, average="macro", zero_division=0)
    assert uar(truth, guess) == pytest.approx(recall)


@given(pairs, st.randoms(use_true_random=False))
def test_order_and_names_of_classes_do_not_matter(rows: list[tuple[int, int]], random: Any) -> None:
    truth, guess = columns(rows)
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert uf1(*columns(shuffled)) == pytest.approx(uf1(truth, guess))
    renamed = np.array([2, 0, 1])
    assert uf1(renamed[truth], renamed[guess]) == pytest.approx(uf1(truth, guess))


@given(pairs)
def test_the_figures_stay_in_their_bounds_and_the_confusion_counts_every_clip(rows: list[tuple[int, int]]) -> None:
    truth, guess = columns(rows)
    assert 0 <= uf1(truth, guess) <= 1 and 0 <= uar(truth, guess) <= 1
    assert uf1(truth, truth) == uar(truth, truth) == 1
    counts = confusion(truth, guess)
    assert counts.sum() == len(rows) and np.trace(counts) == (truth == guess).sum()


@given(pairs, st.integers(1, 8))
def test_the_interval_is_ordered_and_the_same_every_time(rows: list[tuple[int, int]], people: int) -> None:
    truth, guess = columns(rows)
    subjects = [f"s{i % people}" for i in range(len(rows))]
    low, high = uf1_ci95(truth, guess, subjects, draws=200)
    assert 0 <= low <= high <= 1
    assert (low, high) == uf1_ci95(truth, guess, subjects, draws=200)
    if people == 1:
        assert low == high == pytest.approx(uf1(truth, guess))


def test_the_interval_is_wider_over_subjects_that_are_right_or_wrong_as_a_whole() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 400)
    people = np.repeat(np.arange(20), 20)
    guess = np.where(people % 2 == 0, truth, (truth + 1) % 3)
    low, high = uf1_ci95(truth, guess, [f"s{one}" for one in people])
    alone_low, alone_high = uf1_ci95(truth, guess, [str(i) for i in range(400)])
    assert high - low > 2 * (alone_high - alone_low)
    assert low < uf1(truth, guess) < high


@pytest.mark.parametrize("guess", [np.array([0, 1]), np.array([0, 1, 3]), np.array([0, -1, 1])])
def test_predictions_that_do_not_belong_are_refused(guess: np.ndarray) -> None:
    with pytest.raises(AssistiveError):
        confusion(np.array([0, 1, 2]), guess)


def test_figures_by_collection() -> None:
    truth, guess = np.array([0, 1, 2, 0]), np.array([0, 1, 2, 1])
    result = figures(truth, guess, ["a/1", "a/1", "b/1", "b/1"], ["a", "a", "b", "b"])
    assert result["by_dataset"]["a"] == {"uf1": 1.0, "uar": 1.0, "clips": 2}
    assert result["by_dataset"]["b"]["clips"] == 2 and result["by_dataset"]["b"]["uf1"] < 1
    assert result["confusion"]["negative"] == {"negative": 1, "positive": 1, "surprise": 0}
    assert (result["subjects"], result["interval_over"]) == (2, "subjects")
    unknown = figures(truth, guess, None, ["a"] * 4)
    assert (unknown["subjects"], unknown["interval_over"]) == (None, "clips")


def moving(channel: int | None) -> np.ndarray:
    """A map in which one channel of u, v, strain moves."""
    one = np.full((28, 28, 3), 100, np.uint8)
    if channel is not None:
        one[5:17, 5:17, 2 - channel] = 200  # a map holds strain, v, u
    return one


@pytest.fixture
def recogniser(install_network: Any) -> Recogniser:
    install_network(
        "expression", kind=KIND, classes=list(CLASSES), input={"height": 28, "width": 28},
        thresholds={"abstain_below": 0.6},
    )  # fmt: skip
    return Recogniser("expression", RuntimeSettings())


def test_what_runs_is_measured(recogniser: Recogniser) -> None:
    maps = np.stack([moving(0), moving(1), moving(2), moving(None), moving(2)])
    truth = np.array([0, 1, 2, 0, 0])
    result = report(recogniser, maps, truth, ["a/1", "a/2", "a/3", "b/1", "b/2"], ["a", "a", "a", "b", "b"])
    assert set(result) >= {"uf1", "uar", "uf1_ci95", "by_dataset", "confusion", "clips", "ms_per_clip"}
    assert result["by_dataset"]["a"]["uf1"] == 1.0 and result["clips"] == 5
    assert result["confusion"]["negative"]["surprise"] == 1
    assert result["abstaining"]["clips"] == 4 and result["abstaining"]["coverage"] == 0.8
    assert result["abstaining"]["uf1"] == pytest.approx((2 / 3 + 1 + 2 / 3) / 3, abs=1e-4)
    assert result["ms_per_clip"] > 0


def test_a_recogniser_that_always_abstains(recogniser: Recogniser) -> None:
    result = report(recogniser, moving(None)[None], np.array([1]), None, ["a"])
    assert result["abstaining"] == {"threshold": 0.6, "coverage": 0.0, "uf1": None, "uar": None, "clips": 0}
