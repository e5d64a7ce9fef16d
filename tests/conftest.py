"""What every test gets: steady property tests, and no way out to a network."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from assistive.home import home

DATA = Path(__file__).parent / "data"

# ultralytics asks for the network and writes to the home folder as soon as it is imported, which importorskip does.
os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", YOLO_CONFIG_DIR=tempfile.mkdtemp(prefix="yolo-"))

settings.register_profile("assistive", max_examples=50, deadline=None, derandomize=True, database=None)
settings.load_profile("assistive")


def _is_local(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a path of a Unix socket
    try:
        return address[0] == "localhost" or ipaddress.ip_address(address[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch on one thread: two that wait for one another on a busy machine take ten times as long. The seed is 0."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail any test that looks up a name or opens a connection beyond this machine."""

    def guard(owner: Any, name: str, address_of: Any) -> None:
        real = getattr(owner, name)

        def guarded(*args: Any, **kwargs: Any) -> Any:
            address = address_of(args)
            if not _is_local(address):
                pytest.fail(f"{name} to {address}: nothing here may use a network")
            return real(*args, **kwargs)

        monkeypatch.setattr(owner, name, guarded)

    guard(socket.socket, "connect", lambda args: args[1])
    guard(socket.socket, "connect_ex", lambda args: args[1])
    guard(socket.socket, "sendto", lambda args: args[-1])
    guard(socket, "getaddrinfo", lambda args: (args[0] or "localhost",))


@pytest.fixture
def install_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Return a function that puts one of tests/data's networks, with a sidecar, into a home of the test's own."""
    own = tmp_path / "home"
    (own / "models").mkdir(parents=True)
    (own / "configs").symlink_to(home() / "configs", target_is_directory=True)
    monkeypatch.setenv("ASSISTIVE_HOME", str(own))

    def install(name: str, data: bytes | None = None, **known: Any) -> Path:
        data = (DATA / f"{name}.onnx").read_bytes() if data is None else data
        sidecar = {
            "name": name, "file": f"{name}.onnx", "sha256": hashlib.sha256(data).hexdigest(),
            "kind": "gesture-detector", "licence": "Apache-2.0", "input": {"height": 8, "width": 8},
            "classes": [], "thresholds": {},
            "made": {"command": "python tests/data/make_networks.py", "data": {}, "seeds": [], "date": "2026-01-01"},
            "figures": {},
        } | known  # fmt: skip
        (own / "models" / f"{name}.json").write_text(json.dumps(sidecar), encoding="utf-8")
        path = own / "models" / f"{name}.onnx"
        path.write_bytes(data)
        return path

    return install
