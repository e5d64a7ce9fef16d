from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from assistive.errors import WeightsError  # noqa: E402
from assistive.training.export import ANY_SIZE, write_onnx, write_sidecar  # noqa: E402
from assistive.training.stock import CLASSES  # noqa: E402
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


class Narrow(torch.nn.Module):
    """Takes the number of rows that the example had for a constant, as a careless reshape does."""

    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        return x.mean(1).flatten(1)[..., None] * int(x.shape[2])


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


def test_a_detector_that_is_right_only_in_a_square_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="differs from torch"):
        write_onnx(Narrow(), torch.rand(1, 3, 128, 128), tmp_path / "n.onnx", ["candidates"], ANY_SIZE)
    assert not (tmp_path / "n.onnx").exists()
