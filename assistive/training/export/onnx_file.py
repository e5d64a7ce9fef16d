"""Write a trained network as an ONNX file, and the sidecar beside it."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from assistive.errors import WeightsError
from assistive.gesture.detector import STRIDE
from assistive.training.stock import CLASSES

PARITY = 1e-3
ANY_SIZE = {"image": {0: "n", 2: "height", 3: "width"}, "candidates": {0: "n", 1: "anchors"}}
"""Open axes of a detector: the runtime asks for one picture, a server for several."""

LICENCE = "trained on HaGRID derivatives: attribution and share-alike, a rewording of CC BY-SA 4.0; see the card"


def write_onnx(
    network: nn.Module, example: torch.Tensor, path: Path, outputs: Sequence[str],
    axes: Mapping[str, Mapping[int, str]] | None = None,
) -> float:  # fmt: skip
    """Export a network and compare it with torch on noise, also in other shapes where its sides are open.

    Args:
        network: in evaluation mode after this call.
        example: an input of the right shape.
        path: where to; written whole or not at all.
        outputs: names of the outputs.
        axes: names of the axes of ``image`` and of the outputs that stay open; the batch of all where left out.

    Returns:
        Largest difference from torch, relative to the largest output.

    Raises:
        WeightsError: the difference is above 1e-3.
    """
    import onnxruntime

    network.eval()
    partial = path.with_suffix(".partial")
    if axes is None:
        axes = {name: {0: "n"} for name in ("image", *outputs)}
    torch.onnx.export(network, (example,), str(partial), input_names=["image"], output_names=list(outputs),
                      opset_version=17, dynamo=False, dynamic_axes=axes)  # fmt: skip
    session = onnxruntime.InferenceSession(str(partial), providers=["CPUExecutionProvider"])
    error = max(_difference(network, session, shape) for shape in _shapes(tuple(example.shape), axes))
    if error > PARITY:
        raise WeightsError(f"{path.name} differs from torch by {error:.1e}", "export with another opset")
    os.replace(partial, path)
    return error


def _shapes(shape: tuple[int, ...], axes: Mapping[str, Mapping[int, str]]) -> list[tuple[int, ...]]:
    """Return the shapes to compare in: the example's, and where sides and batch are open, also other ones.

    Those are what the letterbox makes of pictures 4:3, 16:9 and 3:4, and two pictures at once.
    """
    if not {2, 3} <= set(axes.get("image", {})):
        return [shape]
    images, channels, height, width = shape
    lower = [-(-height * part // 16 // STRIDE) * STRIDE for part in (12, 9)]
    shapes = [shape, *((images, channels, side, width) for side in lower), (images, channels, height, lower[0])]
    return [*shapes, (images + 1, *shape[1:])] if 0 in axes["image"] else shapes


def _difference(network: nn.Module, session: Any, shape: tuple[int, ...]) -> float:
    noise = torch.rand(shape)
    with torch.no_grad():
        expected = network(noise)
    expected = [expected] if isinstance(expected, torch.Tensor) else list(expected)
    found = session.run(None, {"image": noise.numpy()})
    return max(
        float(np.abs(a.numpy() - b).max() / max(1.0, float(a.abs().max())))
        for a, b in zip(expected, found, strict=True)
    )


def write_sidecar(
    path: Path, kind: str, size: int | tuple[int, int], thresholds: dict[str, float], made: dict[str, Any],
    figures: dict[str, Any], classes: Sequence[str] = CLASSES, licence: str = LICENCE,
) -> None:  # fmt: skip
    """Write ``NAME.json`` beside ``NAME.onnx``; ``size`` is the side of the input, or its height and width."""
    height, width = (size, size) if isinstance(size, int) else size
    sidecar = {
        "name": path.stem,
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "kind": kind,
        "licence": licence,
        "input": {"height": height, "width": width},
        "classes": list(classes),
        "thresholds": thresholds,
        "made": {"date": datetime.date.today().isoformat(), **made},
        "figures": figures,
    }
    partial = path.with_suffix(".json.partial")
    partial.write_text(json.dumps(sidecar, indent=2) + "\n")
    os.replace(partial, path.with_suffix(".json"))
