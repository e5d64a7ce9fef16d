from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from assistive.synth.face_action import FacePose
from assistive.synth.face_fit import EYES, FaceFitter, FittedFace
from assistive.synth.face_model import FaceModel
from assistive.synth.face_portraits import Portrait, landmarks68
from assistive.synth.face_warp import Bend, Window, bend, draw, true_flow

WHOLE = Window(0, 0, 1, (256, 256))
MOUTH_RIGHT, MOUTH_LEFT, BROW_RIGHT, CHIN = 48, 54, 19, 8
DARK = 90


@pytest.fixture(scope="module")
def face(toy_model: FaceModel, toy_portraits: list[Portrait]) -> FittedFace:
    return FaceFitter(toy_model).fit(toy_portraits[0])


@pytest.fixture(scope="module")
def posed(toy_model: FaceModel, face: FittedFace) -> Callable[..., Bend]:
    def pose(units: dict[str, float] | None = None, **head: float) -> Bend:
        return bend(toy_model, face, FacePose(units or {}, **head), (0, 0))  # type: ignore[arg-type]

    return pose


def at_marks(field: NDArray[np.float32], mesh: NDArray[np.float32]) -> NDArray[np.float32]:
    """A field ``(H, W, 2)`` at the 68 landmarks."""
    marks = landmarks68(mesh)
    return cv2.remap(field, marks[None, :, 0].copy(), marks[None, :, 1].copy(), cv2.INTER_LINEAR)[0]


def test_the_model_lies_on_the_portrait(toy_model: FaceModel, face: FittedFace) -> None:
    gap = face.points[toy_model.landmarks68] - landmarks68(face.portrait.mesh)
    assert np.hypot(*gap[17:].T).mean() < 1.5  # pixels of a face 133 pixels wide
    assert 120 < face.width_px < 150


def test_a_face_at_rest_is_the_portrait(face: FittedFace, posed: Callable[..., Bend]) -> None:
    rest = posed()
    assert np.abs(draw(face, rest, WHOLE).astype(int) - face.portrait.image).max() <= 1
    assert np.abs(true_flow(face, rest, rest, WHOLE)).max() < 1e-3
    assert np.allclose(rest.mesh, face.portrait.mesh, atol=1e-3)


def test_a_smile_of_the_persons_left_moves_the_corner_on_the_right_of_the_picture_up_and_out(
    face: FittedFace, posed: Callable[..., Bend]
) -> None:
    flow = at_marks(true_flow(face, posed(), posed({"L12": 0.5}), WHOLE), face.portrait.mesh)
    assert flow[MOUTH_LEFT, 0] > 2 and flow[MOUTH_LEFT, 1] < -2
    assert np.abs(flow[[MOUTH_RIGHT, BROW_RIGHT]]).max() < 0.3


def test_twice_the_picture_is_twice_the_flow(face: FittedFace, posed: Callable[..., Bend]) -> None:
    rest, smile = posed(), posed({"12": 0.5})
    small = true_flow(face, rest, smile, Window(64, 64, 1, (128, 128)))
    large = true_flow(face, rest, smile, Window(64, 64, 2, (256, 256)))
    halved = cv2.resize(large, (128, 128), interpolation=cv2.INTER_AREA) / 2
    assert np.abs(halved - small).mean() < 0.02 and np.abs(small).max() > 3


@pytest.mark.parametrize("units", [{"12": 0.4}, {"4": 0.6}, {"1": 0.5, "L12": 0.3}], ids=str)
@pytest.mark.parametrize("head", [{}, {"yaw": 1.5, "pitch": -1.0, "roll": 1.0, "zoom": 1.01}], ids=["still", "moving"])
def test_true_flow_leads_from_each_pixel_to_the_same_skin(
    face: FittedFace, posed: Callable[..., Bend], units: dict[str, float], head: dict[str, float]
) -> None:
    onset, apex = posed(roll=-1.0), posed(units, **head)
    before, after = (draw(face, pose, WHOLE, grey=True).astype(np.float32) for pose in (onset, apex))
    flow = true_flow(face, onset, apex, WHOLE)
    columns, rows = np.meshgrid(np.arange(256, dtype=np.float32), np.arange(256, dtype=np.float32))
    back = cv2.remap(after, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_CUBIC)
    inner = (slice(40, 216), slice(40, 216))
    unexplained, change = (np.abs(picture - before)[inner].mean() for picture in (back, after))
    assert unexplained < 0.1 * change


