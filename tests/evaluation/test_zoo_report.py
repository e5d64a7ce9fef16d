from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from rich.console import Console

from assistive.evaluation.zoo_report import failed, render, terminal

DOCS = Path(__file__).parents[2] / "docs"


def _scored(uf1: float, sd: float | None = 0.01) -> dict[str, Any]:
    return {"uf1": uf1, "uar": uf1, "uf1_sd": sd, "uf1_ci95": [uf1 - 0.05, uf1 + 0.05], "uf1_by_seed": {"0": uf1}}


def _missed(frames: float) -> dict[str, Any]:
    constant = {"at": 0.5, "mae_frames": 10.0, "mae_ms": 50.0}
    return {"mae_frames": frames, "mae_ms": 5 * frames, "mae_frames_ci95": [frames - 0.5, frames + 0.5],
            "constant": constant, "below_constant": 1 - frames / 10,
            "movement": {"mae_frames": 3.0, "mae_ms": 15.0}}  # fmt: skip


def _system(number: str, task: str, conditions: dict[str, Any]) -> dict[str, Any]:
    return {"number": number, "task": task, "parameters": 59_403, "macs": 29_000_000, "ms": 2.5, "paper": "Who, where",
            "public": "code", "chosen": "", "reported": "UF1 .7242, LOSO", "options": {},
            "inputs": {"flow": {}, "apex": {}}, "conditions": conditions}  # fmt: skip


@pytest.fixture
def result() -> dict[str, Any]:
    return {
        "command": "python zoo", "date": "2026-01-01", "quick": False, "seeds": 3, "judged": ["standard", "faint"],
        "people": {"train": 60, "train_clips": 480, "test": 30, "test_clips": 300},
        "running": [_system("S14", "running", {}) | {"name": "fusion"}],
        "systems": {
            "poor": _system("", "classes", {"standard": _scored(0.4), "shuffled": _scored(0.38)}),
            "good": _system("S16", "classes", {"standard": _scored(0.9), "faint": _scored(0.7),
                                               "shuffled": _scored(0.3)}),
            "spotter": _system("S6", "apex", {"standard": _missed(2.0), "shuffled": _missed(9.0)}),
        },
    }  # fmt: skip


def test_the_best_comes_first_with_its_control_beside_it(result: dict[str, Any]) -> None:
    text = render(result)
    row = "| S16 | flow + pictures | 59,403 | 29.0 | 2.5 | .900 | .010 | .850 to .950 | .900 | .300 (.250 to .350) |"
    assert f"| [good](../assistive/zoo/good.py) {row}" in text
    assert text.index("[good]") < text.index("[poor]")
    assert "2 systems tell expressions apart; 1 of them lie above" in text and "not so: poor." in text
    assert "| good | flow + pictures | .900 (.850 to .950) | .700 (.650 to .750) |" in text
    assert "Best faint: good (.700)." in text
    assert "60 people with 480 clips" in text and "### fusion (S14)" in text


def test_the_apex_has_a_table_of_its_own(result: dict[str, Any]) -> None:
    text = render(result)
    assert "| as trained | 2.00 | 1.50 to 2.50 | 10.0 | 10.00 (50.0) | 80 % | 3.00 (15.0) |" in text
    assert "| labels shuffled | 9.00 | 8.50 to 9.50 | 45.0 | 10.00 (50.0) | 10 % | 3.00 (15.0) |" in text


def test_what_has_not_learned_is_named(result: dict[str, Any]) -> None:
    assert failed(result) == ["poor"]
    heard = StringIO()
    Console(file=heard, width=200).print(*terminal(result))
    assert "NO" in heard.getvalue() and "yes" in heard.getvalue() and "moment of the apex" in heard.getvalue()


def test_the_table_in_docs_is_what_its_figures_say() -> None:
    result = json.loads((DOCS / "results" / "zoo.json").read_text())
    assert (DOCS / "zoo.md").read_text() == render(result)
