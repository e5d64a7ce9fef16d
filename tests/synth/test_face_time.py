import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistive.synth.face_action import Movement, draw_beside, draw_gaze, draw_movement
from assistive.synth.face_model import FaceModel
from assistive.synth.face_time import MICRO_S, Course, Event, draw_course, draw_timeline
from assistive.types import EXPRESSIONS

seeds = st.integers(0, 2**32 - 1)
SMILE = Movement("positive", {"L12": 0.4, "R12": 0.3}, 0.35)


@given(st.floats(0, 2), st.floats(0.02, 0.4), st.floats(0.02, 0.4), st.floats(0.5, 2), st.floats(0.5, 2))
def test_a_course_rises_to_its_apex_and_falls_to_rest(
    onset: float, rise_s: float, fall_s: float, rise: float, fall: float
) -> None:
    course = Course(onset, onset + rise_s, onset + rise_s + fall_s, rise, fall)
    up = [course.strength(onset + rise_s * share) for share in np.linspace(0, 1, 9)]
    down = [course.strength(course.apex_s + fall_s * share) for share in np.linspace(0.001, 1, 9)]
    assert up == sorted(up) and down == sorted(down, reverse=True)
    assert up[0] == 0 and up[-1] == pytest.approx(1, abs=1e-6) and down[-1] == pytest.approx(0, abs=1e-6)
    assert course.strength(onset - 0.1) == course.strength(course.offset_s + 0.1) == 0


@given(seeds)
def test_micro_expressions_are_as_short_as_real_ones(toy_model: FaceModel, seed: int) -> None:
    course = draw_course(toy_model.durations, 0.5, np.random.default_rng(seed))
    assert course.onset_s == 0.5
    assert 0.07 <= course.apex_s - course.onset_s <= 0.31
    assert 0.06 <= course.offset_s - course.apex_s <= 0.33
    assert course.offset_s - course.onset_s <= MICRO_S + 1e-9


def test_the_median_rise_is_the_measured_one(toy_model: FaceModel) -> None:
    rng = np.random.default_rng(0)
    rises = [c.apex_s - c.onset_s for c in (draw_course(toy_model.durations, 0, rng) for _ in range(500))]
    assert np.median(rises) == pytest.approx(0.16, abs=0.02)


@given(seeds)
def test_a_clip_holds_its_event_whole_and_rests_before_and_after(toy_model: FaceModel, seed: int) -> None:
    timeline = draw_timeline(SMILE, toy_model.durations, np.random.default_rng(seed), busy=0)
    course = timeline.course
    assert course is not None
    assert course.onset_s >= 0.3 and timeline.seconds - course.offset_s >= 0.3
    assert not timeline.events
    assert timeline.pose(0.0).units == {} and timeline.pose(timeline.seconds).units == {}
    apex = timeline.pose(course.apex_s)
    assert apex.units == pytest.approx(SMILE.units)
    assert (apex.yaw, apex.pitch, apex.roll, apex.shift, apex.gaze) == (0, 0, 0, (0, 0), (0, 0))
    assert timeline.brightness(0.3) == 1


@given(seeds)
def test_what_happens_beside_stays_small(toy_model: FaceModel, seed: int) -> None:
    timeline = draw_timeline(Movement("none"), toy_model.durations, np.random.default_rng(seed))
    assert timeline.course is None
    for t_s in np.linspace(0, timeline.seconds, 15):
        pose = timeline.pose(float(t_s))
        assert all(abs(value) <= 3 for value in pose.units.values())
        assert 0.5 < timeline.brightness(float(t_s)) < 1.5


def test_a_blink_closes_faster_than_it_opens() -> None:
    blink = Event("blink", 1.0, 1.3, {"45": 1.0})
    shut = [t for t in np.arange(0.9, 1.4, 0.005) if blink.strength(float(t)) > 0.99]
    assert shut[0] - 1.0 < 1.3 - shut[-1]
    assert blink.strength(1.0) == blink.strength(1.31) == 0


def test_a_speaking_mouth_opens_and_closes() -> None:
    speech = Event("speech", 0.0, 2.0, {"26": 1.0}, rate_hz=4)
    strengths = np.array([speech.strength(t) for t in np.arange(0.1, 1.9, 0.01)])
    peaks = (strengths[1:-1] > strengths[:-2]) & (strengths[1:-1] > strengths[2:])
    assert peaks.sum() == pytest.approx(7, abs=1)


@pytest.mark.parametrize("label", EXPRESSIONS)
@given(seeds)
def test_movements_belong_to_their_class_and_stay_in_bounds(toy_model: FaceModel, label: str, seed: int) -> None:
    movement = draw_movement(toy_model, label, np.random.default_rng(seed))
    unit = {"negative": "4", "positive": "12", "surprise": "1"}[label]
    assert set(movement.units) == {f"L{unit}", f"R{unit}"}
    assert 0.05 <= movement.intensity <= 0.6
    assert all(0 < peak <= 0.9 for peak in movement.units.values())


def test_intensities_are_spread_in_the_logarithm(toy_model: FaceModel) -> None:
    rng = np.random.default_rng(1)
    drawn = [draw_movement(toy_model, "positive", rng).intensity for _ in range(400)]
    assert np.median(drawn) == pytest.approx(np.sqrt(0.05 * 0.6), rel=0.15)


def test_no_expression_moves_nothing(toy_model: FaceModel) -> None:
    assert draw_movement(toy_model, "none", np.random.default_rng(0)) == Movement("none")


def test_lids_follow_the_gaze_and_nothing_happens_beside_when_told_so() -> None:
    rng = np.random.default_rng(2)
    for _ in range(30):
        (x, y), lids = draw_gaze(rng)
        assert ("eyeLookOut_L" in lids) == (x > 0) == ("eyeLookIn_R" in lids)
        assert ("eyeLookDown_L" in lids) == (y > 0)
    assert all(draw_beside(np.random.default_rng(seed), often=0) == {} for seed in range(20))
    assert any(draw_beside(np.random.default_rng(seed)) for seed in range(20))
