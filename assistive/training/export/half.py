"""Turn a float32 network into a float16 one for GPUs, which still takes and gives float32."""

from __future__ import annotations

import os
from pathlib import Path

from assistive.training.export.quantise import after_convolutions


def write_half(source: Path, target: Path) -> None:
    """Write a float16 network with float32 inputs and outputs.

    What follows the last convolution stays float32: a box at 300 px would be rounded to a quarter of a pixel.

    Args:
        source: the float32 network.
        target: where to; written whole or not at all.

    Raises:
        WeightsError: the network has no convolution.
    """
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = onnx.load(source)
    half = convert_float_to_float16(model, keep_io_types=True, node_block_list=after_convolutions(model))
    partial = target.with_name(f"{target.name}.partial")
    onnx.save(half, partial)
    os.replace(partial, target)
