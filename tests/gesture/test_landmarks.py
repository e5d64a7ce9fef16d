"""Landmarks of a hand in a known box, with a network that finds what was painted."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from assistive.gesture.landmarks import PALM, SIDE, Square, around, cut_square, read_landmarks
from assistive.types import Box

HAND = np.array([[50, 100], [30, 90], [22, 78], [16, 68], [10, 60], [34, 52], [32, 36], [31, 26], [30, 16], [47, 50],
                 [47, 32], [47, 21], [47, 10], [60, 53], [62, 36], [63, 26], [64, 17], [72, 60], [77, 47], [80, 38],
                 [83, 30]], float)  # fmt: skip


def _turned(points: NDArray[np.float64], degrees: float) -> NDArray[np.float64]:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return (points - 50) @ np.array([[c, s], [-s, c]]) + 50


@pytest.mark.parametrize("degrees", [-170, -90, -20, 0, 45, 90, 135])
def test_the_square_turns_with_the_hand(degrees: float) -> None:
    upright, square = around(HAND), around(_turned(HAND, degrees))
    difference = np.degrees(square.turn - upright.turn) - degrees
    assert (difference + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)
    assert square.side == pytest.approx(upright.side)
    assert [square.x, square.y] == pytest.approx(_turned(np.array([[upright.x, upright.y]]), degrees)[0].tolist())


def test_the_square_holds_the_whole_hand() -> None:
    square = around(HAND)
    matrix = square.matrix()
    inside = np.linalg.solve(matrix[:, :2], (HAND - matrix[:, 2]).T)
    assert inside.min() > 0 and inside.max() < SIDE
    assert len(PALM) == len(set(PALM))


@pytest.mark.parametrize("side", [40, 224, 900])
@pytest.mark.parametrize("turn", [0.0, 0.7, 3.0])
def test_what_is_cut_lies_where_the_matrix_says(side: float, turn: float) -> None:
    image = np.zeros((1000, 1200, 3), np.uint8)
    square = Square(600, 500, side, turn)
    dot = square.matrix() @ (60, 150, 1)
    cv2.circle(image, tuple(np.rint(dot).astype(int).tolist()), max(2, round(side / 40)), (255, 255, 255), -1)
    cut = cut_square(image, square)[..., 0].astype(float)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    found = (x * cut).sum() / cut.sum(), (y * cut).sum() / cut.sum()
    assert found == pytest.approx((60, 150), abs=3.5)


class _Pattern:
    """A landmark network that sees one bright dot: every landmark lies around it, as in ``HAND``."""

    provider = reason = "made up"

    def __init__(self) -> None:
        self.looks = 0

    def run(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        self.looks += 1
        light = batch[0].mean(0)
        y, x = np.mgrid[0:SIDE, 0:SIDE]
        weight = max(float(light.sum()), 1e-6)
        centre = np.array([(x * light).sum(), (y * light).sum()]) / weight
        marks = np.c_[HAND - HAND.mean(0) + centre, np.zeros(21)]
        world = np.tile([0.0, -0.1, 0.0], (21, 1))
        single = np.full((1, 1), 0.75, np.float32)
        return marks.reshape(1, 63).astype(np.float32), single, single, world.reshape(1, 63).astype(np.float32)


def test_points_come_back_in_the_picture() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    cv2.circle(image, (400, 200), 5, (255, 255, 255), -1)
    network = _Pattern()
    found = read_landmarks(network, image, Box(350 / 640, 140 / 480, 100 / 640, 120 / 480))
    assert network.looks == 2
    assert found.points[:, :2].mean(0) == pytest.approx([400, 200], abs=2)
    assert (found.presence, found.right) == (0.75, 0.75)
    # Metres are turned back: a bone that points up in the turned square leans as the hand does.
    assert found.world[0, :2] == pytest.approx([0.1 * np.sin(found.turn), -0.1 * np.cos(found.turn)])


def test_a_box_at_the_very_edge_is_read_too() -> None:
    image = np.full((20, 20, 3), 90, np.uint8)
    assert np.isfinite(read_landmarks(_Pattern(), image, Box(0.999, 0.999, 0.001, 0.001)).points).all()
