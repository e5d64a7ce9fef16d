"""Training of the second opinion, on hands that are made up."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from assistive.gesture.second_opinion import Opinion  # noqa: E402
from assistive.training.second_opinion import ReaderRecipe, Samples, fit_rule, train_reader  # noqa: E402
from assistive.training.stock import CLASSES  # noqa: E402


def _samples(count: int, rng: np.random.Generator) -> Samples:
    """Made-up hands of two gestures and none: each class has one shape, and every hand deviates from it."""
    shapes = np.random.default_rng(0).normal(0, 1, (3, 3, 1, 45))
    kinds = rng.integers(0, 3, count)
    packed = shapes[kinds] + rng.normal(0, 0.2, (count, 3, 1, 45))
    packed[:, :2, 0, 44] = 1.0
    right = np.zeros((count, len(CLASSES)), bool)
    right[np.arange(count), np.array([0, 1, len(CLASSES) - 1])[kinds]] = True
    return Samples(packed.astype(np.float32), right, np.zeros((0, len(CLASSES))))


def test_the_network_learns_shapes_and_the_same_every_time() -> None:
    rng = np.random.default_rng(1)
    seen, fresh = _samples(1024, rng), _samples(200, rng)
    recipe = ReaderRecipe(epochs=6, batch=128)
    first, second = train_reader(seen, recipe), train_reader(seen, recipe)
    with torch.no_grad():
        told = first(torch.from_numpy(fresh.packed))
        again = second(torch.from_numpy(fresh.packed))
    assert torch.equal(told, again)
    assert float((told.argmax(1) == torch.from_numpy(fresh.right).int().argmax(1)).float().mean()) > 0.95


def test_the_rule_trusts_whoever_is_right() -> None:
    rng = np.random.default_rng(2)
    right = np.eye(4, dtype=bool)[rng.integers(0, 4, 600)]
    knows = np.where(right, 0.7, 0.1)
    guesses = rng.dirichlet(np.ones(4), 600)
    for own, other, trusted in ((knows, guesses, "own_weight"), (guesses, knows, "other_weight")):
        rule = fit_rule(own, other, right)
        least = "other_weight" if trusted == "own_weight" else "own_weight"
        assert rule[trusted] > 1 and abs(rule[least]) < 0.2
        joined = np.array([Opinion(0, 1, **rule).join(a, b) for a, b in zip(own, other, strict=True)])
        assert (joined.argmax(1) == right.argmax(1)).mean() > 0.95
