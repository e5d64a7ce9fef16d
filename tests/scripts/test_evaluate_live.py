"""The command that measures brief expressions, with streams that need no weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

from assistive.settings import SourceSettings
from assistive.sources.performer import PerformerSource
from assistive.types import Expression, Frame, Reading

SCRIPT = "performer:@surprise,@positive"
TRUTH = PerformerSource(SCRIPT.partition(":")[2], SourceSettings()).expressions()


class NoHands:
    threshold, provider = 0.6, "none"

    def read(self, frame: Frame) -> tuple[()]:
        return ()


class Reporter:
    """Reports the first expression of the performance, one frame late, and one that nobody showed."""

    def __init__(self, settings: Any) -> None:
        self.closed = False

    def read(self, frame: Frame, hands: tuple[Any, ...]) -> Reading:
        event, one = None, TRUTH[0]
        if frame.index == int(one.end_s * 30) + 2:
            event = Expression(one.start_s, one.apex_s + 0.03, one.end_s, "surprise", "micro", 0.9, 0.3)
        if frame.index == 110:
            event = Expression(3.0, 3.1, 3.6, "negative", "macro", 0.9, 0.3)
        return Reading(frame.t_s, None, {}, "none", {}, 0.0, event)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def evaluate(load_script: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = load_script("evaluate")
    monkeypatch.setattr(module, "open_reader", lambda settings: NoHands())
    monkeypatch.setattr(module, "open_face_reader", Reporter)
    monkeypatch.setattr(module, "weights_in_use", lambda settings: {})
    return module


def run(module: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["scripts/evaluate.py", "live", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        module.main()
    return int(caught.value.code or 0)


def test_the_performer_knows_the_truth(evaluate: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out = tmp_path / "live.json"
    assert run(evaluate, monkeypatch, "--video", SCRIPT, "--out", out) == 0
    result = json.loads(out.read_text())
    assert (result["events"], result["found"], result["recall"], result["label_accuracy"]) == (2, 1, 0.5, 1.0)
    assert result["false_events"] == 1 and result["false_micro_per_minute"] == 0
    assert result["spotting"]["micro_s"] == 0.5 and result["command"].startswith("python scripts/evaluate.py live")


def test_a_file_of_events_counts_more(evaluate: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out, events = tmp_path / "live.json", tmp_path / "events.csv"
    events.write_text("start_s,apex_s,end_s,label\n")
    assert run(evaluate, monkeypatch, "--video", SCRIPT, "--events", events, "--out", out) == 0
    result = json.loads(out.read_text())
    assert (result["events"], result["recall"], result["false_events"]) == (0, None, 2)


def test_mistakes_are_answered_in_two_lines(
    evaluate: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "live.json"
    assert run(evaluate, monkeypatch, "--video", SCRIPT, "--out", out, "--set", "expression.enabled=false") == 2
    picture = tmp_path / "picture.png"
    cv2.imwrite(str(picture), np.zeros((32, 32, 3), np.uint8))
    assert run(evaluate, monkeypatch, "--video", picture, "--out", out) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4 and "no face code" in lines[0] and "nobody has said" in lines[2]
    assert not out.exists()
