from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import onnx

from assistive.errors import WeightsError
from assistive.home import home
from assistive.settings import GestureSettings, RuntimeSettings
from assistive.training.export import measure
from assistive.training.export.measure import compare_files, differences, joined_home, judge_streams
from assistive.training.export.people import People, look
from assistive.training.export.quantise import after_convolutions, quantise
from assistive.weights import find_weights

helper = onnx.helper


def _model(nodes: list[tuple[str, list[str], list[str]]], channels: int = 2) -> onnx.ModelProto:
    """A network of named operators on 2 channels; ``w`` is the weight of every convolution."""
    made = [helper.make_node(kind, inputs, outputs, name=f"{kind} {outputs[0]}") for kind, inputs, outputs in nodes]
    ports = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, ["n", 2, 8, 8]) for n in ("image", "out")]
    weight = helper.make_tensor("w", onnx.TensorProto.FLOAT, [channels, 2, 1, 1], [0.5] * 2 * channels)
    graph = helper.make_graph(made, "made", ports[:1], ports[1:], [weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_what_follows_the_last_convolution_is_found() -> None:
    nodes = [("Conv", ["image", "w"], ["a"]), ("Sigmoid", ["a"], ["b"]), ("Conv", ["b", "w"], ["c"]),
             ("Sigmoid", ["c"], ["d"]), ("Mul", ["d", "b"], ["out"])]  # fmt: skip
    assert after_convolutions(_model(nodes)) == ["Sigmoid d", "Mul out"]


def test_the_mean_of_a_distribution_counts_as_arithmetic() -> None:
    nodes = [("Conv", ["image", "k"], ["a"]), ("Softmax", ["a"], ["b"]), ("Conv", ["b", "w"], ["out"])]
    model = _model(nodes, channels=1)
    model.graph.initializer.append(helper.make_tensor("k", onnx.TensorProto.FLOAT, [2, 2, 1, 1], [0.5] * 4))
    assert after_convolutions(model) == ["Softmax b", "Conv out"]


def test_a_network_without_convolutions_and_one_without_pictures_are_refused(tmp_path: Path) -> None:
    source, target = tmp_path / "plain.onnx", tmp_path / "int8.onnx"
    onnx.save(_model([("Sigmoid", ["image"], ["out"])]), source)
    with pytest.raises(WeightsError, match="without convolutions gains nothing"):
        quantise(source, target, [np.zeros((1, 2, 8, 8), np.float32)])
    with pytest.raises(WeightsError, match="nothing to calibrate"):
        quantise(source, target, [])
    assert list(tmp_path.iterdir()) == [source]


def test_what_networks_are_given_is_what_the_runtime_gives_them(given: dict[str, list[np.ndarray]]) -> None:
    assert {batch.shape for batch in given["gesture_detector"]} == {(1, 3, 256, 320), (1, 3, 320, 256)}
    rows = [len(batch) for batch in given["gesture_verifier"]]
    assert all(batch.shape[1:] == (3, 96, 96) for batch in given["gesture_verifier"])
    assert len(rows) >= 3 * 6 and max(rows) >= 2, "each hand is looked at three times, at last mirrored too"


def test_listening_changes_nothing(people: People) -> None:
    twice = [look(people.seen[:2], GestureSettings(), RuntimeSettings(device="cpu")) for _ in range(2)]
    for name, batches in twice[0].items():
        assert all(np.array_equal(a, b) for a, b in zip(batches, twice[1][name], strict=True))


def test_the_runtime_takes_the_other_forms_and_reads_the_same(forms: Path, people: People) -> None:
    pairs = {"fp32": ("gesture_detector", "gesture_verifier")}
    pairs |= {form: (f"gesture_detector_{form}", f"gesture_verifier_{form}") for form in ("fp16", "int8")}
    before = home()
    with joined_home(home() / "models", forms):
        assert find_weights("gesture_detector_int8").sidecar.classes == find_weights("gesture_detector").sidecar.classes
        found = judge_streams(pairs, people)
    assert home() == before
    for row in found.values():
        assert (row["gestures"], row["right"], row["wrong"]) == (6, 6, 0)
        assert (row["silent"], row["fire"]) == (1, 0)
        assert row["cpu_ms"] > 0


@pytest.mark.parametrize("name", ["gesture_detector", "gesture_verifier"])
def test_other_forms_are_smaller_and_close(
    name: str, forms: Path, given: dict[str, list[np.ndarray]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "ROUNDS", 1)
    with joined_home(home() / "models", forms):
        files = {form: forms / f"{name}_{form}.onnx" for form in ("fp16", "int8")}
        rows = compare_files(find_weights(name), files, given[name])
    assert rows["int8"]["megabytes"] < 0.4 * rows["fp32"]["megabytes"] < rows["fp16"]["megabytes"]
    fp16, int8 = rows["fp16"]["largest_difference"], rows["int8"]["largest_difference"]
    if name == "gesture_detector":
        assert fp16["box_px"] < 0.5 < int8["box_px"] < 40 and fp16["hand_score"] < 0.01
        assert int8["hand_score"] < 0.3
    else:
        assert fp16["probabilities"] < 0.02 and 0 < int8["probabilities"] < 0.5 and int8["box"] < 0.2


def test_only_boxes_of_sure_hands_are_compared() -> None:
    one, other = np.zeros((1, 2, 7), np.float32), np.zeros((1, 2, 7), np.float32)
    one[0, :, 4] = 0.9, 0.1
    other[0, :, 4] = 0.8, 0.1
    other[0, 0, 0], other[0, 1, 0] = 3, 200
    assert differences("gesture-detector", [(one,)], [(other,)]) == {
        "box_px": 3.0, "hand_score": pytest.approx(0.1), "class_scores": 0.0,
    }  # fmt: skip
