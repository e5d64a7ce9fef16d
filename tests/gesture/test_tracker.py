from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from assistive.gesture.tracker import MAX_TRACKS, TrackerState, track
from assistive.settings import GestureSettings
from assistive.types import NO_GESTURE, Box, Hand

SETTINGS = GestureSettings()


def hand(x: float, y: float = 0.4, size: float = 0.15) -> Hand:
    return Hand(Box(x, y, size, size), 0.9, {"like": 0.9, NO_GESTURE: 0.1})


def follow(frames: list[tuple[float, list[Hand]]], settings: GestureSettings = SETTINGS) -> list[list[int]]:
    state, numbers = TrackerState(), []
    for t_s, hands in frames:
        state, tracked = track(state, t_s, tuple(hands), settings)
        numbers.append([found.track for found in tracked])
    return numbers


def test_a_hand_that_moves_keeps_its_number_at_8_and_60_frames_a_second() -> None:
    for rate_hz in (8, 60):
        frames = [(i / rate_hz, [hand(0.1 + 0.6 * i / rate_hz)]) for i in range(rate_hz)]
        assert follow(frames) == [[0]] * rate_hz


def test_two_hands_that_pass_each_other_keep_their_numbers() -> None:
    frames = [(i / 30, [hand(0.1 + 0.02 * i, 0.3), hand(0.7 - 0.02 * i, 0.55)]) for i in range(30)]
    assert follow(frames) == [[0, 1]] * 30


def test_the_order_of_the_detections_does_not_matter() -> None:
    frames = [(0.0, [hand(0.1), hand(0.7)]), (0.03, [hand(0.7), hand(0.1)])]
    assert follow(frames) == [[0, 1], [1, 0]]


def test_a_number_survives_a_gap_up_to_track_keep_and_no_longer() -> None:
    assert follow([(0.0, [hand(0.3)]), (0.2, []), (0.5, [hand(0.3)])]) == [[0], [], [0]]
    assert follow([(0.0, [hand(0.3)]), (0.2, []), (0.51, [hand(0.3)])]) == [[0], [], [1]]


def test_a_hand_elsewhere_is_another_hand() -> None:
    assert follow([(0.0, [hand(0.1)]), (0.03, [hand(0.7)])]) == [[0], [1]]


def test_overlap_goes_before_nearness() -> None:
    big = Hand(Box(0.2, 0.2, 0.4, 0.4), 0.9, {NO_GESTURE: 1.0})
    assert follow([(0.0, [big]), (0.03, [hand(0.55), Hand(Box(0.25, 0.25, 0.4, 0.4), 0.9, {})])]) == [[0], [1, 0]]


def test_time_that_runs_backwards_starts_new_tracks_with_new_numbers() -> None:
    assert follow([(5.0, [hand(0.3)]), (0.0, [hand(0.3)]), (0.03, [hand(0.3)])]) == [[0], [1], [1]]


def test_memory_stays_bounded_when_time_stands_still() -> None:
    state, chance = TrackerState(), random.Random(1)
    for _ in range(300):
        state, _ = track(state, 0.0, tuple(hand(chance.uniform(-50, 50)) for _ in range(4)), SETTINGS)
    assert len(state.tracks) == MAX_TRACKS


boxes = st.builds(Box, *[st.floats(0, 1)] * 2, *[st.floats(0.02, 0.5)] * 2)


@given(st.lists(st.tuples(st.floats(0, 0.7), st.lists(boxes, max_size=4)), max_size=30))
def test_every_hand_has_one_number_and_nothing_else_of_it_changes(frames: list[tuple[float, list[Box]]]) -> None:
    state, t_s, highest = TrackerState(), 0.0, -1
    for wait_s, found in frames:
        t_s += wait_s
        hands = tuple(Hand(box, 0.5, {NO_GESTURE: 1.0}) for box in found)
        state, tracked = track(state, t_s, hands, SETTINGS)
        numbers = [one.track for one in tracked]
        assert [one.box for one in tracked] == found
        assert len(set(numbers)) == len(numbers)
        new = [number for number in numbers if number > highest]
        assert new == list(range(highest + 1, highest + 1 + len(new)))
        highest = max([highest, *numbers])
        assert all(t_s - old.seen_s <= SETTINGS.track_keep_s for old in state.tracks)
