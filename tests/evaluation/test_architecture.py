from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("ultralytics")

from assistive.errors import ConfigError  # noqa: E402
from assistive.evaluation import architecture  # noqa: E402
from assistive.evaluation.architecture import Study, measure, names, read_schedule  # noqa: E402
from assistive.evaluation.architecture_report import render  # noqa: E402
from assistive.training.yolo.network import build_detector, candidates_of, save_detector  # noqa: E402

made = runpy.run_path(str(Path(__file__).with_name("detector_files.py")))


def _finish(runs: Path, name: str, **changed: Any) -> None:
    """Leave what a training leaves, without the training."""
    folder = runs / name
    folder.mkdir(parents=True)
    classes = list(made["CLASSES"])
    hyper = {"epochs": 3, "batch": 16, **changed}
    fingerprint = {"model": name, "size": 64, "seed": 0, "hyper": hyper, "classes": classes, "extra": 0}
    torch.save({"epoch": 2, "fingerprint": fingerprint}, folder / "last.pt")
    torch.manual_seed(1)
    save_detector(folder / "final.pt", build_detector(name, len(classes)), classes, 64)


def test_every_network_of_the_issue_is_compared() -> None:
    wanted = {"yolov5s", "yolov5n", "yolov5s_lite", "yolov8n", "yolo11n", "yolo26n"}
    assert wanted <= set(names()) and len(names()) == len(set(names()))


def test_networks_that_were_trained_otherwise_are_not_compared(tmp_path: Path) -> None:
    _finish(tmp_path, "yolov5n")
    _finish(tmp_path, "yolov5s_swift")
    assert read_schedule(tmp_path, ("yolov5n", "yolov5s_swift"))["hyper"]["epochs"] == 3
    _finish(tmp_path, "yolov8n", epochs=30)
    with pytest.raises(ConfigError, match="another hyper"):
        read_schedule(tmp_path, ("yolov5n", "yolov8n"))
    (tmp_path / "yolov5n" / "final.pt").unlink()
    with pytest.raises(ConfigError, match="no finished run"):
        read_schedule(tmp_path, ("yolov5n",))


@pytest.mark.parametrize("name", ["yolov8n", "yolo26n"])
def test_hand_times_class_is_what_a_peer_says_itself(name: str) -> None:
    """The evaluator multiplies both scores; of a peer, which has one, that must not make a square."""
    torch.manual_seed(0)
    network = build_detector(name, 3).eval()
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        said = network(image)[0][0].T
        found = candidates_of(network)(image)[0]
    assert torch.allclose(found[:, 4:5] * found[:, 5:], said[:, 4:], atol=1e-6)
    assert torch.allclose(found[:, :4], said[:, :4], atol=1e-3)


@pytest.mark.filterwarnings("ignore")  # torch's exporter warns of its own future
def test_one_run_gives_costs_of_all_and_accuracy_of_the_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(architecture, "names", lambda: ("yolov5s", "yolov5s_swift", "yolo26n"))
    monkeypatch.setattr(architecture, "RESAMPLES", 3)
    data, runs = made["write_pictures"](tmp_path / "data"), tmp_path / "runs"
    _finish(runs, "yolov5s_swift")
    _finish(runs, "yolo26n")
    fed = []

    def copy(source: Path, target: Path, batches: Any) -> None:
        fed.append([batch.shape for batch in batches])
        shutil.copy(source, target)

    study = Study(data, runs, ("yolov5s_swift", "yolo26n"), 64, 1, copy)
    result = measure(study, lambda _: None)
    rows = result["networks"]
    assert fed == [[(1, 3, 64, 64)] * 3] * 3
    assert rows["yolov5s"]["accuracy"] is None and rows["yolov5s"]["map50_per_ms"] is None
    swift = rows["yolov5s_swift"]
    assert swift["share_of_yolov5s"]["parameters"] < 0.2 and swift["share_of_yolov5s"]["cpu"] < 1
    assert swift["megabytes"]["int8"] == swift["megabytes"]["fp32"]
    assert all(swift["ms"][how]["cpu"] > 0 for how in ("onnxruntime fp32", "onnxruntime int8"))
    plain = {key: value for key, value in swift["accuracy"]["fp32"].items() if key != "map50_interval_95"}
    assert plain == swift["accuracy"]["int8"]  # the copy is judged by the same evaluator
    assert any(row["pareto"] for row in rows.values()) and not rows["yolov5s"]["pareto"]
    assert 2.2e6 < rows["yolo26n"]["parameters"] < 2.5e6  # published: 2.4 M with 80 classes and one end
    told = {"date": "2026-01-01", "command": "x", "machine": {"cpu": "c", "load": 1}, "packages": {}, **result}
    assert "| yolov5s_swift |" in render(json.loads(json.dumps(told)), "x.svg")
