from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from assistive.fusion.decision import DecisionMachine, DecisionState
from assistive.settings import DecisionSettings
from assistive.types import NO_GESTURE, Box, Decision, Hand, Intent

THRESHOLD = 0.7
BOX = Box(0.3, 0.3, 0.2, 0.2)
READY = DecisionSettings(entry_grace_s=0)
RATES = [5, 8, 15, 30, 60]

Shown = str | dict[str, float] | None


def intent(t_s: float, shown: Shown, track: int = 0) -> Intent:
    """``None`` is no hand, a name is that gesture at 0.95."""
    if shown is None:
        return Intent(t_s, None, False, "no hand")
    probabilities = {shown: 0.95, NO_GESTURE: 0.05} if isinstance(shown, str) else shown
    if shown == NO_GESTURE:
        probabilities = {NO_GESTURE: 1.0}
    return Intent(t_s, Hand(BOX, 0.9, probabilities, track), True)


def at_rate(rate_hz: float, shown: Callable[[float], Shown], seconds: float, start_s: float = 0.0) -> list[Intent]:
    return [
        intent(start_s + i / rate_hz, shown(start_s + i / rate_hz)) for i in range(int(seconds * rate_hz + 1e-6) + 1)
    ]


def cycle(rate_hz: float, pattern: list[Shown], seconds: float) -> list[Intent]:
    return [intent(i / rate_hz, pattern[i % len(pattern)]) for i in range(int(seconds * rate_hz) + 1)]


def watch(
    machine: DecisionMachine, intents: Iterable[Intent], state: DecisionState | None = None
) -> tuple[DecisionState, list[Decision]]:
    state, decisions = state or machine.initial(), []
    for one in intents:
        state, decision = machine.step(state, one)
        assert decision.fired == (decision.reason is None)
        assert 0 <= decision.progress <= 1
        decisions.append(decision)
    return state, decisions


def said(settings: DecisionSettings, intents: Iterable[Intent]) -> list[tuple[str | None, float]]:
    _, decisions = watch(DecisionMachine(settings, THRESHOLD), intents)
    return [(decision.gesture, pytest.approx(decision.t_s)) for decision in decisions if decision.fired]


def names(settings: DecisionSettings, intents: Iterable[Intent]) -> list[str | None]:
    return [gesture for gesture, _ in said(settings, intents)]


@pytest.mark.parametrize(("rate_hz", "fires_s"), [(5, 0.8), (8, 0.75), (10, 0.7), (30, 0.7), (60, 0.7)])
def test_a_steady_gesture_is_said_once_at_the_first_frame_after_its_hold(rate_hz: float, fires_s: float) -> None:
    assert said(READY, at_rate(rate_hz, lambda _: "like", 10)) == [("like", fires_s)]


def test_phases_and_progress_tell_what_happens() -> None:
    _, seen = watch(DecisionMachine(READY, THRESHOLD), at_rate(10, lambda t: "like" if t < 1.55 else None, 2.5))
    assert [decision.phase for decision in seen] == ["holding"] * 7 + ["spoken"] * 12 + ["watching"] * 7
    assert [round(decision.progress, 2) for decision in seen[:8]] == [0, 0.14, 0.29, 0.43, 0.57, 0.71, 0.86, 1]
    assert seen[3].reason == "hold on: like"
    assert seen[7].fired
    assert seen[8].reason == "release first"
    assert seen[-1].reason == "no hand"
    assert seen[3].probability == 0.95


@pytest.mark.parametrize(
    ("probabilities", "reason"),
    [
        ({"like": 0.41, "fist": 0.3, NO_GESTURE: 0.29}, "not sure: like 41%"),
        ({"like": 0.1, NO_GESTURE: 0.9}, "no gesture"),
    ],
)
def test_doubt_is_told_in_words(probabilities: dict[str, float], reason: str) -> None:
    _, seen = watch(DecisionMachine(READY, THRESHOLD), at_rate(30, lambda _: probabilities, 3))
    assert {(decision.phase, decision.reason) for decision in seen} == {("watching", reason)}


def test_the_reason_of_the_lead_is_passed_on() -> None:
    machine = DecisionMachine(READY, THRESHOLD)
    _, decision = machine.step(machine.initial(), Intent(0.0, None, True, "hand too small"))
    assert decision.reason == "hand too small"


def test_a_hold_begins_at_enter_and_goes_on_above_leave() -> None:
    def between(t_s: float) -> Shown:
        sure = t_s < 0.4 or t_s > 0.8
        return {"like": 0.8 if sure else 0.5, NO_GESTURE: 0.2 if sure else 0.5}

    assert names(READY, at_rate(30, lambda _: {"like": 0.69, NO_GESTURE: 0.31}, 3)) == []
    assert names(READY, at_rate(30, between, 1.2)) == ["like"]  # the doubtful 0.4 s counted for the hold
    strict = READY.model_copy(update={"leave_probability": 0.6})
    assert names(strict, at_rate(30, between, 1.2)) == []


