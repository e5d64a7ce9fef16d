from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("torch")

from assistive.evaluation import zoo_measure
from assistive.synth.motion_bed import BedSettings
from assistive.training.datasets.motion_bed import unseen

SMALL = BedSettings(subjects=6, clips=4, intensity_px=(0.8, 1.2))


@pytest.fixture
def call(
    load_script: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., int]:
    script = load_script("evaluate")
    plan = zoo_measure.Plan(True, SMALL, {zoo_measure.STANDARD: unseen(SMALL, 6, 6)}, 1)
    monkeypatch.setattr(zoo_measure, "quick", lambda seeds: plan)

    def run(*arguments: object) -> int:
        monkeypatch.setattr("sys.argv", ["scripts/evaluate.py", "zoo", *map(str, arguments), "--run", str(tmp_path)])
        with pytest.raises(SystemExit) as caught:
            script.main()
        return int(caught.value.code or 0)

    return run


def test_systems_are_listed_for_programs(call: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--list", "--json") == 0
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert listed["off_tanet"]["parameters"] == 59_403 and listed["off_tanet"]["number"] == "S16"
    assert listed["dual_atme"]["inputs"] == {key: {"side_px": 28, "steps": 0, "colour": False}
                                             for key in ("flow", "puzzle")}  # fmt: skip
    assert all(one["public"] and one["macs"] > 0 for one in listed.values())


def test_quick_writes_figures_and_the_table(
    call: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, table = tmp_path / "zoo.json", tmp_path / "zoo.md"
    arguments = ("--quick", "--model", "stst_net", "--workers", 1, "--out", out, "--markdown", table)
    assert call(*arguments) == 0
    result: dict[str, Any] = json.loads(out.read_text())
    assert result["systems"]["stst_net"]["conditions"]["standard"]["uf1"] > 0.6
    assert {"command", "commit", "machine", "data", "people", "seeds"} <= set(result)
    assert "| [stst_net](../assistive/zoo/stst_net.py) |" in table.read_text()
    assert "stst_net" in capsys.readouterr().out


def test_a_system_that_learns_nothing_fails_the_run(
    call: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    learner = zoo_measure.SystemLearner
    monkeypatch.setattr(zoo_measure, "SystemLearner", lambda name, recipe, options: Guessing(learner(name)))
    assert call("--quick", "--model", "stst_net", "--workers", 1) == 1
    assert "not better than chance and shuffled labels: stst_net" in capsys.readouterr().out


class Guessing:
    """Always says negative."""

    settled: dict[str, int] = {}  # noqa: RUF012 - as the real one

    def __init__(self, learner: object) -> None:
        self.learner = learner

    def fit(self, *_: object) -> Guessing:
        return self

    def predict(self, inputs: Any) -> list[int]:
        return [0] * len(inputs)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((), "zoo has nothing to do"),
        (("--quick", "--json"), "--json goes with --list"),
        (("--quick", "--model", "of_tanet"), "no system is named 'of_tanet'"),
        (("--out", "{folder}"), "it is a folder"),
    ],
)
def test_a_mistake_is_answered_in_two_lines(
    call: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], what: str
) -> None:
    assert call(*(one.format(folder=tmp_path) for one in arguments)) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and what in lines[0] and lines[1].startswith("try: ")
