"""Put a trained detector in the place of the one in ``models/``, and fit the verifier's blend to it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch

from assistive.errors import WeightsError
from assistive.gesture import GestureStream
from assistive.settings import Settings
from assistive.sources.images import read_picture
from assistive.training.datasets.gesture_pack import LabelledHand, Picture
from assistive.training.datasets.yolo_format import find_yolo, read_classes
from assistive.training.export import ANY_SIZE, choose_threshold, collect, fit_blend, write_onnx, write_sidecar
from assistive.training.yolo.network import candidates_of, load_detector
from assistive.types import GESTURES, NO_GESTURE
from assistive.weights import find_weights

THRESHOLDS = {"hand_score": 0.05, "overlap": 0.5}


def ship_detector(final: Path, models: Path, made: dict[str, Any], licence: str) -> dict[str, Any]:
    """Write ``gesture_detector.onnx`` and its sidecar.

    Args:
        final: weights that ``scripts/train_gesture.py`` wrote.
        models: folder to write to.
        made: how it was made, for the sidecar.
        licence: terms of the weights.

    Returns:
        The sidecar's figures: the model and the largest difference from torch.

    Raises:
        WeightsError: it is no detector, it does not know all gestures, or the export differs.
    """
    network, classes, size = load_detector(final)
    missing = [name for name in (*GESTURES, NO_GESTURE) if name not in classes]
    if missing:
        what = f"{final} does not know {', '.join(missing)}"
        raise WeightsError(what, "train with all 18 gestures and no_gesture", "weights.classes")
    path = models / "gesture_detector.onnx"
    example = torch.rand(1, 3, size, size)
    figures = {"model": torch.load(final, weights_only=True)["model"],
               "parity": write_onnx(candidates_of(network), example, path, ["candidates"], ANY_SIZE)}  # fmt: skip
    write_sidecar(path, "gesture-detector", size, THRESHOLDS, made, figures, classes, licence)
    return figures


def fit_verifier(data: Path, models: Path, allowed: float, max_pixels: int) -> dict[str, Any]:
    """Fit the blend of both networks and choose the threshold, on the people of a validation part.

    Args:
        data: folder with ``data.yaml``; nobody in its ``val`` may have been trained on.
        models: folder of both networks; must be the one that ``assistive.home`` finds.
        allowed: share of pictures without a gesture that may fire, 0..1.
        max_pixels: size above which a picture is refused.

    Returns:
        The thresholds, and what they give on these pictures.

    Raises:
        SourceError: the data cannot be read.
        WeightsError: the verifier is missing or damaged, or the detector finds none of the hands.
    """
    pictures = read_validation(data, max_pixels)
    settings = Settings()
    samples = collect(GestureStream(settings.gesture.alone(), settings.runtime), [p for p in pictures if p.hands])
    if not any(set(names) - {NO_GESTURE} for _, _, names in samples):
        what = f"the detector finds no gesture in the val part of {data}"
        raise WeightsError(what, "train it longer, or from --start models/gesture_detector.onnx", "weights.blind")
    blend = fit_blend(samples)
    _rewrite(models, {**blend, "enter_probability": 0.5}, {})
    found = choose_threshold(GestureStream(settings.gesture.alone(), settings.runtime), pictures, allowed)
    thresholds = {**blend, "enter_probability": found.pop("enter_probability")}
    _rewrite(models, thresholds, {"fitted_on": {"data": str(data.name), **found}})
    return {"thresholds": thresholds, **found}


def fingerprint(data: Path) -> str:
    """Return the SHA-256 of the classes and of all labels in the training and validation parts: names the data.

    Raises:
        SourceError: the data cannot be read.
    """
    digest = hashlib.sha256("\0".join(read_classes(data)).encode())
    for split in ("train", "val"):
        for _, picture in find_yolo(data, split):
            digest.update(f"\1{split}/{picture.file} {picture.boxes}".encode())
    return digest.hexdigest()


def read_validation(data: Path, max_pixels: int) -> list[Picture]:
    """Read the validation part of data in the layout of YOLO; what is none of our gestures counts as ``no_gesture``.

    Raises:
        SourceError: the data cannot be read.
    """
    pictures = []
    for path, labelled in find_yolo(data, "val"):
        image = read_picture(path, max_pixels)
        hands = tuple(
            LabelledHand(named.box, (named.name if named.name in GESTURES else NO_GESTURE,))
            for named in labelled.boxes
        )
        pictures.append(Picture(labelled.file, image, hands, data.name, labelled.file))
    return pictures


def _rewrite(models: Path, thresholds: dict[str, float], figures: dict[str, Any]) -> None:
    """Change thresholds in the verifier's sidecar, whole or not at all; the network stays."""
    path = models / "gesture_verifier.json"
    sidecar = find_weights("gesture_verifier").sidecar.model_dump()
    sidecar["thresholds"] = thresholds
    sidecar["figures"] = {**sidecar["figures"], **figures}
    partial = path.with_suffix(".json.partial")
    partial.write_text(json.dumps(sidecar, indent=2) + "\n", encoding="utf-8")
    os.replace(partial, path)
