"""Find a network's file in ``models/`` and make sure that it is the one its sidecar speaks of.

A network is three files of one name: ``NAME.onnx`` (the network), ``NAME.json`` (the sidecar: :class:`Sidecar`) and
``NAME.md`` (the model card, for people).
"""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistive.errors import WeightsError
from assistive.home import home

REMEDY = "restore the models/ folder: git checkout models, or install the package again"


class Part(BaseModel):
    """A piece of a sidecar; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class InputSize(Part):
    """What the network takes: float32 ``(batch, 3, height, width)``."""

    height: int = Field(gt=0, description="pixels")
    width: int = Field(gt=0, description="pixels")


class Origin(Part):
    """How the weights were made, so that they can be made again."""

    command: str = Field(description="the one command that makes them")
    data: dict[str, str] = Field(description="fingerprint of each data set by name")
    seeds: list[int]
    date: str = Field(description="day on which they were made, ISO 8601")


class Sidecar(Part):
    """What is known of a weights file."""

    name: str
    file: str = Field(description="file name of the network, beside the sidecar")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of that file")
    kind: str = Field(description="what it does: gesture-detector, gesture-verifier")
    licence: str = Field(description="terms of the weights, not of the code")
    input: InputSize
    classes: list[str]
    thresholds: dict[str, float] = Field(description="shipped thresholds by what they decide")
    made: Origin
    figures: dict[str, Any] = Field(description="what was measured, and on what")


@dataclass(frozen=True, slots=True)
class Weights:
    """A network whose file has the hash that its sidecar names."""

    name: str
    path: Path
    sidecar: Sidecar


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of ``models/``: the weights, or what is wrong with them."""

    name: str
    weights: Weights | None
    error: WeightsError | None


def find_weights(name: str) -> Weights:
    """Find and verify the weights of that name.

    Args:
        name: name of the sidecar in ``models/``, without ``.json``.

    Raises:
        WeightsError: there are none, the sidecar is wrong, or the file is missing or has another hash.
    """
    folder = home() / "models"
    names = sorted(path.stem for path in folder.glob("*.json"))
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}? (models/ holds {', '.join(names)})" if near else REMEDY
        raise WeightsError(f"models/ holds no weights named {name!r}", hint, "weights.missing")
    sidecar = _read_sidecar(folder / f"{name}.json")
    path = folder / sidecar.file
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise WeightsError(f"cannot read models/{sidecar.file}: {error.strerror}", REMEDY, "weights.missing") from error
    if digest != sidecar.sha256:
        raise WeightsError(f"models/{sidecar.file} is damaged: its hash is not the sidecar's", REMEDY, "weights.hash")
    return Weights(name, path, sidecar)


def list_weights() -> list[Listed]:
    """List all that ``models/`` holds, sorted by name; a damaged file is listed with its error."""
    listed = []
    for path in sorted((home() / "models").glob("*.json")):
        try:
            listed.append(Listed(path.stem, find_weights(path.stem), None))
        except WeightsError as error:
            listed.append(Listed(path.stem, None, error))
    return listed


def _read_sidecar(path: Path) -> Sidecar:
    try:
        sidecar = Sidecar.model_validate_json(path.read_bytes())
    except OSError as error:
        raise WeightsError(f"cannot read models/{path.name}: {error.strerror}", REMEDY, "weights.sidecar") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole file"
        raise WeightsError(f"models/{path.name}: {where}: {first['msg']}", REMEDY, "weights.sidecar") from error
    if sidecar.name != path.stem or Path(sidecar.file).name != sidecar.file:
        what = f"models/{path.name}: speaks of name {sidecar.name!r} and file {sidecar.file!r}"
        raise WeightsError(what, REMEDY, "weights.sidecar")
    return sidecar
