"""Start a training from weights that there are: of another run, or those that ship."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from assistive.errors import ConfigError, SourceError, WeightsError
from assistive.training.datasets.yolo_format import find_yolo
from assistive.training.unfold import unfold
from assistive.training.yolo.network import HandDetection, build_detector, load_detector
from assistive.zoo.yolov5s_lite import Yolov5

TYPICAL = 96
"""Pictures on which the statistics of a network are measured whose batch norms were folded away."""
_ANCHORS, _BOX_AND_HAND = 3, 5


def start_from(path: Path, network: nn.Module, model: str, classes: Sequence[str], data: Path, size: int) -> None:
    """Load weights into a new detector; classes are matched by name, and new ones start from chance.

    Args:
        path: ``final.pt`` of a training, or an exported detector of the family: ``models/gesture_detector.onnx``.
        network: what is to be trained.
        model: its name.
        classes: its classes in order.
        data: its training data; some pictures of it are looked at where the file is an exported one.
        size: side of its input, pixels.

    Raises:
        ConfigError: the network is none of our family.
        SourceError: the data cannot be read.
        WeightsError: the file is missing, or holds another architecture.
    """
    if not isinstance(network, HandDetection):
        raise ConfigError(f"{model} cannot start from weights", "leave --start out", "train.start")
    known, theirs = _exported(path, model, data, size) if path.suffix == ".onnx" else _trained(path)
    own, found = network.network.state_dict(), known.state_dict()
    for name, value in own.items():
        fitting = _by_name(value, found.get(name), classes, theirs) if name.startswith("heads.") else found.get(name)
        if fitting is None or fitting.shape != value.shape:
            what = f"{path} is another network than {model}: {name}"
            raise WeightsError(what, "give the --model that it is of", "weights.kind")
        own[name] = fitting
    network.network.load_state_dict(own)


def _trained(path: Path) -> tuple[Yolov5, list[str]]:
    network, classes, _ = load_detector(path)
    if not isinstance(network, HandDetection):
        raise WeightsError(f"{path} is a network of ultralytics", "start from one of our family", "weights.kind")
    return network.network, classes


def _exported(path: Path, model: str, data: Path, size: int) -> tuple[Yolov5, list[str]]:
    try:
        classes: list[str] = json.loads(path.with_suffix(".json").read_bytes())["classes"]
    except (OSError, ValueError, KeyError) as error:
        what = f"cannot read {path.with_suffix('.json')}, which names the classes"
        raise WeightsError(what, "keep NAME.json beside NAME.onnx", "weights.sidecar") from error
    network = build_detector(model, len(classes))
    assert isinstance(network, HandDetection)
    if not path.is_file():
        raise WeightsError(f"no {path}", "name an exported detector", "weights.missing")
    unfold(path, network.network, _typical(data, size))
    return network.network, classes


def _typical(data: Path, size: int) -> Tensor:
    """Return some training pictures, float ``(n, 3, size, size)``, RGB in 0..1."""
    places = [place for place, _ in find_yolo(data, "train")]
    pictures = [cv2.imread(str(place)) for place in places[:: max(1, len(places) // TYPICAL)][:TYPICAL]]
    sized = [cv2.resize(one, (size, size))[..., ::-1] for one in pictures if one is not None]
    if not sized:
        raise SourceError(f"{data} has no training pictures", "prepare some", "yolo.pictures")
    return torch.from_numpy(np.stack(sized).transpose(0, 3, 1, 2).astype(np.float32) / 255)


def _by_name(own: Tensor, found: Tensor | None, classes: Sequence[str], theirs: Sequence[str]) -> Tensor | None:
    """Put the rows of a head of ``theirs`` where ``classes`` has them; each anchor has box, hand score and classes."""
    if found is None:
        return None
    ours = own.clone().view(_ANCHORS, _BOX_AND_HAND + len(classes), *own.shape[1:])
    given = found.view(_ANCHORS, _BOX_AND_HAND + len(theirs), *found.shape[1:])
    if ours.shape[2:] != given.shape[2:]:
        return None
    ours[:, :_BOX_AND_HAND] = given[:, :_BOX_AND_HAND]
    for row, name in enumerate(classes):
        if name in theirs:
            ours[:, _BOX_AND_HAND + row] = given[:, _BOX_AND_HAND + theirs.index(name)]
    return ours.view_as(own)
