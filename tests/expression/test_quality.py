from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from assistive.expression.head import pose
from assistive.expression.quality import HAND_ON_FACE, REASONS, Quality, judge
from assistive.settings import ExpressionSettings
from assistive.types import Box

SETTINGS = ExpressionSettings()
Image = NDArray[np.uint8]
Pixels = NDArray[np.float64]


def judged(image: Image, pixels: Pixels, *hands: Box) -> Quality:
    return judge(image, pixels, pose(pixels), hands, SETTINGS)


def assert_refused(quality: Quality, problem: str) -> None:
    assert quality.value < SETTINGS.min_quality
    assert quality.problems[0] == problem and quality.reason in (REASONS[problem], HAND_ON_FACE)


def test_a_good_face_has_no_problem(picture: Image, pixels: Pixels) -> None:
    quality = judged(picture, pixels)
    assert quality.value > 0.8 and quality.problems == () and quality.reason is None


def test_a_dark_face_is_refused(picture: Image, pixels: Pixels) -> None:
    assert_refused(judged((picture * 0.15).astype(np.uint8), pixels), "dark")


def test_a_blurred_face_is_refused(picture: Image, pixels: Pixels) -> None:
    assert_refused(judged(np.asarray(cv2.GaussianBlur(picture, (0, 0), 6), np.uint8), pixels), "blurred")


def test_a_far_face_is_refused(picture: Image, pixels: Pixels) -> None:
    small = cv2.resize(picture, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    assert_refused(judged(np.asarray(small, np.uint8), pixels * 0.25), "small")


def test_a_face_at_the_border_is_refused(picture: Image, pixels: Pixels) -> None:
    cut = np.ascontiguousarray(picture[:, 345:])
    assert_refused(judged(cut, pixels - (345, 0, 0)), "cut")


@pytest.mark.parametrize("axis", [1, 2])
def test_a_turned_face_is_refused(picture: Image, pixels: Pixels, axis: int) -> None:
    angle = np.radians(48)
    turn = {1: [[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]],
            2: [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]}[axis]  # fmt: skip
    middle = pixels.mean(0)
    quality = judged(picture, (pixels - middle) @ np.array(turn).T + middle)
    assert quality.value < SETTINGS.min_quality and "turned" in quality.problems


def test_a_hand_over_the_mouth_is_refused_and_one_beside_the_face_is_not(picture: Image, pixels: Pixels) -> None:
    x, y = pixels[14, :2] / (640, 480)
    quality = judged(picture, pixels, Box(x - 0.06, y - 0.05, 0.14, 0.2))
    assert_refused(quality, "covered")
    assert quality.reason == HAND_ON_FACE
    assert judged(picture, pixels, Box(0.1, 0.3, 0.3, 0.4)).problems == ()


def test_a_face_that_was_taken_for_a_hand_covers_nothing(picture: Image, pixels: Pixels) -> None:
    low, high = pixels[:, :2].min(0) / (640, 480), pixels[:, :2].max(0) / (640, 480)
    whole = Box(low[0] - 0.01, low[1] - 0.01, *(high - low + 0.02))
    assert judged(picture, pixels, whole).problems == ()


@pytest.mark.parametrize("cloth", [(228, 234, 240), (110, 160, 210), (30, 30, 36)])
def test_a_mask_is_refused(picture: Image, pixels: Pixels, cloth: tuple[int, int, int]) -> None:
    masked = picture.copy()
    outline = pixels[[116, 117, 50, 205, 197, 425, 280, 346, 345, 361, 397, 365, 378, 152, 149, 136, 172, 132], :2]
    cv2.fillPoly(masked, [np.rint(outline).astype(np.int32)], cloth, cv2.LINE_AA)
    assert_refused(judged(masked, pixels), "covered")


def test_a_mesh_that_is_no_face_is_refused(picture: Image, pixels: Pixels) -> None:
    torn = pixels.copy()
    torn[[33, 133, 10, 151], :2] += 40
    quality = judged(picture, torn)
    assert quality.value < SETTINGS.min_quality and "covered" in quality.problems


def test_quality_falls_steadily(picture: Image, pixels: Pixels) -> None:
    values = [judged((picture * share).astype(np.uint8), pixels).value for share in np.linspace(1, 0, 12)]
    assert values == sorted(values, reverse=True) and values[-1] == 0.0
