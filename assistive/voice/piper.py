"""Piper voices (package ``piper-tts``, GPL-3.0): the user brings NAME.onnx and NAME.onnx.json."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from assistive.errors import DependencyError, VoiceError
from assistive.types import Speech, Style
from assistive.voice.catalog import VoiceSpec
from assistive.voice.style import change_prosody


class PiperEngine:
    """A Piper voice file.

    Raises:
        DependencyError: the package is not installed.
        VoiceError: the voice file is missing.
    """

    def __init__(self, spec: VoiceSpec) -> None:
        if find_spec("piper") is None:
            raise DependencyError("Piper is not installed", "pip install 'assistive[piper]'", "dependency.piper")
        self._file = spec.voice_file()
        for path in (self._file, Path(f"{self._file}.json")):
            if path is None or not path.is_file():
                raise VoiceError(
                    f"no Piper voice file {path or 'is named'}",
                    "name NAME.onnx as 'file' in configs/voices.yaml, with NAME.onnx.json beside it",
                )
        self._voice: Any = None

    def open(self) -> None:
        """Load the voice file."""
        piper = import_module("piper")
        try:
            self._voice = piper.PiperVoice.load(str(self._file))
        except Exception as error:  # onnxruntime's errors have no common class, and a broken JSON raises others
            raise VoiceError(f"Piper cannot load {self._file}: {error}", "download the voice again") from error

    def render(self, text: str, style: Style) -> Speech:
        """Return the sound of a text. Speed is Piper's own, all else is changed in the sound."""
        piper = import_module("piper")
        own = self._voice.config.length_scale
        chunks = list(self._voice.synthesize(text, syn_config=piper.SynthesisConfig(length_scale=own / style.rate)))
        if not chunks:
            return Speech(np.zeros(0, np.float32), int(self._voice.config.sample_rate))
        samples = np.concatenate([chunk.audio_float_array for chunk in chunks]).astype(np.float32)
        rate_hz = int(chunks[0].sample_rate)
        return Speech(change_prosody(samples, rate_hz, replace(style, rate=1.0)), rate_hz)

    def close(self) -> None:
        """Drop the voice."""
        self._voice = None
