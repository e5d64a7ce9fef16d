from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("ultralytics")

from assistive.errors import ConfigError, WeightsError  # noqa: E402
from assistive.training.export import ANY_SIZE, write_onnx  # noqa: E402
from assistive.training.yolo.network import build_detector, candidates_of, save_detector  # noqa: E402
from assistive.training.yolo.start import start_from  # noqa: E402

write_data = runpy.run_path(str(Path(__file__).parent / "test_trainer.py"))["write_data"]
NAMES = ["fist", "like", "no_gesture"]
TURNED = ["no_gesture", "grip", "like", "fist"]
SIZE = 64

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
]


def _candidates(network: torch.nn.Module, seed: int = 0) -> np.ndarray:
    image = torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        found: np.ndarray = candidates_of(network.eval()).eval()(image)[0].numpy()
    return found


@pytest.fixture
def trained(tmp_path: Path) -> torch.nn.Module:
    torch.manual_seed(3)
    network = build_detector("yolov5n", len(NAMES))
    network.train()
    for _ in range(3):  # statistics of their own
        network(torch.rand(4, 3, SIZE, SIZE))
    save_detector(tmp_path / "final.pt", network, NAMES, SIZE)
    return network


def test_classes_follow_their_names_into_another_order(trained: torch.nn.Module, tmp_path: Path) -> None:
    network = build_detector("yolov5n", len(TURNED))
    start_from(tmp_path / "final.pt", network, "yolov5n", TURNED, tmp_path, SIZE)
    before, after = _candidates(trained), _candidates(network)
    assert np.allclose(before[:, :5], after[:, :5], atol=1e-5)
    for name in NAMES:
        assert np.allclose(before[:, 5 + NAMES.index(name)], after[:, 5 + TURNED.index(name)], atol=1e-6)


def test_an_exported_detector_computes_the_same_when_it_is_taken_up_again(
    trained: torch.nn.Module, tmp_path: Path
) -> None:
    data, path = write_data(tmp_path / "data"), tmp_path / "detector.onnx"
    write_onnx(candidates_of(trained), torch.rand(1, 3, SIZE, SIZE), path, ["candidates"], ANY_SIZE)
    path.with_suffix(".json").write_text(json.dumps({"classes": NAMES}))
    network = build_detector("yolov5n", len(NAMES))
    start_from(path, network, "yolov5n", NAMES, data, SIZE)
    assert np.allclose(_candidates(trained), _candidates(network), atol=1e-3)


def test_what_does_not_fit_is_refused(trained: torch.nn.Module, tmp_path: Path) -> None:
    final = tmp_path / "final.pt"
    with pytest.raises(WeightsError, match="another network than yolov5s"):
        start_from(final, build_detector("yolov5s", 3), "yolov5s", NAMES, tmp_path, SIZE)
    with pytest.raises(ConfigError, match="cannot start"):
        start_from(final, build_detector("yolov8n", 3), "yolov8n", NAMES, tmp_path, SIZE)
    with pytest.raises(WeightsError, match="names the classes"):
        start_from(tmp_path / "none.onnx", build_detector("yolov5n", 3), "yolov5n", NAMES, tmp_path, SIZE)
