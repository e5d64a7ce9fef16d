from __future__ import annotations

from dataclasses import astuple

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistive.sources.drawn_hand import NOT_GESTURES, HandPose, draw_hand, pose, render_hand
from assistive.sources.hand_pose import skeleton
from assistive.types import GESTURES, NO_GESTURE

STRAIGHT_FINGERS = {
    "call": "l", "dislike": "", "fist": "", "four": "imrl", "like": "", "mute": "i", "ok": "mrl", "one": "i",
    "palm": "imrl", "peace": "im", "peace_inverted": "im", "rock": "il", "stop": "imrl", "stop_inverted": "imrl",
    "three": "imr", "three2": "im", "two_up": "im", "two_up_inverted": "im",
}  # fmt: skip


def canvas() -> np.ndarray:
    return np.full((240, 320, 3), 90, np.uint8)


@pytest.mark.parametrize("gesture", GESTURES)
def test_each_gesture_stretches_its_own_fingers(gesture: str) -> None:
    bends = [sum(angles) for angles in pose(gesture).flexion]
    assert "".join(name for name, bend in zip("imrl", bends, strict=True) if bend < 60) == STRAIGHT_FINGERS[gesture]


def test_there_are_other_signs_and_a_relaxed_hand() -> None:
    assert NO_GESTURE in NOT_GESTURES
    assert not set(NOT_GESTURES) & set(GESTURES)
    with pytest.raises(KeyError):
        pose("nonsense")


def test_the_tips_of_ok_meet_and_those_of_palm_are_apart() -> None:
    def gap(name: str) -> float:
        bones = skeleton(pose(name))
        thumb, index = bones.tips[:2]
        return float(np.linalg.norm(bones.ends[thumb] - bones.ends[index]) - bones.radii[[thumb, index], 1].sum())

    assert gap("ok") < 0.02
    assert gap("palm") > 0.2


@pytest.mark.parametrize("gesture", GESTURES + NOT_GESTURES)
def test_the_box_is_tight_and_the_mask_covers_it(gesture: str) -> None:
    image = canvas()
    drawn = draw_hand(image, pose(gesture), (160, 120), 110, forearm=False)
    x, y, w, h = drawn.box_px
    found = cv2.boundingRect((drawn.alpha > 0.5).astype(np.uint8))
    assert np.abs(np.subtract(found, (x, y, w, h))).max() <= 2
    assert (image[drawn.alpha == 0] == 90).all()
    assert (np.abs(image[drawn.alpha > 0.9].astype(int) - 90).max(1) > 5).mean() > 0.9


def test_the_forearm_is_in_the_mask_but_not_in_the_box() -> None:
    with_arm = draw_hand(canvas(), pose("palm"), (160, 100), 100)
    without = draw_hand(canvas(), pose("palm"), (160, 100), 100, forearm=False)
    assert np.abs(np.subtract(with_arm.box_px, without.box_px)).max() <= 5
    assert with_arm.alpha[239].max() == 1.0
    assert without.alpha[239].max() == 0.0


def test_a_left_hand_is_the_mirror_image() -> None:
    right = render_hand(pose("three2"), 120, light=(0, 0, 1))
    left = render_hand(pose("three2"), 120, left=True, light=(0, 0, 1))
    shape = (min(right.alpha.shape[0], left.alpha.shape[0]), min(right.alpha.shape[1], left.alpha.shape[1]))
    mirrored = left.alpha[:, ::-1]
    overlap = np.minimum(right.alpha[: shape[0], : shape[1]], mirrored[: shape[0], : shape[1]]).sum()
    assert overlap / right.alpha.sum() > 0.93


def test_thumbs_point_up_and_down() -> None:
    for name, sign in (("like", -1), ("dislike", 1)):
        _, top, _, height = render_hand(pose(name), 150).hand_px
        assert (top + height / 2) * sign > 0, name


def test_skin_and_sleeve_have_the_colours_asked_for() -> None:
    dark = render_hand(pose("palm"), 120, skin=(90, 60, 45), sleeve=(10, 200, 10))
    fair = render_hand(pose("palm"), 120, skin=(240, 200, 175))
    hand = np.s_[-dark.origin_px[1], -dark.origin_px[0]]
    assert dark.rgb[hand].mean() < 120 < fair.rgb[-fair.origin_px[1], -fair.origin_px[0]].mean()
    below = dark.rgb[dark.rgb.shape[0] - 20, -dark.origin_px[0]]
    assert below[1] > 2 * max(below[0], below[2])


def test_a_hand_beyond_the_border_is_cut_off() -> None:
    image = canvas()
    assert draw_hand(image, pose("palm"), (-500, -500), 100).box_px[2:] == (0, 0)
    assert (image == 90).all()
    x, y, w, h = draw_hand(image, pose("palm"), (0, 0), 100).box_px
    assert (x, y) == (0, 0)
    assert w > 0 and h > 0


@given(
    st.sampled_from(GESTURES + NOT_GESTURES), st.floats(-180, 180), st.floats(-80, 80), st.floats(-180, 180),
    st.booleans(), st.floats(12, 90),
)  # fmt: skip
def test_any_turn_and_size_gives_a_hand(
    name: str, roll: float, pitch: float, yaw: float, left: bool, size: float
) -> None:
    picture = render_hand(pose(name), size, roll=roll, pitch=pitch, yaw=yaw, left=left)
    assert picture.rgb.shape[:2] == picture.alpha.shape
    assert 0 <= picture.alpha.min() <= picture.alpha.max() <= 1.0
    assert picture.alpha.max() > 0.9
    assert min(picture.hand_px[2:]) > 0.15 * size


@given(st.sampled_from(GESTURES), st.sampled_from(GESTURES), st.floats(0, 1))
def test_a_pose_on_the_way_lies_between_its_ends(first: str, second: str, share: float) -> None:
    def flat(hand: HandPose) -> np.ndarray:
        return np.concatenate([np.ravel(part) for part in astuple(hand)])

    between = flat(pose(first).towards(pose(second), share))
    ends = np.stack([flat(pose(first)), flat(pose(second))])
    assert (between >= ends.min(0) - 1e-9).all() and (between <= ends.max(0) + 1e-9).all()
    assert pose(first).towards(pose(second), 0.0) == pose(first)
    assert np.allclose(flat(pose(first).towards(pose(second), 1.0)), flat(pose(second)))
