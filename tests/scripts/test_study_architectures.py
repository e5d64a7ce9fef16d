from __future__ import annotations

import runpy
from pathlib import Path

import pytest

pytest.importorskip("torch")

main = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "study_architectures.py"))["main"]


def _arguments(folder: Path, model: str) -> list[str]:
    out, document = folder / "a.json", folder / "a.md"
    return [str(folder), "--out", str(out), "--markdown", str(document), "--models", model, "--device", "cpu",
            "--runs", str(folder / "runs")]  # fmt: skip


def test_an_unknown_network_is_refused_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(_arguments(tmp_path, "yolov9z"))
    said = capsys.readouterr().err
    assert left.value.code == 2 and "no detector 'yolov9z'" in said and "yolov5s_lite" in said


def test_a_training_that_fails_stops_the_study(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ultralytics")
    with pytest.raises(SystemExit) as left:
        main(_arguments(tmp_path, "yolov5n"))
    assert left.value.code == 2 and "yolov5n could not be trained" in capfd.readouterr().err
    assert not (tmp_path / "a.json").exists()
