from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from assistive.errors import SourceError
from assistive.settings import SourceSettings
from assistive.sources import SOURCES, open_source
from assistive.sources import capture as capture_module
from assistive.sources.capture import Camera, find_cameras
from assistive.sources.images import ImageSource
from assistive.sources.performer import PerformerSource

SETTINGS = SourceSettings()


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A made-up machine: a webcam with a metadata node, and a camera that is listed but has no device file."""
    for node, index, name in ((0, 0, "Webcam"), (1, 1, "Webcam"), (4, 0, "Gone"), (12, 0, "Desk camera")):
        entry = tmp_path / "sys" / f"video{node}"
        entry.mkdir(parents=True)
        (entry / "index").write_text(f"{index}\n")
        (entry / "name").write_text(f"{name}\n")
    (tmp_path / "dev").mkdir()
    for node in (0, 1, 12):
        (tmp_path / "dev" / f"video{node}").touch()
    monkeypatch.setattr(capture_module, "V4L", tmp_path / "sys")
    monkeypatch.setattr(capture_module, "DEVICES", tmp_path / "dev")
    monkeypatch.setattr(capture_module.sys, "platform", "linux")
    return tmp_path


def test_cameras_are_listed_without_opening_them(devices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: pytest.fail("a camera was opened"))
    assert find_cameras() == (Camera(0, "Webcam"), Camera(12, "Desk camera"))


def test_no_camera_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_module, "V4L", tmp_path / "nothing")
    monkeypatch.setattr(capture_module, "DEVICES", tmp_path)
    monkeypatch.setattr(capture_module.sys, "platform", "linux")
    assert find_cameras() == ()
    with pytest.raises(SourceError) as caught:
        open_source("camera:0", SETTINGS)
    assert "no camera" in caught.value.remedy


def test_elsewhere_the_first_numbers_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    class Device:
        def __init__(self, index: int) -> None:
            self.index = index

        def isOpened(self) -> bool:  # noqa: N802
            return self.index == 1

        def release(self) -> None:
            pass

    monkeypatch.setattr(capture_module.sys, "platform", "darwin")
    monkeypatch.setattr(cv2, "VideoCapture", Device)
    assert find_cameras() == (Camera(1, "camera 1"),)


def test_a_missing_camera_names_what_there_is(devices: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SourceError) as caught:
        open_source("camera:3", SETTINGS)
    assert caught.value.what == "cannot open camera 3"
    assert caught.value.remedy == "one of: camera:0 (Webcam), camera:12 (Desk camera)"
    assert capfd.readouterr().err == ""


def test_a_camera_number_must_be_a_number(devices: Path) -> None:
    with pytest.raises(SourceError, match="no camera number"):
        open_source("camera:front", SETTINGS)


def test_the_camera_is_asked_for_mjpg_first_and_a_short_queue(devices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Device:
        def __init__(self, index: int) -> None:
            pass

        def isOpened(self) -> bool:  # noqa: N802
            return True

        def set(self, prop: int, value: float) -> bool:
            asked.append(prop)
            return True

    monkeypatch.setattr(cv2, "VideoCapture", Device)
    capture_module.open_camera(0, SETTINGS)
    assert asked[0] == cv2.CAP_PROP_FOURCC
    assert cv2.CAP_PROP_BUFFERSIZE in asked


def test_performer_with_and_without_a_script() -> None:
    assert isinstance(open_source("performer", SETTINGS), PerformerSource)
    source = open_source("performer:rock,ok", SETTINGS)
    assert isinstance(source, PerformerSource) and source.script == ("rock", "ok")


def test_a_picture_and_a_folder(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 6, 3), np.uint8))
    for spec in (tmp_path, tmp_path / "a.png"):
        source = open_source(str(spec), SETTINGS)
        assert isinstance(source, ImageSource) and source.size == (6, 4)


@pytest.mark.parametrize(
    ("spec", "remedy"), [("perfomer", "did you mean performer?"), ("no/clip.mp4", "check the path")]
)
def test_what_is_not_there(spec: str, remedy: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(spec, SETTINGS)
    assert caught.value.what == f"there is no file or folder {spec}"
    assert caught.value.remedy.startswith(remedy)


def test_every_registered_source_can_be_imported() -> None:
    for name in ("camera", "performer", "images", "video"):
        assert callable(SOURCES.get(name))
