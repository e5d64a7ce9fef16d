"""Make the tiny networks that the tests run: ``python tests/data/make_networks.py`` (needs onnx)."""

from __future__ import annotations

from pathlib import Path

from onnx import ModelProto, TensorProto, checker, helper, save


def network(operators: list[tuple[str, list[str], list[str]]]) -> ModelProto:
    """A network from ``image`` (batch, 3, 8, 8) to ``out``."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 8, 8])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", 3, "height", "width"])
    nodes = [helper.make_node(kind, takes, gives) for kind, takes, gives in operators]
    graph = helper.make_graph(nodes, "tiny", [image], [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    return model


if __name__ == "__main__":
    here = Path(__file__).parent
    # The mean of each channel.
    save(network([("GlobalAveragePool", ["image"], ["out"])]), here / "mean.onnx")
    # Zero divided by zero, whatever the picture.
    save(network([("Sub", ["image", "image"], ["zero"]), ("Div", ["zero", "zero"], ["out"])]), here / "nan.onnx")
