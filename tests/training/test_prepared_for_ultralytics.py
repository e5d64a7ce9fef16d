"""``ultralytics`` reads what is prepared: from any working directory, after a move, and without a connection."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assistive.training.datasets.hagrid.prepare import Recipe, prepare

pytest.importorskip("torch")
pytest.importorskip("ultralytics")

MADE = runpy.run_path(str(Path(__file__).parent / "made_hagrid.py"))
make_v2, annotate, write_picture = MADE["make_v2"], MADE["annotate"], MADE["write_picture"]
READ = """
import json, os, socket, sys
def refuse(*arguments): raise AssertionError("a connection")
socket.socket.connect = socket.getaddrinfo = refuse
import assistive.training.yolo
from ultralytics.data.dataset import YOLODataset
from ultralytics.data.utils import check_det_dataset
found = {}
for folder in sys.argv[1:]:
    data = check_det_dataset(os.path.join(folder, "data.yaml"))
    pictures = {}
    for split in ("train", "val", "test"):
        if data.get(split) and os.listdir(data[split]):
            for label in YOLODataset(img_path=data[split], data=data, task="detect", augment=False).labels:
                boxes = zip(label["cls"].ravel().tolist(), label["bboxes"].tolist())
                pictures[os.path.basename(label["im_file"])] = [[data["names"][int(k)], *box] for k, box in boxes]
    found[os.path.basename(folder)] = {"names": list(data["names"].values()), "pictures": pictures,
                                       "splits": [s for s in ("train", "val", "test") if data.get(s)]}
print(json.dumps(found))
"""


def read(tmp_path: Path, *folders: str) -> dict[str, Any]:
    """What ``ultralytics`` finds, working elsewhere than the data lies."""
    (tmp_path / "elsewhere").mkdir()
    environment = {**os.environ, "YOLO_CONFIG_DIR": str(tmp_path / "yolo"), "OMP_NUM_THREADS": "1",
                   "PYTHONPATH": str(Path(__file__).resolve().parents[2])}  # fmt: skip
    done = subprocess.run([sys.executable, "-c", READ, *folders], env=environment, cwd=tmp_path / "elsewhere",
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "corrupt JPEG" not in done.stdout and not list((tmp_path / "elsewhere").iterdir())
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_two_hands_backgrounds_and_what_is_not_there(tmp_path: Path) -> None:
    root = make_v2(tmp_path / "in")
    nobody = {"bboxes": [], "labels": [], "united_bbox": None, "united_label": None, "user_id": "nobody"}
    write_picture(root / "hagrid_dataset" / "like" / "empty.jpg")
    train = root / "hagrid_annotations" / "train" / "like.json"
    annotate(train, {**json.loads(train.read_text()), "empty": nobody})
    prepare(root, tmp_path / "before", Recipe())
    (tmp_path / "before").rename(tmp_path / "moved")
    for phase in ("val", "test"):
        for file in (root / "hagrid_annotations" / phase).iterdir():
            file.unlink()
    report = prepare(root, tmp_path / "poor", Recipe(classes=("fist", "hand_heart", "no_gesture")))
    assert [report["splits"][split]["pictures"] > 0 for split in ("train", "val", "test")] == [True, False, False]

    found = read(tmp_path, "../moved", str(tmp_path / "poor"))
    moved, poor = found["moved"], found["poor"]
    assert moved["names"] == ["grip", "hand_heart", "like", "no_gesture"] and len(moved["pictures"]) == 37
    assert moved["pictures"]["empty.jpg"] == [] and moved["splits"] == ["train", "val", "test"]
    for name, boxes in moved["pictures"].items():
        if name.startswith("hand_heart"):
            assert boxes == [["hand_heart", *(pytest.approx(value, abs=1e-5) for value in (0.375, 0.5, 0.55, 0.5))]]
    assert poor["names"] == ["fist", "hand_heart", "no_gesture"] and poor["splits"] == ["train", "val"]
    assert {box[0] for boxes in poor["pictures"].values() for box in boxes} == {"hand_heart"}
