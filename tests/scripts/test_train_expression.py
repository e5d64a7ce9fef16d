from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("sklearn")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(load_script: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr("assistive.training.datasets.face_points.MediaPipeFinder", None)
    module = load_script("train_expression")
    monkeypatch.setattr(module, "MeshPoints", Middle)
    monkeypatch.chdir(ROOT)
    return module


class Middle:
    """Finds the same face in every picture."""

    name = "middle"

    def points(self, image: np.ndarray) -> np.ndarray:
        x, y = np.meshgrid(np.linspace(20, 100, 26), np.linspace(20, 100, 18))
        points = np.stack([x.ravel(), y.ravel()], 1)
        points[[33, 133, 362, 263]] = ((35, 45), (50, 45), (70, 45), (85, 45))
        points[[234, 454]], points[[105, 334]], points[152] = ((20, 60), (100, 60)), ((40, 35), (80, 35)), (60, 110)
        return points


def packed(path: Path, subjects: int = 4) -> Path:
    """Clips in which a place that depends on the class has moved."""
    rng = np.random.default_rng(0)
    x = rng.integers(90, 110, (subjects * 6, 28, 28, 3), np.uint8)
    y = np.arange(subjects * 6) % 3
    for one, kind in zip(x, y, strict=True):
        one[4 + 8 * kind : 10 + 8 * kind, 8:20] = 220
    np.savez(path, x=x, y=y, subject=np.repeat(np.arange(subjects), 6), dataset=np.array(["made"] * len(x)))
    return path


def call(script: ModuleType, tmp_path: Path, *arguments: object) -> int:
    try:
        script.main([*map(str, arguments), "--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")])
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def result_of(tmp_path: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((tmp_path / "out" / "result.json").read_text())
    return result


@pytest.mark.parametrize(
    ("model", "more"),
    [("pca_svm", ()), ("stst_net", ("--epochs", "15")), ("off_tanet", ("--epochs", "inner", "--seeds", "2"))],
)
def test_packed_maps_from_end_to_end(
    script: ModuleType, tmp_path: Path, model: str, more: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path / "maps.npz")
    settings = (ROOT / "configs" / "train" / "expression.yaml").read_text().replace("epochs: 60", "epochs: 6")
    (tmp_path / "quick.yaml").write_text(settings)
    arguments = ("--data", "packed", path, "--model", model, "--protocol", "loso", "--config", tmp_path / "quick.yaml")
    assert call(script, tmp_path, *arguments, *more) == 0
    result = result_of(tmp_path)
    assert result["pooled"]["clips"] == 24 * len(result["by_seed"])
    assert set(result) >= {"command", "date", "commit", "data", "recipe", "uf1", "uar", "uf1_sd", "by_seed", "machine"}
    assert len((tmp_path / "out" / "folds.jsonl").read_text().splitlines()) == 1 + 4 * len(result["by_seed"])
    if model != "off_tanet":
        assert result["uf1"] > 0.9
    monkeypatch.setattr(script.NetworkLearner, "fit", None)  # a second run finds every fold in the log
    monkeypatch.setattr(script.PcaSvmLearner, "fit", None)
    assert call(script, tmp_path, *arguments, *more) == 0
    assert result_of(tmp_path)["by_seed"] == result["by_seed"]


def write_casme2(folder: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units",
                        "Estimated Emotion"])  # fmt: skip
    rng = np.random.default_rng(0)
    for subject in range(1, 4):
        for i, emotion in enumerate(["happiness", "disgust", "surprise", "others"]):
            place = folder / "CASME2_RAW_selected" / f"sub{subject:02d}" / f"EP{i}"
            place.mkdir(parents=True)
            skin = cv2.GaussianBlur(rng.integers(0, 255, (128, 128), np.uint8), (0, 0), 1.5)
            for number in (8, 12, 20):
                cv2.imwrite(str(place / f"img{number}.jpg"), np.roll(skin, number - 8, 0))
            book.active.append([subject, f"EP{i}", None, 8, 12, 20, None, "4", emotion])
    book.save(folder / "CASME2-coding-20190701.xlsx")


