"""Loudness, limiter, trimming, prosody in the sound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from assistive.types import Speech, Style
from assistive.voice.style import CEILING_DBFS, TARGET_DBFS, active_level, change_prosody, polish

RATE_HZ = 16000


def tone(seconds: float, hz: float = 200.0, amplitude: float = 0.1) -> NDArray[np.float32]:
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(int(seconds * RATE_HZ), np.float32)


def decibels(amplitude: float) -> float:
    return float(20 * np.log10(amplitude))


def pitch_hz(samples: NDArray[np.float32]) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * RATE_HZ / len(samples))


@pytest.mark.parametrize("amplitude", [0.001, 0.05, 0.9])
def test_loud_and_quiet_sounds_come_out_equally_loud(amplitude: float) -> None:
    speech = polish(
        Speech(np.concatenate([tone(1, amplitude=amplitude), silence(0.5), tone(1, amplitude=amplitude)]), RATE_HZ), 1.0
    )
    assert decibels(active_level(speech.samples, RATE_HZ)) == pytest.approx(TARGET_DBFS, abs=0.3)


def test_volume_makes_it_quieter_by_its_factor() -> None:
    loud, quiet = (polish(Speech(tone(1), RATE_HZ), volume).samples for volume in (1.0, 0.5))
    np.testing.assert_allclose(quiet, loud / 2, atol=1e-6)


def test_silence_at_both_ends_is_cut_off_and_silence_inside_stays() -> None:
    sound = np.concatenate([silence(0.5), tone(0.4), silence(0.3), tone(0.4), silence(0.8)])
    speech = polish(Speech(sound, RATE_HZ), 1.0)
    assert speech.seconds == pytest.approx(1.1, abs=0.1)
    assert speech.samples[0] == speech.samples[-1] == 0


@pytest.mark.parametrize("samples", [silence(0), silence(1)])
def test_silence_stays_empty(samples: NDArray[np.float32]) -> None:
    assert len(polish(Speech(samples, RATE_HZ), 1.0).samples) == 0


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 50), st.integers(1, 4000))
def test_no_peak_is_over_the_ceiling_and_nothing_is_nan(seed: int, peak: float, length: int) -> None:
    rng = np.random.default_rng(seed)
    samples = (0.01 * rng.standard_normal(length)).astype(np.float32)
    samples[rng.integers(0, length, 3)] = peak
    speech = polish(Speech(samples, RATE_HZ), 1.0)
    assert speech.samples.dtype == np.float32
    assert np.isfinite(speech.samples).all()
    assert np.abs(speech.samples).max(initial=0) <= 10 ** (CEILING_DBFS / 20) + 1e-6


@pytest.mark.parametrize("rate", [0.5, 0.8, 1.0, 1.25, 2.0])
def test_rate_changes_the_length_and_not_the_pitch(rate: float) -> None:
    changed = change_prosody(tone(1), RATE_HZ, Style(rate=rate))
    assert len(changed) / RATE_HZ == pytest.approx(1 / rate, rel=0.01)
    assert pitch_hz(changed) == pytest.approx(200, abs=3)
    assert active_level(changed, RATE_HZ) == pytest.approx(active_level(tone(1), RATE_HZ), rel=0.1)


@pytest.mark.parametrize("pitch", [0.8, 1.0, 1.3])
def test_pitch_changes_the_pitch_and_not_the_length(pitch: float) -> None:
    changed = change_prosody(tone(1), RATE_HZ, Style(pitch=pitch))
    assert len(changed) / RATE_HZ == pytest.approx(1, rel=0.01)
    assert pitch_hz(changed) == pytest.approx(200 * pitch, rel=0.02)


@given(st.integers(0, 3000), st.floats(0.25, 4), st.floats(0.5, 2))
def test_prosody_takes_sounds_of_any_length(length: int, rate: float, pitch: float) -> None:
    changed = change_prosody(tone(1)[:length], RATE_HZ, Style(rate=rate, pitch=pitch))
    assert np.isfinite(changed).all()
    assert len(changed) == pytest.approx(length / rate, abs=3 + 1 / rate)


def test_pauses_between_words_are_made_longer_and_the_words_are_not() -> None:
    closure, pause = silence(0.03), silence(0.2)
    sound = np.concatenate([silence(0.3), tone(0.4), closure, tone(0.4), pause, tone(0.4), silence(0.3)])
    longer = change_prosody(sound, RATE_HZ, Style(pause_ms=100))
    assert len(longer) - len(sound) == int(0.1 * RATE_HZ), "neither the closure nor the ends are pauses"
    begin = int(0.3 * RATE_HZ)
    np.testing.assert_array_equal(longer[: int(1.2 * RATE_HZ)], sound[: int(1.2 * RATE_HZ)])
    np.testing.assert_array_equal(longer[-begin * 2 :], sound[-begin * 2 :])


def test_a_volume_above_one_makes_it_louder_up_to_the_ceiling() -> None:
    own = polish(Speech(tone(1), RATE_HZ), 1.0).samples
    loud = polish(Speech(tone(1), RATE_HZ), 1.5).samples
    assert active_level(loud, RATE_HZ) == pytest.approx(1.5 * active_level(own, RATE_HZ), rel=0.01)
    peaked = np.concatenate([tone(1), tone(0.01, amplitude=1.0)])
    assert np.abs(polish(Speech(peaked, RATE_HZ), 2.0).samples).max() <= 10 ** (CEILING_DBFS / 20) + 1e-6
