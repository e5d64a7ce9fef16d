"""From a HaGRID to a sentence: prepare, train, evaluate, export and run, each by its own command, as a person would."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("ultralytics")

from assistive.sources.drawn_hand import draw_hand, pose
from assistive.types import GESTURES, NO_GESTURE

ROOT = Path(__file__).resolve().parents[3]
MADE = runpy.run_path(str(ROOT / "tests" / "training" / "made_hagrid.py"))
SIDE = 96


def _picture(path: Path, gesture: str, seed: int) -> list[float]:
    """Draw a hand before noise; return its box in fractions."""
    rng = np.random.default_rng(seed)
    image = rng.integers(60, 110, (SIDE, SIDE, 3), np.uint8)
    drawn = draw_hand(image, pose(gesture), (SIDE * rng.uniform(0.4, 0.6), SIDE * rng.uniform(0.4, 0.55)), 45.0)
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image[..., ::-1])
    return [value / SIDE for value in drawn.box_px]


def _v1(root: Path, each: int) -> None:
    for gesture in GESTURES:
        for phase, count in (("train_val", each), ("test", 2)):
            entries = {}
            for i in range(count):
                name = f"{gesture}-{phase}-{i}"
                box = _picture(root / phase / gesture / f"{name}.jpg", gesture, i)
                entry = MADE["v1_entry"](gesture, f"{i if phase == 'train_val' else 900 + i:032x}")
                entries[name] = {**entry, "bboxes": [box]}
            if gesture == "fist":  # HaGRID's second, idle hand
                box = _picture(root / phase / gesture / "idle.jpg", NO_GESTURE, 7)
                entries["idle"] = {**MADE["v1_entry"]("no_gesture", f"{950:032x}"), "bboxes": [box]}
            MADE["annotate"](root / f"ann_{phase}" / f"{gesture}.json", entries)


def _v2(root: Path, each: int) -> None:
    for gesture in (*GESTURES, NO_GESTURE):
        for number, (phase, count) in enumerate((("train", each - 3), ("val", 3), ("test", 1))):
            entries = {}
            for i in range(count):
                name = f"{gesture}-{phase}-{i}"
                box = _picture(root / "hagrid_dataset" / gesture / f"{name}.jpg", gesture, i)
                entries[name] = {**MADE["v2_entry"](gesture, f"{number}{i:063x}"), "bboxes": [box]}
            MADE["annotate"](root / "hagrid_annotations" / phase / f"{gesture}.json", entries)


@pytest.mark.parametrize("make", [_v1, _v2], ids=["v1", "v2"])
def test_from_hagrid_to_speech(make: Callable[[Path, int], None], tmp_path: Path) -> None:
    home = tmp_path / "home"
    for name in ("models", "configs"):
        shutil.copytree(ROOT / name, home / name)
    environment = {**os.environ, "ASSISTIVE_HOME": str(home), "YOLO_CONFIG_DIR": str(tmp_path / "yolo"),
                   "OMP_NUM_THREADS": "1"}  # fmt: skip

    def call(*command: str | Path) -> str:
        done = subprocess.run(
            [sys.executable, *map(str, command)], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    hagrid, data, run = tmp_path / "hagrid", tmp_path / "data", tmp_path / "run"
    make(hagrid, 9)
    assert 180 <= len(list(hagrid.rglob("*.jpg"))) <= 220
    call("scripts/prepare_hagrid.py", hagrid, "--out", data, "--workers", "2")
    call("scripts/train_gesture.py", "--data", data, "--out", run, "--model", "yolov5s-lite", "--imgsz", "96",
         "--epochs", "2", "--batch", "16", "--device", "cpu", "--threads", "1",
         "--start", "models/gesture_detector.onnx")  # fmt: skip
    call("scripts/export.py", "detector", run / "final.pt", "--data", data)
    sidecar = json.loads((home / "models" / "gesture_detector.json").read_text())
    assert sidecar["input"] == {"height": 96, "width": 96} and sidecar["figures"]["model"] == "yolov5s_lite"
    assert "fitted_on" in json.loads((home / "models" / "gesture_verifier.json").read_text())["figures"]
    call("scripts/evaluate.py", "gesture", "--data", data, "--split", "test", "--out", tmp_path / "result.json")
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["images"] == len(list((data / "images" / "test").rglob("*.jpg"))) > 15
    assert result["weights"]["gesture_detector"] == sidecar["sha256"]
    events = tmp_path / "events.jsonl"
    call("run.py", "--source", "performer:like", "--no-expression", "--headless",
         "--player", f"wav:{tmp_path / 's.wav'}", "--events", events)  # fmt: skip
    last = json.loads(events.read_text().splitlines()[-1])
    assert last["event"] == "summary" and last["frames"] > 30
