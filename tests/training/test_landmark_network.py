"""MediaPipe's landmark network in ONNX finds what MediaPipe finds."""

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")
ort = pytest.importorskip("onnxruntime")

from assistive.errors import WeightsError  # noqa: E402
from assistive.training.landmark_network import OUTPUTS, convert, shipped_network  # noqa: E402


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> "ort.InferenceSession":
    path: Path = tmp_path_factory.mktemp("landmarks") / "hand_landmarks.onnx"
    convert(shipped_network(), path)
    return ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def test_it_agrees_with_another_runtime_on_the_same_file(session: "ort.InferenceSession", tmp_path: Path) -> None:
    source = tmp_path / "network.tflite"
    source.write_bytes(shipped_network())
    rng = np.random.default_rng(0)
    batch = cv2.resize(rng.random((14, 14, 3)).astype(np.float32), (224, 224)).transpose(2, 0, 1)[None]
    ours = dict(zip(OUTPUTS, session.run(None, {"image": np.ascontiguousarray(batch)}), strict=True))
    peer = cv2.dnn.readNetFromTFLite(str(source))
    peer.setInput(batch)
    # OpenCV gives back the last of the four outputs, which all come of the same features.
    assert peer.forward().reshape(-1) == pytest.approx(ours["world"].reshape(-1), abs=1e-4)
    assert 0 <= float(ours["presence"][0, 0]) <= 1 and 0 <= float(ours["right"][0, 0]) <= 1


def test_an_unknown_operator_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    known = "assistive.training.landmark_network._TRANSLATIONS"
    monkeypatch.setattr(known, {})
    with pytest.raises(WeightsError, match="operator"):
        convert(shipped_network(), tmp_path / "never.onnx")
    assert not (tmp_path / "never.onnx").exists()
