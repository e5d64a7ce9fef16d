"""Who is asked for a second opinion, and what it changes."""

import numpy as np
import pytest
from numpy.typing import NDArray

from assistive.gesture.landmarks import Landmarks
from assistive.gesture.second_opinion import COLUMNS, Opinion, SecondOpinion, pack
from assistive.types import Box
from tests.gesture.test_landmarks import HAND, _Pattern

RULE = Opinion(lowest=0.02, highest=0.9, own_weight=0.75, other_weight=0.25, bias=0.5)


@pytest.mark.parametrize(("best", "wanted"), [(0.01, False), (0.03, True), (0.5, True), (0.89, True), (0.95, False)])
def test_only_what_is_not_clear_is_asked(best: float, wanted: bool) -> None:
    assert RULE.wanted(np.array([best / 2, best, 0.0, 1 - best * 1.5])) is wanted


def test_agreement_makes_sure_and_contradiction_doubtful() -> None:
    own = np.array([0.4, 0.3, 0.3])
    agrees, contradicts = RULE.join(own, np.array([0.98, 0.01, 0.01])), RULE.join(own, np.array([0.01, 0.01, 0.98]))
    assert agrees[0] > own[0] > contradicts[0]
    assert contradicts[2] > own[2]
    assert [agrees.sum(), contradicts.sum()] == pytest.approx([1, 1])


def test_a_rule_that_trusts_itself_alone_changes_nothing() -> None:
    own = np.array([0.2, 0.5, 0.3])
    alone = Opinion(0.0, 1.0, own_weight=1.0, other_weight=0.0, bias=0.0)
    assert alone.join(own, np.array([1.0, 0.0, 0.0])) == pytest.approx(own)


def _landmarks(points: NDArray[np.float64]) -> Landmarks:
    deep = np.c_[points, np.linspace(-5, 5, 21)]
    return Landmarks(deep, deep / 1000, presence=0.9, right=0.2, turn=0.3)


def test_a_hand_is_packed_the_same_wherever_it_is_and_however_large() -> None:
    here = pack(_landmarks(HAND), Box(0.1, 0.1, 0.2, 0.3), (400, 400))
    landmarks = _landmarks(HAND)
    there = Landmarks(landmarks.points * 2 + (100, 40, 0), landmarks.world, 0.9, 0.2, 0.3)
    moved = pack(there, Box(0.1 + 100 / 800, 0.1 + 40 / 800, 0.2, 0.3), (800, 800))
    assert here.shape == (3, 1, COLUMNS) and here.dtype == np.float32
    assert moved == pytest.approx(here, abs=1e-5)


def test_certain_presence_stays_finite() -> None:
    packed = pack(Landmarks(np.zeros((21, 3)), np.zeros((21, 3)), 1.0, 0.0, 0.0), Box(0, 0, 0, 0), (10, 10))
    assert np.isfinite(packed).all()


class _Reader:
    provider = reason = "made up"

    def run(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        assert batch.shape == (1, 3, 1, COLUMNS)
        return (np.array([[0.97, 0.01, 0.02]], np.float32),)


def test_the_second_opinion_weighs_in() -> None:
    second = SecondOpinion(_Pattern(), _Reader(), RULE)
    own = np.array([0.3, 0.35, 0.35])
    image = np.full((100, 100, 3), 128, np.uint8)
    assert second.weigh(image, Box(0.2, 0.2, 0.5, 0.5), own).argmax() == 0
