"""A video file: every frame in order, at the times that the file gives them."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.errors import SourceError
from assistive.settings import SourceSettings
from assistive.sources.capture import open_video
from assistive.types import Frame

MISSING_SHARE = 0.05
"""Containers without an index only estimate their number of frames: fewer by up to this share is not a loss."""

log = logging.getLogger(__name__)


class VideoSource:
    """Frames of a video file, turned upright as the file asks.

    Args:
        path: the file.
        settings: ``max_pixels`` bounds the picture's size, ``rate_hz`` stands in for times that the file lacks.

    Raises:
        SourceError: it is missing, not a video, or has no frame that can be read.
    """

    live = False
    dropped = 0

    def __init__(self, path: str, settings: SourceSettings) -> None:
        self.name = Path(path).name
        self.status: str | None = None
        if not Path(path).is_file():
            raise SourceError(f"there is no video {path}", "check the path", "source.missing")
        if Path(path).suffix.lower() != ".gif" and cv2.haveImageReader(path):
            raise SourceError(f"{self.name} is a picture, not a video", "name it .png or .jpg", "source.video")
        self._capture = open_video(path)
        if not self._capture.isOpened():
            raise _unreadable(self.name)
        rate_hz = self._capture.get(cv2.CAP_PROP_FPS)
        self._step_s = 1 / (rate_hz if math.isfinite(rate_hz) and rate_hz > 0 else settings.rate_hz)
        self._closed = False
        self._reading = threading.Lock()
        self._first = self._read()
        if self._first is None:
            self._capture.release()
            raise _unreadable(self.name)
        height, width = self._first[0].shape[:2]
        self.size = (width, height)
        if width * height > settings.max_pixels:
            self._capture.release()
            what = f"the pictures of {self.name} are too large: {width}x{height}"
            raise SourceError(what, "make it smaller, or raise source.max_pixels", "source.size")

    def frames(self) -> Iterator[Frame | None]:
        """Yield every frame; a file that ends too early says so in ``status``, with one None after its last frame."""
        count, last_s = 0, -math.inf
        following, self._first = self._first, None
        while following is not None and not self._closed:
            image, t_s = following
            if not math.isfinite(t_s) or t_s <= last_s:
                t_s = last_s + self._step_s if count else 0.0
            yield Frame(image, t_s, count, time.perf_counter())
            count, last_s = count + 1, t_s
            following = self._read()
        if self._closed:
            return
        expected = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._capture.release()
        if count < math.floor(expected * (1 - MISSING_SHARE)):
            self.status = f"{self.name} ended early: {count} of {expected:.0f} frames"
            log.warning("%s", self.status)
            yield None

    def close(self) -> None:
        """Let go of the file; the loop over its frames ends before the next one."""
        self._closed = True
        with self._reading:
            self._capture.release()

    def _read(self) -> tuple[NDArray[np.uint8], float] | None:
        """Return the next picture (RGB) and its time in seconds, or None at the end."""
        with self._reading:
            ok, image = self._capture.retrieve() if self._capture.grab() else (False, None)
            if not ok or image is None:
                return None
            return _rgb(image), self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000


def _rgb(image: NDArray[Any]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def _unreadable(name: str) -> SourceError:
    remedy = "see whether a player shows it: it may be cut off, of an unknown format, or without pictures"
    return SourceError(f"cannot read {name} as a video", remedy, "source.video")
