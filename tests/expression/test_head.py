from __future__ import annotations

from math import cos, radians, sin

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from assistive.expression.head import pose
from assistive.expression.macro import measure


def turned(pixels: NDArray[np.float64], yaw: float = 0, pitch: float = 0, roll: float = 0) -> NDArray[np.float64]:
    """Turn a mesh by angles in degrees: to the right of the picture, down, clockwise."""
    y, p, r = radians(yaw), radians(pitch), radians(roll)
    about_y = np.array([[cos(y), 0, -sin(y)], [0, 1, 0], [sin(y), 0, cos(y)]])
    about_x = np.array([[1, 0, 0], [0, cos(p), -sin(p)], [0, sin(p), cos(p)]])
    about_z = np.array([[cos(r), -sin(r), 0], [sin(r), cos(r), 0], [0, 0, 1]])
    middle = pixels.mean(0)
    return np.asarray((pixels - middle) @ (about_z @ about_x @ about_y).T + middle)


def test_a_face_that_looks_ahead_is_not_turned(pixels: NDArray[np.float64]) -> None:
    head = pose(pixels)
    assert max(abs(head.yaw_deg), abs(head.pitch_deg), abs(head.roll_deg)) < 12
    assert head.misfit < 0.08


@pytest.mark.parametrize(("turn", "sign"), [("yaw", 1), ("pitch", 1), ("roll", 1)])
@pytest.mark.parametrize("degrees", [-30, -12, 12, 30])
def test_turns_are_measured_with_their_sign(
    pixels: NDArray[np.float64], turn: str, sign: int, degrees: float
) -> None:
    before, after = pose(pixels), pose(turned(pixels, **{turn: degrees}))
    name = f"{turn}_deg"
    assert getattr(after, name) - getattr(before, name) == pytest.approx(sign * degrees, abs=3)


def test_a_nose_that_points_right_in_the_picture_is_positive_yaw(pixels: NDArray[np.float64]) -> None:
    right = turned(pixels, yaw=25)
    assert right[4, 0] - right[[33, 263], 0].mean() > pixels[4, 0] - pixels[[33, 263], 0].mean() + 5
    assert pose(right).yaw_deg > pose(pixels).yaw_deg + 20


@given(st.floats(-40, 40), st.floats(-30, 30), st.floats(-60, 60), st.floats(0.2, 4), st.floats(-500, 500))
def test_what_is_measured_does_not_depend_on_turn_place_or_size(
    yaw: float, pitch: float, roll: float, scale: float, shift: float
) -> None:
    rng = np.random.default_rng(4)
    face = rng.normal(0, 60, (468, 3))
    moved = turned(face, yaw, pitch, roll) * scale + shift
    np.testing.assert_allclose(measure(pose(moved).points), measure(pose(face).points), rtol=1e-6, atol=1e-6)


def test_a_scramble_fits_no_face(pixels: NDArray[np.float64]) -> None:
    rng = np.random.default_rng(0)
    assert pose(rng.permutation(pixels)).misfit > 0.3
