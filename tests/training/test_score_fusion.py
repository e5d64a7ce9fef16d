from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from assistive.training.score_fusion import Fusion, Rule, Scores, learn_fusion, rate_increase  # noqa: E402

RULES: tuple[Rule, ...] = ("mean", "weighted", "stacked")
each_rule = pytest.mark.parametrize("rule", RULES)


def judged(sharp: float, labels: np.ndarray, seed: int) -> np.ndarray:
    """Probabilities of a classifier that sees the label the better, the sharper it is."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (len(labels), 3)) + sharp * np.eye(3)[labels]
    raised = np.exp(logits)
    return np.asarray(raised / raised.sum(1, keepdims=True), np.float32)


@pytest.fixture
def labels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 3, 300)


def right(scores: np.ndarray, labels: np.ndarray) -> float:
    return float((scores.argmax(1) == labels).mean())


@each_rule
@pytest.mark.parametrize("count", [1, 2, 5])
def test_identical_classifiers_together_are_the_one(rule: Rule, count: int, labels: np.ndarray) -> None:
    one = judged(1.0, labels, 1)
    scores: Scores = np.stack([one] * count)
    fusion = learn_fusion(rule, scores, labels)
    np.testing.assert_allclose(fusion.fuse(scores), one, atol=1e-6)
    np.testing.assert_allclose(fusion.weights, np.full(count, 1 / count), atol=1e-9)


@each_rule
def test_what_is_fused_are_probabilities_and_weights_sum_to_1(rule: Rule, labels: np.ndarray) -> None:
    scores = np.stack([judged(sharp, labels, i) for i, sharp in enumerate((0.5, 1.0, 2.0))])
    fusion = learn_fusion(rule, scores, labels)
    assert fusion.weights.sum() == pytest.approx(1) and (fusion.weights >= 0).all()
    np.testing.assert_allclose(fusion.fuse(scores).sum(1), 1, atol=1e-6)


@each_rule
def test_three_classifiers_with_errors_of_their_own_are_better_together(rule: Rule, labels: np.ndarray) -> None:
    learned = np.stack([judged(1.5, labels, i) for i in range(3)])
    fresh = np.stack([judged(1.5, labels, 10 + i) for i in range(3)])
    fused = learn_fusion(rule, learned, labels).fuse(fresh)
    assert right(fused, labels) > np.mean([right(one, labels) for one in fresh]) + 0.05


def test_a_guesser_weighs_less_than_one_who_knows_most_so_in_stacking(labels: np.ndarray) -> None:
    scores = np.stack([judged(0.0, labels, 0), judged(2.5, labels, 1)])
    even, by_uar, stacked = (learn_fusion(rule, scores, labels).weights[0] for rule in RULES)
    assert even == 0.5 and 0.2 < by_uar < 0.35 and stacked < 0.15


def test_weights_stay_finite_where_one_makes_no_error_and_another_is_sure_of_nonsense(labels: np.ndarray) -> None:
    perfect = np.eye(3, dtype=np.float32)[labels]
    scores = np.stack([perfect, np.roll(perfect, 1, 1)])
    fusion = learn_fusion("stacked", scores, labels)
    assert np.isfinite(fusion.weights).all() and fusion.weights[0] > 0.6
    assert right(fusion.fuse(scores), labels) == 1


def test_classifiers_that_are_always_wrong_weigh_the_same(labels: np.ndarray) -> None:
    wrong = np.roll(np.eye(3, dtype=np.float32)[labels], 1, 1)
    np.testing.assert_allclose(learn_fusion("weighted", np.stack([wrong, wrong]), labels).weights, 0.5)


def test_weights_of_a_rule_are_used_as_they_are() -> None:
    scores = np.array([[[0.8, 0.1, 0.1]], [[0.2, 0.6, 0.2]]], np.float32)
    np.testing.assert_allclose(
        Fusion("weighted", np.array([0.25, 0.75])).fuse(scores), [[0.35, 0.475, 0.175]], atol=1e-6
    )
    geometric = np.sqrt([0.8 * 0.2, 0.1 * 0.6, 0.1 * 0.2])
    np.testing.assert_allclose(
        Fusion("stacked", np.array([0.5, 0.5])).fuse(scores), [geometric / geometric.sum()], atol=1e-6
    )


@pytest.mark.parametrize(("fused", "best", "share"), [(0.9, 0.8, 0.5), (0.8, 0.8, 0), (0.7, 0.8, -0.5), (1, 1, 0)])
def test_the_rate_increase_is_the_share_of_errors_taken_away(fused: float, best: float, share: float) -> None:
    assert rate_increase(fused, best) == pytest.approx(share)
