"""Write the model repository of a Triton server that reads the gestures of many cameras; see ``docs/triton.md``.

    OUT/gesture_detector/config.pbtxt  1/model.onnx     run by the server with onnxruntime
    OUT/gesture_verifier/config.pbtxt  1/model.onnx     the same; crops of several pictures go in together
    OUT/gestures/config.pbtxt          1/model.py       what cameras ask: our own gesture stream over those two

An ensemble of Triton cannot tie them: how often the verifier is asked, and with what, depends on what it said before.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assistive.gesture import check_kind
from assistive.weights import Weights

CROPS = 32
"""Crops that the verifier takes at once at most: of sixteen hands, the most of a picture, as they are and mirrored."""

PICTURES = 8
"""Pictures that a detector with an open batch axis takes at once at most."""

WAIT_US = 1000
"""How long the server may keep a request back for others to join it, microseconds."""

MODEL = Path(__file__).with_name("triton_model.py")
TYPES = {"gestures": "STRING", "probability": "FP64", "boxes": "FP64", "hand_scores": "FP64", "probabilities": "FP64"}


def write_repository(out: Path, detector: Weights, verifier: Weights, hands: int, instances: int) -> None:
    """Write the repository; files that are there already are replaced.

    Args:
        out: its folder.
        detector: verified weights.
        verifier: verified weights.
        hands: hands looked at in one picture at most.
        instances: pictures read at the same time.

    Raises:
        WeightsError: weights are of another kind.
    """
    check_kind(detector.sidecar, "gesture-detector")
    check_kind(verifier.sidecar, "gesture-verifier")
    stream = out / "gestures" / "1"
    for name, weights, largest in (("gesture_detector", detector, PICTURES), ("gesture_verifier", verifier, CROPS)):
        folder = out / name / "1"
        folder.mkdir(parents=True, exist_ok=True)
        stream.mkdir(parents=True, exist_ok=True)
        _copy(weights.path, folder / "model.onnx")
        (out / name / "config.pbtxt").write_text(network_config(name, weights, largest), encoding="utf-8")
        _copy(weights.path.with_name(f"{weights.name}.json"), stream / f"{name}.json")
    _copy(MODEL, stream / "model.py")
    (out / "gestures" / "config.pbtxt").write_text(stream_config(verifier, hands, instances), encoding="utf-8")


def network_config(name: str, weights: Weights, largest: int) -> str:
    """Return ``config.pbtxt`` of a network: batches are joined where its first axis is open.

    Args:
        name: name of the model in the repository.
        weights: its weights.
        largest: how many rows it takes at once at most.
    """
    import onnx

    graph = onnx.load(weights.path, load_external_data=False).graph
    shapes = {value.name: _shape(value) for value in (*graph.input, *graph.output)}
    batched = all(shape[0] == -1 for shape in shapes.values())
    outputs = [value.name for value in graph.output]

    def tensors(names: list[str]) -> str:
        return _tensors({n: ("FP32", shapes[n][1:] if batched else shapes[n]) for n in names})

    parts = [
        f'name: "{name}"', 'backend: "onnxruntime"', f"max_batch_size: {largest if batched else 0}",
        f"input {tensors([value.name for value in graph.input])}", f"output {tensors(outputs)}",
        "instance_group [ { count: 1 kind: KIND_AUTO } ]",
        f"dynamic_batching {{ max_queue_delay_microseconds: {WAIT_US} }}" if batched else "",
        "version_policy: { latest { num_versions: 1 } }",
    ]  # fmt: skip
    return "\n".join(filter(None, parts)) + "\n"


def stream_config(verifier: Weights, hands: int, instances: int) -> str:
    """Return ``config.pbtxt`` of the stream; its parameters tell a client the classes and the shipped threshold."""
    classes = verifier.sidecar.classes
    shapes: Mapping[str, list[int]] = {"boxes": [-1, 4], "probabilities": [-1, len(classes)]}
    outputs = {name: (kind, shapes.get(name, [-1])) for name, kind in TYPES.items()}
    parameters = {
        "classes": ",".join(classes), "enter_probability": verifier.sidecar.thresholds["enter_probability"],
        "max_hands": hands,
    }  # fmt: skip
    parts = [
        'name: "gestures"', 'backend: "python"', "max_batch_size: 0",
        f"input {_tensors({'image': ('UINT8', [-1, -1, 3])})}", f"output {_tensors(outputs)}",
        f"instance_group [ {{ count: {instances} kind: KIND_CPU }} ]",
        *(f'parameters {{ key: "{key}" value: {{ string_value: "{value}" }} }}' for key, value in parameters.items()),
        "version_policy: { latest { num_versions: 1 } }",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _tensors(tensors: Mapping[str, tuple[str, list[int]]]) -> str:
    rows = [f'  {{ name: "{name}" data_type: TYPE_{kind} dims: {dims} }}' for name, (kind, dims) in tensors.items()]
    return "[\n" + ",\n".join(rows) + "\n]"


def _shape(value: Any) -> list[int]:
    return [-1 if dim.dim_param else dim.dim_value for dim in value.type.tensor_type.shape.dim]


def _copy(source: Path, target: Path) -> None:
    partial = target.with_name(f"{target.name}.partial")
    shutil.copyfile(source, partial)
    os.replace(partial, target)
