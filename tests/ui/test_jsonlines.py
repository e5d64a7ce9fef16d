from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from assistive.errors import AssistiveError
from assistive.ui.jsonlines import JsonLines

needs_full_disk = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")


def read(path: Path) -> list[object]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_line_is_in_the_file_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    lines = JsonLines(path, "events")
    lines.write({"text": "Grüße", "x": 0.1 + 0.2})
    assert read(path) == [{"text": "Grüße", "x": 0.1 + 0.2}]
    lines.close()
    lines.close()
    lines.write({"late": True})
    assert len(read(path)) == 1


def test_a_closed_standard_output_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(AssistiveError, match="cannot write events to -: Bad file descriptor"):
        JsonLines("-", "events")


def test_the_standard_output_is_left_open(capfd: pytest.CaptureFixture[str]) -> None:
    lines = JsonLines("-", "events")
    lines.write({"a": 1})
    lines.close()
    sys.stdout.flush()
    assert capfd.readouterr().out == '{"a": 1}\n'
    assert not sys.stdout.closed


@pytest.mark.parametrize("name", ["missing/out.jsonl", ""])
def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(AssistiveError) as caught:
        JsonLines(tmp_path / name, "events")
    assert caught.value.what.startswith("cannot write events to ")
    assert "folder" in caught.value.remedy


@needs_full_disk
def test_a_disk_that_is_full_at_the_start_is_an_error() -> None:
    lines = JsonLines("/dev/full", "events")
    with pytest.raises(AssistiveError, match="No space left"):
        lines.write({"a": 1})


def test_a_disk_that_fills_up_later_is_told_once_and_leaves_whole_lines(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Full:
        def __init__(self, path: Path) -> None:
            self.file = path.open("r+b", buffering=0)

        def write(self, data: bytes) -> int:
            self.file.seek(0, os.SEEK_END)
            return self.file.write(data[:7])

        def __getattr__(self, name: str) -> object:
            return getattr(self.file, name)

    path = tmp_path / "out.jsonl"
    lines = JsonLines(path, "events")
    lines.write({"number": 1})
    assert lines._stream is not None
    lines._stream.close()
    lines._stream = Full(path)  # type: ignore[assignment]
    with caplog.at_level(logging.WARNING):
        for number in range(2, 5):
            lines.write({"number": number})
    lines.close()
    assert read(path) == [{"number": 1}]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "No space left" in caplog.text


def test_lines_from_many_threads_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    lines = JsonLines(path, "events")
    threads = [
        threading.Thread(target=lambda n=n: [lines.write({"n": n, "x": "x" * 300}) for _ in range(50)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines.close()
    assert len(read(path)) == 200


def test_a_killed_process_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    code = (
        "import os, sys; from assistive.ui.jsonlines import JsonLines\n"
        "lines = JsonLines(sys.argv[1], 'events')\n"
        "for n in range(100): lines.write({'n': n})\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False, env={**os.environ, "PYTHONPATH": os.getcwd()})
    assert len(read(path)) == 100
