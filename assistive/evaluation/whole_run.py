"""Time the program as a user starts it, in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assistive.errors import AssistiveError

GIVE_UP_S = 120.0
LOOK_EVERY_S = 0.005


def time_start(arguments: Sequence[str], events: Path) -> float:
    """Start the program, wait until it has processed its first frame, and end it.

    Args:
        arguments: ``run.py`` and its options, without ``--events``.
        events: where it shall write its events; the first one after ``start`` comes with the first frame.

    Returns:
        Seconds from the start of the process to the first frame's decision.

    Raises:
        AssistiveError: it ended, or took two minutes, before there was any.
    """
    start_s = time.perf_counter()
    with _start([*arguments, "--events", str(events)]) as process:
        try:
            while not _first_frame_seen(events):
                if process.poll() is not None or time.perf_counter() - start_s > GIVE_UP_S:
                    raise _failed(process, arguments)
                time.sleep(LOOK_EVERY_S)
            seconds = time.perf_counter() - start_s
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=GIVE_UP_S)
    return seconds


def run_whole(arguments: Sequence[str], events: Path) -> dict[str, Any]:
    """Run the program to its end.

    Args:
        arguments: ``run.py`` and its options, without ``--events``.
        events: where it shall write its events.

    Returns:
        Its ``summary`` event: frames, rate, drops, latencies, peak memory.

    Raises:
        AssistiveError: it failed.
    """
    with _start([*arguments, "--events", str(events)]) as process:
        process.communicate()
    found = [event for event in _read(events) if event["event"] == "summary"]
    if process.returncode or not found:
        raise _failed(process, arguments)
    return {key: value for key, value in found[-1].items() if key != "event"}


def time_import(module: str) -> float:
    """Return the seconds that a fresh process takes to import a module, the interpreter's own start left out."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    root = Path(__file__).parent.parent.parent  # where python -c looks for modules
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    return float(done.stdout)


def _start(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _first_frame_seen(events: Path) -> bool:
    return any(event["event"] != "start" for event in _read(events))


def _read(events: Path) -> list[dict[str, Any]]:
    if not events.exists():
        return []
    lines = events.read_text(encoding="utf-8").split("\n")[:-1]  # the last is empty, or not yet whole
    return [json.loads(line) for line in lines]


def _failed(process: subprocess.Popen[bytes], arguments: Sequence[str]) -> AssistiveError:
    what = f"the program did not run (exit status {process.returncode}): python {' '.join(arguments)}"
    return AssistiveError(what, "run it by hand to see why, or: python run.py doctor", "benchmark")
