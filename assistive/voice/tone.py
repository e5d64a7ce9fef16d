"""How a tone sounds: the part ``tones`` of ``configs/voices.yaml``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistive.home import home
from assistive.types import EXPRESSIONS, Style
from assistive.voice.catalog import REMEDY
from assistive.yamlfile import YamlFile, load_yaml, unknown_key

LEVELS = 2
"""Strengths that a tone is spoken with: few, so that every phrase in every tone can be rendered ahead."""


class ToneSpec(BaseModel):
    """One tone at its strongest. Factors are relative to the voice in a neutral tone: 1 leaves it as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    rate: float = Field(1.0, ge=0.5, le=2, description="speed factor")
    pitch: float = Field(1.0, ge=0.5, le=2, description="pitch factor")
    range: float = Field(1.0, ge=0, le=2, description="melody factor, 0 = monotone")
    volume: float = Field(1.0, ge=0.25, le=2, description="loudness factor")
    pause_ms: float = Field(0.0, ge=0, le=500, description="silence added to every pause, milliseconds")

    def style(self, strength: float) -> Style:
        """Return the style of this tone at a strength 0..1: so far along the way from neutral."""
        return Style(
            rate=self.rate**strength,
            pitch=self.pitch**strength,
            pitch_range=1 + strength * (self.range - 1),
            volume=self.volume**strength,
            pause_ms=strength * self.pause_ms,
        )


class ToneStyles:
    """How each tone sounds, at a few strengths.

    Args:
        tones: by name; a tone that is not there sounds neutral.
    """

    def __init__(self, tones: Mapping[str, ToneSpec]) -> None:
        self._tones = dict(tones)

    def style(self, tone: str, intensity: float) -> Style:
        """Return how a tone of an intensity 0..1 sounds: weak to 1/2, strong above."""
        spec = self._tones.get(tone)
        return Style() if spec is None else spec.style(min(max(math.ceil(intensity * LEVELS), 1), LEVELS) / LEVELS)

    def styles(self, tone: str) -> tuple[Style, ...]:
        """Return every style that :meth:`style` may give for a tone."""
        return tuple(dict.fromkeys(self.style(tone, level / LEVELS) for level in range(1, LEVELS + 1)))


def load_tones(path: Path | None = None) -> ToneStyles:
    """Read how tones sound.

    Args:
        path: another file than ``configs/voices.yaml``.

    Raises:
        ConfigError: a tone or key is unknown, or a value out of bounds; names file and line.
    """
    file = load_yaml(path or home() / "configs" / "voices.yaml")
    entries = file.data.get("tones") or {}
    if not isinstance(entries, dict):
        raise file.error(("tones",), "tones is not a list of lines", REMEDY)
    return ToneStyles({tone: _spec(file, tone, entry) for tone, entry in entries.items()})


def _spec(file: YamlFile, tone: str, entry: object) -> ToneSpec:
    where = ("tones", tone)
    if tone not in EXPRESSIONS:
        raise unknown_key(file, where, EXPRESSIONS)
    if not isinstance(entry, dict):
        raise file.error(where, f"tone {tone!r} is not a list of 'key: value' lines", REMEDY)
    for key in entry:
        if key not in ToneSpec.model_fields:
            raise unknown_key(file, (*where, key), ToneSpec.model_fields)
    try:
        return ToneSpec(**entry)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        raise file.error((*where, key), f"{key}: {first['msg'].lower()}", REMEDY) from error
