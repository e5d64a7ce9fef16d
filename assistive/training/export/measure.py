"""Compare other forms of the gesture networks with what ships: how far apart, how fast, and how right as a whole."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.gesture import SURE_HAND, GestureStream
from assistive.home import home
from assistive.runtime import open_session
from assistive.settings import GestureSettings, RuntimeSettings
from assistive.training.export.people import Batch, People
from assistive.types import Frame
from assistive.weights import Weights, find_weights

ONE_THREAD = RuntimeSettings(device="cpu", threads=1)
ROUNDS = 12
BATCHES = 24
"""What one round runs: as many inputs, spread over those that the network was given."""

Call = Callable[[Batch], tuple[NDArray[np.float32], ...]]


@contextmanager
def joined_home(*folders: Path) -> Iterator[None]:
    """Let the runtime find the networks of several folders: ``ASSISTIVE_HOME`` holds copies of all meanwhile."""
    before = os.environ.get("ASSISTIVE_HOME")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(home() / "configs", Path(folder) / "configs")
        (Path(folder) / "models").mkdir()
        for path in (path for models in folders for path in models.iterdir() if path.suffix in (".onnx", ".json")):
            shutil.copy(path, Path(folder) / "models")
        os.environ["ASSISTIVE_HOME"] = folder
        try:
            yield
        finally:
            del os.environ["ASSISTIVE_HOME"]
            if before is not None:
                os.environ["ASSISTIVE_HOME"] = before


def compare_files(weights: Weights, files: Mapping[str, Path], batches: Sequence[Batch]) -> dict[str, dict[str, Any]]:
    """Run every form of one network on the same inputs, one thread, in turns.

    Args:
        weights: the network that ships, form ``fp32``.
        files: its other forms that run here, by form: ONNX in :func:`find_weights`'s reach, or OpenVINO's ``.xml``.
        batches: what the network is given.

    Returns:
        For each form: ``megabytes``; ``cpu_ms`` for one of the network's inputs, the median of the rounds; ``faster``,
        the median of the rounds' quotients with fp32; and the ``largest_difference`` of each output from fp32.
    """
    used = batches[:: max(1, len(batches) // BATCHES)]
    calls: dict[str, Call] = {"fp32": open_session(weights, ONE_THREAD).run}
    calls |= {form: _open(path) for form, path in files.items()}
    expected = [calls["fp32"](batch) for batch in used]
    rows: dict[str, dict[str, Any]] = {}
    for form, call in calls.items():
        path = files.get(form, weights.path)
        size = sum(part.stat().st_size for part in (path, path.with_suffix(".bin")) if part.is_file())
        rows[form] = {"file": path.name, "megabytes": round(size / 1e6, 2)}
        if form != "fp32":
            found = [call(batch) for batch in used]
            rows[form]["largest_difference"] = differences(weights.sidecar.kind, expected, found)
    spent = _rounds({form: partial(_run_all, call, used) for form, call in calls.items()})
    for form, seconds in spent.items():
        rows[form]["cpu_ms"] = round(median(seconds) / len(used) * 1e3, 2)
        rows[form]["faster"] = round(median(a / b for a, b in zip(spent["fp32"], seconds, strict=True)), 2)
    return rows


def differences(
    kind: str, expected: Sequence[tuple[NDArray[np.float32], ...]], found: Sequence[tuple[NDArray[np.float32], ...]]
) -> dict[str, float]:
    """Return the largest difference of each output.

    Of a detector only candidates count in which either sees a sure hand: nobody looks at the boxes of the others.
    """
    largest: dict[str, float] = defaultdict(float)
    for one, other in zip(expected, found, strict=True):
        if kind == "gesture-detector":
            a, b = one[0], other[0]
            sure = np.maximum(a[..., 4], b[..., 4]) >= SURE_HAND
            gaps = np.abs(a - b)[sure]
            parts = {"box_px": gaps[:, :4], "hand_score": gaps[:, 4:5], "class_scores": gaps[:, 5:]}
        else:
            names = ("probabilities", "embedding", "box")
            parts = {name: np.abs(a - b) for name, a, b in zip(names, one, other, strict=True)}
        for name, part in parts.items():
            largest[name] = max(largest[name], round(float(part.max(initial=0)), 5))
    return dict(largest)


def judge_streams(pairs: Mapping[str, tuple[str, str]], people: People) -> dict[str, dict[str, Any]]:
    """Read every validation picture with several pairs of networks, in turns.

    Args:
        pairs: names of detector and verifier by what the pair is called; the first is what the others are compared to.
        people: whom to judge on.

    Returns:
        For each pair: the shipped ``threshold``; how many gestures are ``right`` and ``wrong`` at it, of ``gestures``;
        how many ``silent`` pictures are there and how many of them ``fire``; ``cpu_ms`` of a picture, the median; and
        ``faster``, the median of the quotients with the first pair, picture by picture.
    """
    streams = {
        name: GestureStream(GestureSettings(detector=detector, verifier=verifier).alone(), ONE_THREAD)
        for name, (detector, verifier) in pairs.items()
    }
    counts: dict[str, dict[str, int]] = {name: defaultdict(int) for name in streams}
    spent: dict[str, list[float]] = {name: [] for name in streams}
    for image, names in people.judged:
        for pair, stream in streams.items():
            begin = time.process_time()
            hands = stream.read(Frame(image, 0.0, 0, 0.0))
            spent[pair].append(time.process_time() - begin)
            fires = bool(hands) and hands[0].probability >= stream.threshold
            if not names:
                counts[pair]["fire"] += fires
            elif fires:
                counts[pair]["right" if hands[0].gesture in names else "wrong"] += 1
    gestures = sum(bool(names) for _, names in people.judged)
    first = spent[next(iter(streams))]
    return {
        pair: {
            "threshold": stream.threshold, "gestures": gestures, "right": counts[pair]["right"],
            "wrong": counts[pair]["wrong"], "silent": len(people.judged) - gestures, "fire": counts[pair]["fire"],
            "cpu_ms": round(median(spent[pair]) * 1e3, 2),
            "faster": round(median(a / b for a, b in zip(first, spent[pair], strict=True)), 2),
        }
        for pair, stream in streams.items()
    }  # fmt: skip


def _run_all(call: Call, batches: Sequence[Batch]) -> None:
    for batch in batches:
        call(batch)


def _rounds(tasks: Mapping[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Return the seconds of processor time of each task in each round: on a busy machine the clock tells little."""
    spent: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(ROUNDS + 1):
        for name, task in tasks.items():
            begin = time.process_time()
            task()
            if number:  # the first round warms up
                spent[name].append(time.process_time() - begin)
    return spent


def _open(path: Path) -> Call:
    if path.suffix != ".xml":
        return open_session(find_weights(path.stem), ONE_THREAD).run
    import openvino

    settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
    model = openvino.Core().compile_model(str(path), "CPU", settings)
    request = model.create_infer_request()

    def run(batch: Batch) -> tuple[NDArray[np.float32], ...]:
        found = request.infer([batch])
        return tuple(np.array(found[output]) for output in model.outputs)

    return run
