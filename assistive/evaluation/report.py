"""Write results so that they can be made again: the figures, and what made them where."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assistive.errors import AssistiveError
from assistive.runtime import installed_packages
from assistive.settings import GestureSettings
from assistive.weights import find_weights


def check_writable(path: Path) -> None:
    """Make sure that a result can be written before hours go into it; its folder is made.

    Raises:
        AssistiveError: it cannot.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error.strerror) from error
    if path.is_dir():
        raise _unwritable(path, "it is a folder")
    if not os.access(path.parent, os.W_OK):
        raise _unwritable(path, "no permission")


def write_json(path: Path, result: Mapping[str, Any]) -> None:
    """Write a result whole or not at all.

    Raises:
        AssistiveError: it cannot be written.
    """
    text = json.dumps(result, indent=2, allow_nan=False) + "\n"
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise _unwritable(path, error.strerror) from error


def provenance() -> dict[str, Any]:
    """Return the command that runs, the day, and the commit of the code (None outside a checkout)."""
    return {
        "command": shlex.join(["python", *sys.argv]),
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
    }


def machine() -> dict[str, Any]:
    """Return what the figures were measured on, and how busy it was (processes that wanted to run, last minute)."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "onnxruntime": installed_packages(),
    }


def weights_in_use(settings: GestureSettings) -> dict[str, str]:
    """Return the sha256 of each network by name.

    Raises:
        WeightsError: one is missing or damaged.
    """
    return {name: find_weights(name).sidecar.sha256 for name in (settings.detector, settings.verifier)}


def _unwritable(path: Path, reason: str | None) -> AssistiveError:
    return AssistiveError(f"cannot write {path}: {reason}", "name a file that can be written with --out", "output")


def _commit() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
