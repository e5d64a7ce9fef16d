from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import cv2
import pytest

from assistive.settings import Settings
from assistive.types import NO_EXPRESSION, Frame, Hand, Intent, Reading


class EmptyFace:
    """An expression stream that sees nobody."""

    def __init__(self, *settings: object) -> None:
        self.stage_ms = {"face": 3.0, "expression": 0.0}

    def read(self, frame: Frame, hands: tuple[Hand, ...]) -> Reading:
        return Reading(frame.t_s, None, {}, NO_EXPRESSION, {NO_EXPRESSION: 1.0}, 0.0, reason="no face")

    def close(self) -> None:
        pass


class NoFusion:
    def __init__(self, *settings: object) -> None:
        pass

    def join(self, state: object, intent: Intent, image: object, reading: object) -> tuple[object, Intent]:
        return state, intent


class EmptyReader:
    threshold = 0.6
    provider = "none"

    def __init__(self, *settings: object) -> None:
        self.stage_ms = {"detect": 1.0, "verify": 2.0}

    def read(self, frame: Frame) -> tuple[Hand, ...]:
        return ()


@pytest.fixture
def benchmark(load_script: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = load_script("benchmark")
    monkeypatch.setattr(module, "GestureStream", EmptyReader)
    monkeypatch.setattr(module, "ExpressionStream", EmptyFace)
    monkeypatch.setattr(module, "FusionHead", NoFusion)
    monkeypatch.setattr(module, "weights_in_use", lambda settings: {})
    monkeypatch.setattr(module, "_face_weights", lambda settings: {})
    return module


def test_the_performer_is_filmed(benchmark: ModuleType, tmp_path: Path) -> None:
    path = benchmark.film_performer(tmp_path / "performer.mp4", 4, Settings())
    capture = cv2.VideoCapture(str(path))
    frames = 0
    while capture.read()[0]:
        frames += 1
    assert frames == 4
    assert (capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)) == (640, 480)
    capture.release()


def test_one_file_holds_all_figures(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def run_whole(arguments: list[str], events: Path) -> dict[str, Any]:
        asked.append(arguments)
        return {"frames": 10, "peak_rss_mb": 321.0}

    monkeypatch.setattr(benchmark, "run_whole", run_whole)
    monkeypatch.setattr(benchmark, "time_start", lambda arguments, events: 1.25)
    monkeypatch.setattr(benchmark, "time_import", lambda module: 0.5)
    monkeypatch.setattr(benchmark, "open_voice", lambda *given: SimpleNamespace(name="fake", device=None))
    monkeypatch.setattr(benchmark, "open_player", lambda *given: None)
    monkeypatch.setattr(benchmark, "time_speech", lambda *given: {"phrase": None, "free_text": None})
    out = tmp_path / "result.json"
    arguments = ["--out", str(out), "--frames", "10", "--rounds", "1", "--set", "decision.hold_s=0.5"]
    monkeypatch.setattr("sys.argv", ["scripts/benchmark.py", *arguments])
    with pytest.raises(SystemExit) as caught:
        benchmark.main()
    assert not caught.value.code
    result = json.loads(out.read_text())
    assert result["start_up_s"] == {"first_frame": 1.25, "imports": 0.5}
    assert (result["frames"], result["dropped"], result["peak_memory_mb"]) == (10, 0, 321.0)
    assert set(result["stages_ms"]) >= {"decode", "detect", "verify", "face", "decide"}
    assert "face" not in result["hands_alone"]["stages_ms"] and set(result["expression_adds_ms"]) == {"p50", "p95"}
    assert set(result["stages_ms"]["decode"]) == {"p50", "p95", "p99"}
    assert set(result) >= {
        "command", "date", "commit", "machine", "rate_hz", "frame_to_decision_ms", "decision_to_first_sample_ms",
        "whole_program", "weights",
    }  # fmt: skip
    assert "peers" not in result
    assert asked[0][-4:-2] == ["--set", "decision.hold_s=0.5"]
