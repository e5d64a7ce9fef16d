"""The command line as a user meets it: exit status, two-line errors, JSON."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import assistive.app
from assistive import cli, doctor
from assistive.config import load_settings
from assistive.doctor import Check
from assistive.gesture import GestureStream
from assistive.types import GESTURES

HERE = Path(__file__).parent
Invoke = Callable[..., tuple[int, str, str]]


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Invoke:
    """Return a function that runs a command line and returns its exit status, output and errors."""
    reader = runpy.run_path(str(HERE / "fake_run.py"))["ScriptReader"]
    monkeypatch.setattr(assistive.app, "GestureStream", reader)

    def call(*arguments: object) -> tuple[int, str, str]:
        return cli.execute([str(argument) for argument in arguments]), *capsys.readouterr()

    return call


def assert_two_lines(errors: str) -> None:
    first, second = errors.strip().splitlines()
    assert first.startswith("error: ") and second.startswith("try: ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--camera", 63], "camera 63"),
        (["--camera", 0, "--source", "performer"], "exclude each other"),
        (["--source", "nowhere.mp4"], "nowhere.mp4"),
        (["--source", "text.mp4"], "text.mp4"),
        (["--source", "empty.mp4"], "empty.mp4"),
        (["--source", "."], ""),
        (["--source", "performer", "--player", "wav:none/out.wav"], "cannot write none/out.wav"),
        (["--source", "performer", "--player", "wav:."], "cannot write ."),
        (["--source", "performer", "--player", "radio"], "radio"),
        (["--source", "performer", "--player", "none", "--events", "none/out.jsonl"], "cannot write events"),
        (["--source", "performer", "--voice", "nobody"], "no voice is named 'nobody'"),
        (["--source", "performer", "--vocabulary", "wrong.yaml"], "wrong.yaml:1"),
        (["--source", "performer", "--config", "wrong.yaml"], "wrong.yaml:1: malformed YAML"),
        (["--source", "performer", "--profile", "tremmor"], "no profile is named 'tremmor'"),
        (["--hold-s", 9], "decision.hold_s = 9.0"),
        (["--device", "abacus"], "runtime.device = 'abacus'"),
        (["--set", "decision.hold=1"], "unknown key 'hold' in decision"),
        (["replay", "text.mp4"], "text.mp4"),
        (["say", " ", "--player", "none"], "nothing to say"),
    ],
)
def test_what_the_user_can_mend_is_two_lines_and_status_2(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[object], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.mp4").write_text("this is a text\n", encoding="utf-8")
    Path("empty.mp4").touch()
    Path("wrong.yaml").write_text("ui: [", encoding="utf-8")
    status, _, errors = invoke("--headless", *arguments) if str(arguments[0])[0] == "-" else invoke(*arguments)
    assert status == 2
    assert_two_lines(errors)
    assert words in errors


@pytest.mark.parametrize(("network", "words"), [("mean", "damaged"), ("nan", "not finite"), ("none", "no weights")])
def test_networks_that_cannot_be_trusted_are_two_lines(
    invoke: Invoke, install_network: Any, monkeypatch: pytest.MonkeyPatch, network: str, words: str
) -> None:
    monkeypatch.setattr(assistive.app, "GestureStream", GestureStream)
    mean = install_network("mean")
    install_network("nan")
    mean.write_bytes(mean.read_bytes()[:-1] + b"?")
    names = [f"--set=gesture.detector={network}", "--set=gesture.verifier=nan"]
    status, _, errors = invoke("--source", "performer", "--headless", "--player", "none", *names)
    assert status == 2
    assert_two_lines(errors)
    assert words in errors


def test_without_a_verb_and_without_a_camera_the_performer_plays(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("assistive.sources.find_cameras", lambda: ())
    with caplog.at_level("INFO"):
        status, _, _ = invoke("--headless", "--player", "none")
    assert status == 0
    assert "no camera found: the drawn performer plays" in caplog.text
    assert "said: Yes." in caplog.text


def test_options_become_settings_and_config_shows_their_origin(invoke: Invoke) -> None:
    status, out, _ = invoke("config", "--set", "decision.hold_s=0.3", "--profile", "tremor", "--json")
    rows = json.loads(out)
    assert status == 0
    assert rows["decision.hold_s"] == {"value": 0.3, "origin": "command line decision.hold_s=0.3"}
    assert rows["decision.release_s"]["origin"].startswith("configs/profiles/tremor.yaml:")
    assert rows.keys() >= load_settings().origin.keys()
    _, out, _ = invoke("config")
    assert "decision.hold_s = 0.7  (configs/default.yaml:" in out


@pytest.mark.parametrize("what", ["cameras", "voices", "gestures", "models", "profiles"])
def test_everything_can_be_listed(invoke: Invoke, what: str) -> None:
    status, out, _ = invoke("list", what, "--json")
    assert status == 0
    assert isinstance(json.loads(out), list)
    status, out, _ = invoke("list", what)
    assert status == 0 and out


def test_the_list_of_gestures_holds_all_with_their_phrases(invoke: Invoke) -> None:
    _, out, _ = invoke("list", "gestures", "--json")
    rows = json.loads(out)
    assert tuple(row["gesture"] for row in rows) == GESTURES
    assert all(row["phrase"] for row in rows)


def test_a_recording_is_replayed_and_a_changed_one_is_noticed(invoke: Invoke, tmp_path: Path) -> None:
    recording = tmp_path / "recording.jsonl"
    assert invoke("record", recording, "--source", "performer:like", "--headless", "--player", "none")[0] == 0
    status, out, _ = invoke("replay", recording)
    assert status == 0
    assert "like" in out and "0 decided differently" in out
    text = recording.read_text(encoding="utf-8")
    recording.write_text(text.replace('"progress": 1.0', '"progress": 0.9999999999999999'), encoding="utf-8")
    status, out, _ = invoke("replay", recording, "--json")
    assert status == 1
    assert json.loads(out)["differing"]


@pytest.mark.parametrize(("verdict", "expected"), [("ok", 0), ("warn", 0), ("fail", 1)])
def test_the_doctor_fails_only_for_what_is_needed(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, verdict: Any, expected: int
) -> None:
    check = Check(1, "models", verdict, "what was found", None if verdict == "ok" else "what to do")
    monkeypatch.setattr(doctor, "examine", lambda settings: iter([check]))
    status, out, _ = invoke("doctor", "--json")
    assert (status, json.loads(out)[0]["verdict"]) == (expected, verdict)
    status, out, _ = invoke("doctor")
    assert status == expected and "1. " in out and ("what to do" in out) == (verdict != "ok")


def test_a_fault_of_our_own_is_written_to_a_file(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*args: Any) -> Any:
        raise ZeroDivisionError("a fault that the test made")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(assistive.app, "GestureStream", broken)
    status, _, errors = invoke("--source", "performer", "--headless")
    assert status == 70
    assert_two_lines(errors)
    (report,) = tmp_path.glob("assistive-fault-*.txt")
    assert str(report) in errors
    assert "a fault that the test made" in report.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "verb"),
    [(["--bogus"], "run"), (["--camera", "x"], "run"), (["list"], "list"), (["list", "x"], "list"), (["bogus"], "")],
)
def test_a_wrong_command_line_is_two_lines_too(invoke: Invoke, arguments: list[object], verb: str) -> None:
    status, _, errors = invoke(*arguments)
    assert status == 2
    assert_two_lines(errors)
    assert errors.endswith(f"try: python run.py {verb} --help\n".replace("  ", " "))


def test_help(invoke: Invoke) -> None:
    status, out, _ = invoke("--help")
    assert status == 0
    assert all(verb in out for verb in ("run", "record", "replay", "say", "doctor", "list", "config"))
    assert "--source" in invoke("run", "--help")[1]


def test_sigterm_is_ctrl_c_from_the_first_moment_on() -> None:
    code = ("import runpy, signal, sys, types; stub = sys.modules['assistive.cli'] = types.ModuleType('stub'); "
            "stub.main = lambda: signal.raise_signal(signal.SIGTERM); runpy.run_path('run.py')")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], cwd=HERE.parent, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")


def test_the_command_line_starts_without_the_heavy_parts() -> None:
    code = ("import sys, assistive.cli; heavy = {'cv2', 'onnxruntime', 'torch', 'sounddevice', 'mediapipe'}; "
            "sys.exit(sorted(heavy & sys.modules.keys()) or 0)")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], cwd=HERE.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_runtime_never_imports_torch() -> None:
    code = "import sys, assistive.app, assistive.doctor, assistive.listing; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=HERE.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
