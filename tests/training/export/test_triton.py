"""The model repository, with a stand-in for the server: its requests run the repository's own files."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
import onnx
import onnxruntime

from assistive.errors import WeightsError
from assistive.gesture import GestureStream
from assistive.settings import GestureSettings, RuntimeSettings
from assistive.training.export.people import People
from assistive.training.export.triton import write_repository
from assistive.types import Frame
from assistive.weights import find_weights


@dataclass
class Tensor:
    called: str
    values: np.ndarray

    def name(self) -> str:
        return self.called

    def as_numpy(self) -> np.ndarray:
        return self.values


@dataclass
class TritonError:
    text: str

    def message(self) -> str:
        return self.text


@dataclass
class InferenceResponse:
    output_tensors: list[Tensor]
    error_: TritonError | None = None

    def __init__(self, output_tensors: list[Tensor], error: TritonError | None = None) -> None:
        self.output_tensors, self.error_ = output_tensors, error

    def has_error(self) -> bool:
        return self.error_ is not None

    def error(self) -> TritonError | None:
        return self.error_


@dataclass
class Server:
    """Runs the networks of a repository as Triton would: named outputs only, no more rows than configured."""

    root: Path
    fault: str | None = None
    asked: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    sessions: dict[str, onnxruntime.InferenceSession] = field(default_factory=dict)

    def run(self, model: str, inputs: list[Tensor], outputs: list[str]) -> InferenceResponse:
        if self.fault:
            return InferenceResponse([], TritonError(self.fault))
        config = (self.root / model / "config.pbtxt").read_text()
        largest = int(re.search(r"max_batch_size: (\d+)", config)[1])  # type: ignore[index]
        (image,) = inputs
        assert not largest or len(image.values) <= largest
        self.asked.append((model, image.values.shape))
        if model not in self.sessions:
            file = self.root / model / "1" / "model.onnx"
            self.sessions[model] = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        found = self.sessions[model].run(outputs, {image.name(): image.values})
        return InferenceResponse([Tensor(*pair) for pair in zip(outputs, found, strict=True)])

    def module(self) -> ModuleType:
        """The module that Triton gives to its Python models."""
        server = self

        @dataclass
        class InferenceRequest:
            model_name: str
            requested_output_names: list[str]
            inputs: list[Tensor]
            preferred_memory: Any

            def exec(self) -> InferenceResponse:
                return server.run(self.model_name, self.inputs, self.requested_output_names)

        def by_name(holder: Any, name: str) -> Tensor:
            tensors = holder.inputs if hasattr(holder, "inputs") else holder.output_tensors
            return next(tensor for tensor in tensors if tensor.name() == name)

        module = ModuleType("triton_python_backend_utils")
        vars(module).update(
            Tensor=Tensor, TritonError=TritonError, InferenceResponse=InferenceResponse, TRITONSERVER_MEMORY_CPU=0,
            InferenceRequest=InferenceRequest, PreferredMemory=lambda kind, number: (kind, number),
            get_input_tensor_by_name=by_name, get_output_tensor_by_name=by_name,
        )  # fmt: skip
        return module


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    detector, verifier = find_weights("gesture_detector"), find_weights("gesture_verifier")
    write_repository(tmp_path / "repository", detector, verifier, 4, 2)
    server = Server(tmp_path / "repository")
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", server.module())
    monkeypatch.setenv("ASSISTIVE_HOME", str(tmp_path / "nowhere"))  # the server has no models/ of ours
    return server


@pytest.fixture
def model(server: Server) -> Any:
    """The repository's own model.py, started as the server starts it."""
    spec = importlib.util.spec_from_file_location("model", server.root / "gestures" / "1" / "model.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    config = (server.root / "gestures" / "config.pbtxt").read_text()
    pairs = re.findall(r'key: "(\w+)" value: { string_value: "(.*)" }', config)
    model = module.TritonPythonModel()
    parameters = {key: {"string_value": value} for key, value in pairs}
    model.initialize({"model_config": json.dumps({"parameters": parameters})})
    return model


def ask(model: Any, image: np.ndarray) -> InferenceResponse:
    (response,) = model.execute([type("Request", (), {"inputs": [Tensor("image", image)]})])
    return response


def test_the_server_reads_what_the_stream_reads(
    model: Any, server: Server, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ASSISTIVE_HOME")
    stream = GestureStream(GestureSettings().alone(), RuntimeSettings(device="cpu", threads=1))
    shown = [image for image, _ in people.judged] + [np.tile(people.judged[0][0], (1, 2, 1))]
    found = []
    for image in shown:
        response = ask(model, image)
        assert not response.has_error()
        told = {tensor.name(): tensor.as_numpy() for tensor in response.output_tensors}
        hands = stream.read(Frame(image, 0.0, 0, 0.0))
        assert [name.decode() for name in told["gestures"]] == [hand.gesture for hand in hands]
        assert told["boxes"].tolist() == [[h.box.x, h.box.y, h.box.w, h.box.h] for h in hands]
        assert told["hand_scores"].tolist() == [hand.score for hand in hands]
        assert told["probability"].tolist() == [hand.probability for hand in hands]
        assert told["probabilities"].tolist() == [list(hand.probabilities.values()) for hand in hands]
        assert told["probabilities"].shape == (len(hands), 19) and told["boxes"].shape == (len(hands), 4)
        found.append(len(hands))
    assert max(found) >= 2 and {name for name, _ in server.asked} == {"gesture_detector", "gesture_verifier"}
    assert ("gesture_verifier", (4, 3, 96, 96)) in server.asked, "two hands, as they are and mirrored, go in together"


def test_an_empty_room_has_outputs_without_rows(model: Any) -> None:
    told = {one.name(): one.as_numpy() for one in ask(model, np.full((480, 640, 3), 128, np.uint8)).output_tensors}
    assert {name: values.shape for name, values in told.items()} == {
        "gestures": (0,), "probability": (0,), "boxes": (0, 4), "hand_scores": (0,), "probabilities": (0, 19),
    }  # fmt: skip


@pytest.mark.parametrize("image", [np.zeros((480, 640), np.uint8), np.zeros((0, 640, 3), np.uint8),
                                   np.zeros((480, 640, 3), np.float32)], ids=["grey", "empty", "float"])  # fmt: skip
def test_what_is_no_picture_is_answered_with_the_reason(model: Any, image: np.ndarray) -> None:
    response = ask(model, image)
    assert response.has_error() and "must be uint8 (height, width, 3)" in response.error_.message()  # type: ignore[union-attr]


def test_a_fault_of_the_server_is_passed_on(model: Any, server: Server, people: People) -> None:
    server.fault = "out of memory"
    response = ask(model, people.seen[0])
    assert response.error_ is not None and "gesture_detector failed: out of memory" in response.error_.message()


def test_configurations_say_what_the_files_are(server: Server) -> None:
    for name in ("gesture_detector", "gesture_verifier"):
        config = (server.root / name / "config.pbtxt").read_text()
        graph = onnx.load(server.root / name / "1" / "model.onnx").graph
        batched = bool(graph.input[0].type.tensor_type.shape.dim[0].dim_param)
        assert ("dynamic_batching" in config) == batched == (int(re.findall(r"max_batch_size: (\d+)", config)[0]) > 0)
        ports = re.findall(r'name: "(\w+)" data_type: TYPE_FP32 dims: (\[.*?\])', config)
        told = {key: json.loads(dims) for key, dims in ports}
        for value in (*graph.input, *graph.output):
            dims = [-1 if dim.dim_param else dim.dim_value for dim in value.type.tensor_type.shape.dim]
            assert told[value.name] == (dims[1:] if batched else dims)


def test_weights_in_another_place_are_refused(tmp_path: Path) -> None:
    detector, verifier = find_weights("gesture_detector"), find_weights("gesture_verifier")
    with pytest.raises(WeightsError, match="not a gesture-detector"):
        write_repository(tmp_path / "r", verifier, detector, 4, 2)
    assert not (tmp_path / "r").exists()
