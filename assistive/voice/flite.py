"""Flite by the system's ``libflite``: the clearest English voices that need no voice file.

Debian: ``apt-get install libflite1``. Permissive licence (CMU).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import threading
import unicodedata
from typing import Any

import numpy as np

from assistive.errors import DependencyError, VoiceError
from assistive.types import Speech, Style
from assistive.voice.catalog import VoiceSpec
from assistive.voice.style import change_prosody

VOICES = {"rms": "cmu_us_rms", "slt": "cmu_us_slt", "awb": "cmu_us_awb", "kal16": "cmu_us_kal16"}
"""Names in voices.yaml and the parts of libflite that hold them."""

_lock = threading.Lock()  # libflite's lexicon and random numbers are global


class _Wave(ctypes.Structure):
    """``cst_wave`` of cst_wave.h."""

    _fields_ = (
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    )


def load_library(part: str) -> Any:
    """Load a part of libflite ("flite", "flite_cmu_us_rms").

    Raises:
        OSError: it is not on this machine.
    """
    return ctypes.CDLL(ctypes.util.find_library(part) or f"lib{part}.so.1")


class FliteEngine:
    """One of Flite's American voices; it speaks English only.

    Raises:
        VoiceError: no such voice, or another language than English.
        DependencyError: libflite is not installed.
    """

    def __init__(self, spec: VoiceSpec) -> None:
        self._name = spec.voice or "rms"
        if self._name not in VOICES or not spec.speaks("en"):
            raise VoiceError(
                f"flite has no voice {self._name!r} for {spec.language}", f"one of: {', '.join(VOICES)}, all English"
            )
        try:
            self._c = load_library("flite")
            self._part = load_library(f"flite_{VOICES[self._name]}")
        except OSError as error:
            raise DependencyError(
                "flite is not installed", "sudo apt-get install libflite1 (Debian, Ubuntu)", "dependency.flite"
            ) from error
        self._voice: Any = None

    def open(self) -> None:
        """Start Flite and register the voice."""
        register = getattr(self._part, f"register_{VOICES[self._name]}")
        register.restype = ctypes.c_void_p
        register.argtypes = [ctypes.c_char_p]
        self._c.flite_text_to_wave.restype = ctypes.POINTER(_Wave)
        self._c.flite_text_to_wave.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
        self._c.delete_wave.argtypes = [ctypes.POINTER(_Wave)]
        with _lock:
            self._c.flite_init()
            self._voice = register(None)
        if not self._voice:
            raise VoiceError(f"flite cannot load its voice {self._name!r}", "reinstall libflite1")

    def render(self, text: str, style: Style) -> Speech:
        """Return the sound of a text; prosody is changed in the sound: Flite's best voices have no knobs."""
        with _lock:
            # Its noise comes from rand(): the same seed, so that the same text gives the same sound.
            self._c.srand(1)
            wave = self._c.flite_text_to_wave(_ascii(text), self._voice)
            if not wave:
                raise VoiceError(f"flite cannot say {text[:40]!r}", "try other words, or --voice espeak")
            head = wave.contents
            samples = np.ctypeslib.as_array(head.samples, (head.num_samples,)).astype(np.float32) / np.float32(32768)
            rate_hz = int(head.sample_rate)
            self._c.delete_wave(wave)
        return Speech(change_prosody(samples, rate_hz, style), rate_hz)

    def close(self) -> None:
        """Do nothing: a registered voice stays in libflite until the process ends."""


def _ascii(text: str) -> bytes:
    """Spell a text in Flite's alphabet: accents and what has no letter are left out."""
    plain = text.replace("\u2019", "'").replace("\u2018", "'")
    return unicodedata.normalize("NFKD", plain).encode("ascii", "ignore")
