"""Run one network through onnxruntime, on the execution provider that is really there.

onnxruntime falls back to the CPU without a word when a provider cannot start, so only what a session itself reports is
believed. It is imported when the first session opens.
"""

from __future__ import annotations

import logging
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assistive.errors import DependencyError, RuntimeFault, WeightsError
from assistive.settings import RuntimeSettings
from assistive.weights import REMEDY, Weights

log = logging.getLogger(__name__)

CPU = "CPUExecutionProvider"
CHAINS = {
    "cpu": [CPU],
    "cuda": ["CUDAExecutionProvider", CPU],
    "tensorrt": ["TensorrtExecutionProvider", "CUDAExecutionProvider", CPU],
    "openvino": ["OpenVINOExecutionProvider", CPU],
}
"""Providers by device, best first. A session may place single operators further down its chain."""

EXTRAS = {"cpu": "cpu", "cuda": "gpu", "tensorrt": "gpu", "openvino": "openvino"}
PACKAGES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino")


class Runner(Protocol):
    """Whatever runs one network: a :class:`Session`, or a server that does it for us."""

    provider: str
    reason: str

    def run(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Run the network once; see :meth:`Session.run`."""


class Session:
    """One network, ready to run.

    Args:
        session: an ``onnxruntime.InferenceSession``, or a stand-in with the same four methods.
        name: what the network is called in messages.
        reason: why it runs on the provider it runs on.

    Attributes:
        provider: the execution provider that the session itself reports.
        input_shape: shape of the one input; None where the network takes any size.
    """

    def __init__(self, session: Any, name: str, reason: str) -> None:
        self._session = session
        self.name = name
        self.reason = reason
        self.provider: str = session.get_providers()[0]
        taken = session.get_inputs()[0]
        self._input: str = taken.name
        self.input_shape: tuple[int | None, ...] = tuple(n if isinstance(n, int) else None for n in taken.shape)

    def run(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Run the network once.

        Args:
            batch: float32, of :attr:`input_shape`.

        Returns:
            The network's outputs in their order, all of them finite.

        Raises:
            RuntimeFault: the batch has another type or shape, the runtime gave up, or an output holds NaN or infinity.
        """
        fits = len(batch.shape) == len(self.input_shape) and all(
            want in (None, have) for want, have in zip(self.input_shape, batch.shape, strict=True)
        )
        if batch.dtype != np.float32 or not fits:
            what = f"{self.name} takes float32 {self.input_shape}, not {batch.dtype} {batch.shape}"
            raise RuntimeFault(what, REMEDY, "runtime.shape")
        try:
            outputs = tuple(self._session.run(None, {self._input: batch}))
        except _runtime_errors() as error:
            remedy = "try --device cpu, or run: python run.py doctor"
            raise RuntimeFault(f"{self.name} failed: {_first_line(error)}", remedy, "runtime.failed") from error
        if not all(np.isfinite(output).all() for output in outputs):
            what = f"{self.name} gave back numbers that are not finite on {self.provider}"
            raise RuntimeFault(what, "try --device cpu, or run: python run.py doctor", "runtime.nan")
        return outputs


def open_session(weights: Weights, settings: RuntimeSettings) -> Session:
    """Open verified weights on the device that the settings ask for, and run them once on an empty picture.

    ``auto`` takes CUDA if it starts, else the CPU; TensorRT and OpenVINO must be asked for, since they take minutes
    to prepare a network. The choice and its reason are logged once.

    Raises:
        DependencyError: onnxruntime, or the provider that was asked for, is not installed.
        RuntimeFault: the provider that was asked for is installed but does not start, or the first run fails.
        WeightsError: the file is no network that onnxruntime can read.
    """
    ort = _import_onnxruntime()
    if settings.device == "auto":
        session, reason = _open_auto(ort, weights, settings.threads)
    else:
        session, reason = _open_named(ort, weights, settings.device, settings.threads), "asked for by name"
    opened = Session(session, weights.name, reason)
    _log_choice(opened.provider, reason)
    size = weights.sidecar.input
    opened.run(np.zeros((1, 3, size.height, size.width), np.float32))
    return opened


def installed_packages(names: tuple[str, ...] = PACKAGES) -> dict[str, str]:
    """Return the versions of those packages that are installed, by name; more than one onnxruntime is a mistake."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _open_auto(ort: ModuleType, weights: Weights, threads: int) -> tuple[Any, str]:
    cuda = CHAINS["cuda"][0]
    if cuda not in ort.get_available_providers():
        return _create(ort, weights, "cpu", threads), "auto: this onnxruntime has no CUDA"
    session = _create(ort, weights, "cuda", threads)
    if session.get_providers()[0] == cuda:
        return session, "auto: CUDA started"
    return session, "auto: CUDA is installed but did not start (no device or driver)"


def _open_named(ort: ModuleType, weights: Weights, device: str, threads: int) -> Any:
    wanted, extra = CHAINS[device][0], EXTRAS[device]
    install = f'pip uninstall -y {" ".join(PACKAGES)}; pip install -e ".[{extra}]"'
    if wanted not in ort.get_available_providers():
        raise DependencyError(f"device {device} needs an onnxruntime that has it", install, "runtime.provider")
    session = _create(ort, weights, device, threads)
    if session.get_providers()[0] != wanted:
        what = f"device {device} is installed but did not start: no such device, or its driver is missing"
        raise RuntimeFault(what, "use --device auto, or install the driver and run: python run.py doctor",
                           "runtime.provider")
    return session


def _create(ort: ModuleType, weights: Weights, device: str, threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # a provider that cannot start is reported by us, in one line
    # Waiting threads that spin take the second core from the camera and the voice.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(str(weights.path), options, providers=CHAINS[device])
    except _runtime_errors() as error:
        what = f"models/{weights.sidecar.file} cannot be opened: {_first_line(error)}"
        raise WeightsError(what, REMEDY, "weights.network") from error


@cache
def _import_onnxruntime() -> ModuleType:
    try:
        import onnxruntime
    except ImportError as error:
        both = installed_packages()
        remedy = 'pip install -e ".[cpu]"'
        if len(both) > 1:
            remedy = f"pip uninstall -y {' '.join(both)}; {remedy} (two of them overwrite each other)"
        raise DependencyError("onnxruntime, which runs the networks, is not installed", remedy,
                              "runtime.missing") from error
    onnxruntime.set_default_logger_severity(4)
    module: ModuleType = onnxruntime
    return module


@cache
def _runtime_errors() -> tuple[type[Exception], ...]:
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return tuple(v for v in vars(state).values() if isinstance(v, type) and issubclass(v, Exception))


@cache
def _log_choice(provider: str, reason: str) -> None:
    log.info("networks run on %s (%s)", provider, reason)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
