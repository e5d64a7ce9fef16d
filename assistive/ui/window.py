"""The window: shows pictures, and turns keys into actions."""

from __future__ import annotations

import os
import re
import socket
import sys
from contextlib import suppress
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.errors import AssistiveError, DependencyError

Action = Literal["quit", "pause", "stop_speaking", "repeat", "mirror", "tone"]

ESCAPE = 27
KEYS: dict[int, Action] = {
    ord("q"): "quit", ESCAPE: "quit", ord("p"): "pause", ord(" "): "pause", ord("s"): "stop_speaking",
    ord("r"): "repeat", ord("m"): "mirror", ord("t"): "tone",
}  # fmt: skip


def action_of(key: int) -> Action | None:
    """Return what a key asks for, as ``cv2.waitKey`` gives it (capital letters too), or None."""
    key &= 0xFF
    return KEYS.get(key) or KEYS.get(ord(chr(key).lower()))


def check_display() -> None:
    """Make sure that there is a screen: without one OpenCV would end the whole process.

    Raises:
        AssistiveError: no display is set, or nobody answers at the one that is.
    """
    if not sys.platform.startswith("linux") or os.environ.get("WAYLAND_DISPLAY"):
        return
    display = os.environ.get("DISPLAY", "")
    if not display:
        raise AssistiveError("there is no display for a window", "add --headless, or set DISPLAY", "window.display")
    local = re.fullmatch(r"(?:unix)?:(\d+)(?:\.\d+)?", display)
    if local and not _answers(f"/tmp/.X11-unix/X{local[1]}"):
        what = f"the display {display} does not answer"
        raise AssistiveError(what, "add --headless, or set DISPLAY", "window.display")


def _answers(path: str) -> bool:
    """Tell whether a server listens at a Unix socket, by its file or its abstract name."""
    for address in (path, "\0" + path):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, suppress(OSError):
            connection.connect(address)
            return True
    return False


class Window:
    """A window that shows the newest picture; made and used in the main thread only.

    Args:
        title: of the window.
        width: first width, pixels.
        height: first height, pixels.

    Raises:
        AssistiveError: there is no display, or it does not answer.
        DependencyError: this OpenCV was built without windows.
    """

    def __init__(self, title: str, width: int = 960, height: int = 720) -> None:
        check_display()
        os.environ.setdefault("QT_LOGGING_RULES", "*=false")
        self._title = title
        self._open = False
        try:
            cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            cv2.resizeWindow(title, width, height)
        except cv2.error as error:
            remedy = "pip install --force-reinstall opencv-contrib-python, or add --headless"
            raise DependencyError("this OpenCV cannot open windows", remedy, "dependency.window") from error
        self._open = True

    def show(self, image: NDArray[np.uint8], wait_s: float = 0.001) -> Action | None:
        """Show a picture and return what a key asked for meanwhile.

        Args:
            image: uint8 ``(h, w, 3)``, RGB.
            wait_s: how long to wait for a key, seconds.

        Returns:
            The action, ``quit`` too when the window was closed, or None.
        """
        cv2.imshow(self._title, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        key = cv2.waitKey(max(round(wait_s * 1000), 1))
        if cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1:
            return "quit"
        return action_of(key) if key >= 0 else None

    def close(self) -> None:
        """Close the window; may be called again."""
        if self._open:
            self._open = False
            cv2.destroyWindow(self._title)
