from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistive.expression.brows import FULL, LEFT, RIGHT, BrowState, step
from assistive.expression.motion import REGIONS, Motion
from assistive.settings import SpottingSettings

SETTINGS = SpottingSettings()
Course = Callable[[float], float]


def motion(t_s: float, near: float, anchor: int = 1, noise: float = 0.0003) -> Motion:
    regions = np.zeros((len(REGIONS), 2), np.float32)
    regions[RIGHT, 0], regions[LEFT, 0] = near / 2, -near / 2
    return Motion(t_s, anchor, regions, noise, np.zeros(6, np.float32), 0.33, 0.013, 1.0)


def frowns(near: Course, times_s: Iterable[float], noise: float = 0.0003) -> list[float]:
    state, found = None, []
    for t_s in times_s:
        state, strength = step(state, motion(t_s, near(t_s), noise=noise), SETTINGS)
        found.append(strength)
    return found


def held(from_s: float, to_s: float, near: float) -> Course:
    return lambda t_s: near if from_s < t_s < to_s else 0.0


TIMES_S = [i / 30 for i in range(180)]


def test_brows_that_come_together_are_a_frown_as_strong_as_they_came() -> None:
    found = frowns(held(2, 4, FULL / 2), TIMES_S)
    assert max(found[:60]) == 0
    assert found[62] == pytest.approx(0.5, abs=0.02)
    assert found[118] == pytest.approx(0.5, abs=0.08), "it stays while the brows stay"
    assert max(found[121:]) == 0


def test_brows_that_go_apart_for_a_moment_and_come_back_are_no_frown() -> None:
    assert max(frowns(held(2, 2.3, -FULL / 2), TIMES_S)) < 0.2


def test_the_frown_of_the_first_moments_is_no_calm_face_for_long() -> None:
    """The face frowned when it was first seen; what comes after its release counts as calm, and a new frown is seen."""
    found = frowns(lambda t_s: 0.0 if t_s < 1 or t_s > 4.5 else -FULL, TIMES_S)
    assert found[140] > 0.5


def test_a_trace_of_the_heads_movement_is_no_frown() -> None:
    assert max(frowns(held(2, 4, 0.01), TIMES_S, noise=0.006)) == 0


def test_a_new_anchor_goes_on_where_the_old_one_was() -> None:
    state, before = step(BrowState(0.0, 1, 0.0, 0.0, 0.0), motion(0.1, FULL / 2, anchor=1), SETTINGS)
    state, after = step(state, motion(0.2, 0.0, anchor=2), SETTINGS)
    assert before > 0.45 and after == pytest.approx(before, abs=0.02)


@given(st.lists(st.floats(-0.1, 0.1), min_size=1, max_size=40), st.floats(0.001, 0.2))
def test_the_strength_is_a_share(course: list[float], frame_s: float) -> None:
    state = None
    for i, near in enumerate(course):
        state, strength = step(state, motion(i * frame_s, near), SETTINGS)
        assert 0 <= strength <= 1


def test_time_that_runs_back_begins_anew() -> None:
    state, _ = step(None, motion(5.0, 0.0), SETTINGS)
    state, strength = step(state, motion(1.0, FULL), SETTINGS)
    assert strength == 0
    assert step(state, motion(1.1, FULL), SETTINGS)[1] == pytest.approx(0, abs=0.01), "what it began with is calm"