def test_nothing_is_said_in_a_doubtful_moment() -> None:
    def fading(t_s: float) -> Shown:
        return {"like": 0.8 if t_s < 0.4 else 0.5, NO_GESTURE: 0.2 if t_s < 0.4 else 0.5}

    assert names(READY, at_rate(30, fading, 3)) == []


def test_enter_probability_of_the_settings_goes_before_the_shipped_one() -> None:
    unsure = at_rate(30, lambda _: {"like": 0.5, NO_GESTURE: 0.5}, 3)
    assert names(READY, unsure) == []
    assert names(READY.model_copy(update={"enter_probability": 0.5}), unsure) == ["like"]


def test_a_gesture_may_have_its_own_hold_and_cooldown() -> None:
    settings = DecisionSettings.model_validate(
        {"entry_grace_s": 0, "gestures": {"fist": {"hold_s": 2}, "like": {"cooldown_s": 0}}}
    )
    assert said(settings, at_rate(10, lambda _: "fist", 5)) == [("fist", 2.0)]
    assert said(settings, at_rate(10, lambda _: "like", 5)) == [("like", 0.7)]
    again = at_rate(10, lambda t: None if 0.95 < t < 1.35 else "like", 3)
    assert said(settings, again) == [("like", 0.7), ("like", 2.1)]
    assert said(READY, again) == [("like", 0.7), ("like", 2.2)]


@pytest.mark.parametrize("rate_hz", RATES)
def test_a_hold_survives_a_short_dropout_and_not_a_long_one(rate_hz: float) -> None:
    def lost(seconds: float) -> list[Intent]:
        return at_rate(rate_hz, lambda t: None if 0.39 < t < 0.39 + seconds else "like", 3)

    (_, unbroken), (_, short), (_, long) = (said(READY, lost(seconds))[0] for seconds in (0, 0.2, 0.45))
    frame_s = 1 / rate_hz
    assert unbroken.expected <= short.expected <= 0.9 + 2 * frame_s + 1e-6
    assert 1.5 <= long.expected <= 1.55 + 2 * frame_s + 1e-6


@pytest.mark.parametrize("rate_hz", RATES)
def test_every_other_frame_lost_costs_time_but_not_the_hold(rate_hz: float) -> None:
    [(gesture, t_s)] = said(READY, cycle(rate_hz, ["like", None], 4)) if rate_hz > 5 else [("like", pytest.approx(1.4))]
    assert gesture == "like"
    assert t_s.expected == pytest.approx(1.4, abs=0.15)


def test_a_brief_other_reading_does_not_end_a_hold() -> None:
    for other in ("palm", NO_GESTURE):
        fires = said(READY, at_rate(30, lambda t, other=other: other if 0.39 < t < 0.55 else "like", 3))
        assert [gesture for gesture, _ in fires] == ["like"]
        assert fires[0][1].expected < 1.05


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize(
    "pattern", [["stop", "palm"], ["stop", "stop", "palm", "palm"], ["two_up", "peace", "two_up_inverted"]]
)
def test_look_alikes_in_an_even_mix_say_nothing(rate_hz: float, pattern: list[Shown]) -> None:
    assert names(READY, cycle(rate_hz, pattern, 20)) == []


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize(
    "pattern",
    [
        ["palm", "stop", "stop"],
        ["stop", "palm", "stop", "stop", "palm", "stop", "stop"],
        ["palm", "palm", "stop", "stop", "stop", "stop", "stop", "stop"],
        [{"stop": 0.5, "palm": 0.5}, "stop", "stop"],
    ],
)
def test_the_look_alike_that_is_seen_more_often_is_said_and_the_other_never(
    rate_hz: float, pattern: list[Shown]
) -> None:
    fires = said(READY, cycle(rate_hz, pattern, 20))
    assert {gesture for gesture, _ in fires} == {"stop"}
    assert fires[0][1].expected < 3.5


def test_a_few_glimpses_are_no_hold() -> None:
    assert names(READY, [intent(t, "like") for t in (0.0, 0.7, 1.4, 2.1)]) == []
    assert names(READY, [intent(t, "like" if t in (0.0, 0.7) else None) for t in (0.0, 0.2, 0.4, 0.6, 0.7, 0.9)]) == []
    _, seen = watch(DecisionMachine(READY, THRESHOLD), [intent(t, "like") for t in (0.0, 0.7)])
    assert seen[-1].reason == "pictures come too seldom"


