import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistive.gesture.crop import crop
from assistive.gesture.detector import STRIDE, letterbox, select
from assistive.types import Box

SIDE = 320


def _candidate(box: Box, size: tuple[int, int], score: float) -> np.ndarray:
    """A network row that says: this box of the frame, laid into the input."""
    _, placed = letterbox(np.zeros((size[1], size[0], 3), np.uint8), SIDE, SIDE)
    x, y = box.centre
    row = np.zeros(24, np.float32)
    row[:4] = (x * size[0] * placed.scale + placed.left, y * size[1] * placed.scale + placed.top,
               box.w * size[0] * placed.scale, box.h * size[1] * placed.scale)  # fmt: skip
    row[4] = score
    return row


@given(
    width=st.integers(16, 1200), height=st.integers(16, 1200),
    x=st.floats(0, 0.6), y=st.floats(0, 0.6), w=st.floats(0.1, 0.4), h=st.floats(0.1, 0.4),
)  # fmt: skip
def test_box_comes_back_from_the_letterbox(
    width: int, height: int, x: float, y: float, w: float, h: float
) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    batch, placed = letterbox(image, SIDE, SIDE)
    assert max(batch.shape[2:]) == SIDE and not any(side % STRIDE for side in batch.shape[2:])
    box = Box(x, y, w, h)
    found = select(_candidate(box, (width, height), 0.9)[None], placed, (width, height), 0.1, 0.5, 4)
    assert found[0].box.iou(box) > 0.98


def test_one_hand_gives_one_box_and_the_best_comes_first() -> None:
    size = (640, 480)
    _, placed = letterbox(np.zeros((480, 640, 3), np.uint8), SIDE, SIDE)
    rows = [
        _candidate(Box(0.1, 0.1, 0.3, 0.3), size, 0.6),
        _candidate(Box(0.11, 0.1, 0.3, 0.3), size, 0.8),
        _candidate(Box(0.6, 0.6, 0.2, 0.2), size, 0.7),
        _candidate(Box(0.0, 0.0, 0.2, 0.2), size, 0.05),
    ]
    found = select(np.stack(rows), placed, size, 0.1, 0.5, 4)
    assert [round(detection.score, 2) for detection in found] == [0.8, 0.7]
    assert len(select(np.stack(rows), placed, size, 0.1, 0.5, 1)) == 1


def test_nothing_above_the_threshold_is_nothing() -> None:
    _, placed = letterbox(np.zeros((48, 64, 3), np.uint8), SIDE, SIDE)
    assert select(np.zeros((100, 24), np.float32), placed, (64, 48), 0.1, 0.5, 4) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (480, 640)])
def test_any_picture_shape_fits(shape: tuple[int, int]) -> None:
    batch, _ = letterbox(np.full((*shape, 3), 255, np.uint8), SIDE, SIDE)
    assert max(batch.shape[2:]) == SIDE
    assert batch.max() == pytest.approx(1)
    assert crop(np.full((*shape, 3), 255, np.uint8), Box(0, 0, 1, 1), 96)[0].shape == (96, 96, 3)


def test_no_more_padding_than_the_grid_asks_for() -> None:
    assert letterbox(np.zeros((480, 640, 3), np.uint8), SIDE, SIDE)[0].shape == (1, 3, 256, 320)
    assert letterbox(np.zeros((720, 1280, 3), np.uint8), SIDE, SIDE)[0].shape == (1, 3, 192, 320)


@given(x=st.floats(-0.2, 1), y=st.floats(-0.2, 1), w=st.floats(0.001, 1), h=st.floats(0.001, 1))
def test_crop_of_any_box_is_a_full_square(x: float, y: float, w: float, h: float) -> None:
    assert crop(np.zeros((48, 64, 3), np.uint8), Box(x, y, w, h), 32)[0].shape == (32, 32, 3)


def test_crop_keeps_the_shape_of_the_hand() -> None:
    image = np.full((100, 100, 3), 255, np.uint8)
    square, _ = crop(image, Box(0.4, 0.1, 0.2, 0.8), 96, grow=1.0)
    bright = (square == 255).all(2)
    assert bright.any(1).sum() == 96
    assert bright.any(0).sum() == pytest.approx(24, abs=1)
