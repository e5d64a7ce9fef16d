from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from assistive import doctor
from assistive.doctor import Check, examine
from assistive.errors import DependencyError, VoiceError, WeightsError
from assistive.expression import face_mesh
from assistive.settings import ExpressionSettings, Settings
from assistive.sources import Camera, open_source
from assistive.types import Box, Frame
from assistive.weights import Listed

READER = runpy.run_path(str(Path(__file__).parent / "fake_run.py"))["ScriptReader"]


class FakeCamera:
    """A camera in a room of one brightness."""

    name, size, live, dropped, status = "camera 0", (64, 48), True, 0, None

    def __init__(self, brightness: int) -> None:
        self.image = np.full((48, 64, 3), brightness, np.uint8)

    def frames(self) -> Iterator[Frame | None]:
        for index in range(100):
            yield Frame(self.image, index / 30, index, 0.0) if index % 2 else None

    def close(self) -> None:
        pass


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A machine whose parts a test chooses; at first all is well."""
    parts = SimpleNamespace(cameras=(Camera(0, "webcam"),), brightness=120, weights=[], packages={"onnxruntime": "1"},
                            finder=FakeFinder(True))  # fmt: skip
    player = SimpleNamespace(name="sound card", close=lambda: None)
    monkeypatch.setattr(doctor, "find_cameras", lambda: parts.cameras)
    monkeypatch.setattr(doctor, "list_weights", lambda: parts.weights)
    monkeypatch.setattr(doctor, "installed_packages", lambda: parts.packages)
    monkeypatch.setattr(doctor, "GestureStream", READER)
    monkeypatch.setattr(doctor, "open_player", lambda settings: player)
    monkeypatch.setattr(doctor, "clearer_voice", lambda voice: None)

    def open_any(spec: str, settings: Any) -> Any:
        return FakeCamera(parts.brightness) if spec.startswith("camera") else open_source(spec, settings)

    monkeypatch.setattr(doctor, "open_source", open_any)
    monkeypatch.setattr(face_mesh, "MediaPipeFinder", lambda: parts.finder)
    return parts


class FakeFinder:
    """Finds a face in every picture, or in none."""

    def __init__(self, there: bool) -> None:
        self.there = there

    def search(self, image: Any) -> tuple[Box, ...]:
        return (Box(0.4, 0.3, 0.2, 0.3),) if self.there else ()

    def follow(self, image: Any, box: Box) -> Any:
        return np.zeros((468, 3), np.float32)

    def close(self) -> None:
        pass


def checks() -> dict[str, Check]:
    return {check.name: check for check in examine(Settings())}


def test_a_sound_machine_passes_every_check(machine: SimpleNamespace) -> None:
    found = checks()
    assert [check.number for check in found.values()] == list(range(1, 10))
    assert {check.verdict for check in found.values()} == {"ok"}
    assert all(check.found and check.remedy is None for check in found.values())
    assert "brightness 120" in found["light"].found
    assert "frames/s" in found["speed"].found
    assert "mediapipe" in found["face"].found
    assert "0.7 s" in found["frame to sound"].found


def test_what_only_helps_is_a_warning_with_one_thing_to_do(
    machine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_card(settings: Any) -> Any:
        raise VoiceError("no sound card", "connect one, or --player wav:speech.wav")

    monkeypatch.setattr(doctor, "open_player", no_card)
    machine.cameras = ()
    found = checks()
    assert {name for name, check in found.items() if check.verdict == "warn"} == {"camera", "sound card"}
    assert "performer" in (found["camera"].remedy or "")
    assert found["sound card"].remedy == "connect one, or --player wav:speech.wav"
    assert found["light"].found == "not judged: no camera"


def test_a_dark_room_and_two_runtimes_are_noticed(machine: SimpleNamespace) -> None:
    machine.brightness = 20
    machine.packages = {"onnxruntime": "1", "onnxruntime-gpu": "1"}
    found = checks()
    assert "lamp" in (found["light"].remedy or "")
    assert "pip uninstall -y onnxruntime onnxruntime-gpu" in (found["execution provider"].remedy or "")


def test_what_the_main_job_needs_fails(machine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = WeightsError("models/x.onnx is damaged", "git checkout models")

    def no_networks(*args: Any) -> Any:
        raise broken

    machine.weights = [Listed("x", None, broken)]
    monkeypatch.setattr(doctor, "GestureStream", no_networks)
    found = checks()
    failed = {name for name, check in found.items() if check.verdict == "fail"}
    assert failed == {"models", "execution provider"}
    assert found["models"].remedy == "git checkout models"
    assert {found[name].verdict for name in ("speed", "frame to sound")} == {"warn"}


def test_a_face_that_is_not_there_or_cannot_be_looked_for_is_a_warning(
    machine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.finder = FakeFinder(False)
    assert checks()["face"].verdict == "warn" and "camera" in (checks()["face"].remedy or "")

    def missing() -> Any:
        raise DependencyError("mediapipe is not installed", "pip install mediapipe==0.10.14")

    monkeypatch.setattr(face_mesh, "MediaPipeFinder", missing)
    assert checks()["face"].remedy == "pip install mediapipe==0.10.14"
    off = {check.name: check for check in examine(Settings(expression=ExpressionSettings(enabled=False)))}
    assert off["face"].verdict == "ok" and "not read" in off["face"].found


def test_the_performer_has_a_face_that_is_found(machine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(doctor, "find_cameras", lambda: ())
    found = doctor._face(doctor._Machine(Settings()))
    assert found[0].startswith("mediapipe 0.10.14: a face in the performer") and found[1] is None
