from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from assistive.errors import WeightsError  # noqa: E402
from assistive.gesture.detector import Detection  # noqa: E402
from assistive.training.datasets.gesture_pack import LabelledHand, Picture  # noqa: E402
from assistive.training.export import choose_threshold, fit_blend, write_onnx, write_sidecar  # noqa: E402
from assistive.training.stock import CLASSES  # noqa: E402
from assistive.types import NO_GESTURE, Box, Frame, Hand  # noqa: E402
from assistive.weights import Sidecar  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
]


class Double(torch.nn.Module):
    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        return x * 2


class Restless(torch.nn.Module):
    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        return x + torch.rand(()).item()


def test_exported_network_is_the_same_and_its_sidecar_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "double.onnx"
    assert write_onnx(Double(), torch.rand(1, 3, 4, 4), path, ["out"]) < 1e-6
    write_sidecar(path, "gesture-detector", 4, {"a": 0.1}, {"command": "c", "data": {}, "seeds": [0]}, {})
    sidecar = Sidecar.model_validate_json(path.with_suffix(".json").read_bytes())
    assert sidecar.classes == list(CLASSES) and sidecar.name == "double"
    assert not list(tmp_path.glob("*.partial"))


def test_a_network_that_changed_on_the_way_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="differs from torch"):
        write_onnx(Restless(), torch.rand(1, 3, 4, 4), tmp_path / "r.onnx", ["out"], {})
    assert not (tmp_path / "r.onnx").exists()


def test_blend_learns_whom_to_trust() -> None:
    """The verifier is right whenever the hand is sure; the hand score must then count for a gesture."""
    rng = np.random.default_rng(0)
    samples = []
    for i in range(300):
        hand = i % 2 == 0
        seen = np.full(19, 0.4 / 18, np.float32)
        seen[i % 18] = 0.6
        detection = Detection(Box(0, 0, 1, 1), float(rng.uniform(0.6, 0.95) if hand else rng.uniform(0.05, 0.4)),
                              np.full(19, 0.1, np.float32))  # fmt: skip
        samples.append((detection, seen, (CLASSES[i % 18],) if hand else (NO_GESTURE,)))
    weights = fit_blend(samples)
    assert weights["hand_weight"] > 0.2
    assert weights["verifier_weight"] > 0.5


class Scripted:
    """Says of every picture the probability that its brightness names."""

    def read(self, frame: Frame) -> tuple[Hand, ...]:
        p = float(frame.image[0, 0, 0]) / 255
        return (Hand(Box(0, 0, 1, 1), 1.0, {"like": p, NO_GESTURE: 1 - p}),)


def _picture(brightness: float, name: str) -> Picture:
    image = np.full((2, 2, 3), round(brightness * 255), np.uint8)
    return Picture("", image, (LabelledHand(Box(0, 0, 1, 1), (name,)),), "s", "p")


def test_threshold_lets_no_more_silent_frames_fire_than_allowed() -> None:
    silent = [_picture(i / 100, NO_GESTURE) for i in range(100)]
    told = [_picture(0.97, "like"), _picture(0.99, "like"), _picture(0.6, "like"), _picture(0.99, "stop")]
    chosen = choose_threshold(Scripted(), [*silent, *told], 0.05)
    assert chosen["false_activation_rate"] <= 0.05
    assert 0.93 <= chosen["enter_probability"] <= 0.96
    assert chosen["top1"] == 0.5
    assert (chosen["gesture_frames"], chosen["silent_frames"]) == (4, 100)
