"""Compare our detector with its peers: size, arithmetic, and time on the CPU in one interleaved run. Needs torch.

All networks have random weights (time does not depend on them), the same head classes and the same input size.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from assistive.errors import DependencyError

REFERENCE = "yolov5s"
OURS = ("yolov5s", "yolov5n", "yolov5s_lite")
ULTRALYTICS = ("yolov5n", "yolov5s", "yolo11n", "yolo26n")
FLOPS_SIZE = 640
REPEATS = 8
"""Runs of one network in one round; the round's figure is their median."""

WARM_UP = 3


@dataclass(frozen=True, slots=True)
class Cost:
    """What a network costs before it is timed: parameters, and 2 x multiply-adds of its convolutions at 640 px."""

    parameters: int
    gflops: float


def compare(size: int, rounds: int, classes: int) -> dict[str, Any]:
    """Time our detector, YOLOv5s and YOLOv5n, and those of ultralytics where it is installed.

    Args:
        size: side of the square input in pixels.
        rounds: how often each network has its turn.
        classes: number of classes of every head.

    Returns:
        ``networks`` with parameters, gflops_640, wall_ms and cpu_ms each, ``ratios_to_yolov5s``, and ``absent``: why
        the networks of ultralytics are missing, or None.

    Raises:
        DependencyError: torch is not installed.
    """
    absent = None
    with tempfile.TemporaryDirectory() as folder:
        costs = _export_ours(Path(folder), size, classes)
        try:
            costs |= _export_ultralytics(Path(folder), size, classes)
        except DependencyError as error:
            absent = f"{error.what} ({error.remedy})"
        runs = {name: _open(Path(folder) / f"{name}.onnx", size) for name in costs}
        times = interleave(runs, rounds)
    return {
        "size": size,
        "classes": classes,
        "threads": 1,
        "rounds": rounds,
        "networks": {
            name: {
                "parameters": cost.parameters, "gflops_640": round(cost.gflops, 3),
                "wall_ms": round(median(times[name][0]), 2), "cpu_ms": round(median(times[name][1]), 2),
            }
            for name, cost in costs.items()
        },
        "ratios_to_yolov5s": {name: _ratios(name, costs, times) for name in costs},
        "absent": absent,
    }  # fmt: skip


def interleave(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, tuple[list[float], list[float]]]:
    """Give every network its turn in every round, so that a busy moment falls on all of them.

    Args:
        runs: what runs each network once.
        rounds: number of rounds.

    Returns:
        For each network the milliseconds of every round (the median of its runs): wall time, and time of all threads
        on the CPU.
    """
    times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in runs}
    for run in runs.values():
        for _ in range(WARM_UP):
            run()
    for _ in range(rounds):
        for name, run in runs.items():
            wall, cpu = zip(*(_time(run) for _ in range(REPEATS)), strict=True)
            times[name][0].append(median(wall))
            times[name][1].append(median(cpu))
    return times


def _time(run: Callable[[], object]) -> tuple[float, float]:
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    run()
    return (time.perf_counter() - wall_s) * 1000, (time.process_time() - cpu_s) * 1000


def _ratios(
    name: str, costs: Mapping[str, Cost], times: Mapping[str, tuple[list[float], list[float]]]
) -> dict[str, float]:
    """Return what a network costs as a share of the reference; times are compared round by round."""
    own, reference = costs[name], costs[REFERENCE]
    wall, cpu = (
        median(a / b for a, b in zip(times[name][i], times[REFERENCE][i], strict=True)) for i in range(2)
    )
    return {
        "parameters": round(own.parameters / reference.parameters, 3),
        "gflops": round(own.gflops / reference.gflops, 3),
        "wall": round(wall, 3),
        "cpu": round(cpu, 3),
    }


def count_cost(network: Any) -> Cost:
    """Count parameters, and the arithmetic of all convolutions on one 640 px picture.

    Args:
        network: a ``torch.nn.Module`` in evaluation mode.
    """
    import torch

    total = 0.0

    def add(module: Any, inputs: Any, output: Any) -> None:
        nonlocal total
        rows, columns = module.kernel_size
        total += 2 * output.numel() * module.in_channels // module.groups * rows * columns

    hooks = [m.register_forward_hook(add) for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    with torch.no_grad():
        network(torch.zeros(1, 3, FLOPS_SIZE, FLOPS_SIZE))
    for hook in hooks:
        hook.remove()
    return Cost(sum(p.numel() for p in network.parameters()), total / 1e9)


def _export_ours(folder: Path, size: int, classes: int) -> dict[str, Cost]:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise DependencyError("torch, which --peers needs, is not installed", 'pip install -e ".[train]"') from error
    from assistive.zoo.yolov5s_lite import Decode, build

    costs = {}
    for name in OURS:
        network = Decode(build(name, classes)).eval()
        costs[name] = count_cost(network)
        _export(network, size, folder / f"{name}.onnx")
    return costs


def _export_ultralytics(folder: Path, size: int, classes: int) -> dict[str, Cost]:
    """Export the networks of ultralytics as its own exporter would, but without its look-ups on the internet."""
    os.environ |= {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_CONFIG_DIR": str(folder)}
    try:
        from ultralytics.nn.tasks import DetectionModel
    except (ImportError, RuntimeError) as error:  # RuntimeError: its torchvision does not fit this torch
        raise DependencyError("ultralytics is not installed", 'pip install -e ".[train]"') from error
    costs = {}
    for name in ULTRALYTICS:
        network = DetectionModel(f"{name}.yaml", nc=classes, verbose=False).eval()
        costs[f"ultralytics {name}"] = count_cost(network)
        network = network.fuse(verbose=False)
        head = network.model[-1]
        head.export, head.format = True, "onnx"
        _export(network, size, folder / f"ultralytics {name}.onnx")
    return costs


def _export(network: Any, size: int, path: Path) -> None:
    import torch

    example = torch.zeros(1, 3, size, size)
    torch.onnx.export(network, (example,), str(path), opset_version=17, dynamo=False)


def _open(path: Path, size: int) -> Callable[[], object]:
    """Return a call that runs a network once, on one thread and with the session options of the runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    picture = np.random.default_rng(0).random((1, 3, size, size), np.float32)
    return lambda: session.run(None, {name: picture})
