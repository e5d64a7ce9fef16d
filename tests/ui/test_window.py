from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest

from assistive.errors import AssistiveError, DependencyError
from assistive.ui import window as window_module
from assistive.ui.window import Window, action_of


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """A window system that remembers what it was asked to do."""
    state: dict[str, object] = {"key": -1, "visible": 1.0, "shown": None, "destroyed": 0}
    monkeypatch.setattr(window_module, "check_display", lambda: None)
    monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "resizeWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "imshow", lambda _, image: state.update(shown=image))
    monkeypatch.setattr(cv2, "waitKey", lambda _: state["key"])
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: state["visible"])
    monkeypatch.setattr(cv2, "destroyWindow", lambda _: state.update(destroyed=int(str(state["destroyed"])) + 1))
    return state


@pytest.mark.parametrize(
    ("key", "action"),
    [("q", "quit"), ("Q", "quit"), ("\x1b", "quit"), ("p", "pause"), (" ", "pause"), ("s", "stop_speaking"),
     ("r", "repeat"), ("m", "mirror"), ("t", "tone"), ("x", None)],
)  # fmt: skip
def test_keys(key: str, action: str | None) -> None:
    assert action_of(ord(key)) == action
    assert action_of(ord(key) | 0x100000) == action, "some systems add flags for the keyboard's state"


def test_a_picture_is_shown_with_its_colours(screen: dict[str, object]) -> None:
    window = Window("test")
    assert window.show(np.full((2, 2, 3), (1, 2, 3), np.uint8)) is None
    shown = screen["shown"]
    assert isinstance(shown, np.ndarray) and tuple(shown[0, 0]) == (3, 2, 1)


def test_keys_and_a_closed_window_are_told(screen: dict[str, object]) -> None:
    window = Window("test")
    picture = np.zeros((2, 2, 3), np.uint8)
    screen["key"] = ord("r")
    assert window.show(picture) == "repeat"
    screen["visible"] = 0.0
    assert window.show(picture) == "quit"
    window.close()
    window.close()
    assert screen["destroyed"] == 1


def test_without_a_display_no_window_function_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_module.sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(cv2, "namedWindow", lambda *_: pytest.fail("this would end the process"))
    with pytest.raises(AssistiveError) as caught:
        Window("test")
    assert "--headless" in caught.value.remedy


def test_a_display_that_does_not_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_module.sys, "platform", "linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":98765.0")
    with pytest.raises(AssistiveError, match=r"the display :98765\.0 does not answer"):
        window_module.check_display()
    monkeypatch.setattr(window_module, "_answers", lambda _: True)
    window_module.check_display()
    monkeypatch.setenv("DISPLAY", "other.machine:0")
    window_module.check_display()


def test_an_opencv_without_windows_is_a_missing_dependency(
    screen: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise cv2.error("not implemented")

    monkeypatch.setattr(cv2, "namedWindow", fail)
    with pytest.raises(DependencyError):
        Window("test")


def test_the_overlay_does_not_need_the_window() -> None:
    code = "import sys, assistive.ui.overlay; sys.exit('assistive.ui.window' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
