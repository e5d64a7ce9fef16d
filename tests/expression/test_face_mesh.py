from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from assistive.errors import DependencyError
from assistive.expression import face_mesh
from assistive.expression.face_mesh import Landmarks, MediaPipeFinder, box_of, window
from assistive.sources.drawn_face import EYES
from assistive.types import Box

ROOT = Path(__file__).parents[2]


def test_the_mesh_lies_on_the_face(landmarks: Landmarks) -> None:
    assert landmarks.shape == (468, 3) and landmarks.dtype == np.float32
    for corners, eye in zip(((33, 133), (362, 263)), EYES, strict=True):
        middle = landmarks[list(corners), :2].mean(0) * (640, 480)
        assert np.hypot(*(middle - eye)) < 6


def test_a_face_is_followed_through_a_moving_picture(finder: MediaPipeFinder, picture: NDArray[np.uint8]) -> None:
    (box,) = finder.search(picture)
    for shift in range(0, 120, 12):
        moved = np.roll(picture, shift, 1)
        found = finder.follow(moved, box)
        assert found is not None
        box = box_of(found)
        nose = found[4, :2] * (640, 480)
        assert np.hypot(*(nose - (352 + shift, 205))) < 12


@pytest.mark.parametrize("share", [0.35, 0.5])
def test_small_faces_are_found_too(finder: MediaPipeFinder, picture: NDArray[np.uint8], share: float) -> None:
    far = np.full_like(picture, 128)
    small = cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    far[200 : 200 + small.shape[0], 100 : 100 + small.shape[1]] = small
    (box,) = finder.search(far)
    found = finder.follow(far, box)
    assert found is not None
    eye = found[[33, 133], :2].mean(0) * (640, 480)
    assert np.hypot(*(eye - (100 + 327 * share, 200 + 172 * share))) < 5


def test_where_nobody_is_there_is_nothing(finder: MediaPipeFinder, picture: NDArray[np.uint8]) -> None:
    (box,) = finder.search(picture)
    assert finder.follow(picture, box) is not None
    empty = np.full_like(picture, 90)
    assert finder.follow(empty, box) is None, "the first empty frame already"
    assert finder.search(empty) == ()
    assert finder.follow(empty, Box(0.9, 0.9, 0.3, 0.3)) is None
    assert finder.follow(picture, box) is not None


def test_of_two_faces_the_larger_comes_first(finder: MediaPipeFinder, picture: NDArray[np.uint8]) -> None:
    both = np.full((480, 960, 3), 200, np.uint8)
    both[:, 320:] = picture
    both[:240, :320] = cv2.resize(picture, (320, 240), interpolation=cv2.INTER_AREA)
    faces = finder.search(both)
    assert len(faces) == 2 and faces[0].area > 2 * faces[1].area
    assert faces[0].centre[0] > 0.5 > faces[1].centre[0]


@given(st.floats(-0.5, 1.2), st.floats(-0.5, 1.2), st.floats(0, 1.5), st.floats(0, 1.5))
def test_the_window_is_a_square_whose_pixels_are_the_pictures(x: float, y: float, w: float, h: float) -> None:
    rows, columns = np.mgrid[:60, :80]
    image = np.dstack([rows + 1, columns + 1, np.ones_like(rows)]).astype(np.uint8)
    cut, left, top = window(image, Box(x, y, w, h))
    assert cut.shape[0] == cut.shape[1] >= face_mesh.SMALLEST_WINDOW_PX
    seen_rows, seen_columns = np.nonzero(cut[..., 2])
    assert (cut[seen_rows, seen_columns, 0] == seen_rows + top + 1).all()
    assert (cut[seen_rows, seen_columns, 1] == seen_columns + left + 1).all()


def test_a_missing_mediapipe_is_told_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_mesh, "find_spec", lambda name: None)
    with pytest.raises(DependencyError, match="mediapipe is not installed") as caught:
        MediaPipeFinder()
    assert "pip install mediapipe==" in caught.value.remedy and "--no-expression" in caught.value.remedy


def test_mediapipe_is_quiet_and_nobody_else_is_silenced() -> None:
    script = (
        "import os, numpy as np\n"
        "from assistive.expression import face_mesh\n"
        "finder = face_mesh.MediaPipeFinder()\n"
        "finder.search(np.zeros((480, 640, 3), np.uint8))\n"
        "with face_mesh._quiet_stderr():\n"
        "    os.write(2, b'somebody else\\nINFO: Created TensorFlow Lite XNNPACK delegate for CPU.\\n')\n"
        "finder.close()\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert done.stderr == "somebody else\n"
