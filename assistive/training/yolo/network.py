"""Detectors in the form in which ``ultralytics`` trains them: our own YOLOv5 family, and its networks as peers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from ultralytics.nn.tasks import BaseModel, DetectionModel

from assistive.errors import ConfigError, WeightsError
from assistive.training.detection_loss import detection_loss
from assistive.training.distillation import distillation_loss
from assistive.zoo.variants import variants
from assistive.zoo.yolov5s_lite import STRIDES, Decode, Yolov5, build

PEERS = ("yolov8n", "yolov8s", "yolo11n", "yolo11s", "yolo26n", "yolo26s")
"""Networks of ``ultralytics`` that may be trained beside ours, to compare."""

LOSSES = ("box_loss", "obj_loss", "cls_loss")


class HandDetection(BaseModel):
    """One of our own detectors, as the trainer of ``ultralytics`` wants it.

    Args:
        variant: a name in ``configs/train/detectors.yaml``.
        classes: number of classes.
        teacher: a larger detector of the same family and classes to learn from as well.
    """

    def __init__(self, variant: str, classes: int, teacher: Yolov5 | None = None) -> None:
        super().__init__()
        self.model = nn.Sequential(build(variant, classes))
        self.stride = torch.tensor(STRIDES, dtype=torch.float32)
        self.yaml = {"detector": variant, "nc": classes, "channels": 3}
        self.names = {number: str(number) for number in range(classes)}
        self.nc = classes
        self.criterion = None  # the loss holds no state
        # In a list, so that it is neither trained, nor averaged, nor saved.
        self._teacher = [teacher.eval().requires_grad_(False)] if teacher is not None else []

    @property
    def network(self) -> Yolov5:
        """The network itself."""
        network: Yolov5 = self.model[0]
        return network

    def predict(self, x: Tensor, *_: Any, **__: Any) -> Any:
        """Return raw head outputs while training; else candidates ``(n, 4 + k, anchors)`` and the raw outputs."""
        with _mixed(self, x):
            raw = [level.float() for level in self.network(x)]
        if self.training:
            return raw
        found = Decode(self.network).candidates(raw)
        return torch.cat([found[..., :4], found[..., 4:5] * found[..., 5:]], -1).transpose(1, 2), raw

    def loss(self, batch: dict[str, Tensor], preds: Any = None) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the parts of the loss, and the same without gradient by name."""
        images = batch["img"]
        preds = self.predict(images) if preds is None else preds
        raw = preds[1] if isinstance(preds, tuple) else preds
        boxes = torch.cat([batch["batch_idx"].view(-1, 1), batch["bboxes"]], 1).to(raw[0])
        kinds = F.one_hot(batch["cls"].view(-1).long(), self.nc).to(raw[0])
        parts = detection_loss(raw, boxes, kinds)
        items = dict(zip(LOSSES, parts.detach(), strict=True))
        if self._teacher:
            lesson = self._lesson(images, raw)
            parts, items = torch.cat([parts, lesson[None]]), {**items, "dis_loss": lesson.detach()}
        return parts, items

    def _lesson(self, images: Tensor, raw: list[Tensor]) -> Tensor:
        teacher = self._teacher[0].to(images.device)
        with torch.no_grad(), _mixed(self, images):
            told = [level.float() for level in teacher(images)]
        return distillation_loss(raw, told)

    def set_head_attr(self, **_: Any) -> None:
        """Our head has nothing to set: it returns every candidate."""


class PeerDetection(DetectionModel):  # type: ignore[misc,unused-ignore]
    """A network of ``ultralytics``, computed in bfloat16 while it is trained, as ours are."""

    def predict(self, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Return what the network returns, in float32."""
        with _mixed(self, x):
            return _float32(super().predict(x, *args, **kwargs))


def build_detector(model: str, classes: int, teacher: Yolov5 | None = None, verbose: bool = False) -> nn.Module:
    """Build a detector by name.

    Args:
        model: a name in ``configs/train/detectors.yaml``, also with ``-`` for ``_``, or one of :data:`PEERS`.
        classes: number of classes.
        teacher: for ours only.
        verbose: print the layers of a peer.

    Raises:
        ConfigError: no detector has that name, or a peer is to have a teacher.
    """
    name = model.replace("-", "_")
    if name in variants():
        return HandDetection(name, classes, teacher)
    if name not in PEERS:
        names = ", ".join((*variants(), *PEERS))
        raise ConfigError(f"no detector {model!r}", f"one of: {names}", "train.model")
    if teacher is not None:
        raise ConfigError(f"{model} cannot learn from a teacher", "leave --teacher out", "train.teacher")
    return PeerDetection(f"{name}.yaml", nc=classes, verbose=verbose)


def save_detector(path: Path, network: nn.Module, classes: list[str], size: int) -> None:
    """Write a trained detector: its name, classes, input size and weights, nothing that runs code when it is read."""
    name = network.yaml.get("detector") or Path(network.yaml["yaml_file"]).stem
    state = (network.network if isinstance(network, HandDetection) else network).state_dict()
    partial = path.with_suffix(".partial")
    torch.save({"model": name, "classes": classes, "size": size, "average": state}, partial)
    partial.replace(path)


def load_detector(path: Path) -> tuple[nn.Module, list[str], int]:
    """Read what :func:`save_detector` wrote.

    Returns:
        The network in evaluation mode, its classes, and the side of its input in pixels.

    Raises:
        WeightsError: the file is missing or none of those.
    """
    remedy = "give the final.pt of scripts/train_gesture.py"
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        network = build_detector(saved["model"], len(saved["classes"]))
        (network.network if isinstance(network, HandDetection) else network).load_state_dict(saved["average"])
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror}", remedy, "weights.missing") from error
    except Exception as error:  # pickle, zip and torch each have their own
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise WeightsError(f"{path} is no trained detector: {first}", remedy, "weights.detector") from error
    return network.eval(), list(saved["classes"]), int(saved["size"])


class PeerCandidates(nn.Module):
    """Every candidate of a peer in the form of our own.

    It has no hand score of its own: the score of its best class stands for it, and class scores are shares of that, so
    that hand score times class score is what the peer says of a class, as it is with ours.

    Args:
        network: of ``ultralytics``.
    """

    def __init__(self, network: PeerDetection) -> None:
        super().__init__()
        self.network = network.float().eval()
        head = network.model[-1]
        head.dynamic = head.export = True  # any size of picture

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, 3, h, w)`` to ``(n, candidates, 5 + k)``: centre x, y, w, h in input pixels, scores 0..1."""
        found = self.network(x)
        found = (found[0] if isinstance(found, tuple) else found).transpose(1, 2)
        best = found[..., 4:].amax(-1, keepdim=True)
        return torch.cat([found[..., :4], best, found[..., 4:] / best.clamp_min(1e-9)], -1)


def candidates_of(network: nn.Module) -> nn.Module:
    """Return what is exported of a detector: its picture in, every candidate out, whoever it is."""
    return Decode(network.network) if isinstance(network, HandDetection) else PeerCandidates(network)


def _mixed(network: nn.Module, x: Tensor) -> Any:
    """Compute in bfloat16 while training, where the processor has it: twice as fast, and it needs no loss scaling."""
    able = torch.cuda.is_bf16_supported() if x.is_cuda else torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(x.device.type, torch.bfloat16, enabled=network.training and able)


def _float32(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.float() if value.dtype == torch.bfloat16 else value
    if isinstance(value, dict):
        return {key: _float32(item) for key, item in value.items()}
    return type(value)(map(_float32, value)) if isinstance(value, list | tuple) else value
