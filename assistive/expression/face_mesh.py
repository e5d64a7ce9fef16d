"""Find faces, and the mesh of one face, with MediaPipe; the only place where it is imported.

FaceMesh alone misses faces narrower than about a twelfth of the picture, so faces are searched by the full-range
detector, and the mesh looks at a window around the one face that counts. The window goes with the face: within it the
face stays in the middle and equally large, so that the mesh keeps tracking where the face was a frame ago.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assistive.errors import DependencyError
from assistive.types import Box

Image = NDArray[np.uint8]
Landmarks = NDArray[np.float32]

VERSION = "0.10.14"
POINTS = 468

WINDOW = 2.0
"""Side of the window in which the mesh looks, in sides of the face's box."""
SMALLEST_WINDOW_PX = 24
FULL_RANGE = 1
"""The detector that finds faces up to 5 m away."""
SURE_FACE = 0.5
SURE_MESH = 0.5

NOISE = (b"XNNPACK delegate", b"absl::InitializeLog", b"inference_feedback_manager", b"gl_context", b"Feedback manager")
"""Lines that MediaPipe's C++ side writes to the standard error whatever its log level is."""

_stderr_lock = threading.Lock()


class FaceFinder(Protocol):
    """What the expression stream asks of a library that finds faces."""

    def search(self, image: Image) -> tuple[Box, ...]:
        """Return where the faces of a picture are, the largest first."""

    def follow(self, image: Image, box: Box) -> Landmarks | None:
        """Return the mesh of the face that was last seen in ``box``, or None when it is not there any more."""

    def close(self) -> None:
        """Give everything back."""


class MediaPipeFinder:
    """Full-range face detection and FaceMesh, which keeps tracking from frame to frame; for one thread at a time.

    Raises:
        DependencyError: MediaPipe is not installed.
    """

    def __init__(self) -> None:
        solutions = _import_solutions()
        with _quiet_stderr():
            self._detection = solutions.face_detection.FaceDetection(
                model_selection=FULL_RANGE, min_detection_confidence=SURE_FACE
            )
            self._mesh = solutions.face_mesh.FaceMesh(
                static_image_mode=False, max_num_faces=1, refine_landmarks=False, min_detection_confidence=SURE_FACE,
                min_tracking_confidence=SURE_MESH,
            )  # fmt: skip
            nothing = np.zeros((192, 192, 3), np.uint8)
            self._detection.process(nothing)
            self._mesh.process(nothing)

    def search(self, image: Image) -> tuple[Box, ...]:
        """Return where the faces of a picture are, the largest first.

        Args:
            image: uint8 ``(H, W, 3)``, RGB.
        """
        found = self._detection.process(np.ascontiguousarray(image)).detections or ()
        boxes = [one.location_data.relative_bounding_box for one in found]
        return tuple(sorted((Box(b.xmin, b.ymin, b.width, b.height) for b in boxes), key=lambda box: -box.area))

    def follow(self, image: Image, box: Box) -> Landmarks | None:
        """Return the mesh of the face that was last seen in ``box``.

        Args:
            image: uint8 ``(H, W, 3)``, RGB.
            box: where the face was in the last frame, or where :meth:`search` has found it.

        Returns:
            float32 ``(468, 3)`` as in ``Face.landmarks``, or None when no face is there any more.
        """
        height, width = image.shape[:2]
        cut, left, top = window(image, box)
        found = self._mesh.process(cut).multi_face_landmarks
        if not found:
            return None
        points = np.array([(p.x, p.y, p.z) for p in found[0].landmark])[:POINTS] * cut.shape[0] + (left, top, 0)
        return np.asarray(points / (width, height, width), np.float32)

    def close(self) -> None:
        """Give everything back."""
        self._detection.close()
        self._mesh.close()


def window(image: Image, box: Box) -> tuple[Image, int, int]:
    """Cut the square around a face in which its mesh is looked for; what lies outside the picture is black.

    Args:
        image: uint8 ``(H, W, 3)``.
        box: of the face.

    Returns:
        uint8 ``(side, side, 3)``, and the column and row of the picture at its upper left corner.
    """
    height, width = image.shape[:2]
    side = max(round(WINDOW * max(box.w * width, box.h * height)), SMALLEST_WINDOW_PX)
    side = min(side, 2 * max(height, width))
    left, top = round(box.centre[0] * width - side / 2), round(box.centre[1] * height - side / 2)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    cut = np.zeros((side, side, 3), np.uint8)
    if x0 < x1 and y0 < y1:
        cut[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
    return cut, left, top


def box_of(landmarks: Landmarks) -> Box:
    """Return the smallest box around a mesh."""
    low, high = landmarks[:, :2].min(0), landmarks[:, :2].max(0)
    return Box(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))


def check_installed() -> None:
    """Look whether MediaPipe is installed, without importing it.

    Raises:
        DependencyError: it is not.
    """
    if find_spec("mediapipe") is None:
        remedy = f"pip install mediapipe=={VERSION}, or run without the face: --no-expression"
        raise DependencyError("mediapipe is not installed", remedy, "dependency.mediapipe")


def _import_solutions() -> Any:
    check_installed()
    warnings.filterwarnings("ignore", module="google.protobuf")
    try:
        with _quiet_stderr():
            from mediapipe import solutions
    except (ImportError, OSError) as error:
        remedy = f"pip install --force-reinstall mediapipe=={VERSION}, or run without the face: --no-expression"
        raise DependencyError(f"mediapipe does not load: {error}", remedy, "dependency.mediapipe") from error
    return solutions


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Keep MediaPipe's lines out of the standard error; lines of others come out a moment late, but they do come out.

    C++ writes to the file descriptor itself, past Python, so the descriptor leads into a temporary file meanwhile.
    """
    with _stderr_lock, tempfile.TemporaryFile() as held:
        sys.stderr.flush()
        real = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(real, 2)
            held.seek(0)
            for line in held:
                if not any(noise in line for noise in NOISE):
                    with suppress(OSError):
                        os.write(real, line)
            os.close(real)
