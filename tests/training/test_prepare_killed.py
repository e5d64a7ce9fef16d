from __future__ import annotations

import hashlib
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from assistive.training.datasets.hagrid.prepare import Recipe, prepare

MADE = runpy.run_path(str(Path(__file__).parent / "made_hagrid.py"))
SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "prepare_hagrid.py"
PATIENCE_S = 60
pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the workers are found by /proc")


def content(out: Path) -> dict[str, str]:
    found = sorted(path for path in out.rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def wait_for(happened: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end, f"waited {PATIENCE_S} s for {what}"
        time.sleep(0.002)


def start(root: Path, out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(SCRIPT), str(root), "--out", str(out), "--workers", "2", "--max-side", "120"]
    with (out.parent / "errors.txt").open("wb") as errors:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True)


def pictures(out: Path) -> int:
    return len(list((out / "images").rglob("*.jpg")))


def family(pid: int) -> list[int]:
    """Processes of the session that a process leads, it included."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = place.read_text().rpartition(")")[2].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(session) == pid and state != "Z":
            found.append(int(place.parent.name))
    return found


def test_killed_at_any_moment_it_ends_with_the_same_result(tmp_path: Path) -> None:
    root, out, whole = tmp_path / "in", tmp_path / "out", tmp_path / "whole"
    MADE["make_v1"](root, each=500, width=240, height=180)
    prepare(root, whole, Recipe(max_side_px=120))
    total = pictures(whole)

    def killed_after(count: int, kill: Callable[[int], None]) -> None:
        running = start(root, out)
        wait_for(lambda: pictures(out) > count or running.poll() is not None, f"more than {count} pictures")
        kill(running.pid)
        assert running.wait() == -signal.SIGKILL and not (out / "data.yaml").exists()
        wait_for(lambda: not family(running.pid), "the workers to end")
        assert count < pictures(out) < total

    killed_after(0, lambda pid: os.killpg(pid, signal.SIGKILL))
    killed_after(pictures(out) + total // 5, lambda pid: os.killpg(pid, signal.SIGKILL))
    killed_after(pictures(out) + total // 5, lambda pid: os.kill(pid, signal.SIGKILL))  # its workers notice
    last = start(root, out)
    assert last.wait(PATIENCE_S) == 0, (tmp_path / "errors.txt").read_text()
    assert content(out) == content(whole)
