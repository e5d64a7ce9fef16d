"""The named voices of ``configs/voices.yaml``."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistive.home import home
from assistive.types import Style
from assistive.yamlfile import YamlFile, load_yaml, unknown_key

REMEDY = "the head of configs/voices.yaml explains every key"


class VoiceSpec(BaseModel):
    """One named voice. Factors are relative to the engine's own voice: 1 leaves it as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str = Field(min_length=1, description="what --voice takes")
    engine: str = Field(description="espeak, flite, piper, coqui, or one that a plug-in brings")
    language: str = Field("en", pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$", description="language code, en or pt-BR")
    voice: str = Field("", description="name of the voice inside the engine; empty = the engine's own choice")
    file: str | None = Field(None, description="voice file (piper: NAME.onnx, coqui: checkpoint with config.json)")
    rate: float = Field(1.0, ge=0.25, le=4, description="speed factor")
    pitch: float = Field(1.0, ge=0.5, le=2, description="pitch factor")
    range: float = Field(1.0, ge=0, le=2, description="melody factor, 0 = monotone")
    volume: float = Field(1.0, gt=0, le=1, description="loudness factor after normalisation")
    word_gap_ms: int = Field(0, ge=0, le=500, description="extra pause between two words (espeak only)")
    device: str | int | None = Field(None, description="sound device, name or number; none = the system's own")

    def styled(self, style: Style) -> Style:
        """Return a style that includes this voice's own factors."""
        return Style(
            rate=self.rate * style.rate,
            pitch=self.pitch * style.pitch,
            pitch_range=self.range * style.pitch_range,
            volume=self.volume * style.volume,
            pause_ms=style.pause_ms,
        )

    def speaks(self, language: str) -> bool:
        """Tell whether the voice is made for a language; regions (en-US, en-GB) count as one."""
        return self.language.partition("-")[0].lower() == language.partition("-")[0].lower()

    def voice_file(self) -> Path | None:
        """Return the voice file with ``~`` resolved, or None when none is named."""
        return Path(self.file).expanduser() if self.file else None


def load_catalog(path: Path | None = None) -> dict[str, VoiceSpec]:
    """Read the named voices in the order of the file.

    Args:
        path: another file than ``configs/voices.yaml``.

    Raises:
        ConfigError: a key is unknown or a value out of bounds; names file and line.
    """
    file = load_yaml(path or home() / "configs" / "voices.yaml")
    for key in file.data:
        if key not in ("tones", "voices"):
            raise unknown_key(file, (key,), ["tones", "voices"])
    entries = file.data.get("voices")
    if not isinstance(entries, dict) or not entries:
        raise file.error(("voices",), "no voices are listed", REMEDY)
    return {name: _spec(file, name, entry) for name, entry in entries.items()}


def _spec(file: YamlFile, name: str, entry: object) -> VoiceSpec:
    """Check one entry of the file."""
    where = ("voices", name)
    if not isinstance(entry, dict):
        raise file.error(where, f"voice {name!r} is not a list of 'key: value' lines", REMEDY)
    allowed = VoiceSpec.model_fields.keys() - {"name"}
    for key in entry:
        if key not in allowed:
            raise unknown_key(file, (*where, key), allowed)
    try:
        return VoiceSpec(name=name, **entry)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        raise file.error((*where, key), f"{key}: {first['msg'].lower()}", REMEDY) from error
