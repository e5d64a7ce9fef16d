"""The trainer of ``ultralytics`` for our detectors: exact resumption, one or many processes, more cameras and light."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.utils import RANK, SETTINGS
from ultralytics.utils.torch_utils import init_seeds, unwrap_model

from assistive.errors import ConfigError, DependencyError, SourceError
from assistive.synth.degrade import degrade
from assistive.training.datasets.yolo_format import INDEX, read_classes
from assistive.training.yolo.network import HandDetection, build_detector, save_detector
from assistive.training.yolo.start import start_from
from assistive.zoo.yolov5s_lite import Yolov5

STATE, FINAL = "last.pt", "final.pt"


@dataclass(frozen=True, slots=True)
class Run:
    """What is trained, on what, and where the result goes.

    Attributes:
        model: name of the detector.
        data: folder with ``data.yaml``.
        out: folder of the run.
        size: side of the input, pixels, a multiple of 32.
        device: ``cpu``, or number of one GPU.
        seed: of everything.
        hyper: training arguments of ``ultralytics`` by name, and ``degrade``.
        start: weights to start from; chance where None.
        extra: further folders with ``data.yaml``; only their training pictures are used.
        resume: go on from where ``out`` is; a run that is complete is left as it is.
        tensorboard: also log for TensorBoard.
    """

    model: str
    data: Path
    out: Path
    size: int
    device: str
    seed: int
    hyper: dict[str, Any]
    start: Path | None = None
    extra: tuple[Path, ...] = ()
    resume: bool = False
    tensorboard: bool = False

    def fingerprint(self) -> dict[str, Any]:
        """Return what may not change between the parts of one run."""
        return {"model": self.model, "size": self.size, "seed": self.seed, "hyper": self.hyper,
                "classes": list(read_classes(self.data)), "extra": len(self.extra),
                "start": str(self.start or "")}  # fmt: skip

    def arguments(self) -> dict[str, Any]:
        """Return the training arguments of ``ultralytics``."""
        hyper = {key: value for key, value in self.hyper.items() if key != "degrade"}
        fixed = {
            "task": "detect", "mode": "train", "data": str(self.data / INDEX), "save_dir": str(self.out),
            "imgsz": self.size, "device": self.device, "seed": self.seed, "exist_ok": True, "pretrained": False,
            "amp": False,  # its check would download a network; ours computes in bfloat16 by itself
            "plots": True, "val": True,
        }  # fmt: skip
        # The last epoch counts: to pick the best one by the validation people would make their figures too good.
        own = {"patience": 10**6, "epochs": 100, "nbs": hyper.get("batch", 16), "workers": _workers()}
        return {**own, **hyper, **fixed}


class HandTrainer(DetectionTrainer):  # type: ignore[misc,unused-ignore]
    """Trains one detector; see :class:`Run`.

    Every epoch starts from its own seed and the state after it is kept whole, so that a run that was killed ends with
    the same weights as one that was not.

    Args:
        run: what to do.
        teacher: a larger detector of the same family to learn from as well.

    Raises:
        ConfigError: a hyperparameter is unknown, or ``out`` holds another run.
        DependencyError: TensorBoard is asked for and not installed.
        SourceError: the data cannot be read.
    """

    def __init__(self, run: Run, teacher: Yolov5 | None = None) -> None:
        self.run, self.teacher = run, teacher
        self.saved = _saved(run)
        results = run.out / "results.csv"
        past = results.read_text().splitlines() if self.saved and results.is_file() else []
        if run.tensorboard:
            _log_for_tensorboard()
        try:
            super().__init__(overrides={**run.arguments(), "model": f"{run.model}.yaml"})
        except (SyntaxError, TypeError, ValueError) as error:
            raise ConfigError(_first_line(error), "mend configs/train/detector.yaml", "train.hyper") from error
        except RuntimeError as error:
            raise SourceError(_first_line(error), f"mend {run.data / INDEX}", "train.data") from error
        if self.saved and RANK in {-1, 0}:
            results.write_text("".join(f"{line}\n" for line in past[: self.saved["epoch"] + 2]))
        self.args.workers = int(run.arguments()["workers"])
        self.world_size = int(os.environ.get("WORLD_SIZE", "0"))
        self.ddp = False
        self.resume = self.saved is not None
        self.add_callback("on_train_epoch_start", _start_from_seed)
        self.add_callback("on_train_epoch_end", _plot_at_last)

    def setup_model(self) -> None:
        """Build the network."""
        self.model = build_detector(self.run.model, self.data["nc"], self.teacher)
        if self.run.start is not None and self.saved is None:
            names = [self.data["names"][number] for number in range(self.data["nc"])]
            start_from(self.run.start, self.model, self.run.model, names, self.run.data, self.run.size)

    def build_dataset(self, img_path: Any, mode: str = "train", batch: int | None = None) -> Any:
        """Return the pictures of a split; for training also those of the extra folders, in all sorts of light."""
        if mode == "train":
            places = img_path if isinstance(img_path, list) else [img_path]
            img_path = [*places, *(str(folder / "images" / "train") for folder in self.run.extra)]
        dataset = super().build_dataset(img_path, mode, batch)
        if mode == "train":
            for folder in self.run.extra:
                _renumber(dataset, folder, [self.data["names"][i] for i in range(self.data["nc"])])
            self._add_degrade(dataset)
        return dataset

    def _add_degrade(self, dataset: Any) -> None:
        dataset.transforms.insert(len(dataset.transforms.transforms) - 1, Degrade(self.run.hyper.get("degrade", 0.0)))

    def _close_dataloader_mosaic(self) -> None:
        super()._close_dataloader_mosaic()
        self._add_degrade(self.train_loader.dataset)  # the transforms were made anew

    def _setup_ddp(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
        backend = "nccl" if self.device.type == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=timedelta(hours=3))

    def _setup_train(self) -> None:
        with _wrapped_on(self.device):
            super()._setup_train()

    def resume_training(self, ckpt: Any) -> None:
        """Take up the state in which the last whole epoch ended."""
        if self.saved is None:
            return
        unwrap_model(self.model).load_state_dict(self.saved["network"])
        self.ema.ema.load_state_dict(self.saved["average"])
        self.ema.updates = self.saved["updates"]
        self.optimizer.load_state_dict(self.saved["optimizer"])
        self.best_fitness, self.start_epoch = self.saved["best_fitness"], self.saved["epoch"] + 1

    def save_model(self) -> bool:
        """Keep the state after an epoch, whole or not at all."""
        state = {
            "epoch": self.epoch, "fingerprint": self.run.fingerprint(), "best_fitness": float(self.best_fitness),
            "network": unwrap_model(self.model).state_dict(), "average": self.ema.ema.state_dict(),
            "updates": self.ema.updates, "optimizer": self.optimizer.state_dict(),
        }  # fmt: skip
        partial = self.run.out / f"{STATE}.partial"
        torch.save(state, partial)
        os.replace(partial, self.run.out / STATE)
        return True

    def final_eval(self) -> None:
        """Write the averaged weights of the last epoch: they are what was just validated."""
        if RANK in {-1, 0}:
            names = [self.data["names"][number] for number in range(self.data["nc"])]
            save_detector(self.run.out / FINAL, self.ema.ema, names, self.run.size)
            self.wdir.rmdir()  # where ultralytics would have put pickled networks


class Degrade:
    """A transform of ``ultralytics``: light, blur, noise and compression of other cameras.

    Args:
        strength: 0 = untouched, 1 = as found in the wild.
    """

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def __call__(self, labels: dict[str, Any]) -> dict[str, Any]:
        """Degrade the picture of a sample, uint8 ``(H, W, 3)``, BGR; the boxes stay."""
        if self.strength:
            rng = np.random.default_rng(np.random.randint(2**31))
            picture = degrade(np.ascontiguousarray(labels["img"][..., ::-1]), rng, self.strength)
            labels["img"] = np.ascontiguousarray(picture[..., ::-1])
        return labels


def train(run: Run, teacher: Yolov5 | None = None) -> Path:
    """Train a detector.

    Returns:
        The path of its weights.

    Raises:
        ConfigError: see :class:`HandTrainer`.
        SourceError: see :class:`HandTrainer`.
    """
    final = run.out / FINAL
    saved = _saved(run)
    if saved is None or saved["epoch"] + 1 < run.arguments()["epochs"]:
        HandTrainer(run, teacher).train()
    else:  # complete, though it may have been stopped before the last file was written
        classes = list(read_classes(run.data))
        network = build_detector(run.model, len(classes))
        network.load_state_dict(saved["average"])
        save_detector(final, network, classes, run.size)
    return final


def _saved(run: Run) -> dict[str, Any] | None:
    """Return the state to go on from.

    Raises:
        ConfigError: there is one and it was not asked for, or it is of another run.
    """
    path = run.out / STATE
    if not path.is_file():
        return None
    if not run.resume:
        raise ConfigError(f"{run.out} holds a run", "add --resume, or give another --out", "train.out")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    for key, value in run.fingerprint().items():
        if state["fingerprint"][key] != value:
            what = f"{run.out} holds a run with another {key}: {state['fingerprint'][key]!r}, not {value!r}"
            raise ConfigError(what, "give the same arguments, or another --out", "train.resume")
    return state


def _start_from_seed(trainer: HandTrainer) -> None:
    """Start an epoch from its own seed: nothing of the epochs before but the weights is left in it."""
    seed = trainer.run.seed + 1000 * (trainer.epoch + 1)
    init_seeds(seed + 1 + RANK, deterministic=trainer.args.deterministic)
    loader = trainer.train_loader
    loader.generator.manual_seed(seed)
    dataset = loader.dataset
    for number in dataset.buffer:
        dataset.ims[number] = dataset.im_hw0[number] = dataset.im_hw[number] = None
    dataset.buffer = []
    loader.close()
    loader.iterator = None


def _plot_at_last(trainer: HandTrainer) -> None:
    trainer.validator.args.plots = trainer.epoch + 1 == trainer.epochs


def _renumber(dataset: Any, folder: Path, names: list[str]) -> None:
    """Give the labels of an extra folder the numbers of the main one.

    Raises:
        SourceError: the folder has a class that the main one has not.
    """
    theirs = read_classes(folder)
    unknown = sorted(set(theirs) - set(names))
    if unknown:
        what = f"{folder} has the class {unknown[0]!r}, which the data to train on has not"
        raise SourceError(what, "prepare it with the same --classes", "train.extra")
    numbers = np.array([names.index(name) for name in theirs], np.float32)
    inside = str((folder / "images" / "train").resolve())
    for label in dataset.labels:
        if str(Path(label["im_file"]).resolve()).startswith(inside):
            label["cls"] = numbers[label["cls"].astype(int)]


@contextmanager
def _wrapped_on(device: torch.device) -> Iterator[None]:
    """Wrap the network for many processes also on a processor, which has no number to be named by."""
    plain = nn.parallel.DistributedDataParallel

    def wrap(model: nn.Module, device_ids: Any = None, **kwargs: Any) -> nn.Module:
        kwargs["find_unused_parameters"] &= not isinstance(model, HandDetection)  # ours uses all; to look costs time
        wrapped: nn.Module = plain(model, device_ids=device_ids if device.type == "cuda" else None, **kwargs)
        return wrapped

    with mock.patch.object(nn.parallel, "DistributedDataParallel", wrap):
        yield


def _log_for_tensorboard() -> None:
    try:
        importlib.import_module("tensorboard")
    except ImportError as error:
        remedy = "pip install tensorboard"
        raise DependencyError("tensorboard is not installed", remedy, "dependency.tensorboard") from error
    SETTINGS.update({"tensorboard": True})


def _workers() -> int:
    """Leave one core to the network."""
    return max(1, min(8, len(os.sched_getaffinity(0)) - 1))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
