from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("ultralytics")

from assistive.errors import ConfigError, SourceError  # noqa: E402
from assistive.training.datasets.labelled import NamedBox  # noqa: E402
from assistive.training.datasets.yolo_format import label_path, label_text, write_index  # noqa: E402
from assistive.training.yolo.trainer import Degrade, HandTrainer, Run, train  # noqa: E402
from assistive.types import Box  # noqa: E402

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "train_gesture.py"
NAMES = ("fist", "like", "no_gesture")
SIZE = 64


def write_data(root: Path, names: tuple[str, ...] = NAMES, each: int = 8) -> Path:
    """Bright boxes on dark noise."""
    rng = np.random.default_rng(len(names))
    for split, count in (("train", each), ("val", 4)):
        for i in range(count):
            image = rng.integers(0, 60, (SIZE, SIZE, 3), np.uint8)
            box = Box(0.2 + 0.02 * i, 0.3, 0.4, 0.4)
            x, y, w, h = (round(SIZE * value) for value in (box.x, box.y, box.w, box.h))
            image[y : y + h, x : x + w] = 220
            path = root / "images" / split / f"{i}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(path), image)
            label = label_path(root, split, f"{i}.jpg")
            label.parent.mkdir(parents=True, exist_ok=True)
            label.write_text(label_text([NamedBox(names[i % len(names)], box)], names))
    write_index(root, names, ("train", "val"))
    return root


def command(data: Path, out: Path, *more: str) -> list[str]:
    return [str(SCRIPT), "--data", str(data), "--out", str(out), "--model", "yolov5n", "--imgsz", str(SIZE), "--epochs",
            "3", "--batch", "4", "--device", "cpu", "--threads", "1", *more]  # fmt: skip


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "YOLO_CONFIG_DIR": str(tmp_path / "yolo"), "OMP_NUM_THREADS": "1"}


def weights(out: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(out / "final.pt", weights_only=True)["average"]
    return state


def test_killed_run_ends_with_the_weights_of_an_undisturbed_one(tmp_path: Path, environment: dict[str, str]) -> None:
    data = write_data(tmp_path / "data")
    subprocess.run([sys.executable, *command(data, tmp_path / "a")], env=environment, check=True, capture_output=True)
    killed = tmp_path / "b"
    process = subprocess.Popen(
        [sys.executable, *command(data, killed)], env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not (killed / "last.pt").is_file():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (killed / "final.pt").exists()
    again = subprocess.run(
        [sys.executable, *command(data, killed)], env=environment, check=False, capture_output=True, text=True
    )
    assert again.returncode == 2 and "holds a run" in again.stderr and "--resume" in again.stderr
    resumed = [sys.executable, *command(data, killed, "--resume")]
    subprocess.run(resumed, env=environment, check=True, capture_output=True)
    first, second = weights(tmp_path / "a"), weights(killed)
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    with (killed / "results.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2", "3"]
    assert (killed / "BoxPR_curve.png").is_file() and (killed / "confusion_matrix.png").is_file()


def test_two_processes_share_the_work(tmp_path: Path, environment: dict[str, str]) -> None:
    data = write_data(tmp_path / "data")
    spread = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [sys.executable, *spread, *command(data, tmp_path / "out")], env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("weights: ") == 1
    assert all(torch.isfinite(value.float()).all() for value in weights(tmp_path / "out").values())


def _run(data: Path, out: Path, **changes: object) -> Run:
    hyper = {"epochs": 1, "batch": 4, "optimizer": "AdamW", "lr0": 0.001, "workers": 0, "plots": False}
    return Run(**{"model": "yolov5n", "data": data, "out": out, "size": SIZE, "device": "cpu", "seed": 0,
                  "hyper": hyper, **changes})  # fmt: skip


def test_extra_data_is_numbered_by_name(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    extra = write_data(tmp_path / "extra", ("no_gesture", "fist"))
    trainer = HandTrainer(_run(data, tmp_path / "out", extra=(extra,)))
    trainer.setup_model()
    dataset = trainer.build_dataset(trainer.data["train"], "train", 4)
    shown = {label["im_file"]: label["cls"].ravel().tolist() for label in dataset.labels}
    assert len(shown) == 16
    assert shown[str(extra / "images" / "train" / "0.jpg")] == [NAMES.index("no_gesture")]
    assert shown[str(extra / "images" / "train" / "1.jpg")] == [NAMES.index("fist")]
    assert shown[str(data / "images" / "train" / "1.jpg")] == [NAMES.index("like")]
    odd = write_data(tmp_path / "odd", ("grip",))
    trainer = HandTrainer(_run(data, tmp_path / "out2", extra=(odd,)))
    trainer.setup_model()
    with pytest.raises(SourceError, match="grip"):
        trainer.build_dataset(trainer.data["train"], "train", 4)


def test_another_recipe_is_not_mixed_into_a_run(tmp_path: Path) -> None:
    data, out = write_data(tmp_path / "data"), tmp_path / "out"
    out.mkdir()
    run = _run(data, out)
    torch.save({"epoch": 0, "fingerprint": {**run.fingerprint(), "seed": 5}}, out / "last.pt")
    with pytest.raises(ConfigError, match="another seed: 5, not 0"):
        train(_run(data, out, resume=True))


@pytest.mark.parametrize("hyper", [{"epochs": 1, "learning_rate": 3}, {"epochs": "many"}])
def test_wrong_hyperparameters_are_named(tmp_path: Path, hyper: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"learning_rate|epochs"):
        train(_run(write_data(tmp_path / "data"), tmp_path / "out", hyper=hyper))


def test_data_without_pictures_is_refused(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    shutil.rmtree(data / "images" / "val")
    with pytest.raises(SourceError, match="val"):
        train(_run(data, tmp_path / "out"))


def test_degrade_leaves_boxes_alone_and_keeps_colours_in_their_channels() -> None:
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    image[..., 0] = 200  # blue, as OpenCV reads it
    np.random.seed(0)
    for _ in range(20):
        found = Degrade(0.5)({"img": image.copy(), "bboxes": "untouched"})
        assert found["bboxes"] == "untouched" and found["img"].shape == image.shape
        assert found["img"][..., 0].mean() >= found["img"][..., 2].mean()
    assert np.array_equal(Degrade(0.0)({"img": image})["img"], image)
