"""Coqui voices (package ``coqui-tts``, module ``TTS``): the user brings a checkpoint with its config.json."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from assistive.errors import DependencyError, VoiceError
from assistive.types import Speech, Style
from assistive.voice.catalog import VoiceSpec
from assistive.voice.style import change_prosody


class CoquiEngine:
    """A Coqui checkpoint; ``voice`` names a speaker where the model has several.

    Raises:
        DependencyError: the package is not installed.
        VoiceError: the checkpoint or its config.json is missing.
    """

    def __init__(self, spec: VoiceSpec) -> None:
        if find_spec("TTS") is None:
            raise DependencyError("Coqui is not installed", "pip install 'assistive[coqui]'", "dependency.coqui")
        file = spec.voice_file()
        if file is None or not file.is_file() or not file.with_name("config.json").is_file():
            raise VoiceError(
                f"no Coqui checkpoint {file or 'is named'} with config.json beside it",
                "name the checkpoint as 'file' in configs/voices.yaml",
            )
        self._spec = spec
        self._file = file
        self._tts: Any = None

    def open(self) -> None:
        """Load the checkpoint."""
        config = self._file.with_name("config.json")
        try:
            api = import_module("TTS.api")
            self._tts = api.TTS(model_path=str(self._file), config_path=str(config), progress_bar=False)
        except Exception as error:  # torch and the model loaders raise anything
            raise VoiceError(f"Coqui cannot load {self._file}: {error}", "check it and its config.json") from error

    def render(self, text: str, style: Style) -> Speech:
        """Return the sound of a text; prosody is changed in the sound."""
        speaker = (self._spec.voice or None) if self._tts.is_multi_speaker else None
        language = self._spec.language if self._tts.is_multi_lingual else None
        samples = np.asarray(self._tts.tts(text=text, speaker=speaker, language=language), np.float32)
        rate_hz = int(self._tts.synthesizer.output_sample_rate)
        return Speech(change_prosody(samples, rate_hz, style), rate_hz)

    def close(self) -> None:
        """Drop the model."""
        self._tts = None
