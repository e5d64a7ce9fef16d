"""Turn a float network into an int8 one, calibrated on what the network really sees."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.errors import WeightsError

Batches = Sequence[NDArray[np.float32]]


def quantise(source: Path, target: Path, batches: Batches) -> None:
    """Write an int8 network: weights by channel, activations by tensor in the range that the batches fill.

    What follows the last convolution stays float. There candidates are decoded: with boxes in pixels and scores of 0..1
    behind one scale, a score is rounded to nothing (measured: not one gesture of 218 is found), and it costs little.

    Args:
        source: the float network; its one input is called ``image``.
        target: where to; written whole or not at all.
        batches: float32 ``(n, 3, h, w)``, of every shape that occurs.

    Raises:
        WeightsError: there are no batches, or the network has no convolution.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    if not len(batches):
        raise WeightsError("nothing to calibrate int8 on", "--calibrate a folder with pictures", "export.calibrate")
    partial = target.with_name(f"{target.name}.partial")
    logging.getLogger().addFilter(_is_ours)  # onnxruntime warns that it was not pre-processed, though it was
    try:
        with tempfile.TemporaryDirectory() as folder:
            prepared = Path(folder) / "prepared.onnx"
            quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
            quantize_static(
                str(prepared), str(partial), _reader(batches), quant_format=QuantFormat.QDQ, per_channel=True,
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                nodes_to_exclude=after_convolutions(onnx.load(prepared)),
            )  # fmt: skip
        os.replace(partial, target)
    finally:
        logging.getLogger().removeFilter(_is_ours)
        partial.unlink(missing_ok=True)


def after_convolutions(model: Any) -> list[str]:
    """Return the names of the nodes of an ONNX model from which no way leads to a convolution that was learned.

    Raises:
        WeightsError: the model has none.
    """
    # A convolution to one channel is arithmetic: the mean that YOLOv8 takes of a distance's distribution.
    learned = {weight.name for weight in model.graph.initializer if weight.dims and weight.dims[0] > 1}
    leading: set[str] = set()
    after: list[str] = []
    for node in reversed(model.graph.node):  # they stand in the order in which they run
        if (node.op_type == "Conv" and node.input[1] in learned) or leading.intersection(node.output):
            leading.update(node.input)
        else:
            after.append(node.name)
    if not leading:
        raise WeightsError("a network without convolutions gains nothing by it", "leave it float32", "export.form")
    return after[::-1]


def _is_ours(record: logging.LogRecord) -> bool:
    return "pre-processing before quantization" not in record.getMessage()


def _reader(batches: Batches) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc,unused-ignore]
        """Feeds one batch after the other."""

        def __init__(self) -> None:
            self._rest: Iterator[NDArray[np.float32]] = iter(batches)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            """Return the next input, or None at the end."""
            batch = next(self._rest, None)
            return None if batch is None else {"image": batch}

        def __len__(self) -> int:
            return len(batches)

    return Reader()
