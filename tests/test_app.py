"""Whole runs: on the drawn performer, with a gesture stream that needs no weights."""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
import wave
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import assistive.app
from assistive.app import interruptible, run, say
from assistive.errors import AssistiveError, RuntimeFault, VoiceError
from assistive.settings import Settings
from assistive.sources.performer import DEFAULT_SCRIPT, PerformerSource
from assistive.types import Frame, Hand
from assistive.ui.recording import replay

FAKE_RUN = Path(__file__).parent / "fake_run.py"


@pytest.fixture(autouse=True)
def script_reader(monkeypatch: pytest.MonkeyPatch) -> Any:
    reader = runpy.run_path(str(FAKE_RUN))["ScriptReader"]
    monkeypatch.setattr(assistive.app, "GestureStream", reader)
    return reader


def environment() -> dict[str, str]:
    """What a process of its own needs to find the package of this tree, installed or not."""
    return os.environ | {"PYTHONPATH": str(FAKE_RUN.parents[1])}


def settings(player: str = "none", **sections: dict[str, Any]) -> Settings:
    base = {"voice": {"player": player}, "ui": {"headless": True}, "expression": {"enabled": False}}
    return Settings.model_validate(base | sections)


def read(events: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]


def said(events: list[dict[str, Any]]) -> list[str]:
    return [event["gesture"] for event in events if event["event"] == "utterance"]


def seconds(path: Path) -> float:
    with wave.open(str(path)) as file:
        return file.getnframes() / file.getframerate()


def test_the_whole_performance_is_spoken_written_down_and_can_be_replayed(tmp_path: Path) -> None:
    wav, events, recording = tmp_path / "out.wav", tmp_path / "out.jsonl", tmp_path / "recording.jsonl"
    assert run(settings(f"wav:{wav}"), "performer", events, recording) == 0
    lines = read(events)
    assert [lines[0]["event"], lines[-1]["event"]] == ["start", "summary"]
    assert said(lines) == list(DEFAULT_SCRIPT)
    assert lines[-1]["frames"] == round(PerformerSource("", Settings().source).seconds * 30)
    spoken_s = sum(event["audio_ms"] for event in lines if event["event"] == "utterance") / 1000
    assert seconds(wav) >= spoken_s > 3, "the WAV file holds every utterance, however fast the frames were read"
    pairs = list(replay(recording))
    assert len(pairs) == lines[-1]["frames"]
    assert all(recorded == decided for recorded, decided in pairs)


def test_a_clip_is_spoken_without_a_window_and_without_a_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("namedWindow", "imshow", "waitKey", "destroyWindow"):
        monkeypatch.setattr(cv2, name, lambda *args, name=name: pytest.fail(f"{name} was called"))
    clip, events = tmp_path / "clip.mp4", tmp_path / "out.jsonl"
    performer = PerformerSource("like", Settings().source)
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"mp4v"), 30, performer.size)
    for frame in performer.frames():
        assert frame is not None
        writer.write(np.ascontiguousarray(frame.image[..., ::-1]))
    writer.release()
    assert run(settings(), str(clip), events) == 0
    assert said(read(events)) == ["like"]


def test_without_a_display_it_runs_headless_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert run(settings(ui={"headless": False}), "performer:like") == 0
    assert "no display: running headless" in caplog.text


class FakeWindow:
    """A window whose keys a test presses, each when so many pictures have been shown."""

    def __init__(self, keys: dict[int, str]) -> None:
        self.keys = keys
        self.shown: list[Any] = []
        self.closed = False

    def show(self, image: Any) -> str | None:
        self.shown.append(image)
        return self.keys.get(len(self.shown))

    def close(self) -> None:
        self.closed = True


def test_a_window_shows_a_file_at_its_own_pace_and_obeys_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = FakeWindow({3: "mirror", 5: "pause", 25: "pause", 26: "repeat", 27: "stop_speaking", 45: "quit"})
    monkeypatch.setattr("assistive.ui.window.check_display", lambda: None)
    monkeypatch.setattr("assistive.ui.window.Window", lambda title: window)
    events, recording = tmp_path / "out.jsonl", tmp_path / "recording.jsonl"
    assert run(settings(ui={"headless": False}), "performer", events, recording) == 0
    assert len(window.shown) == 45 and window.closed
    assert {image.shape for image in window.shown} == {(480, 640, 3)}
    assert 5 < read(events)[-1]["frames"] < 500, "19 s of performance were not raced through"
    phases = [decision.phase for decision, _ in replay(recording)]
    assert "paused" in phases and phases[-1] != "paused"


