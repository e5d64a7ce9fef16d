"""Turn MediaPipe's hand landmark network into ONNX: the operators that it is made of, and no others.

The network (Apache-2.0; Zhang et al. 2020, "MediaPipe Hands: On-device Real-time Hand Tracking") lies in MediaPipe's
wheel as TFLite. ONNX Runtime runs it four times as fast as OpenCV does, on whichever device the other networks run.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.errors import DependencyError, WeightsError

ADD, CONV, DEPTHWISE, DEQUANTIZE, DENSE, LOGISTIC, MAX_POOL, MEAN = 0, 3, 4, 6, 9, 14, 17, 40
"""Operators, as the schema of TFLite numbers them."""

TYPES = {0: np.float32, 1: np.float16, 2: np.int32}
LINEAR, RELU, RELU6 = 0, 1, 3
OUTPUTS = {"points": 63, "presence": 1, "right": 1, "world": 63}


class Node:
    """A table of a FlatBuffer, whose fields are asked for by the number that the schema gives them."""

    def __init__(self, data: bytes, position: int) -> None:
        from flatbuffers.table import Table

        self._table: Any = Table(data, position)

    def number(self, field: int, kind: str = "<i1") -> int:
        """Return a number, 0 where it is left out."""
        at = self._table.Offset(4 + 2 * field)
        return int(np.frombuffer(self._table.Bytes, kind, 1, at + self._table.Pos)[0]) if at else 0

    def numbers(self, field: int, kind: str = "<i4") -> NDArray[Any]:
        """Return a vector of numbers, empty where it is left out."""
        at = self._table.Offset(4 + 2 * field)
        if not at:
            return np.zeros(0, kind)
        return np.frombuffer(self._table.Bytes, kind, self._table.VectorLen(at), self._table.Vector(at))

    def child(self, field: int) -> Node:
        """Return a table."""
        return Node(self._table.Bytes, self._table.Indirect(self._table.Offset(4 + 2 * field) + self._table.Pos))

    def children(self, field: int) -> list[Node]:
        """Return a vector of tables."""
        at = self._table.Offset(4 + 2 * field)
        start = self._table.Vector(at)
        return [Node(self._table.Bytes, self._table.Indirect(start + 4 * i)) for i in range(self._table.VectorLen(at))]


class Conversion:
    """The network on its way: what has been read of it, and the ONNX nodes made so far."""

    def __init__(self, data: bytes) -> None:
        model = Node(data, int(np.frombuffer(data, "<u4", 1)[0]))
        self.graph = model.children(2)[0]
        self.codes = [max(code.number(0), code.number(3, "<i4")) for code in model.children(1)]
        self._tensors, self._buffers = self.graph.children(0), model.children(4)
        self._constants: dict[int, NDArray[np.float32]] = {}
        self.nodes: list[Any] = []
        self.initial: dict[str, NDArray[np.float32]] = {"zero": np.array(0, np.float32), "six": np.array(6, np.float32)}

    def shape(self, tensor: int) -> list[int]:
        """Return the shape of a tensor, channels last."""
        return [int(n) for n in self._tensors[tensor].numbers(0)]

    def constant(self, tensor: int) -> NDArray[np.float32]:
        """Return the values of a tensor that is part of the network."""
        if tensor not in self._constants:
            stored = self._tensors[tensor]
            raw = self._buffers[stored.number(2, "<u4")].numbers(0, "<u1").tobytes()
            values = np.frombuffer(raw, TYPES[stored.number(1)]).reshape(self.shape(tensor))
            self._constants[tensor] = values.astype(np.float32)
        return self._constants[tensor]

    def keep(self, tensor: int, values: NDArray[np.float32]) -> str:
        """Make values part of the ONNX network and return their name."""
        self.initial[f"t{tensor}"] = np.ascontiguousarray(values)
        return f"t{tensor}"

    def add(self, kind: str, inputs: list[str], output: int, activation: int = LINEAR, **attributes: Any) -> None:
        """Add a node and what follows it in the same operator."""
        from onnx import helper

        name = f"t{output}"
        raw = name if activation == LINEAR else f"{name}_raw"
        self.nodes.append(helper.make_node(kind, inputs, [raw], **attributes))
        if activation == RELU6:
            self.nodes.append(helper.make_node("Clip", [raw, "zero", "six"], [name]))
        elif activation == RELU:
            self.nodes.append(helper.make_node("Relu", [raw], [name]))
        elif activation != LINEAR:
            raise WeightsError(f"the landmark network has an activation {activation}", "use mediapipe 0.10.14")

    def operator(self, node: Node) -> None:
        """Translate one operator."""
        code = self.codes[node.number(0, "<u4")]
        inputs, output = [int(i) for i in node.numbers(1)], int(node.numbers(2)[0])
        if code not in _TRANSLATIONS:
            raise WeightsError(f"the landmark network has an operator {code}", "use mediapipe 0.10.14")
        _TRANSLATIONS[code](self, node, inputs, output)

    def dequantize(self, _: Node, inputs: list[int], output: int) -> None:
        """Weights lie in half precision: their single one is known from here on."""
        self._constants[output] = self.constant(inputs[0])

    def convolve(self, node: Node, inputs: list[int], output: int) -> None:
        """Translate a convolution, depthwise or not."""
        depthwise = self.codes[node.number(0, "<u4")] == DEPTHWISE
        options = node.child(4)
        weights = self.constant(inputs[1]).transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
        step, sides = options.number(2, "<i4"), self.shape(inputs[0])[1:3]
        pads = [0, 0]
        if options.number(0) == 0:  # "same": as many outputs as inputs, a step apart
            pads = [max(0, (-(-n // step) - 1) * step + k - n) for n, k in zip(sides, weights.shape[2:], strict=True)]
        before = [pad // 2 for pad in pads]
        names = [f"t{inputs[0]}", self.keep(inputs[1], weights), self.keep(inputs[2], self.constant(inputs[2]))]
        self.add("Conv", names, output, options.number(4 if depthwise else 3), strides=[step, step],
                 pads=[*before, *(pad - b for pad, b in zip(pads, before, strict=True))],
                 group=len(weights) if depthwise else 1)  # fmt: skip

    def join(self, node: Node, inputs: list[int], output: int) -> None:
        """Translate a sum."""
        self.add("Add", [f"t{i}" for i in inputs], output, node.child(4).number(0))

    def pool(self, node: Node, inputs: list[int], output: int) -> None:
        """Translate a maximum over squares beside each other."""
        options = node.child(4)
        side, step = options.number(3, "<i4"), options.number(2, "<i4")
        self.add("MaxPool", [f"t{inputs[0]}"], output, kernel_shape=[side, side], strides=[step, step])

    def average(self, _: Node, inputs: list[int], output: int) -> None:
        """Translate the mean over the picture."""
        self.add("ReduceMean", [f"t{inputs[0]}"], output, axes=[2, 3], keepdims=0)

    def multiply(self, node: Node, inputs: list[int], output: int) -> None:
        """Translate a fully connected layer."""
        names = [f"t{inputs[0]}", *(self.keep(i, self.constant(i)) for i in inputs[1:3])]
        self.add("Gemm", names, output, node.child(4).number(0), transB=1)

    def squash(self, _: Node, inputs: list[int], output: int) -> None:
        """Translate a logistic function."""
        self.add("Sigmoid", [f"t{inputs[0]}"], output)


_TRANSLATIONS: dict[int, Callable[[Conversion, Node, list[int], int], None]] = {
    DEQUANTIZE: Conversion.dequantize, CONV: Conversion.convolve, DEPTHWISE: Conversion.convolve,
    ADD: Conversion.join, MAX_POOL: Conversion.pool, MEAN: Conversion.average, DENSE: Conversion.multiply,
    LOGISTIC: Conversion.squash,
}  # fmt: skip


def shipped_network() -> bytes:
    """Return the lighter hand landmark network of the installed MediaPipe, TFLite.

    Raises:
        DependencyError: mediapipe is not installed, or is a version without networks.
    """
    found = find_spec("mediapipe")
    folder = Path(found.origin).parent if found and found.origin else Path()
    path = folder / "modules" / "hand_landmark" / "hand_landmark_lite.tflite"
    if not found or not path.is_file():
        raise DependencyError("this needs the networks of mediapipe 0.10.14", 'pip install -e ".[train]"')
    return path.read_bytes()


def convert(data: bytes, path: Path) -> None:
    """Write a TFLite landmark network as ONNX: float32 ``(1, 3, 224, 224)`` in, outputs as in ``OUTPUTS``.

    Raises:
        WeightsError: it holds an operator that is not known here.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    made = Conversion(data)
    for node in made.graph.children(3):
        made.operator(node)
    source = int(made.graph.numbers(1)[0])
    renamed = {f"t{int(tensor)}": name for tensor, name in zip(made.graph.numbers(2), OUTPUTS, strict=True)}
    last = [helper.make_node("Identity", [tensor], [name]) for tensor, name in renamed.items()]
    first = helper.make_node("Identity", ["image"], [f"t{source}"])
    graph = helper.make_graph(
        [first, *made.nodes, *last], "hand_landmarks",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 224, 224])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, n]) for name, n in OUTPUTS.items()],
        [numpy_helper.from_array(np.asarray(values), name) for name, values in made.initial.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    partial = path.with_suffix(".partial")
    partial.write_bytes(model.SerializeToString())
    os.replace(partial, path)