def test_a_collection_from_pictures_to_figures(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_casme2(tmp_path)
    arguments = ("--data", "casme2", tmp_path, "--data", "packed", packed(tmp_path / "maps.npz"), "--model", "pca_svm",
                 "--protocol", "holdout", "--seeds", 2)  # fmt: skip
    assert call(script, tmp_path, *arguments) == 0
    result = result_of(tmp_path)
    assert set(result["by_seed"]) == {"0", "1"}
    assert "casme2: left out 3: emotion others" in result["read"]
    assert "casme2: 9 clips of 3 subjects" in capsys.readouterr().out
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 9


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--data", "casme", "."), "no data set is named casme"),
        (("--data", "packed", "none.npz"), "cannot read none.npz"),
        (("--data", "samm", "."), "no sheet SAMM_Micro_FACS_Codes_v2.xlsx"),
        (("--data", "packed", "{maps}", "--epochs", "5"), "pca_svm knows no epochs"),
        (("--data", "packed", "{maps}", "--model", "stst_net", "--epochs", "0"), "--epochs 0 is no number"),
        (("--data", "packed", "{maps}", "--data", "packed", "{maps}"), "made is given twice"),
        (("--data", "smic", ".", "--classes", "five"), "smic has no five classes"),
        (("--data", "packed", "{maps}", "--model", "dual_atme"), "packed files hold flow maps alone, and dual_atme"),
        (("--data", "packed", "{maps}", "--model", "all"), "packed files hold flow maps alone, and dual_atme"),
        (("--data", "motion_bed", "quick", "--model", "apex_spotter"), "apex_spotter (S6) answers no classes"),
        (("--data", "motion_bed", "quick", "--model", "dstan", "--epochs", "inner"), "dstan is trained in stages"),
        (("--data", "motion_bed", "quick", "--model", "lbp_top", "--epochs", "3"), "lbp_top knows no epochs"),
        (("--data", "packed", "{maps}", "--model", "stst_net", "--quick"), "flow maps alone have one size"),
        (("--data", "motion_bed", "dark", "--model", "stst_net"), "no condition of motion_bed is named 'dark'"),
        (("--data", "motion_bed", "quick", "--config", "none.yaml"), "cannot read none.yaml"),
    ],
)
def test_a_mistake_is_answered_in_two_lines(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], what: str
) -> None:
    path = packed(tmp_path / "maps.npz")
    given = [one.format(maps=path) for one in arguments]
    assert call(script, tmp_path, "--model", "pca_svm", "--protocol", "loso", *given) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and what in lines[0] and lines[1].startswith("try: ")
    assert not (tmp_path / "out" / "result.json").exists()


def test_other_data_do_not_continue_a_run(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for subjects, status in ((4, 0), (3, 2)):
        path = packed(tmp_path / "maps.npz", subjects)
        arguments = ("--data", "packed", path, "--model", "pca_svm", "--protocol", "loso")
        assert call(script, tmp_path, *arguments) == status
    assert "other data or another recipe" in capsys.readouterr().err


def test_a_stopped_run_says_how_to_go_on(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(script, "measure", stop)
    arguments = ("--data", "packed", packed(tmp_path / "maps.npz"), "--model", "pca_svm", "--protocol", "loso")
    assert call(script, tmp_path, *arguments) == 130
    assert "goes on" in capsys.readouterr().err


def test_systems_learn_from_whole_clips(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "systems", lambda: [script.find(name) for name in ("stst_net", "off_apex_net")])
    arguments = ("--data", "motion_bed", "quick", "--model", "all", "--protocol", "holdout", "--quick", "--workers", 1)
    assert call(script, tmp_path, *arguments, "--epochs", 6) == 0
    found = [json.loads((tmp_path / "out" / name / "result.json").read_text()) for name in ("stst_net", "off_apex_net")]
    assert [one["recipe"]["recipe"]["epochs"] for one in found] == [6, 6]
    assert all(one["uf1"] > 0.5 and one["pooled"]["interval_over"] == "subjects" for one in found)
    assert "motion_bed: 144 clips of 24 drawn subjects, quick" in capsys.readouterr().out


def test_epochs_of_a_system_are_chosen_inside(script: ModuleType, tmp_path: Path) -> None:
    settings = (ROOT / "configs" / "train" / "expression.yaml").read_text().replace("epochs: 60", "epochs: 4")
    (tmp_path / "quick.yaml").write_text(settings)
    arguments = ("--data", "motion_bed", "quick", "--model", "stst_net", "--protocol", "holdout", "--workers", 1)
    assert call(script, tmp_path, *arguments, "--epochs", "inner", "--config", tmp_path / "quick.yaml") == 0
    rows = (tmp_path / "out" / "folds.jsonl").read_text().splitlines()
    assert 1 <= json.loads(rows[1])["epochs"] <= 4
