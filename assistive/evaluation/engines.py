"""Run one ONNX file on one thread in different runtimes, to time them against each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from assistive.errors import DependencyError

Call = Callable[[], object]


def open_onnxruntime(path: Path, size: int) -> Call:
    """Return a call that runs a network once with onnxruntime, on one square picture of ``size`` pixels."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name, picture = session.get_inputs()[0].name, _picture(size)
    return lambda: session.run(None, {name: picture})


def open_openvino(path: Path, size: int) -> Call:
    """Return a call that runs a network once with OpenVINO, its input fixed to one square picture of ``size`` pixels.

    What is float stays float32: left to itself OpenVINO computes in bfloat16 where the processor has it.

    Raises:
        DependencyError: it is not installed.
    """
    try:
        import openvino
    except ImportError as error:
        raise DependencyError("openvino is not installed", "pip install openvino", "dependency.openvino") from error
    core = openvino.Core()
    model = core.read_model(str(path))
    picture = _picture(size)
    model.reshape(list(picture.shape))
    settings: dict[str, Any] = {
        "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False,
    }  # fmt: skip
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    return lambda: request.infer([picture])


ENGINES: dict[str, Callable[[Path, int], Call]] = {"onnxruntime": open_onnxruntime, "openvino": open_openvino}


def _picture(size: int) -> Any:
    return np.random.default_rng(0).random((1, 3, size, size), np.float32)
