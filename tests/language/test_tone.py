"""The tone that counts for a phrase: what was seen during the hold, the strongest of it, without flicker."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistive.language.tone import CLEARLY, ToneState, step, toggled
from assistive.settings import ToneSettings
from assistive.types import EXPRESSIONS, NO_EXPRESSION, Decision, Intent, Manner, Phase

SETTINGS = ToneSettings()
FRAME_S = 1 / 30

Seen = tuple[str, float, float]
"""Tone of a frame, its probability and intensity."""

NOTHING: Seen = (NO_EXPRESSION, 1.0, 0.0)


def frame(t_s: float, seen: Seen = NOTHING, phase: Phase = "watching", fired: bool = False) -> tuple[Intent, Decision]:
    tone, probability, intensity = seen
    intent = Intent(t_s, None, True, tone=tone, tone_probability=probability, tone_intensity=intensity)
    gesture = "like" if phase in ("holding", "spoken") else None
    return intent, Decision(t_s, phase, gesture, 0.9, 0.5, fired, None if fired else "hold on: like")


def play(frames: list[tuple[Intent, Decision]], state: ToneState | None = None) -> list[ToneState]:
    states = [ToneState() if state is None else state]
    for intent, decision in frames:
        states.append(step(states[-1], intent, decision, SETTINGS))
    return states[1:]


def hold(seen: dict[int, Seen], frames: int = 21, phase: Phase = "holding") -> list[tuple[Intent, Decision]]:
    """Return a hold in which some frames show a tone; the last one confirms the gesture."""
    last = frames - 1
    return [
        frame(10 + i * FRAME_S, seen.get(i, NOTHING), "spoken" if i == last else phase, i == last)
        for i in range(frames)
    ]  # fmt: skip


def test_an_expression_that_is_over_before_the_confirmation_counts() -> None:
    brief = {i: ("surprise", 0.8, 0.6) for i in range(2, 8)}
    assert play(hold(brief))[-1].manner == Manner("surprise", 0.6)


def test_a_tone_that_cannot_be_trusted_does_not_count() -> None:
    doubtful = {i: ("negative", SETTINGS.min_probability - 0.01, 1.0) for i in range(21)}
    assert {state.manner for state in play(hold(doubtful))} == {Manner()}


def test_the_strongest_of_several_counts() -> None:
    both: dict[int, Seen] = {3: ("positive", 0.7, 0.4), 4: ("positive", 0.9, 0.5), 12: ("negative", 0.7, 0.9)}
    assert play(hold(both))[-1].manner == Manner("negative", 0.9)


def test_two_tones_alike_do_not_alternate() -> None:
    alike: dict[int, Seen] = {
        i: ("positive" if i % 2 else "surprise", 0.9, 0.5 + i * CLEARLY / 40) for i in range(21)
    }  # fmt: skip
    assert {state.manner.tone for state in play(hold(alike))} == {"surprise"}


@pytest.mark.parametrize(("before_s", "counts"), [(0.1, True), (0.5, True), (0.7, False), (3.0, False)])
def test_what_was_seen_shortly_before_the_hold_counts(before_s: float, counts: bool) -> None:
    smile = [frame(10 - before_s, ("positive", 0.9, 0.8))]
    assert (play(smile + hold({}))[-1].manner.tone == "positive") is counts


def test_what_was_said_stays_shown_until_the_gesture_is_released() -> None:
    states = play(hold({5: ("surprise", 0.9, 0.5)}))
    after = [frame(10.7 + i * FRAME_S, ("negative", 0.9, 1.0), "spoken") for i in range(60)]
    assert {state.manner for state in play(after, states[-1])} == {Manner("surprise", 0.5)}
    released = play([frame(12.8, ("negative", 0.9, 1.0))], play(after, states[-1])[-1])
    assert released[-1].manner.tone == "negative"


def test_what_was_seen_in_the_last_hold_does_not_count_in_the_next() -> None:
    first = play(hold({10: ("negative", 0.9, 1.0)}))[-1]
    rest = play([frame(10.7 + i * FRAME_S) for i in range(30)], first)
    again = [(replace(i, t_s=i.t_s + 2), replace(d, t_s=d.t_s + 2)) for i, d in hold({})]
    assert play(again, rest[-1])[-1].manner == Manner()


def test_the_lock_keeps_it_neutral_until_it_is_opened() -> None:
    strong = {i: ("surprise", 0.9, 1.0) for i in range(21)}
    locked = toggled(play(hold(strong))[-1])
    assert locked.manner == Manner(locked=True)
    later = [(replace(i, t_s=i.t_s + 2), d) for i, d in hold(strong)]
    states = play(later, locked)
    assert {state.manner for state in states} == {Manner(locked=True)}
    opened = toggled(states[-1])
    assert opened.manner == Manner()
    assert play([frame(13, ("positive", 0.9, 0.5))], opened)[-1].manner == Manner("positive", 0.5)


def test_a_film_that_begins_again_begins_anew() -> None:
    locked = toggled(ToneState())
    for state in (play(hold({20: ("surprise", 0.9, 1.0)}))[-1], play(hold({}), locked)[-1]):
        again = play([frame(0.0)], state)[-1]
        assert again.manner == Manner(locked=state.manner.locked)
        assert again.seen == ()


steps_s = st.floats(0.0, 0.5)
sights = st.tuples(st.sampled_from((*EXPRESSIONS, NO_EXPRESSION)), st.floats(0, 1), st.floats(0, 1))
phases = st.sampled_from(("watching", "holding", "spoken", "paused"))


@given(st.lists(st.tuples(steps_s, sights), min_size=1, max_size=60))
def test_in_a_hold_the_tone_is_near_the_strongest_and_only_a_stronger_one_ends_it(
    moves: list[tuple[float, Seen]],
) -> None:
    t_s, frames = 0.0, []
    for elapsed_s, seen in moves:
        t_s += elapsed_s
        frames.append(frame(t_s, seen, "holding"))
    states = play(frames)
    trusted = [seen for _, seen in moves if seen[0] != NO_EXPRESSION and seen[1] >= SETTINGS.min_probability]
    strongest = max((intensity for _, _, intensity in trusted), default=0.0)
    assert strongest - CLEARLY <= states[-1].manner.intensity <= strongest
    shown = [state.manner for state in states]
    for before, after in pairwise(shown):
        assert after.intensity >= before.intensity
        if before.tone not in (NO_EXPRESSION, after.tone):
            assert after.intensity > before.intensity + CLEARLY
    assert sum(a.tone != b.tone for a, b in pairwise(shown)) <= 1 + 1 / CLEARLY


@given(st.lists(st.tuples(st.floats(-1, 2), sights, phases, st.booleans()), max_size=60))
def test_whatever_comes_nothing_is_shown_that_was_not_seen_and_a_replay_is_the_same(
    moves: list[tuple[float, Seen, Phase, bool]],
) -> None:
    t_s, frames = 0.0, []
    for elapsed_s, seen, phase, fired in moves:
        t_s += elapsed_s
        frames.append(frame(t_s, seen, phase, fired and phase in ("spoken", "paused")))
    states = play(frames)
    trusted = {seen[0] for _, seen, _, _ in moves if seen[1] >= SETTINGS.min_probability} | {NO_EXPRESSION}
    assert {state.manner.tone for state in states} <= trusted
    assert all(0 <= state.manner.intensity <= 1 and not state.manner.locked for state in states)
    assert play(frames) == states


@given(st.integers(8, 60), st.lists(st.sampled_from((*EXPRESSIONS, NO_EXPRESSION)), min_size=7, max_size=7))
def test_the_frame_rate_makes_no_difference(rate_hz: int, tones: list[str]) -> None:
    """Each tenth of a second has one tone, stronger than the last: a rate that sees all of them says the same."""

    def said(hz: int) -> Manner:
        times = [i / hz for i in range(round(0.7 * hz))] + [0.7]
        places = [min(int(t_s * 10 + 1e-9), 6) for t_s in times]
        seen = [(tones[place], 0.9, 0.2 + 0.1 * place) for place in places]
        frames = [frame(t_s, one, "holding") for t_s, one in zip(times, seen, strict=True)]
        return play(frames)[-1].manner

    if rate_hz >= 10:
        assert said(rate_hz) == said(100)
