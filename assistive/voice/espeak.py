"""espeak-ng in this process, by ctypes: the voice that every machine has (about 100 languages)."""

from __future__ import annotations

import ctypes
import difflib
import threading
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.errors import DependencyError, VoiceError
from assistive.types import Speech, Style
from assistive.voice.catalog import VoiceSpec
from assistive.voice.style import widen_pauses

OWN_RATE_WPM = 175
"""espeak-ng's default speed in words per minute; a rate factor of 1."""

# Constants of speak_lib.h.
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_POS_CHARACTER = 1
_CHARS_UTF8 = 1
_RATE, _PITCH, _RANGE, _WORDGAP = 1, 3, 4, 7
_WORDGAP_UNIT_MS = 10

_SynthCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class _VoiceInfo(ctypes.Structure):
    """The head of ``espeak_VOICE``."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
    )


class _Library:
    """The one espeak-ng of this process: its state is global, so every use holds the lock."""

    def __init__(self) -> None:
        loader = import_module("espeakng_loader")
        self.lock = threading.Lock()
        self._chunks: list[NDArray[np.int16]] = []
        self._callback = _SynthCallback(self._receive)  # kept: ctypes does not hold it
        self._c: Any = ctypes.CDLL(str(loader.get_library_path()))
        data = str(loader.get_data_path()).encode()
        self.rate_hz = int(self._c.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, data, 0))
        if self.rate_hz <= 0:
            raise VoiceError("espeak-ng does not start", "reinstall it: pip install --force-reinstall espeakng-loader")
        self._c.espeak_SetSynthCallback(self._callback)
        self._c.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_VoiceInfo))

    def _receive(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def select(self, voice: str) -> None:
        """Take a voice by name; espeak-ng keeps the old one when it does not know the name, so the code is checked."""
        if self._c.espeak_SetVoiceByName(voice.encode()) != 0:
            near = difflib.get_close_matches(voice.partition("+")[0], self._languages(), n=1)
            hint = f"did you mean {near[0]}?" if near else "name a language (en-us, de, es) and a variant (de+f3)"
            raise VoiceError(f"espeak-ng has no voice {voice!r}", hint, "voice.unknown")

    def _languages(self) -> list[str]:
        """Return the language codes that espeak-ng lists; it takes nearly all of them as names."""
        listed = self._c.espeak_ListVoices(None)
        codes: list[str] = []
        while listed[len(codes)]:
            codes.append(listed[len(codes)].contents.languages[1:].decode())  # one priority byte, then the code
        return codes

    def set(self, parameter: int, value: float) -> None:
        """Set a parameter for the next text."""
        if self._c.espeak_SetParameter(parameter, round(value), 0) != 0:
            raise VoiceError("espeak-ng refuses a setting", "check rate, pitch and range in configs/voices.yaml")

    def synthesise(self, text: str) -> NDArray[np.int16]:
        """Return the sound of a text."""
        self._chunks.clear()
        data = text.encode()
        code = self._c.espeak_Synth(data, len(data) + 1, 0, _POS_CHARACTER, 0, _CHARS_UTF8, None, None)
        if code != 0:
            raise VoiceError(f"espeak-ng cannot say {text[:40]!r}", "try other words")
        return np.concatenate(self._chunks) if self._chunks else np.zeros(0, np.int16)


_library: _Library | None = None
_library_lock = threading.Lock()


def _open_library() -> _Library:
    global _library
    with _library_lock:
        if _library is None:
            _library = _Library()
        return _library


class EspeakEngine:
    """espeak-ng. Voice names are its own: a language (``de``) or language and variant (``en-us+f3``).

    Raises:
        DependencyError: the package ``espeakng-loader`` is not installed.
    """

    def __init__(self, spec: VoiceSpec) -> None:
        if find_spec("espeakng_loader") is None:
            raise DependencyError("espeak-ng is not installed", "pip install espeakng-loader", "dependency.espeak")
        self._spec = spec
        self._voice = spec.voice or spec.language

    def open(self) -> None:
        """Start espeak-ng and check the voice's name."""
        library = _open_library()
        with library.lock:
            library.select(self._voice)

    def render(self, text: str, style: Style) -> Speech:
        """Return the sound of a text as the engine makes it; only pauses are changed in the sound.

        espeak-ng's own word gap parts all words, which makes them harder to understand than longer pauses do.
        """
        library = _open_library()
        with library.lock:
            library.select(self._voice)
            library.set(_RATE, np.clip(OWN_RATE_WPM * style.rate, 80, 450))
            library.set(_PITCH, _scale_pitch(style.pitch))
            library.set(_RANGE, np.clip(50 * style.pitch_range, 0, 100))
            library.set(_WORDGAP, self._spec.word_gap_ms / _WORDGAP_UNIT_MS)
            samples = library.synthesise(text).astype(np.float32) / np.float32(32768)
        return Speech(widen_pauses(samples, library.rate_hz, style.pause_ms / 1000), library.rate_hz)

    def close(self) -> None:
        """Do nothing: other voices of this process may use the library."""


def _scale_pitch(factor: float) -> float:
    """Map a pitch factor to espeak-ng's 0..100, where 0, 50 and 100 are about half, own and double pitch."""
    return float(np.clip(50 + 50 * np.log2(factor), 0, 100)) if factor > 0 else 0.0
