from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from assistive import runtime
from assistive.errors import DependencyError, RuntimeFault, WeightsError
from assistive.runtime import CPU, Session, open_session
from assistive.settings import RuntimeSettings
from assistive.weights import find_weights

Install = Any
CUDA = "CUDAExecutionProvider"


class FakeSession:
    """What onnxruntime gives, with the providers and outputs that a test wants."""

    def __init__(self, providers: list[str], output: float = 0.0) -> None:
        self.providers = providers
        self.output = output

    def get_providers(self) -> list[str]:
        return self.providers

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name="image", shape=["batch", 3, 8, 8])]

    def run(self, names: None, inputs: dict[str, Any]) -> list[Any]:
        return [np.full(2, self.output, np.float32)]


@pytest.fixture
def fake_ort(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An onnxruntime that claims to have CUDA; tests say what its sessions really get."""
    ort = SimpleNamespace(available=[CUDA, CPU], got=[CPU], asked=[])

    def create(path: str, options: Any, providers: list[str]) -> FakeSession:
        ort.asked.append(providers)
        return FakeSession(ort.got)

    ort.get_available_providers = lambda: ort.available
    ort.InferenceSession = create
    ort.SessionOptions = lambda: SimpleNamespace(add_session_config_entry=lambda key, value: None)
    monkeypatch.setattr(runtime, "_import_onnxruntime", lambda: ort)
    return ort


def test_a_network_runs_on_the_cpu(install_network: Install) -> None:
    install_network("mean")
    session = open_session(find_weights("mean"), RuntimeSettings(device="cpu"))
    assert (session.provider, session.reason, session.input_shape) == (CPU, "asked for by name", (None, 3, 8, 8))
    batch = np.random.default_rng(0).random((4, 3, 8, 8), np.float32)
    (means,) = session.run(batch)
    np.testing.assert_allclose(means[..., 0, 0], batch.mean((2, 3)), atol=1e-6)


def test_auto_says_why_it_took_the_cpu_once(install_network: Install, caplog: pytest.LogCaptureFixture) -> None:
    install_network("mean")
    runtime._log_choice.cache_clear()
    with caplog.at_level("INFO", "assistive.runtime"):
        for _ in range(2):
            session = open_session(find_weights("mean"), RuntimeSettings())
    assert session.reason.startswith("auto: ")
    assert len(caplog.records) == 1 and session.provider in caplog.text


@pytest.mark.parametrize(
    "batch",
    [np.zeros((1, 3, 8, 9), np.float32), np.zeros((3, 8, 8), np.float32), np.zeros((1, 3, 8, 8)), np.float32(0)],
)
def test_a_batch_that_does_not_fit_is_refused(install_network: Install, batch: Any) -> None:
    install_network("mean")
    session = open_session(find_weights("mean"), RuntimeSettings(device="cpu"))
    with pytest.raises(RuntimeFault) as caught:
        session.run(batch)
    assert caught.value.code == "runtime.shape"


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_not_finite_never_leave(bad: float) -> None:
    session = Session(FakeSession([CPU], bad), "broken", "test")
    with pytest.raises(RuntimeFault) as caught:
        session.run(np.zeros((1, 3, 8, 8), np.float32))
    assert caught.value.code == "runtime.nan"


def test_a_network_that_gives_nan_is_refused_when_it_opens(install_network: Install) -> None:
    install_network("nan")
    with pytest.raises(RuntimeFault, match="not finite"):
        open_session(find_weights("nan"), RuntimeSettings(device="cpu"))


def test_a_file_that_is_no_network_is_refused(install_network: Install) -> None:
    install_network("mean", data=b"this is a text")
    with pytest.raises(WeightsError, match=r"models/mean\.onnx cannot be opened"):
        open_session(find_weights("mean"), RuntimeSettings(device="cpu"))


def test_a_failure_inside_the_runtime_is_explained_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail

    def run(names: None, inputs: dict[str, Any]) -> list[Any]:
        raise Fail("out of memory\nand forty more lines")

    fake = FakeSession([CPU])
    monkeypatch.setattr(fake, "run", run)
    with pytest.raises(RuntimeFault) as caught:
        Session(fake, "mean", "test").run(np.zeros((1, 3, 8, 8), np.float32))
    assert caught.value.what == "mean failed: out of memory"


def test_auto_believes_only_what_the_session_reports(install_network: Install, fake_ort: Any) -> None:
    install_network("mean")
    session = open_session(find_weights("mean"), RuntimeSettings())
    assert fake_ort.asked == [[CUDA, CPU]]
    assert session.provider == CPU and "did not start" in session.reason
    fake_ort.got = [CUDA, CPU]
    session = open_session(find_weights("mean"), RuntimeSettings())
    assert session.provider == CUDA and session.reason == "auto: CUDA started"


def test_a_device_asked_for_by_name_is_never_replaced(install_network: Install, fake_ort: Any) -> None:
    install_network("mean")
    with pytest.raises(RuntimeFault, match="did not start"):
        open_session(find_weights("mean"), RuntimeSettings(device="cuda"))
    fake_ort.available = [CPU]
    for device, extra in [("cuda", ".[gpu]"), ("tensorrt", ".[gpu]"), ("openvino", ".[openvino]")]:
        with pytest.raises(DependencyError) as caught:
            open_session(find_weights("mean"), RuntimeSettings.model_validate({"device": device}))
        assert extra in caught.value.remedy


def test_a_missing_onnxruntime_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime._import_onnxruntime.cache_clear()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(DependencyError) as caught:
        runtime._import_onnxruntime()
    assert '".[cpu]"' in caught.value.remedy
    both = {"onnxruntime": "1", "onnxruntime-gpu": "1"}
    monkeypatch.setattr(runtime, "installed_packages", lambda: both)
    with pytest.raises(DependencyError, match="not installed") as caught:
        runtime._import_onnxruntime()
    assert "pip uninstall -y onnxruntime onnxruntime-gpu" in caught.value.remedy


def test_the_package_that_runs_here_is_known() -> None:
    assert runtime.installed_packages().keys() <= set(runtime.PACKAGES)
    assert runtime.installed_packages()