def test_another_hand_begins_its_own_hold() -> None:
    changing = [intent(i / 30, "like", track=i // 15) for i in range(120)]
    assert names(READY, changing) == []


def test_it_must_be_released_before_it_speaks_again() -> None:
    assert names(READY, at_rate(30, lambda t: None if 3 < t < 3.2 else "like", 8)) == ["like"]
    assert names(READY, at_rate(30, lambda t: None if 3 < t < 3.4 else "like", 8)) == ["like", "like"]
    assert names(READY, at_rate(30, lambda t: NO_GESTURE if 3 < t < 3.5 else "like", 8)) == ["like", "like"]


def test_a_change_to_another_gesture_releases() -> None:
    held = at_rate(30, lambda t: "palm" if 3 < t < 4.2 else "like", 8)
    assert names(READY, held) == ["like", "palm", "like"]


def test_a_camera_gap_is_neither_a_hold_nor_a_release() -> None:
    before, after = at_rate(30, lambda _: "like", 0.5), at_rate(30, lambda _: "like", 5, start_s=6)
    assert said(READY, before + after) == [("like", 6.7)]
    assert names(READY, at_rate(30, lambda _: "like", 3) + after) == ["like"]


def test_nothing_fires_just_after_someone_came_in_but_the_hold_counts() -> None:
    settings = DecisionSettings(hold_s=0.5)
    assert said(settings, at_rate(10, lambda _: "like", 5)) == [("like", 1.0)]
    _, seen = watch(DecisionMachine(settings, THRESHOLD), at_rate(10, lambda _: "like", 0.9))
    assert seen[-1].reason == "someone just came in"
    away = at_rate(10, lambda t: "like" if t < 2 or t >= 5.5 else None, 9)
    assert said(settings, away) == [("like", 1.0), ("like", 6.5)]
    short_away = at_rate(10, lambda t: "like" if t < 2 or t >= 4.5 else None, 9)
    assert said(settings, short_away) == [("like", 1.0), ("like", 5.0)]


def test_while_paused_nothing_fires_and_after_it_holds_begin_anew() -> None:
    machine = DecisionMachine(READY, THRESHOLD)
    state, _ = watch(machine, at_rate(10, lambda _: "like", 0.5))
    state, seen = watch(machine, at_rate(10, lambda _: "like", 3, start_s=0.6), machine.pause(state))
    assert {(decision.phase, decision.reason, decision.fired) for decision in seen} == {("paused", "paused", False)}
    _, seen = watch(machine, at_rate(10, lambda _: "like", 3, start_s=3.7), machine.resume(state))
    assert [decision.t_s for decision in seen if decision.fired] == [pytest.approx(4.4)]


def pausing(resume: str) -> tuple[list[str | None], list[str]]:
    settings = READY.model_copy(update={"resume": resume})
    machine = DecisionMachine(settings, THRESHOLD, frozenset({"fist"}))
    shown = ["fist", None, "like", None, "fist", None, "like"]
    _, seen = watch(machine, at_rate(10, lambda t: shown[min(int(t / 2), 6)], 14))
    return [decision.gesture for decision in seen if decision.fired], [
        decision.phase for decision in seen if decision.fired
    ]


def test_a_gesture_pauses_and_resumes() -> None:
    assert pausing("gesture") == (["fist", "fist", "like"], ["paused", "spoken", "spoken"])


def test_only_the_key_resumes_if_the_settings_say_so() -> None:
    assert pausing("manual") == (["fist"], ["paused"])


def test_a_source_that_starts_over_is_safe() -> None:
    once = at_rate(30, lambda t: "like" if 1 < t < 3 else None, 4)
    assert names(READY, once + once + once) == ["like"] * 3
    assert names(DecisionSettings(), once * 2 + at_rate(30, lambda _: "like", 0.5)) == ["like"] * 2
    held = at_rate(30, lambda _: "like", 4)
    assert names(READY, held + held) == ["like"]


def test_a_jitter_backwards_does_not_speak_twice() -> None:
    machine = DecisionMachine(READY, THRESHOLD)
    times = [i / 30 - (0.05 if i % 30 == 29 else 0) for i in range(300)]
    _, seen = watch(machine, [intent(t_s, "like") for t_s in times])
    assert sum(decision.fired for decision in seen) == 1


def test_memory_is_bounded_when_time_stands_still_or_runs_fast() -> None:
    machine = DecisionMachine(READY, THRESHOLD)
    state, _ = watch(machine, [intent(1.0, "like") for _ in range(300)])
    assert len(state.samples) <= 256
    state, _ = watch(machine, at_rate(240, lambda t: ["like", "palm", "one"][int(t) % 3], 4))
    assert len(state.samples) <= 73
    assert len(state.fired_s) == 3


def test_settings_at_their_bounds_still_work() -> None:
    eager = DecisionSettings(hold_s=0.15, median_s=0, release_s=0, cooldown_s=0, dropout_s=0, entry_grace_s=0)
    assert names(eager, at_rate(8, lambda t: "like" if t < 1 else None, 2)) == ["like"]
    slow = DecisionSettings(hold_s=3, median_s=2)
    assert names(slow, at_rate(30, lambda _: "like", 6)) == ["like"]
