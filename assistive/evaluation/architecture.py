"""Compare the architectures of hand detectors that were trained the same way: what they cost, and what they reach.

Every network is exported to the same form, all candidates decoded (``assistive.training.yolo.network.candidates_of``),
and that file is what is timed and what is judged, by one evaluator behind the runtime's own letterbox and suppression.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.errors import ConfigError, DependencyError
from assistive.evaluation.detector_file import RESAMPLES, describe, judge
from assistive.evaluation.engines import ENGINES, Call
from assistive.evaluation.peers import count_cost, interleave
from assistive.gesture.detector import letterbox
from assistive.settings import Settings
from assistive.sources.images import read_picture
from assistive.training.datasets.yolo_format import find_yolo, read_classes
from assistive.zoo.variants import variants

PEERS = ("yolov8n", "yolo11n", "yolo26n")
"""Networks of ultralytics that are compared with ours."""

REFERENCE = "yolov5s"
CALIBRATION = 96
"""Training pictures that int8 ranges are measured on."""

Quantise = Callable[[Path, Path, Sequence[NDArray[np.float32]]], None]
"""Makes an int8 file of a float one: source, target, and batches ``(1, 3, h, w)`` as the network sees them."""


@dataclass(frozen=True, slots=True)
class Study:
    """What is compared, on what.

    Attributes:
        data: folder with ``data.yaml``; its ``val`` judges.
        runs: folder with ``NAME/final.pt`` and ``NAME/last.pt`` of each network that was trained.
        trained: names whose accuracy is measured.
        size: side of the input, pixels.
        rounds: how often each network has its turn when it is timed.
        quantise: makes int8 files; None = only float ones are measured.
    """

    data: Path
    runs: Path
    trained: tuple[str, ...]
    size: int
    rounds: int
    quantise: Quantise | None


def names() -> tuple[str, ...]:
    """Return the names of all networks that can be compared: ours, then those of ultralytics."""
    return (*variants(), *PEERS)


def measure(study: Study, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure what every network costs, and what those that were trained reach.

    Args:
        study: what is compared.
        say: told what is being done.

    Returns:
        ``schedule`` and ``validation``, ``engines`` (why one is missing, or None), and for each of the ``networks``:
        ``parameters``, ``gflops_640``, ``megabytes``, ``ms`` by engine and precision, ``share_of_yolov5s``,
        ``accuracy`` by precision or None, ``map50_per_ms``, and whether it is on the ``pareto`` front.

    Raises:
        ConfigError: networks were trained in different ways.
        DependencyError: torch, ultralytics or faster-coco-eval is not installed.
        SourceError: the data cannot be read.
        WeightsError: a run holds no weights, or an export differs from torch.
    """
    schedule = read_schedule(study.runs, study.trained)
    classes = read_classes(study.data)
    folder = study.runs / "onnx"
    folder.mkdir(parents=True, exist_ok=True)
    calibration = list(_calibration(study)) if study.quantise else []
    rows, files = {}, {}
    for name in names():
        say(f"export {name}")
        rows[name], files[name] = _export(study, name, classes, folder, calibration)
    say("time")
    times, engines = _time(files, study)
    accuracy: dict[str, Any] = {}
    for name in study.trained:
        say(f"judge {name}")
        accuracy[name] = {
            precision: judge(path, study.data, study.size, RESAMPLES if precision == "fp32" else 0)
            for precision, path in files[name].items()
        }
    for name, row in rows.items():
        row["ms"] = times[name]
        row["share_of_yolov5s"] = _shares(row, rows[REFERENCE], times, name)
        row["accuracy"] = accuracy.get(name)
    _rank(rows)
    return {
        "size": study.size, "threads": 1, "rounds": study.rounds, "classes": len(classes), "schedule": schedule,
        "validation": describe(study.data), "engines": engines, "networks": rows,
    }  # fmt: skip


def read_schedule(runs: Path, trained: Sequence[str]) -> dict[str, Any]:
    """Return how the networks were trained, which must be the same for all.

    Raises:
        ConfigError: it was not, or a run does not say how.
    """
    import torch

    from assistive.training.yolo.trainer import FINAL, STATE

    first: dict[str, Any] = {}
    for name in trained:
        if not (runs / name / FINAL).is_file() or not (runs / name / STATE).is_file():
            what = f"{runs / name} holds no finished run ({FINAL} and {STATE})"
            raise ConfigError(what, "train it, or leave it out of --models", "study.run")
        state = torch.load(runs / name / STATE, map_location="cpu", weights_only=True)["fingerprint"]
        how = {key: value for key, value in state.items() if key != "model"}
        first = first or how
        different = [key for key in how if how[key] != first[key]]
        if different:
            what = f"{name} was trained with another {different[0]} than {trained[0]}"
            remedy = f"remove {runs / name} and train it again, or leave it out of --models"
            raise ConfigError(what, remedy, "study.schedule")
    return first


