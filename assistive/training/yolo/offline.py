"""Make ``ultralytics`` importable, and keep it from the network: no analytics, no downloads, no installing of packages.

It reads its switches from the environment and from a settings file when it is first imported, so :func:`prepare` comes
before that. Tried with ultralytics 8.4 and the network cut off.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from assistive.errors import DependencyError

INSTALL = 'pip install -e ".[train]"'
SWITCHES = {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "true"}
TALKATIVE = ("sync", "clearml", "comet", "dvc", "hub", "mlflow", "neptune", "raytune", "tensorboard", "wandb",
             "vscode_msg", "openvino_msg")  # fmt: skip
"""Its settings that send, log elsewhere or advertise; TensorBoard is asked for by name."""


def prepare() -> None:
    """Import ``ultralytics`` with everything switched off that leaves the machine.

    Raises:
        DependencyError: it, torch or torchvision is not installed, or do not fit each other.
    """
    os.environ.update(SWITCHES)
    os.environ.setdefault("YOLO_CONFIG_DIR", str(_cache()))
    try:
        load_torchvision()
        settings = importlib.import_module("ultralytics").settings
        _put_font(importlib.import_module("ultralytics.utils").USER_CONFIG_DIR)
    except ImportError as error:
        raise DependencyError(f"cannot train detectors: {error}", INSTALL, "dependency.train") from error
    quiet = {key: False for key in TALKATIVE if settings.get(key)}
    if quiet:
        settings.update(quiet)


def load_torchvision() -> None:
    """Import torchvision, also where its compiled part was built for another torch than the one installed.

    A CPU torch beside the torchvision of PyPI cannot load that part. All that is needed of it is non-maximum
    suppression, which ``ultralytics`` also has in plain torch. Elsewhere this does nothing but import.
    """
    try:
        importlib.import_module("torchvision")
        return
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    torch = importlib.import_module("torch")
    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    plain: Any = importlib.import_module("ultralytics.utils.nms").TorchNMS
    library.impl("nms", lambda boxes, scores, overlap: plain.nms(boxes, scores, overlap), "CPU")
    _kept.append(library)
    importlib.import_module("torchvision")
    boxes: Any = importlib.import_module("torchvision.ops.boxes")
    boxes._assert_has_ops = lambda: None


_kept: list[Any] = []
"""A torch library takes its operators with it when it is collected."""


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assistive"


def _put_font(folder: Path) -> None:
    """Lay the font of its plots where it looks before it would download one."""
    font = folder / "Arial.ttf"
    if font.is_file():
        return
    plots = Path(str(importlib.import_module("matplotlib").__file__)).parent
    shutil.copyfile(plots / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf", font)
