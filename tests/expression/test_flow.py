import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistive.errors import DependencyError
from assistive.expression.flow import (
    BROWS,
    CHIN,
    JAW,
    LEFT_EYE,
    MAP_SIDE,
    RIGHT_EYE,
    aligned,
    crop_matrix,
    network_input,
    optical_flow,
    pack_map,
    strain,
)


def _face(angle_deg: float = 0.0, scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """A face mesh of which only the points that matter are set, turned about the middle of the picture."""
    points = np.zeros((468, 2))
    for index, at in zip(
        (*RIGHT_EYE, *LEFT_EYE, *JAW, *BROWS, CHIN),
        ((-45, -20), (-20, -20), (20, -20), (45, -20), (-70, 0), (70, 0), (-35, -45), (35, -45), (0, 90)),
        strict=True,
    ):
        points[index] = at
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    return points @ np.array([[c, s], [-s, c]]) * scale + (160 + shift[0], 120 + shift[1])


def _place(matrix: np.ndarray, point: np.ndarray) -> np.ndarray:
    return matrix[:, :2] @ point + matrix[:, 2]


def _texture(side: int = 112, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 1, (side, side)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.5)
    return (np.clip(smooth / smooth.std() * 40 + 128, 0, 255)).astype(np.uint8)


@given(
    angle=st.floats(-40, 40), scale=st.floats(0.3, 4), x=st.floats(-100, 100), y=st.floats(-60, 60),
    side=st.integers(28, 200),
)  # fmt: skip
def test_the_crop_is_the_same_wherever_the_face_is(angle: float, scale: float, x: float, y: float, side: int) -> None:
    face = _face(angle, scale, (x, y))
    matrix = crop_matrix(face, side)
    right, left = (face[list(eye)].mean(0) for eye in (RIGHT_EYE, LEFT_EYE))
    (rx, ry), (lx, ly) = _place(matrix, right) / side, _place(matrix, left) / side
    assert ry == pytest.approx(ly, abs=1e-6)
    assert rx < 0.5 < lx and rx == pytest.approx(1 - lx, abs=1e-6)
    assert 0.15 < ry < 0.3
    assert _place(matrix, face[CHIN])[1] / side == pytest.approx(1.10 / 1.22, abs=1e-6)
    assert np.linalg.det(matrix[:, :2]) > 0  # never mirrored


def test_the_crop_shows_what_lies_there() -> None:
    picture = np.zeros((240, 320, 3), np.uint8)
    face = _face(20)
    cv2.circle(picture, tuple(np.rint(face[CHIN]).astype(int)), 4, (255, 255, 255), -1)
    crop = aligned(picture, crop_matrix(face, 100), 100)
    row, column = np.unravel_index(int(cv2.GaussianBlur(crop, (0, 0), 2).argmax()), crop.shape)
    assert abs(row - 90) <= 2 and abs(column - 50) <= 2


@pytest.mark.parametrize("method", ["dis", "tvl1"])
def test_flow_has_the_right_sign_and_size(method: str) -> None:
    before = _texture(64)
    after = cv2.warpAffine(before, np.float32([[1, 0, 1.5], [0, 1, -0.75]]), (64, 64), borderMode=cv2.BORDER_REFLECT)
    found = optical_flow(before, after, method)[10:-10, 10:-10]  # type: ignore[arg-type]
    assert np.median(found[..., 0]) == pytest.approx(1.5, abs=0.15)
    assert np.median(found[..., 1]) == pytest.approx(-0.75, abs=0.15)


def test_strain_is_what_the_formula_says() -> None:
    rows, columns = np.mgrid[0:20, 0:20].astype(np.float32)
    shift = np.dstack([np.full_like(rows, 3), np.full_like(rows, -2)])
    turn = np.dstack([-rows, columns]) * 0.1
    stretch = np.dstack([columns * 0.3, rows * 0.4])
    shear = np.dstack([rows * 0.2, np.zeros_like(rows)])
    assert strain(shift) == pytest.approx(0, abs=1e-6)
    assert strain(turn) == pytest.approx(0, abs=1e-5)
    assert strain(stretch) == pytest.approx(0.5, abs=1e-5)
    assert strain(shear) == pytest.approx(0.2 / np.sqrt(2), abs=1e-5)


def test_a_map_holds_strain_v_u_each_over_the_whole_range() -> None:
    rows, columns = np.mgrid[0:112, 0:112].astype(np.float32)
    u = np.where(columns < 56, -1.0, 2.0).astype(np.float32)
    v = np.where(rows < 28, 0.01, 0.0).astype(np.float32)
    packed = pack_map(np.dstack([u, v]))
    assert packed.shape == (MAP_SIDE, MAP_SIDE, 3) and packed.dtype == np.uint8
    assert packed[..., 2][:, :13].max() == 0 and packed[..., 2][:, 15:].min() == 255
    assert packed[..., 1][:6].min() == 255 and packed[..., 1][8:].max() == 0  # weak, yet over the whole range
    assert packed[..., 0].argmax() % MAP_SIDE in (13, 14)  # strain where u jumps


def test_no_movement_is_an_empty_map() -> None:
    assert not pack_map(np.zeros((112, 112, 2), np.float32)).any()
    assert np.isfinite(network_input(pack_map(np.zeros((112, 112, 2), np.float32))[None])).all()


@given(seed=st.integers(0, 1000), shift=st.integers(-20, 20))
def test_the_network_sees_no_common_movement(seed: int, shift: int) -> None:
    """Whatever the whole face did together is gone, and u comes first."""
    maps = np.random.default_rng(seed).integers(60, 160, (2, MAP_SIDE, MAP_SIDE, 3)).astype(np.uint8)
    x = network_input(maps)
    assert x.shape == (2, 3, MAP_SIDE, MAP_SIDE) and x.dtype == np.float32
    assert np.median(x, axis=(2, 3)) == pytest.approx(0, abs=1e-5)
    assert np.sqrt((x**2).mean((2, 3))) == pytest.approx(1, abs=1e-4)
    assert network_input((maps.astype(int) + shift).astype(np.uint8)) == pytest.approx(x, abs=1e-5)
    u = maps[..., 2].astype(np.float32)
    assert np.corrcoef(u[0].ravel(), x[0, 0].ravel())[0, 1] == pytest.approx(1, abs=1e-5)


def test_an_opencv_without_tvl1_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cv2.optflow, "DualTVL1OpticalFlow_create")
    grey = np.zeros((16, 16), np.uint8)
    with pytest.raises(DependencyError, match="no TV-L1") as caught:
        optical_flow(grey, grey, "tvl1")
    assert "opencv-contrib-python==" in caught.value.remedy
