from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("ultralytics")

STUB = """
import torch
if not torch._C._dispatch_has_kernel("torchvision::nms"):
    raise RuntimeError("operator torchvision::nms does not exist")
"""
BOXES = """
def _assert_has_ops():
    raise RuntimeError("no compiled operators")
def nms(boxes, scores, overlap):
    import torch
    _assert_has_ops()
    return torch.ops.torchvision.nms(boxes, scores, overlap)
"""


def _python(code: str, folder: Path, *paths: Path) -> str:
    search = os.pathsep.join(map(str, paths))
    environment = {**os.environ, "YOLO_CONFIG_DIR": str(folder / "yolo"), "PYTHONPATH": search}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


ROOT = Path(__file__).resolve().parents[3]


def test_importing_opens_no_connection_and_switches_off_what_would_send(tmp_path: Path) -> None:
    code = """
import socket
def refuse(*arguments): raise AssertionError("a connection")
socket.socket.connect = socket.getaddrinfo = refuse
import assistive.training.yolo
from ultralytics.utils import ONLINE, SETTINGS
print(ONLINE, [key for key in ("sync", "hub", "wandb", "tensorboard", "mlflow", "clearml") if SETTINGS.get(key)])
"""
    assert _python(code, tmp_path, ROOT) == "False []"
    assert (tmp_path / "yolo" / "Ultralytics" / "Arial.ttf").stat().st_size > 100_000


def test_torchvision_without_its_compiled_part_still_suppresses_boxes(tmp_path: Path) -> None:
    """A stand-in that refuses to load, as the torchvision of PyPI does beside a CPU torch."""
    package = tmp_path / "stub" / "torchvision"
    (package / "ops").mkdir(parents=True)
    (package / "__init__.py").write_text(STUB)
    (package / "ops" / "__init__.py").write_text("")
    (package / "ops" / "boxes.py").write_text(BOXES)
    # Importing the package would import all of ultralytics on top of the stand-in.
    code = f"""
import importlib.util
spec = importlib.util.spec_from_file_location("offline", {str(ROOT / "assistive/training/yolo/offline.py")!r})
offline = importlib.util.module_from_spec(spec)
spec.loader.exec_module(offline)
offline.load_torchvision()
import torch
from torchvision.ops.boxes import nms
boxes = torch.tensor([[0., 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30]])
print(nms(boxes, torch.tensor([.5, .9, .7]), .5).tolist())
"""
    assert _python(code, tmp_path, tmp_path / "stub", ROOT) == "[1, 2]"
