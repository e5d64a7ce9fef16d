"""The members of the YOLOv5 family that ``configs/train/detectors.yaml`` describes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistive.errors import ConfigError
from assistive.home import home
from assistive.yamlfile import YamlFile, load_yaml, unknown_key

REMEDY = "the head of configs/train/detectors.yaml explains every key"

Channels = Annotated[int, Field(ge=8, multiple_of=8)]
Count = Annotated[int, Field(ge=1, le=12)]
Unit = Literal["bottleneck", "partial", "depthwise", "ghost", "gsconv"]
Down = Literal["strided", "split_pool", "depthwise_pool", "space_to_depth", "ghost", "gsconv"]
Lateral = Literal["plain", "ghost", "gsconv"]


class Variant(BaseModel):
    """Widths and blocks of one network; what is left out of the neck is as in the backbone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    widths: tuple[Channels, Channels, Channels, Channels, Channels] = Field(description="channels of the five stages")
    neck: tuple[Channels, Channels, Channels] = Field(description="channels of the neck at strides 8, 16, 32")
    depths: tuple[Count, Count, Count, Count] = Field((1, 2, 3, 1), description="units in stages 2 to 5")
    stem: Literal[6, 3] = Field(6, description="kernel of the first convolution, of stride 2")
    unit: Unit = Field("bottleneck", description="what stands inside a cross-stage partial block")
    neck_unit: Unit | None = Field(None, description="the same in the neck")
    down: Down = Field("strided", description="how a stage halves the picture")
    neck_down: Down | None = Field(None, description="the same in the neck")
    lateral: Lateral = Field("plain", description="the 1x1 convolutions on the way up")
    activation: Literal["silu", "hardswish", "relu"] = Field("silu", description="after every convolution")


def load_variants(path: Path | None = None) -> dict[str, Variant]:
    """Read the variants in the order of the file.

    Args:
        path: another file than ``configs/train/detectors.yaml``.

    Raises:
        ConfigError: a key is unknown or a value out of bounds; names file and line.
    """
    file = load_yaml(path or home() / "configs" / "train" / "detectors.yaml")
    return {name: _variant(file, name) for name in file.data}


@cache
def variants() -> dict[str, Variant]:
    """Return the variants of ``configs/train/detectors.yaml``, read once."""
    return load_variants()


def _variant(file: YamlFile, name: str) -> Variant:
    try:
        return Variant.model_validate(file.data[name])
    except ValidationError as error:
        first = error.errors()[0]
        keys = (name, *first["loc"])
        if first["type"] == "extra_forbidden":
            raise unknown_key(file, keys, Variant.model_fields) from error
        wrong = ConfigError(f"{file.where(keys)}: {'.'.join(map(str, keys))}: {first['msg']}", REMEDY, "zoo.variant")
        raise wrong from error
