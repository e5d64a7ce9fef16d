from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assistive.errors import AssistiveError
from assistive.types import Expression, Utterance
from assistive.ui.events import EventLog


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_run_from_start_to_summary(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    log = EventLog(path)
    log.start({"version": "0.1.0"})
    log.utterance(Utterance(2.5, "Yes.", "like", confidence=0.93), 412.0)
    log.status(3.0, "camera lost, trying again")
    log.summary({"frames": 90, "fps": 30.0})
    log.status(9.0, "too late")
    log.close()
    assert read(path) == [
        {"event": "start", "version": "0.1.0"},
        {
            "event": "utterance", "t_s": 2.5, "text": "Yes.", "gesture": "like", "tone": None, "confidence": 0.93,
            "weights": {"gesture": 1.0, "expression": 0.0}, "audio_ms": 412.0,
        },
        {"event": "status", "t_s": 3.0, "reason": "camera lost, trying again"},
        {"event": "summary", "frames": 90, "fps": 30.0},
    ]  # fmt: skip


def reasons(path: Path, told: list[tuple[float, str | None]]) -> list[tuple[float, str]]:
    log = EventLog(path)
    for t_s, reason in told:
        log.abstained(t_s, reason)
    log.close()
    return [(event["t_s"], event["reason"]) for event in read(path)]


def test_a_reason_is_written_when_it_changes(tmp_path: Path) -> None:
    told = [(i / 10, "no hand" if i < 20 else None if i == 27 else "release first") for i in range(60)]
    assert reasons(tmp_path / "out.jsonl", told) == [(0.0, "no hand"), (2.0, "release first")]


def test_a_percentage_that_wobbles_is_no_change(tmp_path: Path) -> None:
    told: list[tuple[float, str | None]] = [(i / 10, f"not sure: like {i}%") for i in range(60)]
    assert reasons(tmp_path / "out.jsonl", told) == [(0.0, "not sure: like 0%")]


def test_a_reason_that_flickers_makes_no_flood(tmp_path: Path) -> None:
    told: list[tuple[float, str | None]] = [(i / 30, ["no hand", "hold on: like"][i % 2]) for i in range(300)]
    assert len(reasons(tmp_path / "out.jsonl", told)) <= 10


def test_a_change_that_came_too_soon_is_written_later(tmp_path: Path) -> None:
    told: list[tuple[float, str | None]] = [(i / 10, "no hand" if i < 5 else "paused") for i in range(30)]
    assert reasons(tmp_path / "out.jsonl", told) == [(0.0, "no hand"), (1.0, "paused")]


def test_time_that_runs_backwards_does_not_silence_it(tmp_path: Path) -> None:
    assert reasons(tmp_path / "out.jsonl", [(9.0, "no hand"), (0.0, "paused")]) == [(9.0, "no hand"), (0.0, "paused")]


def test_without_a_file_nothing_is_written() -> None:
    log = EventLog(None)
    log.start({})
    log.abstained(0.0, "no hand")
    log.summary({})


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AssistiveError, match="cannot write events"):
        EventLog(tmp_path / "missing" / "out.jsonl")


EXPRESSION = Expression(1.0, 1.15, 1.4, "surprise", "micro", 0.81, 0.3)


def test_expressions_and_tones_are_written_only_when_asked_for(tmp_path: Path) -> None:
    for asked in (False, True):
        path = tmp_path / f"{asked}.jsonl"
        log = EventLog(path, asked)
        log.expression(EXPRESSION)
        log.utterance(Utterance(2.5, "Yes.", "like", tone="positive"), 412.0)
        log.close()
        events = read(path)
        assert [event["event"] for event in events] == (["expression"] if asked else []) + ["utterance"]
        assert events[-1]["tone"] == ("positive" if asked else None)
        if asked:
            assert events[0] == {
                "event": "expression", "onset_s": 1.0, "apex_s": 1.15, "offset_s": 1.4, "label": "surprise",
                "kind": "micro", "confidence": 0.81,
            }  # fmt: skip
        else:
            assert "surprise" not in path.read_text() and "positive" not in path.read_text()
