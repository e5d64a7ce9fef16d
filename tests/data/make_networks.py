"""Make the tiny networks that the tests run: ``python tests/data/make_networks.py`` (needs onnx)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper, save


def network(operators: list[tuple[str, list[str], list[str]]]) -> ModelProto:
    """A network from ``image`` (batch, 3, 8, 8) to ``out``."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 8, 8])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", 3, "height", "width"])
    nodes = [helper.make_node(kind, takes, gives) for kind, takes, gives in operators]
    graph = helper.make_graph(nodes, "tiny", [image], [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    return model


def expression_network() -> ModelProto:
    """Flow maps to negative, positive, surprise or none, by the channel (u, v, strain) that moves; still = none."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 28, 28])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", 4])
    weights = {"push": 10 * np.eye(3, 4, dtype=np.float32), "rest": np.array([0, 0, 0, 1], np.float32)}
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Gemm", ["flat", "push", "rest"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["out"]),
    ]
    known = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "tiny", [image], [out], known)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    return model


if __name__ == "__main__":
    here = Path(__file__).parent
    # The mean of each channel.
    save(network([("GlobalAveragePool", ["image"], ["out"])]), here / "mean.onnx")
    # Zero divided by zero, whatever the picture.
    save(network([("Sub", ["image", "image"], ["zero"]), ("Div", ["zero", "zero"], ["out"])]), here / "nan.onnx")
    save(expression_network(), here / "expression.onnx")
