"""What must hold for any stream of probabilities at any frame rate."""

from __future__ import annotations

import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from assistive.fusion.decision import DecisionMachine
from assistive.settings import DecisionSettings
from assistive.types import GESTURES, NO_GESTURE, Box, Decision, Hand, Intent

ENTER = 0.7
LEAVE = 0.42
TOLERANCE_S = 1e-5
BOX = Box(0.3, 0.3, 0.2, 0.2)
FEW = ("like", "palm", "stop")

Shown = dict[str, float] | None


def probabilities(gesture: str, value: float, other: str = "fist") -> dict[str, float]:
    rest = 1 - value
    return {gesture: value, other: rest / 2, NO_GESTURE: rest / 2}


shown = st.one_of(
    st.none(),
    st.just({NO_GESTURE: 1.0}),
    st.builds(probabilities, st.sampled_from(FEW), st.floats(0, 1)),
    st.builds(probabilities, st.sampled_from(FEW), st.floats(ENTER, 1)),
)
clear = st.builds(probabilities, st.sampled_from(FEW), st.floats(0.8, 1))
stretches = st.lists(
    st.one_of(
        st.tuples(st.lists(shown, min_size=1, max_size=4), st.sampled_from([0.1, 0.2, 0.3, 0.5, 1.0])),
        st.tuples(st.lists(clear, min_size=1, max_size=1), st.sampled_from([0.5, 1.0, 2.0])),
    ),
    min_size=2,
    max_size=7,
)
rates = st.sampled_from([5.0, 8.0, 12.5, 24.0, 30.0, 60.0])
settings_of_all_kinds = st.builds(
    DecisionSettings,
    hold_s=st.sampled_from([0.15, 0.3, 0.7, 1.5]),
    median_s=st.sampled_from([0.0, 0.1, 0.3, 0.6]),
    release_s=st.sampled_from([0.0, 0.3, 1.0]),
    cooldown_s=st.sampled_from([0.0, 1.5, 4.0]),
    dropout_s=st.sampled_from([0.0, 0.25, 0.5]),
    entry_grace_s=st.sampled_from([0.0, 1.0]),
)


@st.composite
def streams(draw: st.DrawFn) -> list[Intent]:
    """A stream of stretches, in each of which the same few readings take turns; frames come irregularly or not."""
    rate_hz, jitter = draw(rates), draw(st.sampled_from([0.0, 0.2]))
    uneven = draw(st.lists(st.floats(-jitter, jitter), min_size=7, max_size=7)) if jitter else [0.0]
    intents: list[Intent] = []
    for readings, seconds in draw(stretches):
        for _ in range(max(1, round(seconds * rate_hz))):
            index = len(intents)
            t_s = (index + uneven[index % len(uneven)]) / rate_hz
            intents.append(seen(t_s, readings[index % len(readings)]))
    return intents


def seen(t_s: float, one: Shown) -> Intent:
    if one is None:
        return Intent(t_s, None, False, "no hand")
    return Intent(t_s, Hand(BOX, 0.9, one, track=0), True)


def decide(settings: DecisionSettings, intents: list[Intent]) -> list[Decision]:
    machine = DecisionMachine(settings, ENTER)
    state, decisions = machine.initial(), []
    for one in intents:
        state, decision = machine.step(state, one)
        decisions.append(decision)
    return decisions


def fires(decisions: list[Decision]) -> list[tuple[str, float]]:
    return [(decision.gesture or "", decision.t_s) for decision in decisions if decision.fired]


def shows(intent: Intent, gesture: str, at_least: float) -> bool:
    return intent.hand is not None and intent.hand.probabilities.get(gesture, 0.0) >= at_least


@given(settings_of_all_kinds, streams())
def test_never_said_without_a_hold_of_real_evidence(settings: DecisionSettings, intents: list[Intent]) -> None:
    begin_s = -1.0
    for gesture, t_s in fires(decide(settings, intents)):
        evidence = [one.t_s for one in intents if begin_s < one.t_s <= t_s and shows(one, gesture, ENTER)]
        assert t_s - evidence[0] >= settings.hold_s - TOLERANCE_S
        begin_s = t_s
        # The median lets through less than half of wrong readings; most frames of the hold must have shown it.
        held = [one for one in intents if t_s - settings.hold_s - settings.median_s <= one.t_s <= t_s]
        supporting = sum(shows(one, gesture, LEAVE) for one in held if one.hand is not None)
        assert supporting * 3 >= sum(one.hand is not None for one in held)


