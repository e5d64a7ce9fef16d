"""What must be found, and what must not, in movements that are known exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest

from assistive.expression.motion import REGIONS, Motion
from assistive.expression.spotting import Spotted, SpottingState, step
from assistive.settings import SpottingSettings

SETTINGS = SpottingSettings()
FRAME_S = 1 / 30
BROWS = [0, 1, 2, 3]
MOUTH, EYES, JAW = [5, 6], [7, 8], [9]

Scene = Callable[[float, Motion], Motion]


def still(t_s: float) -> Motion:
    return Motion(t_s, 1, np.zeros((len(REGIONS), 2), np.float32), 0.0003, np.zeros(6, np.float32), 0.33, 0.013, 1.0)


def hump(t_s: float, start_s: float, rise_s: float, fall_s: float, stay_s: float = 0.0) -> float:
    """0..1, smooth up, stay, smooth down."""
    into, back = (t_s - start_s) / rise_s, (start_s + rise_s + stay_s + fall_s - t_s) / fall_s
    share = min(max(min(into, back), 0.0), 1.0)
    return share * share * (3 - 2 * share)


def move(regions: list[int], right: float, down: float, start_s: float, rise_s: float = 0.14, fall_s: float = 0.21,
         stay_s: float = 0.0) -> Scene:  # fmt: skip
    def scene(t_s: float, motion: Motion) -> Motion:
        moved = motion.regions.copy()
        moved[regions] += np.float32((right, down)) * np.float32(hump(t_s, start_s, rise_s, fall_s, stay_s))
        return replace(motion, regions=moved)

    return scene


def blink(at_s: float, drag: float = 0.003) -> Scene:
    """Lids go down and up within a fifth of a second, and drag the brows along a little."""

    def scene(t_s: float, motion: Motion) -> Motion:
        shut = hump(t_s, at_s - 0.1, 0.1, 0.1)
        moved = motion.regions.copy()
        moved[EYES] += np.float32((0, 0.02 * shut))
        moved[BROWS] += np.float32((0, drag * shut))
        return replace(motion, regions=moved, eyes_open=motion.eyes_open * (1 - 0.6 * shut))

    return scene


def talk(from_s: float, to_s: float, per_s: float, wide: float = 0.4) -> Scene:
    """Syllables: the jaw goes down and up, the corners of the mouth with it."""

    def scene(t_s: float, motion: Motion) -> Motion:
        if not from_s < t_s < to_s:
            return motion
        open_ = (0.5 - 0.5 * np.cos(2 * np.pi * per_s * (t_s - from_s))) * (0.7 + 0.3 * np.sin(5 * t_s))
        moved = motion.regions.copy()
        moved[JAW] += np.float32((0, 0.04 * open_))
        moved[MOUTH] += np.float32((0, 0.04 * wide * open_))
        return replace(motion, regions=moved, lips_apart=motion.lips_apart + 0.04 * open_)

    return scene


def turn(reach: float, per_s: float, trace: float = 0.15) -> Scene:
    """The head turns to and fro, and leaves a trace in every region that the fit of a rigid head does not take away."""

    def scene(t_s: float, motion: Motion) -> Motion:
        way = np.float32(reach * np.sin(2 * np.pi * per_s * t_s))
        head = motion.head.copy()
        head[4] += way
        traces = np.linspace(-1, 1, len(REGIONS), dtype=np.float32)[:, None] * np.float32((trace, trace / 2))
        return replace(motion, head=head, regions=motion.regions + way * traces, noise=motion.noise + abs(way) * 0.08)

    return scene


def play(scenes: Iterable[Scene], times_s: Iterable[float], noise: float = 0.0004, seed: int = 0) -> list[Motion]:
    rng = np.random.default_rng(seed)
    motions = []
    for t_s in times_s:
        motion = still(t_s)
        for scene in scenes:
            motion = scene(t_s, motion)
        shaken = motion.regions + rng.normal(0, noise, motion.regions.shape).astype(np.float32)
        motions.append(replace(motion, regions=shaken))
    return motions


def at_rate(rate_hz: float, seconds: float) -> list[float]:
    return [index / rate_hz for index in range(round(seconds * rate_hz))]


def spot(motions: Iterable[Motion], settings: SpottingSettings = SETTINGS) -> tuple[list[Spotted], list[str]]:
    state, found, refused = SpottingState(), [], []
    for motion in motions:
        state, spotted = step(state, motion, settings)
        if spotted is not None:
            found.append(spotted)
            assert spotted.onset_s <= spotted.apex_s <= spotted.offset_s <= motion.t_s
            assert 0 < spotted.intensity <= 1
        if state.refused is not None:
            refused.append(state.refused)
    return found, refused


RAISE = move(BROWS, 0.0, -0.02, 2.0)


def test_a_brief_raise_of_the_brows_is_found_when_it_is_over() -> None:
    motions = play([RAISE], at_rate(30, 4))
    (spotted,), refused = spot(motions)
    assert not refused
    assert spotted.kind == "micro"
    assert spotted.onset_s == pytest.approx(2.0, abs=FRAME_S)
    assert spotted.apex_s == pytest.approx(2.14, abs=FRAME_S)
    assert spotted.offset_s == pytest.approx(2.35, abs=2 * FRAME_S)
    assert spotted.intensity == pytest.approx(0.02 / 0.08, abs=0.03)
    assert spot([one for one in motions if one.t_s < 2.4])[0] == [spotted], "known as soon as it is over"
    assert not spot([one for one in motions if one.t_s < 2.25])[0], "and not before"


@pytest.mark.parametrize("regions", [[0, 2], [4], [5], [5, 6]])
def test_one_side_or_the_nose_or_the_mouth_is_enough(regions: list[int]) -> None:
    found, _ = spot(play([move(regions, 0.009, -0.012, 2.0)], at_rate(30, 4)))
    assert [one.kind for one in found] == ["micro"]


def test_the_strength_does_not_change_the_times() -> None:
    (weak,), _ = spot(play([move(BROWS, 0, -0.012, 2.0)], at_rate(30, 4), noise=0.0002))
    (strong,), _ = spot(play([move(BROWS, 0, -0.06, 2.0)], at_rate(30, 4), noise=0.0002))
    assert weak.onset_s == pytest.approx(strong.onset_s, abs=0.02)
    assert weak.apex_s == pytest.approx(strong.apex_s, abs=0.02)
    assert weak.intensity < strong.intensity


def test_a_second_one_is_found_soon_after_the_first() -> None:
    found, _ = spot(play([RAISE, move(BROWS, 0, 0.02, 2.9)], at_rate(30, 5)))
    assert [round(one.apex_s, 1) for one in found] == [2.1, 3.0]


def test_what_stays_is_a_new_resting_face_and_what_comes_then_is_found() -> None:
    raised = move(BROWS, 0, -0.03, 2.0, rise_s=0.2, stay_s=60.0)
    found, refused = spot(play([raised, move(MOUTH, 0.009, -0.016, 8.0)], at_rate(30, 10)))
    assert refused == ["held too long"]
    assert [round(one.apex_s, 1) for one in found] == [8.1]


@pytest.mark.parametrize(
    ("scenes", "reason"),
    [
        ([blink(2.0)], None),
        ([blink(2.0, drag=0.009)], "blink"),
        ([move(EYES, 0.02, 0.0, 2.0, rise_s=0.05, stay_s=0.8, fall_s=0.05)], None),  # gaze
        ([talk(2.0, 2.3, 3.3, wide=0.8)], "mouth opened"),  # a single word
        ([talk(2.0, 5.0, 4.0)], "mouth opened"),
        ([talk(2.0, 5.0, 4.0, wide=1.5)], "speech"),  # words that stretch the lips more than they open them
        ([turn(0.06, 1.0)], None),
        ([turn(0.12, 0.5), blink(3.0)], None),
    ],
    ids=["blink", "dragging-blink", "gaze", "word", "speech", "wide-speech", "head", "head-and-blink"],
)
def test_what_is_no_expression_is_not_reported(scenes: list[Scene], reason: str | None) -> None:
    for rate_hz in (25, 30, 60):
        found, refused = spot(play(scenes, at_rate(rate_hz, 7)))
        assert not [one for one in found if one.kind == "micro"]
        assert not found or reason is None
        assert reason is None or reason in refused, refused


def test_a_mouth_that_was_not_watched_before_may_be_speaking_and_is_not_judged() -> None:
    for start_s, told in ((0.5, []), (1.0, ["micro"])):
        found, refused = spot(play([move(MOUTH, 0.009, -0.012, start_s)], at_rate(30, 4)))
        assert [one.kind for one in found] == told
        assert ("mouth not watched for long enough" in refused) == (not told)
    brows, _ = spot(play([move(BROWS, 0.0, -0.02, 0.5)], at_rate(30, 4)))
    assert [one.kind for one in brows] == ["micro"]


def test_a_change_of_light_is_no_expression() -> None:
    def lamp(t_s: float, motion: Motion) -> Motion:
        return replace(motion, light=1.4 if 2.0 < t_s < 2.3 else 1.0)

    found, refused = spot(play([RAISE, lamp], at_rate(30, 4)))
    assert (found, refused) == ([], ["light"])


def test_a_blink_does_not_hide_a_clear_expression() -> None:
    (spotted,), _ = spot(play([move(BROWS, 0, -0.03, 2.0), blink(2.1)], at_rate(30, 4)))
    assert spotted.apex_s == pytest.approx(2.14, abs=2 * FRAME_S)


def test_while_frames_come_slowly_nothing_is_micro_and_it_is_said() -> None:
    motions = play([RAISE, move(BROWS, 0, -0.03, 4.0, rise_s=0.4, stay_s=0.6, fall_s=0.4)], at_rate(15, 7))
    found, refused = spot(motions)
    assert refused == ["frames too slow"]
    assert [one.kind for one in found] == ["macro"]
    state = SpottingState()
    for motion in motions:
        state, _ = step(state, motion, SETTINGS)
    assert state.too_slow(SETTINGS) and state.rate_hz == pytest.approx(15)


def test_after_a_gap_and_when_time_runs_back_it_begins_anew() -> None:
    before = play([RAISE], at_rate(30, 2.15))
    for later in (play([], [t_s + 5 for t_s in at_rate(30, 2)]), play([], at_rate(30, 2))):
        found, _ = spot([*before, *later])
        assert not found, "half a movement before a gap is none"
    state = SpottingState()
    for motion in [*before, still(9.0)]:
        state, _ = step(state, motion, SETTINGS)
    assert len(state.samples) == 1 and state.rest is None


def test_noise_raises_the_threshold() -> None:
    for seed in range(5):
        assert spot(play([], at_rate(30, 10), noise=0.004, seed=seed))[0] == []
    assert spot(play([move(BROWS, 0, -0.05, 2.0)], at_rate(30, 4), noise=0.004))[0]
