from __future__ import annotations

from pathlib import Path

import pytest

from assistive.errors import AssistiveError
from assistive.evaluation.whole_run import run_whole, time_import, time_start

STAND_IN = """
import json, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background starts its children deaf to it
events = open(sys.argv[sys.argv.index("--events") + 1], "w")
def tell(**event):
    events.write(json.dumps(event) + "\\n")
    events.flush()
tell(event="start")
if "--fails" in sys.argv:
    sys.exit(2)
time.sleep(0.1)
tell(event="status", t_s=0, reason="no hand")
try:
    time.sleep(30 if "--long" in sys.argv else 0)
except KeyboardInterrupt:
    tell(event="interrupted")
tell(event="summary", frames=3, peak_rss_mb=100.0)
"""


@pytest.fixture
def program(tmp_path: Path) -> str:
    path = tmp_path / "program.py"
    path.write_text(STAND_IN)
    return str(path)


def test_the_start_ends_with_the_first_frame(program: str, tmp_path: Path) -> None:
    assert 0.1 < time_start([program, "--long"], tmp_path / "events.jsonl") < 25
    assert '"interrupted"' in (tmp_path / "events.jsonl").read_text()


def test_a_whole_run_gives_its_summary(program: str, tmp_path: Path) -> None:
    assert run_whole([program], tmp_path / "events.jsonl") == {"frames": 3, "peak_rss_mb": 100.0}


def test_a_program_that_fails_is_an_error(program: str, tmp_path: Path) -> None:
    for measure in (time_start, run_whole):
        with pytest.raises(AssistiveError, match="exit status 2"):
            measure([program, "--fails"], tmp_path / "events.jsonl")


def test_an_import_takes_time() -> None:
    assert 0 < time_import("json.tool") < 30
