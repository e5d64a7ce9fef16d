from __future__ import annotations

import pytest

from assistive.fusion.lead import AMBIGUOUS, NO_HAND, OUT_OF_SIGHT, TOO_SMALL, LeadState, lead
from assistive.settings import GestureSettings
from assistive.types import NO_GESTURE, Box, Hand, Intent

SETTINGS = GestureSettings()


def hand(track: int, gesture: str = "like", probability: float = 0.9, size: float = 0.15) -> Hand:
    return Hand(Box(0.2, 0.2, size, size), 0.9, {gesture: probability, NO_GESTURE: 1 - probability}, track)


def resting(track: int, size: float = 0.15) -> Hand:
    return hand(track, probability=0.05, size=size)


def follow(*frames: tuple[float, list[Hand]]) -> list[Intent]:
    state, intents = LeadState(), []
    for t_s, hands in frames:
        state, intent = lead(state, t_s, tuple(hands), SETTINGS)
        intents.append(intent)
    return intents


def tracks(intents: list[Intent]) -> list[int | None]:
    return [intent.hand.track if intent.hand else None for intent in intents]


@pytest.mark.parametrize(
    ("hands", "present", "reason"),
    [([], False, NO_HAND), ([hand(0, size=0.02)], True, TOO_SMALL), ([hand(0, size=0.031)], True, None)],
)
def test_hands_below_min_size_are_ignored_but_somebody_is_there(
    hands: list[Hand], present: bool, reason: str | None
) -> None:
    [intent] = follow((0.0, hands))
    assert (intent.present, intent.reason, intent.hand is None) == (present, reason, reason is not None)


def test_the_hand_that_shows_something_leads_before_a_larger_one_that_rests() -> None:
    assert tracks(follow((0.0, [resting(0, size=0.4), hand(1)]))) == [1]


def test_a_larger_hand_leads_before_a_smaller_one() -> None:
    assert tracks(follow((0.0, [hand(0, "palm", size=0.1), hand(1, size=0.3)]))) == [1]


def test_of_equal_hands_the_older_track_leads() -> None:
    assert tracks(follow((0.0, [hand(5), hand(3)]))) == [3]


def test_who_leads_keeps_leading_when_another_hand_comes_up() -> None:
    early = [(i / 10, [hand(0)]) for i in range(8)]
    late = [(0.8 + i / 10, [hand(0), hand(1, "palm", 0.99, size=0.2)]) for i in range(20)]
    assert tracks(follow(*early, *late)) == [0] * 28


def test_a_lost_leader_is_waited_for_and_then_replaced() -> None:
    intents = follow((0.0, [hand(0)]), (0.3, [hand(1, "palm")]), (0.5, [hand(1, "palm")]), (0.6, [hand(1, "palm")]))
    assert tracks(intents) == [0, None, None, 1]
    assert intents[1].reason == OUT_OF_SIGHT


def test_a_leader_that_comes_to_rest_hands_over_after_track_keep() -> None:
    other = hand(1, "palm")
    frames = [(i / 10, [hand(0)]) for i in range(10)] + [(1 + i / 10, [resting(0), other]) for i in range(10)]
    assert tracks(follow(*frames)) == [0] * 15 + [1] * 5


def test_a_leader_misread_for_a_moment_keeps_leading() -> None:
    other = hand(1, "palm")
    frames = [(i / 10, [resting(0) if i == 8 else hand(0), *([other] if i > 6 else [])]) for i in range(20)]
    assert tracks(follow(*frames)) == [0] * 20


def test_a_clearly_better_hand_takes_over_after_track_keep() -> None:
    weak, strong = hand(0, "fist", 0.55), hand(1, "like", 0.95)
    frames = [(i / 10, [weak]) for i in range(10)] + [(1 + i / 10, [weak, strong]) for i in range(10)]
    assert tracks(follow(*frames)) == [0] * 15 + [1] * 5


def test_two_hands_that_come_up_together_with_different_gestures_are_not_guessed_at() -> None:
    intents = follow(*[(i / 10, [hand(0, "palm", 0.9), hand(1, "peace", 0.8)]) for i in range(20)])
    assert {intent.reason for intent in intents} == {AMBIGUOUS}
    assert tracks(intents) == [None] * 20


def test_two_hands_that_show_the_same_gesture_are_no_riddle() -> None:
    assert tracks(follow(*[(i / 10, [hand(0), hand(1)]) for i in range(9)])) == [0] * 9


def test_a_riddle_is_solved_when_one_of_the_two_hands_goes_down() -> None:
    both = [(i / 10, [hand(0, "palm"), hand(1, "peace")]) for i in range(5)]
    assert tracks(follow(*both, (0.5, [hand(0, "palm")])))[-1] == 0


def test_time_that_runs_backwards_elects_anew() -> None:
    assert tracks(follow((9.0, [hand(0)]), (0.0, [hand(1)]))) == [0, 1]
