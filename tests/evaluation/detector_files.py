"""Make what a comparison of detectors needs: labelled pictures, and an ONNX file that sees the same hand in all."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from assistive.training.datasets.yolo_format import label_path, write_index

CLASSES = ("fist", "like", "no_gesture")
SIDE = 64


def write_pictures(root: Path, count: int = 3) -> Path:
    """Write pictures of 64 px, each with a fist in the middle half of its width and height, in both splits."""
    write_index(root, CLASSES, ("train", "val"))
    for split in ("train", "val"):
        for i in range(count):
            picture = np.full((SIDE, SIDE, 3), 40 * i, np.uint8)
            cv2.imwrite(str(root / "images" / split / f"{i}.png"), picture)
            label = label_path(root, split, f"{i}.png")
            label.parent.mkdir(parents=True, exist_ok=True)
            label.write_text("0 0.5 0.5 0.5 0.5\n")
    return root


def write_constant(path: Path, rows: list[list[float]]) -> Path:
    """Write a network that gives back the same candidates whatever it is shown."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    table = numpy_helper.from_array(np.array([rows], np.float32), "table")
    zero = numpy_helper.from_array(np.zeros(1, np.float32), "zero")
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["table", "nothing"], ["candidates"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "h", "w"])
    out = helper.make_tensor_value_info("candidates", TensorProto.FLOAT, [1, len(rows), len(rows[0])])
    graph = helper.make_graph(nodes, "constant", [image], [out], [table, zero])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    return path
