from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from assistive.expression.recogniser import CLASSES, KIND

WEIGHTS = "expression.recogniser=expression"


@pytest.fixture
def evaluate(load_script: Callable[[str], ModuleType], install_network: Callable[..., Path]) -> ModuleType:
    install_network(
        "expression", kind=KIND, classes=list(CLASSES), input={"height": 28, "width": 28},
        thresholds={"abstain_below": 0.6},
    )  # fmt: skip
    return load_script("evaluate")


def run(module: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["scripts/evaluate.py", "expression", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        module.main()
    return int(caught.value.code or 0)


def clips(path: Path, **changed: Any) -> Path:
    """One clip of each class, in which the channel that the network of the tests looks for moves; the last stands."""
    x = np.full((4, 28, 28, 3), 100, np.uint8)
    for i in range(3):
        x[i, 5:17, 5:17, 2 - i] = 200
    known = {"x": x, "y": np.array([0, 1, 2, 2]), "subject": np.array(["1", "1", "2", "2"]),
             "dataset": np.array(["a", "a", "b", "b"])} | changed  # fmt: skip
    np.savez(path, **{key: value for key, value in known.items() if value is not None})
    return path


def test_the_recogniser_that_runs_is_measured(
    evaluate: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "result.json"
    assert run(evaluate, monkeypatch, "--clips", clips(tmp_path / "m.npz"), "--out", out, "--set", WEIGHTS) == 0
    result = json.loads(out.read_text())
    assert result["clips"] == 4 and result["by_dataset"]["a"] == {"uf1": 1.0, "uar": 1.0, "clips": 2}
    assert result["confusion"]["surprise"]["surprise"] == 1
    assert result["abstaining"] == {"threshold": 0.6, "coverage": 0.75, "uf1": 1.0, "uar": 1.0, "clips": 3}
    assert result["interval_over"] == "subjects" and len(result["uf1_ci95"]) == 2 and result["ms_per_clip"] > 0
    assert result["command"].startswith("python scripts/evaluate.py expression --clips")
    assert set(result) >= {"date", "commit", "machine", "weights", "data", "uar", "subjects"}
    assert result["machine"]["provider"] == "CPUExecutionProvider"
    assert len(result["weights"]["expression"]) == 64
    assert "not abstained" in capsys.readouterr().out


def test_clips_of_nobody_known(evaluate: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out, path = tmp_path / "result.json", clips(tmp_path / "mine.npz", subject=None, dataset=None)
    assert run(evaluate, monkeypatch, "--clips", path, "--out", out, "--set", WEIGHTS) == 0
    result = json.loads(out.read_text())
    assert (result["interval_over"], result["subjects"]) == ("clips", None)
    assert set(result["by_dataset"]) == {"mine"}


@pytest.mark.parametrize(
    ("changed", "weights", "what"),
    [
        ({"y": np.array([0, 1, 2, 7])}, WEIGHTS, "y holds values from 0 to 7"),
        ({"x": np.zeros((4, 28, 28), np.uint8)}, WEIGHTS, "x is uint8 (4, 28, 28)"),
        ({}, "expression.recogniser=expresion", "no weights named 'expresion'"),
    ],
)
def test_a_mistake_is_answered_in_two_lines(
    evaluate: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    changed: dict[str, Any], weights: str, what: str,
) -> None:  # fmt: skip
    path = clips(tmp_path / "m.npz", **changed)
    assert run(evaluate, monkeypatch, "--clips", path, "--out", tmp_path / "r.json", "--set", weights) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and what in lines[0] and lines[1].startswith("try: ")
    assert not (tmp_path / "r.json").exists()
