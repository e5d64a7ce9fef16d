"""Prosody measured on sounds whose pitch, melody, speed, loudness and pauses are known."""

from __future__ import annotations

import numpy as np
import pytest

from assistive.evaluation.prosody import measure
from assistive.types import Speech

RATE_HZ = 16000


def hum(seconds: float, low_hz: float, high_hz: float, amplitude: float = 0.1) -> np.ndarray:
    """Return a voice with overtones that glides from one pitch to another, evenly to the ear."""
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * np.cumsum(low_hz * (high_hz / low_hz) ** (t / seconds)) / RATE_HZ
    wave = sum(np.sin(k * phase) / k for k in range(1, 6))
    return (amplitude * np.sqrt(2) * wave / np.sqrt(sum(1 / k**2 for k in range(1, 6)))).astype(np.float32)


def test_a_glide_over_an_octave_is_measured() -> None:
    prosody = measure(Speech(hum(2.0, 100, 200), RATE_HZ), 5)
    assert prosody.pitch_hz == pytest.approx(100 * np.sqrt(2), rel=0.02)
    assert prosody.pitch_range_semitones == pytest.approx(0.8 * 12, abs=0.4)
    assert prosody.words_per_minute == pytest.approx(150)
    assert prosody.loudness_dbfs == pytest.approx(-20, abs=0.3)
    assert prosody.pause_s == 0


def test_pauses_are_summed_and_closures_are_not() -> None:
    parts = [hum(0.4, 120, 120), np.zeros(int(0.03 * RATE_HZ)), hum(0.4, 120, 120), np.zeros(int(0.3 * RATE_HZ))]
    sound = np.concatenate([*parts, hum(0.4, 120, 120)]).astype(np.float32)
    prosody = measure(Speech(sound, RATE_HZ), 3)
    assert prosody.pause_s == pytest.approx(0.3, abs=0.04)
    assert prosody.pitch_range_semitones == pytest.approx(0, abs=0.3)


def test_a_whisper_has_no_pitch() -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, RATE_HZ).astype(np.float32)
    assert measure(Speech(noise, RATE_HZ), 2).pitch_hz == 0