def test_a_fault_while_running_ends_the_run_cleanly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script_reader: Any
) -> None:
    def read_until_nan(self: Any, frame: Frame) -> tuple[Hand, ...]:
        if frame.index == 30:
            raise RuntimeFault("the detector gave back numbers that are not finite", "try --device cpu", "runtime.nan")
        return ()

    monkeypatch.setattr(script_reader, "read", read_until_nan)
    events = tmp_path / "out.jsonl"
    with pytest.raises(RuntimeFault):
        run(settings(), "performer", events)
    assert (read(events)[-1]["event"], read(events)[-1]["frames"]) == ("summary", 30)


def test_no_thread_is_left_behind(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    run(settings(), "performer:like", tmp_path / "out.jsonl")
    assert set(threading.enumerate()) <= before


def test_events_and_recordings_that_cannot_be_written_are_refused_at_the_start(tmp_path: Path) -> None:
    nowhere = tmp_path / "none" / "out"
    with pytest.raises(AssistiveError, match="cannot write events"):
        run(settings(), "performer", nowhere)
    with pytest.raises(AssistiveError, match="cannot write the recording"):
        run(settings(), "performer", None, nowhere)
    with pytest.raises(VoiceError):
        run(settings(f"wav:{nowhere}"), "performer")


def test_a_text_is_said(tmp_path: Path) -> None:
    wav = tmp_path / "said.wav"
    assert say("I would like some tea, please.", settings(f"wav:{wav}")) == 0
    assert seconds(wav) > 0.8
    with pytest.raises(VoiceError, match=r"^error: there is nothing to say"):
        say(" ", settings())


def test_the_first_interrupt_is_polite_and_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    stop = threading.Event()
    with interruptible(stop) as interrupted:
        assert not interrupted.is_set()
        signal.raise_signal(signal.SIGTERM)
        assert interrupted.is_set() and stop.is_set()
        assert signal.getsignal(signal.SIGINT) is before, "a second Ctrl-C ends the process at once"
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_process_leaves_whole_files(tmp_path: Path, number: signal.Signals) -> None:
    wav, events, recording = tmp_path / "out.wav", tmp_path / "out.jsonl", tmp_path / "recording.jsonl"
    script = "performer:" + ",".join(DEFAULT_SCRIPT * 50)
    command = [sys.executable, str(FAKE_RUN), "record", str(recording), "--source", script, "--headless",
               "--player", f"wav:{wav}", "--events", str(events)]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stderr is not None
        assert any(line.startswith("said: ") for line in process.stderr), "it speaks"
        process.send_signal(number)
        start_s = time.perf_counter()
        process.stderr.read()
        assert process.wait(10) == 130
        assert time.perf_counter() - start_s < 5
    lines = read(events)
    assert lines[-1]["event"] == "summary" and said(lines)
    spoken_s = sum(event["audio_ms"] for event in lines if event["event"] == "utterance") / 1000
    assert seconds(wav) >= spoken_s
    assert all(recorded == decided for recorded, decided in replay(recording))


def test_an_interrupt_while_the_parts_are_made_is_clean_too(tmp_path: Path) -> None:
    events = tmp_path / "out.jsonl"
    command = [sys.executable, str(FAKE_RUN), "--source", "performer", "--headless", "--player", "none", "--events",
               str(events)]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("voice ")
        process.send_signal(signal.SIGINT)
        assert "Traceback" not in process.stderr.read()
        assert process.wait(10) == 130
    assert not events.exists() or read(events)[-1]["event"] == "summary"


@pytest.mark.parametrize("asked", [False, True])
def test_faces_change_nothing_that_is_said_and_are_written_down_only_when_asked_for(
    tmp_path: Path, asked: bool
) -> None:
    script = "performer:like+positive/macro,palm,@negative/macro"
    files = {name: (tmp_path / f"{name}.jsonl", tmp_path / f"{name}.replay") for name in ("with", "without")}
    assert run(settings(), script, *files["without"]) == 0
    assert run(settings(expression={"enabled": True, "log": asked}), script, *files["with"]) == 0
    seen, blind = (read(files[name][0]) for name in ("with", "without"))
    assert said(seen) == said(blind)
    assert files["with"][1].read_text() == files["without"][1].read_text(), "the recordings are the same, bit for bit"
    assert all(recorded == decided for recorded, decided in replay(files["with"][1]))
    assert ([event for event in seen if event["event"] == "expression"] != []) == asked
    tones = [event["tone"] for event in seen if event["event"] == "utterance"]
    assert (set(tones) != {None}) == asked
    assert not [event for event in blind if event["event"] == "expression"]
