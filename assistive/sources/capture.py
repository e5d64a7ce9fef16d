"""OpenCV's video input: opens devices and video files, and knows which cameras there are."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
from numpy.typing import NDArray

from assistive.settings import SourceSettings

V4L = Path("/sys/class/video4linux")
DEVICES = Path("/dev")
TRIED_CAMERAS = 4
"""Numbers tried where the system does not list its cameras."""


class Capture(Protocol):
    """The part of ``cv2.VideoCapture`` that the sources use."""

    def isOpened(self) -> bool:  # noqa: N802
        """Tell whether there is something to read from."""

    def grab(self) -> bool:
        """Take the next picture without decoding it; false when there is none."""

    def retrieve(self) -> tuple[bool, NDArray[Any] | None]:
        """Decode the picture taken last (BGR)."""

    def get(self, prop: int) -> float:
        """Return a property."""

    def release(self) -> None:
        """Let go of the device or file."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera of this machine.

    Attributes:
        index: the number to open it by.
        name: as the system calls it.
    """

    index: int
    name: str


def find_cameras() -> tuple[Camera, ...]:
    """Return the cameras of this machine by number, without a word on stderr.

    On Linux the system's own list is read and nothing is opened; elsewhere the first few numbers are tried.
    """
    if sys.platform.startswith("linux"):
        return _listed_cameras()
    return tuple(Camera(index, f"camera {index}") for index in range(TRIED_CAMERAS) if _answers(index))


def _listed_cameras() -> tuple[Camera, ...]:
    cameras = []
    for entry in V4L.glob("video*") if V4L.is_dir() else ():
        number = re.fullmatch(r"video(\d+)", entry.name)
        # A camera's further nodes (index 1 and up) carry metadata, not pictures.
        if number and (DEVICES / entry.name).exists() and _line(entry / "index", "0") == "0":
            cameras.append(Camera(int(number[1]), _line(entry / "name", entry.name)))
    return tuple(sorted(cameras, key=lambda camera: camera.index))


def _line(path: Path, otherwise: str) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or otherwise
    except OSError:
        return otherwise


def _answers(index: int) -> bool:
    capture = cv2.VideoCapture(index)
    try:
        return capture.isOpened()
    finally:
        capture.release()


def open_camera(index: int, settings: SourceSettings) -> Capture | None:
    """Open a camera for the newest picture in the size asked for; None when it is not there or does not answer."""
    if sys.platform.startswith("linux") and not (DEVICES / f"video{index}").exists():
        return None
    capture = cv2.VideoCapture(index)
    if not capture.isOpened():
        capture.release()
        return None
    # Uncompressed pictures do not fit through USB 2 at 30 frames/s. MJPG comes first: it decides what sizes there are.
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height)
    capture.set(cv2.CAP_PROP_FPS, settings.rate_hz)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture


def open_video(path: str) -> Capture:
    """Open a video file; ask ``isOpened`` whether it can be read."""
    return cv2.VideoCapture(path)