def test_landmarks_move_with_the_flow(face: FittedFace, posed: Callable[..., Bend]) -> None:
    rest, apex = posed(), posed({"12": 0.5, "1": 0.5}, yaw=2, shift=(0.02, -0.01))
    flow = at_marks(true_flow(face, rest, apex, WHOLE), face.portrait.mesh)
    moved = landmarks68(apex.mesh) - landmarks68(rest.mesh)
    skin = [*range(17, 36), 48, 54]  # eyes belong to the lids here and to the ball in the flow
    assert np.hypot(*(flow - moved)[skin].T).mean() < 0.35
    assert np.hypot(*moved[skin].T).mean() > 2


def test_the_head_turns_towards_the_persons_left(face: FittedFace, posed: Callable[..., Bend]) -> None:
    marks = landmarks68(posed(yaw=3).mesh) - landmarks68(face.portrait.mesh)
    nose, ear = marks[30], marks[0]
    assert nose[0] > 2 and nose[0] > ear[0] + 0.5  # what is nearer to the camera moves farther
    assert landmarks68(posed(pitch=3).mesh)[30, 1] > landmarks68(face.portrait.mesh)[30, 1] + 2


def test_lids_cover_the_eyes_and_open_again(face: FittedFace, posed: Callable[..., Bend]) -> None:
    def dark(pose: Bend) -> int:
        x0, y0 = face.portrait.mesh[list(EYES[0])].min(0).astype(int) - 2
        x1, y1 = face.portrait.mesh[list(EYES[0])].max(0).astype(int) + 3
        return int((draw(face, pose, WHOLE, grey=True)[y0:y1, x0:x1] < DARK).sum())

    counts = [dark(posed({"45": closed})) for closed in (0.0, 0.4, 0.9)]
    assert counts[0] > 120 and counts[1] < 0.8 * counts[0] and counts[2] < 0.4 * counts[0]
    one = posed({"R45": 0.9})
    assert dark(one) < 0.4 * counts[0]


def test_eyes_turn_while_the_lids_stay(toy_model: FaceModel, face: FittedFace, posed: Callable[..., Bend]) -> None:
    looked = bend(toy_model, face, FacePose(gaze=(0.1, 0)), (0, 0))
    assert np.allclose(looked.mesh, face.portrait.mesh, atol=1e-3)
    outline = face.portrait.mesh[list(EYES[0])]
    wide = float(np.hypot(*(outline[8] - outline[0])))
    flow = true_flow(face, posed(), looked, WHOLE)
    x, y = outline.mean(0).astype(int)
    assert flow[y, x, 0] == pytest.approx(0.1 * wide, abs=0.05)
    assert np.abs(flow[y - 20, x]).max() < 1e-3
    assert pupil(face, looked)[0] - pupil(face, posed())[0] == pytest.approx(0.1 * wide, abs=0.4)


def test_the_eye_stays_while_the_lid_comes_down(face: FittedFace, posed: Callable[..., Bend]) -> None:
    rest, half = (pupil(face, posed({"45": closed})) for closed in (0.0, 0.25))
    assert half == pytest.approx(rest, abs=0.5)
    lid = posed({"45": 0.25}).mesh[list(EYES[0])] - face.portrait.mesh[list(EYES[0])]
    assert lid[:, 1].max() > 1.5


def pupil(face: FittedFace, pose: Bend) -> NDArray[np.float64]:
    """Middle of the lower half of the right eye's pale pupil, which no lid comes near, x and y."""
    x, y = face.portrait.mesh[list(EYES[0])].mean(0).astype(int)
    pale = draw(face, pose, WHOLE, grey=True)[y - 4 : y + 5, x - 8 : x + 9] > DARK
    rows, columns = np.nonzero(pale)
    near = (rows >= 4) & (rows < 8) & (np.abs(columns - 8) < 7)
    return np.array([columns[near].mean(), rows[near].mean()])


def test_an_open_mouth_is_dark_inside(face: FittedFace, posed: Callable[..., Bend]) -> None:
    x, y = face.portrait.mesh[[13, 14]].mean(0).astype(int)
    shut, wide = (draw(face, posed({"26": how}), WHOLE, grey=True)[y + 2, x - 3 : x + 4] for how in (0.0, 0.6))
    assert shut.mean() > 110 and wide.mean() < 70


@given(st.dictionaries(st.sampled_from(["L4", "R4", "L12", "R12", "L1", "R1"]), st.floats(0, 0.6), max_size=4))
def test_far_from_the_face_nothing_moves(face: FittedFace, posed: Callable[..., Bend], units: dict[str, float]) -> None:
    flow = true_flow(face, posed(), posed(units), WHOLE)
    assert np.isfinite(flow).all()
    assert np.abs(flow[:, :4]).max() < 0.05 and np.abs(flow[:, -4:]).max() < 0.05
