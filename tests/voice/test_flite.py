"""Flite, with a library made of Python functions: the real one is a system package that may be missing."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

from assistive.errors import DependencyError, VoiceError
from assistive.types import Style
from assistive.voice import flite
from assistive.voice.catalog import VoiceSpec
from assistive.voice.flite import FliteEngine

SOUND = (8000 * np.sin(2 * np.pi * 200 * np.arange(8000) / 16000)).astype(np.int16)


class Call:
    """A C function: takes attributes (``restype``) and calls."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)


class FakeFlite:
    """libflite and its voices in one."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.seeds: list[int] = []
        self.deleted = 0
        self.registered: list[str] = []
        self.voice: int | None = 7
        self.silent = False
        self.flite_init = Call(lambda: 0)
        self.srand = Call(self.seeds.append)
        self.flite_text_to_wave = Call(self.speak)
        self.delete_wave = Call(self.delete)

    def __getattr__(self, name: str) -> Call:
        assert name.startswith("register_")
        return Call(lambda folder: (self.registered.append(name), self.voice)[1])

    def speak(self, text: bytes, voice: int) -> Any:
        assert voice == 7
        self.texts.append(text)
        if self.silent:
            return None
        samples = SOUND.ctypes.data_as(ctypes.POINTER(ctypes.c_short))
        return ctypes.pointer(flite._Wave(b"", 16000, len(SOUND), 1, samples))

    def delete(self, wave: Any) -> None:
        self.deleted += 1


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> FakeFlite:
    fake = FakeFlite()
    monkeypatch.setattr(flite, "load_library", lambda part: fake)
    return fake


def engine(voice: str = "rms", language: str = "en") -> FliteEngine:
    made = FliteEngine(VoiceSpec(name="test", engine="flite", voice=voice, language=language))
    made.open()
    return made


def test_a_text_becomes_sound_and_the_library_gets_its_memory_back(library: FakeFlite) -> None:
    speech = engine("slt").render("Yes.", Style())
    assert library.registered == ["register_cmu_us_slt"]
    assert speech.rate_hz == 16000
    np.testing.assert_allclose(speech.samples, SOUND / 32768, atol=1e-6)
    assert library.deleted == 1


def test_the_random_numbers_start_anew_for_each_text(library: FakeFlite) -> None:
    speaker = engine()
    speaker.render("Yes.", Style())
    speaker.render("Yes.", Style())
    assert library.seeds == [1, 1]


def test_speed_and_pitch_are_changed_in_the_sound(library: FakeFlite) -> None:
    assert engine().render("Yes.", Style(rate=2)).seconds == pytest.approx(0.25, rel=0.02)
    assert engine().render("Yes.", Style(pitch=1.3)).seconds == pytest.approx(0.5, rel=0.02)


def test_accents_and_typographic_quotes_become_plain_letters(library: FakeFlite) -> None:
    engine().render("Don\u2019t go to the caf\u00e9 \u2603", Style())
    assert library.texts == [b"Don't go to the cafe "]


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(part: str) -> None:
        raise OSError("cannot open shared object file")

    monkeypatch.setattr(flite, "load_library", missing)
    with pytest.raises(DependencyError, match="flite is not installed") as caught:
        engine()
    assert "libflite1" in caught.value.remedy


@pytest.mark.parametrize(("voice", "language"), [("nobody", "en"), ("rms", "de")])
def test_another_voice_or_language_is_refused(library: FakeFlite, voice: str, language: str) -> None:
    with pytest.raises(VoiceError, match=f"flite has no voice '{voice}' for {language}"):
        engine(voice, language)


def test_a_voice_that_does_not_load_and_a_text_that_fails_are_errors(library: FakeFlite) -> None:
    speaker = engine()
    library.silent = True
    with pytest.raises(VoiceError, match="cannot say 'Yes"):
        speaker.render("Yes.", Style())
    library.voice = None
    with pytest.raises(VoiceError, match="cannot load its voice"):
        engine()
