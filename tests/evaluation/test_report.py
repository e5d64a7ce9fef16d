from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistive.errors import AssistiveError
from assistive.evaluation.report import check_writable, machine, provenance, write_json


def test_a_result_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "docs" / "results.json"
    check_writable(path)
    write_json(path, {"top1": 0.9})
    assert json.loads(path.read_text()) == {"top1": 0.9}
    assert list(path.parent.iterdir()) == [path]


def test_a_result_that_is_no_json_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("old")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"top1": float("nan")})
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_said_beforehand(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "results.json"):
        with pytest.raises(AssistiveError, match="cannot write"):
            check_writable(path)
    with pytest.raises(AssistiveError, match="cannot write"):
        write_json(tmp_path, {})
    assert {path.name for path in tmp_path.iterdir()} == {"file"}


def test_a_result_says_what_made_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["scripts/evaluate.py", "gesture", "--out", "a b.json"])
    assert provenance()["command"] == "python scripts/evaluate.py gesture --out 'a b.json'"
    assert machine()["cores"] >= 1 and machine()["cpu"]