@given(settings_of_all_kinds, streams())
def test_never_twice_without_release_nor_within_the_cooldown(
    settings: DecisionSettings, intents: list[Intent]
) -> None:
    fired = fires(decide(settings, intents))
    for (gesture, first_s), (again, second_s) in pairwise(fired):
        if gesture != again:
            continue
        assert second_s - first_s >= settings.cooldown_s - TOLERANCE_S
        assert second_s - first_s >= settings.release_s + settings.hold_s - TOLERANCE_S
        between = [one for one in intents if first_s < one.t_s < second_s]
        assert any(not shows(one, gesture, LEAVE) for one in between)
    last: dict[str, float] = {}
    for gesture, t_s in fired:
        assert t_s - last.get(gesture, -100.0) >= settings.cooldown_s - TOLERANCE_S
        last[gesture] = t_s


@given(settings_of_all_kinds, streams())
def test_never_in_the_grace_after_someone_came_in(settings: DecisionSettings, intents: list[Intent]) -> None:
    entered_s, present_s = 0.0, -100.0
    for one, decision in zip(intents, decide(settings, intents), strict=True):
        if one.present:
            if one.t_s - present_s > settings.absence_s:
                entered_s = one.t_s
            present_s = one.t_s
        assert not decision.fired or one.t_s - entered_s >= settings.entry_grace_s - TOLERANCE_S


@given(settings_of_all_kinds, streams(), st.integers(0, 100), st.sampled_from(["gesture", "manual"]))
def test_never_after_pause(settings: DecisionSettings, intents: list[Intent], at: int, resume: str) -> None:
    settings = settings.model_copy(update={"resume": resume})
    machine = DecisionMachine(settings, ENTER, frozenset({"stop"}))
    state, paused = machine.initial(), False
    for index, one in enumerate(intents):
        if index == at:
            state, paused = machine.pause(state), True
        state, decision = machine.step(state, one)
        if decision.fired:
            assert not paused or (decision.gesture == "stop" and resume == "gesture")
            paused = not paused if decision.gesture == "stop" else paused
        assert state.paused == paused == (decision.phase == "paused")


@given(settings_of_all_kinds, streams())
def test_the_same_stream_gives_the_same_decisions(settings: DecisionSettings, intents: list[Intent]) -> None:
    decisions = decide(settings, intents)
    assert decisions == decide(settings, intents)
    assert all(decision.fired != bool(decision.reason) for decision in decisions), "silence always has a reason"


@given(streams(), rates, st.sampled_from([0.15, 0.7, 2.0]), st.floats(ENTER, 1), st.sampled_from([0.0, 0.3, 0.5]))
def test_a_steady_gesture_is_said_in_time_whatever_came_before(
    before: list[Intent], rate_hz: float, hold_s: float, value: float, median_s: float
) -> None:
    settings = DecisionSettings(hold_s=hold_s, median_s=median_s, entry_grace_s=0)
    start_s = before[-1].t_s + 1 / rate_hz
    steady = [seen(start_s + i / rate_hz, probabilities("one", value)) for i in range(int(4 * rate_hz))]
    said = [t_s for gesture, t_s in fires(decide(settings, before + steady)) if gesture == "one"]
    assert len(said) == 1
    assert said[0] - start_s <= hold_s + median_s + 1 / rate_hz + TOLERANCE_S


lengths = st.lists(
    st.tuples(st.sampled_from([*FEW, None, NO_GESTURE]), st.sampled_from([0.05, 0.1, 1.3, 1.7])), min_size=1, max_size=6
)


@given(lengths)
def test_8_and_60_frames_a_second_feel_the_same(script: list[tuple[str | None, float]]) -> None:
    def play(rate_hz: float) -> list[tuple[str, float]]:
        ends, total = [], 0.0
        for name, seconds in script:
            total += seconds
            ends.append((total, None if name is None else {name: 1.0}))
        times = [i / rate_hz for i in range(int(total * rate_hz))]
        settings = DecisionSettings(cooldown_s=0, entry_grace_s=0)
        return fires(decide(settings, [seen(t, next(one for end, one in ends if t < end)) for t in times]))

    steady = {name for name, seconds in script if seconds > 1}
    slow, fast = play(8), play(60)
    if all(seconds > 1 for _, seconds in script):
        assert [gesture for gesture, _ in slow] == [gesture for gesture, _ in fast]
        for (_, slow_s), (_, fast_s) in zip(slow, fast, strict=True):
            assert abs(slow_s - fast_s) <= 1 / 8 + DecisionSettings().median_s / 2 + TOLERANCE_S
    assert {gesture for gesture, _ in slow + fast} <= steady | {
        name for name in FEW if sum(seconds for other, seconds in script if other == name) >= 0.5
    }


def test_thousands_of_steps_a_second() -> None:
    machine = DecisionMachine(DecisionSettings(), ENTER)
    state = machine.initial()
    values = {name: 1 / 19 for name in (*GESTURES, NO_GESTURE)}
    intents = [seen(i / 30, values) for i in range(1000)]
    begin_s = time.process_time()
    for one in intents:
        state, _ = machine.step(state, one)
    assert time.process_time() - begin_s < 1.0