def _export(
    study: Study, name: str, classes: Sequence[str], folder: Path, calibration: Sequence[NDArray[np.float32]]
) -> tuple[dict[str, Any], dict[str, Path]]:
    """Write the files of a network, trained or not, and return its row of sizes and their paths by precision."""
    import torch

    from assistive.training.export import ANY_SIZE, write_onnx
    from assistive.training.yolo.network import build_detector, candidates_of, load_detector
    from assistive.training.yolo.trainer import FINAL

    torch.manual_seed(0)
    if name in study.trained:
        network, _, _ = load_detector(study.runs / name / FINAL)
    else:
        network = build_detector(name, len(classes)).eval()
    if name in PEERS:
        for branch in ("one2one_cv2", "one2one_cv3"):  # yolo26 has two ends; the one that needs no NMS is not used
            if getattr(network.model[-1], branch, None) is not None:
                setattr(network.model[-1], branch, None)
    cost = count_cost(network)
    files = {"fp32": folder / f"{name}.onnx"}
    example = torch.rand(1, 3, study.size, study.size)
    write_onnx(candidates_of(network), example, files["fp32"], ["candidates"], ANY_SIZE)
    if study.quantise:
        files["int8"] = folder / f"{name}_int8.onnx"
        study.quantise(files["fp32"], files["int8"], calibration)
    row = {
        "family": "ultralytics" if name in PEERS else "ours", "parameters": cost.parameters,
        "gflops_640": round(cost.gflops, 4),
        "megabytes": {precision: round(path.stat().st_size / 1e6, 2) for precision, path in files.items()},
    }  # fmt: skip
    return row, files


def _time(files: Mapping[str, Mapping[str, Path]], study: Study) -> tuple[dict[str, Any], dict[str, str | None]]:
    """Time every file in every engine, all by turns; returns milliseconds by network, and why an engine is missing."""
    runs: dict[str, Call] = {}
    absent: dict[str, str | None] = {}
    for engine, opener in ENGINES.items():
        try:
            for name, paths in files.items():
                for precision, path in paths.items():
                    runs[f"{name}|{engine} {precision}"] = opener(path, study.size)
            absent[engine] = None
        except DependencyError as error:
            absent[engine] = error.what
    times: dict[str, Any] = {name: {} for name in files}
    for key, (wall, cpu) in interleave(runs, study.rounds).items():
        name, _, how = key.partition("|")
        times[name][how] = {"wall": round(median(wall), 2), "cpu": round(median(cpu), 2)}
    return times, absent


def _shares(
    row: Mapping[str, Any], reference: Mapping[str, Any], times: Mapping[str, Any], name: str
) -> dict[str, float]:
    shares = {key: row[key] / reference[key] for key in ("parameters", "gflops_640")}
    shares["cpu"] = times[name]["onnxruntime fp32"]["cpu"] / times[REFERENCE]["onnxruntime fp32"]["cpu"]
    return {key: round(value, 3) for key, value in shares.items()}


def _rank(rows: Mapping[str, dict[str, Any]]) -> None:
    """Add what a millisecond buys, and whether nothing else is both faster and better."""
    points = {}
    for name, row in rows.items():
        if row["accuracy"]:
            points[name] = row["ms"]["onnxruntime fp32"]["cpu"], row["accuracy"]["fp32"]["map50"]
    for name, row in rows.items():
        ms, reached = points.get(name, (0.0, 0.0))
        row["map50_per_ms"] = round(100 * reached / ms, 2) if ms else None
        row["pareto"] = name in points and not any(
            other_ms <= ms and other >= reached and (other_ms, other) != (ms, reached)
            for other_ms, other in points.values()
        )


def _calibration(study: Study) -> Iterator[NDArray[np.float32]]:
    every = list(find_yolo(study.data, "train"))
    step = max(1, len(every) // CALIBRATION)
    for path, _ in islice(every, 0, step * CALIBRATION, step):
        yield letterbox(read_picture(path, Settings().source.max_pixels), study.size, study.size)[0]
