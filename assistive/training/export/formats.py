"""Write the networks of ``models/`` in other forms: float16 and int8 for the runtime, IR and engines for others."""

from __future__ import annotations

import datetime
import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from assistive.errors import AssistiveError, DependencyError
from assistive.gesture.detector import STRIDE
from assistive.training.export.half import write_half
from assistive.training.export.people import Batch
from assistive.training.export.quantise import quantise
from assistive.weights import Sidecar, Weights

FORMS = ("fp16", "int8", "openvino", "tensorrt")
ENDINGS = {"fp16": "_fp16.onnx", "int8": "_int8.onnx", "openvino": ".xml", "tensorrt": ".engine"}
LARGEST_BATCH = 32


def write_form(weights: Weights, form: str, out: Path, batches: Sequence[Batch], command: str) -> Path:
    """Write one network in one other form; fp16 and int8 get a sidecar, so that the runtime takes them.

    Args:
        weights: the network in ``models/``.
        form: one of :data:`FORMS`.
        out: folder to write to.
        batches: what the network is given, to calibrate int8.
        command: the command that makes it, for the sidecar.

    Returns:
        The file.

    Raises:
        AssistiveError: it needs what is not installed, or the network does not go into that form.
    """
    path = out / f"{weights.name}{ENDINGS[form]}"
    if form == "openvino":
        write_openvino(weights.path, path)
    elif form == "tensorrt":
        write_tensorrt(weights, path)
    else:
        if form == "fp16":
            write_half(weights.path, path)
        else:
            quantise(weights.path, path, batches)
        write_derived(weights.sidecar, path, form, command)
    return path


def write_derived(sidecar: Sidecar, path: Path, form: str, command: str) -> None:
    """Write the sidecar of a file that was made of another one: its classes and thresholds stay."""
    made = sidecar.made.model_copy(update={"command": command, "date": datetime.date.today().isoformat()})
    derived = sidecar.model_copy(
        update={
            "name": path.stem, "file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "made": made, "figures": {"form": form, "of": sidecar.name, "of_sha256": sidecar.sha256},
        }
    )  # fmt: skip
    partial = path.with_suffix(".json.partial")
    partial.write_text(derived.model_dump_json(indent=2) + "\n", encoding="utf-8")
    os.replace(partial, path.with_suffix(".json"))


def check_tools(forms: Sequence[str]) -> None:
    """Make sure that what the forms need is there, before anything is calibrated.

    Raises:
        DependencyError: it is not.
    """
    if "openvino" in forms:
        try:
            import openvino  # noqa: F401
        except ImportError as error:
            what = "OpenVINO, which writes its own form, is not installed"
            raise DependencyError(what, "pip install openvino", "export.openvino") from error
    if "tensorrt" in forms and shutil.which("trtexec") is None:
        what = "trtexec, which builds TensorRT engines, is not on the PATH"
        remedy = "run this on the GPU that will run the engine, in NVIDIA's TensorRT or Triton SDK container"
        raise DependencyError(what, remedy, "export.tensorrt")


def write_openvino(source: Path, target: Path) -> None:
    """Write ``NAME.xml`` and ``NAME.bin``, OpenVINO's own form, with weights in float16.

    Raises:
        DependencyError: OpenVINO is not installed.
    """
    check_tools(["openvino"])
    import openvino

    openvino.save_model(openvino.convert_model(str(source)), str(target), compress_to_fp16=True)


def write_tensorrt(weights: Weights, target: Path) -> None:
    """Build a TensorRT engine in float16, for this GPU and this version of TensorRT only.

    Raises:
        DependencyError: ``trtexec`` is not there.
        AssistiveError: it did not build the engine.
    """
    check_tools(["tensorrt"])
    low, usual, high = ("x".join(map(str, shape)) for shape in engine_shapes(weights))
    command = ["trtexec", f"--onnx={weights.path}", f"--saveEngine={target}", "--fp16", "--skipInference",
               f"--minShapes=image:{low}", f"--optShapes=image:{usual}", f"--maxShapes=image:{high}"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not target.is_file():
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or [f"status {done.returncode}"]
        what = f"trtexec did not build {target.name}: {last[0][:160]}"
        raise AssistiveError(what, f"see all it says: {' '.join(command)}", "export.tensorrt")


def engine_shapes(weights: Weights) -> tuple[list[int], list[int], list[int]]:
    """Return the smallest, usual and largest shape of a network's input, from its open axes and its sidecar."""
    import onnx

    dims = onnx.load(weights.path, load_external_data=False).graph.input[0].type.tensor_type.shape.dim
    size = weights.sidecar.input
    usual = -(-size.height * 3 // 4 // STRIDE) * STRIDE  # what the letterbox makes of a picture 4:3
    spans = [(1, 4, LARGEST_BATCH), (3, 3, 3), (STRIDE, usual, size.height), (STRIDE, size.width, size.width)]
    shapes = [[span[i] if dim.dim_param else dim.dim_value for dim, span in zip(dims, spans, strict=True)]
              for i in range(3)]  # fmt: skip
    return shapes[0], shapes[1], shapes[2]
