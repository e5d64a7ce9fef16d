from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from assistive.errors import DependencyError
from assistive.evaluation.engines import open_onnxruntime, open_openvino

pytest.importorskip("onnx")
made = runpy.run_path(str(Path(__file__).with_name("detector_files.py")))


def test_onnxruntime_runs_the_file(tmp_path: Path) -> None:
    path = made["write_constant"](tmp_path / "net.onnx", [[1.0, 2.0, 3.0]])
    (out,) = open_onnxruntime(path, 64)()  # type: ignore[misc]
    assert np.allclose(out, [[[1, 2, 3]]])


def test_without_openvino_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(DependencyError) as caught:
        open_openvino(tmp_path / "net.onnx", 64)
    assert "pip install openvino" in caught.value.remedy


def test_openvino_gives_the_same(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    path = made["write_constant"](tmp_path / "net.onnx", [[1.0, 2.0, 3.0]])
    out = open_openvino(path, 64)()
    assert np.allclose(next(iter(out.values())), [[[1, 2, 3]]], atol=1e-3)  # type: ignore[attr-defined]
