from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistive.evaluation.labels import Interval, Truth
from assistive.evaluation.stream import ClipScore, Heard, Spoken, listen, report, score_clip
from assistive.types import Decision, Frame

LIKE = Interval(1.0, 3.0, Truth(("like",)))
PALM = Interval(3.2, 5.0, Truth(("palm", "stop")))
MAYBE = Interval(6.0, 7.0, Truth(("rock",), none=True))


def heard(*spoken: tuple[float, str]) -> Heard:
    return Heard(tuple(Spoken(t_s, gesture) for t_s, gesture in spoken), 8.0)


def counts(score: ClipScore) -> tuple[int, ...]:
    return score.hits, score.misses, score.wrong, score.outside, score.repeats


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        ([], (0, 2, 0, 0, 0)),
        ([(1.8, "like"), (4.0, "stop")], (2, 0, 0, 0, 0)),
        ([(1.0, "like"), (5.5, "palm")], (2, 0, 0, 0, 0)),
        ([(0.99, "like")], (0, 2, 0, 1, 0)),
        ([(5.51, "palm")], (0, 2, 0, 1, 0)),
        ([(1.8, "ok")], (0, 1, 1, 0, 0)),
        ([(1.8, "ok"), (2.5, "like")], (1, 1, 1, 0, 0)),
        ([(1.8, "like"), (2.8, "like")], (1, 1, 0, 0, 1)),
        ([(3.4, "like")], (1, 1, 0, 0, 0)),  # half a second late, though the next gesture has begun
        ([(3.3, "palm")], (1, 1, 0, 0, 0)),
        ([(6.5, "rock")], (1, 2, 0, 0, 0)),
        ([(6.5, "ok")], (0, 2, 1, 0, 0)),
    ],
)
def test_utterances_against_intervals(spoken: list[tuple[float, str]], expected: tuple[int, ...]) -> None:
    assert counts(score_clip([LIKE, PALM, MAYBE], heard(*spoken))) == expected


times = st.floats(0, 12, allow_nan=False)
utterances = st.lists(st.tuples(times, st.sampled_from(["like", "palm", "stop", "rock", "ok"])), max_size=12)


@given(utterances)
def test_every_utterance_and_every_interval_is_counted_once(spoken: list[tuple[float, str]]) -> None:
    intervals = [LIKE, PALM, MAYBE]
    score = score_clip(intervals, heard(*sorted(spoken)))
    assert score.hits + score.wrong + score.outside + score.repeats == len(spoken)
    assert score.hits + score.misses <= score.gestures == len(intervals)
    assert score.hits + score.misses + score.wrong >= len(intervals) - 1  # one of them need not be answered
    assert len(score.latencies_s) == score.hits
    assert all(0 <= latency <= 2.5 for latency in score.latencies_s)


@given(utterances)
def test_without_labels_all_is_false(spoken: list[tuple[float, str]]) -> None:
    score = score_clip([], heard(*sorted(spoken)))
    assert counts(score) == (0, 0, 0, len(spoken), 0)


def test_only_decisions_that_fire_are_heard() -> None:
    def decide(frame: Frame) -> Decision:
        return Decision(frame.t_s, "spoken", "like", 0.9, 1.0, frame.index == 2, None)

    image = np.zeros((4, 4, 3), np.uint8)
    frames = [Frame(image, 0.5 + i / 10, i, 0.0) for i in range(5)]
    result = listen([frames[0], None, *frames[1:]], decide)
    assert result.spoken == (Spoken(0.7, "like"),)
    assert (result.seconds, result.start_s) == (pytest.approx(0.4), 0.5)
    assert listen([], decide) == Heard((), 0.0)


def test_the_report_sums_up_and_can_be_written() -> None:
    clips = {"a.mp4": heard((1.7, "like"), (2.8, "like")), "b.mp4": heard((4.0, "ok"))}
    scores = {"a.mp4": score_clip([LIKE], clips["a.mp4"]), "b.mp4": score_clip([], clips["b.mp4"])}
    result = report(scores, clips)
    assert (result["gestures"], result["hits"], result["misses"], result["wrong"]) == (1, 1, 0, 0)
    assert (result["false_activations"], result["outside"], result["repeats"]) == (2, 1, 1)
    assert result["false_activations_per_hour"] == 450.0
    assert result["latency_s"]["p50"] == pytest.approx(0.7)
    assert result["by_clip"]["b.mp4"]["spoken"] == [{"t_s": 4.0, "gesture": "ok"}]
    json.dumps(result, allow_nan=False)


def test_false_alarms_are_counted_where_nobody_shows_a_gesture() -> None:
    clips = {
        "life.mp4": Heard((Spoken(4.0, "ok"), Spoken(7.0, "like")), 1800.0),
        "quiet.mp4": Heard((), 1800.0),
        "shown.mp4": heard((0.5, "ok"), (1.8, "like"), (2.8, "like"), (4.0, "ok")),  # outside, hit, repeat, wrong
    }
    scores = {name: score_clip([LIKE, PALM] if name == "shown.mp4" else [], one) for name, one in clips.items()}
    alarms = report(scores, clips)["false_alarms"]
    life = {"clips": 2, "hours": 1.0, "said": 2, "per_hour": 2.0, "interval_95": (0.24, 7.22)}
    assert alarms["ordinary_life"] == life
    between = alarms["between_gestures"]  # 0 to 1 s, and 5.5 to 8 s
    assert (between["clips"], between["said"], between["hours"]) == (1, 1, round(3.5 / 3600, 5))


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0.1, 5)), max_size=5), st.floats(0, 3), st.floats(0, 12))
def test_time_outside_is_what_no_gesture_reaches(spans: list[tuple[float, float]], start_s: float, s: float) -> None:
    intervals = [Interval(at, at + length, Truth(("like",))) for at, length in spans]
    score = score_clip(intervals, Heard((), s, start_s))
    times = np.arange(4000) / 4000 * s + start_s
    free = np.ones(len(times), bool)
    for one in intervals:
        free &= (times < one.start_s) | (times > one.end_s + 0.5)
    assert score.outside_s == pytest.approx(free.mean() * s, abs=0.05)


def test_nothing_watched_has_no_rate() -> None:
    empty = Heard((), 0.0)
    result = report({"a.mp4": score_clip([], empty)}, {"a.mp4": empty})
    assert result["false_activations_per_hour"] is None and result["latency_s"] is None and result["hit_rate"] is None
