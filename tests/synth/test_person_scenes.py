"""Scenes of one person, made of a toy face and a square hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assistive.synth.cutouts import Cutout
from assistive.synth.face_model import FaceModel
from assistive.synth.face_portraits import Portrait
from assistive.synth.scenes import FACE_TROUBLES, HAND_TROUBLES, SIZE, Plan, SceneComposer
from assistive.types import Box

RED = (250, 5, 5)
PLAIN = Plan(seed=3, face=0, hand=0, tone="none", intensity=0.0, held=True)


@pytest.fixture(scope="module")
def composer(toy_model: FaceModel, toy_portraits: list[Portrait]) -> SceneComposer:
    image = np.full((60, 50, 3), RED, np.uint8)
    alpha = np.zeros((60, 50), np.float32)
    alpha[5:55, 5:45] = 1
    hand = Cutout(image, alpha, Box(0.1, 5 / 60, 0.8, 50 / 60), ("palm",), None)
    room = np.full((200, 300, 3), (20, 120, 160), np.uint8)
    return SceneComposer(toy_model, toy_portraits, [hand], [room])


def red(frame: np.ndarray) -> np.ndarray:
    """Where the hand is seen."""
    values = frame.astype(int)
    return (values[..., 0] > 130) & (values[..., 0] > 2 * values[..., 1]) & (values[..., 0] > 2 * values[..., 2])


def test_a_plan_always_makes_the_same_scene(composer: SceneComposer) -> None:
    one, two = composer.compose(PLAIN), composer.compose(PLAIN)
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert one[0].shape == (SIZE[1], SIZE[0], 3) and one[0].dtype == np.uint8
    other = composer.compose(replace(PLAIN, seed=4))
    assert not np.array_equal(one[0], other[0])


@pytest.mark.parametrize("seed", range(4))
def test_a_clean_hand_is_whole_beside_the_face_and_absent_means_absent(composer: SceneComposer, seed: int) -> None:
    seen = red(composer.compose(replace(PLAIN, seed=seed))[1])
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    assert seen.sum() > 1500
    assert rows[0] > 0 and rows[-1] < SIZE[1] - 1 and columns[0] > 0 and columns[-1] < SIZE[0] - 1
    assert red(composer.compose(replace(PLAIN, seed=seed, hand_trouble="absent"))[1]).sum() < 50


def area(composer: SceneComposer, trouble: str) -> float:
    return float(np.mean([red(composer.compose(replace(PLAIN, seed=seed, hand_trouble=trouble))[1]).sum()
                          for seed in range(6)]))  # fmt: skip


def test_a_small_hand_is_small_and_a_cut_one_is_cut(composer: SceneComposer) -> None:
    whole = area(composer, "")
    assert area(composer, "small") < 0.25 * whole
    assert 0.25 * whole < area(composer, "cut") < 0.9 * whole


def test_a_blurred_hand_has_no_edges(composer: SceneComposer) -> None:
    def steepest(trouble: str) -> float:
        frame = composer.compose(replace(PLAIN, hand_trouble=trouble))[1].astype(int)
        return float(np.percentile(np.abs(np.diff(frame[..., 0], axis=1)), 99.9))

    assert steepest("blurred") < steepest("")


def test_a_strong_expression_changes_more_than_a_weak_one(composer: SceneComposer) -> None:
    def change(intensity: float) -> float:
        plans = [replace(PLAIN, seed=seed, tone="surprise", intensity=intensity, hand_trouble="absent")
                 for seed in range(4)]  # fmt: skip
        pictures = [[frame.astype(float) for frame in composer.compose(plan)] for plan in plans]
        return float(np.mean([np.abs(rest - apex).mean() for rest, apex in pictures]))

    assert change(1.0) > change(0.05) + 0.02


@pytest.mark.parametrize("trouble", FACE_TROUBLES)
def test_every_trouble_of_the_face_changes_the_picture(composer: SceneComposer, trouble: str) -> None:
    clean, changed = (composer.compose(replace(PLAIN, face_trouble=name))[0].astype(int) for name in ("", trouble))
    assert np.abs(clean - changed).mean() > 0.2


def test_both_can_have_troubles(composer: SceneComposer) -> None:
    for face in FACE_TROUBLES:
        for hand in HAND_TROUBLES:
            composer.compose(replace(PLAIN, face_trouble=face, hand_trouble=hand))
