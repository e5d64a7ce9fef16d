"""What must hold for any movement, at any frame rate, however the frames come."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from assistive.expression.motion import REGIONS, Motion
from assistive.expression.spotting import MAX_SAMPLES, Spotted, SpottingState, step
from assistive.settings import SpottingSettings

SETTINGS = SpottingSettings()

Moved = tuple[list[Motion], float, float, float, float]
"""Motions, then onset, apex and offset of the one movement in them, and the seconds between two frames."""


def _scenes() -> ModuleType:
    """The exactly known movements of the file beside this one."""
    spec = importlib.util.spec_from_file_location("spotting_scenes", Path(__file__).with_name("test_spotting.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


scenes = _scenes()

rates = st.sampled_from([25.0, 29.97, 30.0, 50.0, 60.0])
strengths = st.floats(0.014, 0.06)
directions = st.floats(0, 2 * np.pi)
parts = st.sampled_from([[0, 1, 2, 3], [0, 2], [2, 3], [4], [5], [5, 6]])


@st.composite
def times(draw: st.DrawFn, rate_hz: float, seconds: float) -> list[float]:
    """Times of frames, some early and some late, and now and then one that is missing."""
    late = draw(st.lists(st.floats(-0.2, 0.2), min_size=7, max_size=7))
    missing = draw(st.integers(11, 1000))
    count = round(seconds * rate_hz)
    return [(i + late[i % 7]) / rate_hz for i in range(count) if i % missing != missing - 1]


@st.composite
def movements(draw: st.DrawFn) -> Moved:
    """One movement at some time, with all that is true of it: motions, onset, apex, offset, seconds between frames."""
    rate_hz, strength, direction = draw(rates), draw(strengths), draw(directions)
    start_s, rise_s, fall_s = draw(st.floats(1.0, 1.5)), draw(st.floats(0.1, 0.3)), draw(st.floats(0.14, 0.4))
    stay_s = draw(st.sampled_from([0.0, 0.0, 0.5, 1.5]))
    scene = scenes.move(draw(parts), strength * np.cos(direction), strength * np.sin(direction), start_s, rise_s,
                        fall_s, stay_s)  # fmt: skip
    motions = scenes.play([scene], draw(times(rate_hz, 5.5)), noise=0.0003, seed=draw(st.integers(0, 99)))
    end_s = start_s + rise_s + stay_s + fall_s
    return motions, start_s, start_s + rise_s + stay_s / 2, end_s, 1 / rate_hz


@given(movements())
def test_every_clear_movement_is_found_once_and_at_its_time(one: Moved) -> None:
    motions, onset_s, apex_s, offset_s, frame_s = one
    found, _ = scenes.spot(motions)
    assert len(found) == 1
    spotted: Spotted = found[0]
    seconds = offset_s - onset_s
    assert abs(spotted.onset_s - onset_s) < 0.12
    assert abs(spotted.offset_s - offset_s) < 0.16
    assert abs(spotted.apex_s - apex_s) < (2 * frame_s + 0.01 if seconds < 0.8 else 0.35)
    if seconds <= 0.45:
        assert spotted.kind == "micro"
    if seconds >= 0.8:
        assert spotted.kind == "macro"


@given(movements(), st.sets(st.integers(20, 200), max_size=6))
def test_it_does_not_matter_when_the_anchor_is_dropped_anew(one: Moved, at: set[int]) -> None:
    """A new anchor is the last frame: from then on everything is measured from where it was there."""
    motions = one[0]
    changed: list[Motion] = []
    number, origin = 1, np.zeros((len(REGIONS), 2), np.float32)
    for index, motion in enumerate(motions):
        changed.append(replace(motion, anchor=number, regions=motion.regions - origin))
        if index in at:
            number, origin = number + 1, motion.regions
    plain, anchored = scenes.spot(motions), scenes.spot(changed)
    assert len(plain[0]) == len(anchored[0]) and plain[1] == anchored[1]
    for before, after in zip(plain[0], anchored[0], strict=True):
        assert before.kind == after.kind
        assert np.allclose([before.onset_s, before.apex_s, before.offset_s],
                           [after.onset_s, after.apex_s, after.offset_s], atol=1e-3)  # fmt: skip


@given(st.floats(2.5, 7), st.floats(0.1, 1.6), rates, st.integers(0, 99))
def test_speech_is_never_a_micro_expression(per_s: float, wide: float, rate_hz: float, seed: int) -> None:
    motions = scenes.play([scenes.talk(1.5, 6.0, per_s, wide)], scenes.at_rate(rate_hz, 8), seed=seed)
    assert not [one for one in scenes.spot(motions)[0] if one.kind == "micro"]


@given(st.lists(st.floats(1, 9), min_size=1, max_size=8), st.floats(0, 0.008), rates)
def test_blinks_are_never_expressions(at_s: list[float], drag: float, rate_hz: float) -> None:
    motions = scenes.play([scenes.blink(t_s, drag) for t_s in at_s[:1]], scenes.at_rate(rate_hz, 10))
    assert scenes.spot(motions)[0] == []


@given(st.floats(0.01, 0.15), st.floats(0.1, 1.5), rates)
def test_a_head_that_moves_is_no_expression(reach: float, per_s: float, rate_hz: float) -> None:
    motions = scenes.play([scenes.turn(reach, per_s)], scenes.at_rate(rate_hz, 10))
    assert scenes.spot(motions)[0] == []


numbers = st.floats(-0.3, 0.3)


@st.composite
def anything(draw: st.DrawFn) -> list[Motion]:
    """Frames that make no sense: what a broken source, or a face that is none, may bring."""
    motions, t_s = [], 0.0
    for _ in range(draw(st.integers(1, 90))):
        t_s += draw(st.sampled_from([0.0, 0.01, 0.033, 0.033, 0.033, 0.1, 0.6, -0.5]))
        size = draw(st.sampled_from([0.0, 0.001, 0.02, 0.3]))
        regions = np.float32(draw(st.lists(st.floats(-1, 1), min_size=4, max_size=4)))
        regions = np.resize(regions, (len(REGIONS), 2)).astype(np.float32) * np.float32(size)
        head = np.full(6, draw(numbers) * size, np.float32)
        light = draw(st.floats(0.05, 20))
        motions.append(Motion(t_s, draw(st.integers(1, 3)), regions, abs(draw(numbers)), head, 0.3, 0.01, light))
    return motions


@given(anything())
def test_nonsense_breaks_nothing_and_a_replay_gives_the_same(motions: list[Motion]) -> None:
    assert scenes.spot(motions) == scenes.spot(motions)


@given(movements())
def test_a_step_changes_nothing_that_it_was_given(one: Moved) -> None:
    state = SpottingState()
    for motion in one[0][:60]:
        before = [sample.regions.copy() for sample in state.samples]
        first, again = step(state, motion, SETTINGS), step(state, motion, SETTINGS)
        assert first[1] == again[1] and first[0].open_s == again[0].open_s
        assert all((was == now.regions).all() for was, now in zip(before, state.samples, strict=True))
        state = first[0]


def test_memory_is_bounded() -> None:
    state = SpottingState()
    for motion in scenes.play([scenes.RAISE], scenes.at_rate(60, 30)):
        state, _ = step(state, motion, SETTINGS)
        assert len(state.samples) <= 60 * (SETTINGS.window_s + SETTINGS.longest_s) + 2
    assert len(state.samples) <= 60 * SETTINGS.window_s + 2
    for motion in [replace(scenes.still(1.0), light=1.0)] * (MAX_SAMPLES + 50):  # a source whose time stands still
        state, _ = step(state, motion, SETTINGS)
    assert len(state.samples) == MAX_SAMPLES
