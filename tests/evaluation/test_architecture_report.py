from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assistive.evaluation.architecture import _rank
from assistive.evaluation.architecture_report import draw, render

DOCS = Path(__file__).parents[2] / "docs"


def _row(ms: float, map50: float | None, lost: float = 0.0) -> dict[str, Any]:
    reached = None if map50 is None else {
        "fp32": {"map50": map50, "map50_95": map50 / 2, "hand_ap50": 0.9, "map50_interval_95": [0.1, 0.2]},
        "int8": {"map50": map50 - lost, "map50_95": map50 / 2, "hand_ap50": 0.9},
    }  # fmt: skip
    return {
        "family": "ours", "parameters": 1_234_567, "gflops_640": 4.0, "megabytes": {"fp32": 5.0, "int8": 1.5},
        "ms": {"onnxruntime fp32": {"wall": ms, "cpu": ms}, "onnxruntime int8": {"wall": ms / 2, "cpu": ms / 2}},
        "share_of_yolov5s": {"parameters": 0.6 if ms > 10 else 0.3, "gflops_640": 0.3, "cpu": 0.5}, "accuracy": reached,
    }  # fmt: skip


def _result() -> dict[str, Any]:
    rows = {
        "large": _row(20, 0.8, 0.03), "small": _row(5, 0.6, 0.01), "slow": _row(8, 0.5), "same": _row(20, 0.8),
        "untrained": _row(4, None),
    }  # fmt: skip
    _rank(rows)
    return {
        "command": "python study", "date": "2026-01-01", "machine": {"cpu": "a CPU", "load": 0.1},
        "packages": {"onnxruntime": "1.0"}, "size": 320, "rounds": 7, "classes": 19,
        "schedule": {"size": 320, "seed": 0, "hyper": {"epochs": 3}}, "networks": rows,
        "validation": {"pictures": 9, "boxes": {"like": 4}},
        "engines": {"onnxruntime": None, "openvino": "openvino is not installed"},
    }  # fmt: skip


def test_the_front_is_what_nothing_beats_in_both() -> None:
    rows = _result()["networks"]
    assert {name for name, row in rows.items() if row["pareto"]} == {"large", "same", "small"}
    assert rows["small"]["map50_per_ms"] == 12 and rows["untrained"]["map50_per_ms"] is None


def test_the_reading_says_what_the_figures_say() -> None:
    text = render(_result(), "study.svg")
    assert "in points of mAP50: small (12.0), slow (6.2), large (4.0) and same (4.0)." in text
    assert "Most accurate is large (mAP50 80.0 %)." in text and "int8 costs at most 3.0 points of mAP50 (large)" in text
    assert "At most half of yolov5s's parameters and FLOPs: small, slow and untrained." in text
    absent = "not installed | not installed"
    assert f"| untrained | 1,234,567 | 30.0 | 4.00 | 30.0 | 4.0 | 2.0 | {absent} | 50 | 5.0 | 1.5 |" in text
    assert "| small | 5.0 | 60.0 (10-20) | 30.0 | 90.0 | 2.5 | 59.0 | 30.0 | 90.0 | 12.00 | yes |" in text
    assert "![mAP50 against milliseconds](study.svg)" in text


def test_without_training_there_are_costs_only() -> None:
    result = {**_result(), "schedule": {}}
    result["networks"] = {"untrained": result["networks"]["untrained"]}
    text = render(result, "study.svg")
    assert "Nothing is trained yet" in text and "study.svg" not in text and "| untrained |" in text


def test_the_picture_is_the_same_each_time(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name in ("a.svg", "b.svg"):
        draw(_result(), tmp_path / name)
    first = (tmp_path / "a.svg").read_text()
    assert first == (tmp_path / "b.svg").read_text()
    assert "large" in first and "untrained" not in first


def test_the_study_in_docs_is_what_its_figures_say() -> None:
    result = json.loads((DOCS / "results" / "architecture.json").read_text())
    assert (DOCS / "architecture_study.md").read_text() == render(result, "architecture_study.svg")
