"""A camera: a thread takes every picture and keeps the newest; a lost camera is opened again and again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.errors import SourceError
from assistive.handover import Newest
from assistive.settings import SourceSettings
from assistive.sources.capture import Capture, find_cameras, open_camera
from assistive.types import Frame

POLL_S = 0.1
JOIN_S = 1.0

log = logging.getLogger(__name__)

Opener = Callable[[int, SourceSettings], "Capture | None"]


class CameraSource:
    """The newest picture of a camera, again and again, until it is closed.

    Args:
        number: which camera, as text; empty = 0.
        settings: size and rate to ask for, and when the camera counts as lost.
        opener: opens a camera by number; None when it cannot.

    Raises:
        SourceError: there is no such camera, or it gives no picture.
    """

    live = True

    def __init__(self, number: str, settings: SourceSettings, opener: Opener = open_camera) -> None:
        if number and not number.isdecimal():
            raise SourceError(f"{number!r} is no camera number", _what_there_is(), "source.camera")
        self.index = int(number or 0)
        self.name = f"camera {self.index}"
        self.status: str | None = None
        self._settings = settings
        self._opener = opener
        self._newest: Newest[Frame] = Newest()
        self._stop = threading.Event()
        self._trouble = f"{self.name} lost, trying again"
        capture, image = self._first()
        self.size = (image.shape[1], image.shape[0])
        self._start_s = time.perf_counter()
        self._thread = threading.Thread(target=self._run, args=(capture,), name="source", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Frames that a newer one replaced before anybody took them."""
        return self._newest.dropped

    def frames(self) -> Iterator[Frame | None]:
        """Yield the newest frame each time; None about ten times a second while there is none."""
        seen_s = time.perf_counter()
        while not self._stop.is_set():
            frame = self._newest.get(POLL_S)
            now_s = time.perf_counter()
            if frame is not None and now_s - frame.arrived_s <= self._settings.max_age_s:
                seen_s, self.status = now_s, None
                yield frame
                continue
            if now_s - seen_s > self._settings.max_age_s:
                self.status = self._trouble
            yield None

    def close(self) -> None:
        """Stop the thread and let go of the camera; waits a second at most."""
        self._stop.set()
        if self._thread is not threading.current_thread():
            self._thread.join(JOIN_S)

    def _first(self) -> tuple[Capture, NDArray[Any]]:
        capture = self._opener(self.index, self._settings)
        if capture is None:
            raise SourceError(f"cannot open {self.name}", _what_there_is(), "source.camera")
        ok, image = capture.retrieve() if capture.grab() else (False, None)
        if not ok or image is None:
            capture.release()
            remedy = "close other programs that use it, or plug it in again"
            raise SourceError(f"{self.name} gives no picture", remedy, "source.camera")
        return capture, image

    def _run(self, capture: Capture | None) -> None:
        """Read until the camera fails, open it again with growing waits; the thread's whole life."""
        stream = _Stream(self._settings.frozen_s)
        wait_s = self._settings.reconnect_s
        while not self._stop.is_set():
            if capture is not None:
                if self._read(capture, stream):
                    wait_s = self._settings.reconnect_s
                capture.release()
                if self._stop.is_set():
                    return
                log.warning("%s", self._trouble)
            if self._stop.wait(wait_s):
                return
            wait_s = min(wait_s * 2, self._settings.reconnect_max_s)
            capture = self._opener(self.index, self._settings)

    def _read(self, capture: Capture, stream: _Stream) -> bool:
        """Hand over pictures until the camera fails; return whether there was a new one."""
        worked = False
        opened_s = time.perf_counter()
        while not self._stop.is_set():
            grabbed = capture.grab()
            now_s = time.perf_counter()
            ok, image = capture.retrieve() if grabbed else (False, None)
            if not ok or image is None:
                self._trouble = f"{self.name} lost, trying again"
                return worked
            if stream.is_new(image, now_s):
                worked = True
                self._newest.put(Frame(_rgb(image), now_s - self._start_s, stream.index, now_s))
            elif now_s - opened_s > self._settings.frozen_s:
                self._trouble = f"{self.name} hangs, trying again"
                return worked
        return worked


class _Stream:
    """Numbers the pictures, and knows when they have been the same for too long."""

    def __init__(self, frozen_s: float) -> None:
        self.index = -1
        self._frozen_s = frozen_s
        self._last: NDArray[Any] | None = None
        self._changed_s = 0.0

    def is_new(self, image: NDArray[Any], now_s: float) -> bool:
        """Take note of a picture; false when it and all others of the last while are one and the same."""
        self.index += 1
        if self._last is None or not np.array_equal(self._last, image):
            self._last, self._changed_s = image.copy(), now_s
        return now_s - self._changed_s <= self._frozen_s


def _rgb(image: NDArray[Any]) -> NDArray[np.uint8]:
    code = cv2.COLOR_GRAY2RGB if image.ndim == 2 or image.shape[2] == 1 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(image, code), np.uint8)


def _what_there_is() -> str:
    cameras = ", ".join(f"camera:{camera.index} ({camera.name})" for camera in find_cameras())
    return f"one of: {cameras}" if cameras else "this machine has no camera; plug one in, or use the performer"
