from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assistive.errors import WeightsError
from assistive.expression.recogniser import CLASSES, KIND, Recogniser
from assistive.settings import RuntimeSettings
from assistive.types import NO_EXPRESSION

SIZE = {"height": 28, "width": 28}


@pytest.fixture
def recogniser(install_network: Callable[..., Path]) -> Recogniser:
    """Takes what moves to the right for negative, down for positive."""
    install_network("expression", kind=KIND, input=SIZE, classes=list(CLASSES), thresholds={"abstain_below": 0.6})
    return Recogniser("expression", RuntimeSettings())


def _push(u: float, v: float) -> np.ndarray:
    """A face of which less than half moves, so that the median stays at rest."""
    flow = np.zeros((112, 112, 2), np.float32)
    flow[:50] = (u, v)
    return flow


def test_a_movement_gets_its_name_and_probabilities_sum_to_one(recogniser: Recogniser) -> None:
    right, down = recogniser.judge(_push(2, 0)), recogniser.judge(_push(0, 2))
    assert (right.label, down.label) == ("negative", "positive")
    assert right.probability == pytest.approx(right.probabilities[0]) and right.probability >= recogniser.threshold
    assert right.probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_a_face_at_rest_shows_nothing(recogniser: Recogniser) -> None:
    still = recogniser.judge(np.zeros((112, 112, 2), np.float32))
    assert still.label == NO_EXPRESSION and still.probability < 0.6  # it abstains: all four are as likely as not


def test_below_its_threshold_it_abstains(recogniser: Recogniser) -> None:
    sure = recogniser.judge(_push(2, 0)).probability
    recogniser.threshold = sure + 1e-3
    assert recogniser.judge(_push(2, 0)).label == NO_EXPRESSION


def test_maps_that_are_known_to_show_something_are_judged_without_none(recogniser: Recogniser) -> None:
    maps = np.random.default_rng(0).integers(0, 255, (5, 28, 28, 3)).astype(np.uint8)
    rows = recogniser.judge_maps(maps)
    assert rows.shape == (5, 3) and rows.sum(1) == pytest.approx(1, abs=1e-5)
    assert (rows.argmax(1) == recogniser.probabilities(maps)[:, :3].argmax(1)).all()


@pytest.mark.parametrize(
    "wrong", [{"kind": "gesture-verifier"}, {"classes": ["positive", "negative", "surprise", "none"]}]
)
def test_weights_of_another_kind_are_refused(install_network: Callable[..., Path], wrong: dict[str, object]) -> None:
    install_network("expression", **({"kind": KIND, "input": SIZE, "classes": list(CLASSES),
                                      "thresholds": {"abstain_below": 0.6}} | wrong))  # fmt: skip
    with pytest.raises(WeightsError, match="not an expression-recogniser"):
        Recogniser("expression", RuntimeSettings())
