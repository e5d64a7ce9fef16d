import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistive.errors import SourceError
from assistive.synth.face_camera import FaceCamera, VideoCodec, compressed, skin_grain
from assistive.synth.face_cover import KINDS, Cover
from assistive.synth.face_model import FaceModel
from assistive.synth.face_portraits import Portrait
from assistive.synth.face_skin import draw_still, drawn_portraits, skin_colour

GREY = np.full((64, 80), 120, np.uint8)


def colourful(seed: int = 0) -> np.ndarray:
    small = np.random.default_rng(seed).integers(60, 190, (8, 10, 3))
    return np.kron(small, np.ones((8, 8, 1))).astype(np.uint8)


@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.booleans())
def test_a_camera_keeps_shape_and_repeats_itself(seed: int, harsh: float, grey: bool) -> None:
    camera = FaceCamera.draw(np.random.default_rng(seed), harsh)
    picture = GREY if grey else colourful()
    one, two = (camera.take(picture, np.random.default_rng(seed)) for _ in range(2))
    assert np.array_equal(one, two) and one.shape == picture.shape and one.dtype == np.uint8


def test_an_ideal_camera_changes_nothing() -> None:
    assert np.abs(FaceCamera().take(colourful(), np.random.default_rng(0)).astype(int) - colourful()).max() == 0


def test_noise_differs_from_frame_to_frame_and_is_as_strong_as_said() -> None:
    camera, rng = FaceCamera(noise=4.0), np.random.default_rng(0)
    one, two = (camera.take(np.full((200, 200), 128, np.uint8), rng).astype(float) for _ in range(2))
    assert one.std() == pytest.approx(4, rel=0.1) and (one - two).std() == pytest.approx(4 * 2**0.5, rel=0.1)


def test_a_dark_picture_is_less_noisy_than_a_bright_one() -> None:
    camera, rng = FaceCamera(noise=6.0), np.random.default_rng(0)
    dark, bright = (camera.take(np.full((99, 99), level, np.uint8), rng).std() for level in (40, 180))
    assert dark < 0.7 * bright


def test_colours_keep_their_places_through_compression() -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 200
    assert np.abs(compressed(red, 90).astype(int) - red).max() < 12


def test_a_codec_hides_what_hardly_changes_and_sends_what_does() -> None:
    codec, still = VideoCodec(80, 2.0), colourful()
    first = codec.take(still)
    faint, clear = still.copy(), still.copy()
    faint[8:16, 8:16] += 1
    clear[8:16, 8:16] += 40
    assert np.array_equal(codec.take(faint)[8:16, 8:16], first[8:16, 8:16])
    sent = codec.take(clear)
    assert np.abs(sent[8:16, 8:16].astype(int) - clear[8:16, 8:16]).mean() < 12
    assert np.array_equal(sent[40:], first[40:])


def test_a_codec_sends_everything_anew_now_and_then() -> None:
    codec = VideoCodec(30, 255.0, refresh=3)
    pictures = [codec.take(colourful(seed)) for seed in range(4)]
    assert np.array_equal(pictures[0], pictures[2]) and not np.array_equal(pictures[0], pictures[3])


@pytest.mark.parametrize("strength", [0.0, 3.0])
def test_grain_is_as_strong_as_said(strength: float) -> None:
    grain = skin_grain(np.random.default_rng(0), 256, strength)
    assert grain.shape == (256, 256) and grain.std() == pytest.approx(strength, rel=0.2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cover_hides_its_part(toy_portraits: list[Portrait], kind: str) -> None:
    face = toy_portraits[0]
    picture = face.image.copy()
    hidden = Cover.draw(np.random.default_rng(1), kind).apply(picture, face.mesh)  # type: ignore[arg-type]
    assert hidden.shape == (256, 256) and hidden.min() >= 0 and hidden.max() <= 1 + 1e-6
    assert np.array_equal(picture[hidden == 0], face.image[hidden == 0])
    assert 0.01 < (hidden > 0.5).mean() < 0.6
    assert np.abs(picture[hidden > 0.9].astype(int) - face.image[hidden > 0.9]).mean() > 10


def test_dark_and_light_skin() -> None:
    rng = np.random.default_rng(0)
    levels = [float(skin_colour(angle, rng).mean()) for angle in (-50, 0, 30, 60)]
    assert levels == sorted(levels) and levels[0] < 80 and levels[-1] > 160


class Never:
    def find(self, image: np.ndarray) -> None:
        return None


class EverySecond:
    def __init__(self, mesh: np.ndarray) -> None:
        self.mesh, self.calls = mesh, 0

    def find(self, image: np.ndarray) -> np.ndarray | None:
        self.calls += 1
        return self.mesh if self.calls % 2 == 0 else None


def test_drawn_faces_are_portraits_of_different_people(toy_model: FaceModel, toy_portraits: list[Portrait]) -> None:
    mesh = toy_portraits[0].mesh
    one, two = (drawn_portraits(toy_model, 2, 5, EverySecond(mesh)) for _ in range(2))
    assert [face.name for face in one] == ["drawn_5_1", "drawn_5_3"]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(one, two, strict=True))
    assert not np.array_equal(one[0].image, one[1].image)
    assert one[0].image.shape == (256, 256, 3) and one[0].image.std() > 10
    assert np.array_equal(draw_still(toy_model, np.random.default_rng((5, 1))), one[0].image)


def test_faces_that_nobody_would_take_for_one_are_an_error(toy_model: FaceModel) -> None:
    with pytest.raises(SourceError, match="only 0 of 4"):
        drawn_portraits(toy_model, 1, 0, Never())
