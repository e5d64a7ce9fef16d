"""Pitch and melody changed in the sound, on a voice whose pitch and resonance are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from assistive.voice.psola import pitch_track, shift

RATE_HZ = 16000
RESONANCE_HZ = 700.0


def voice(seconds: float = 1.0, low_hz: float = 90.0, high_hz: float = 150.0) -> NDArray[np.float32]:
    """Return pulses that rise in pitch, each ringing like the vowel of "car"; what a mouth does to a voice."""
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    hz = low_hz * (high_hz / low_hz) ** (t / seconds)
    phase = np.cumsum(hz) / RATE_HZ
    pulses = np.diff(np.floor(phase), prepend=0.0)
    ring_s = np.arange(int(0.02 * RATE_HZ)) / RATE_HZ
    ring = np.exp(-ring_s * 300) * np.sin(2 * np.pi * RESONANCE_HZ * ring_s)
    sound = np.convolve(pulses, ring)[: len(t)]
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)


def resonance_hz(samples: NDArray[np.float32]) -> float:
    """Return the centre of the energy between 300 and 1500 Hz: the resonance, whatever the pitch."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    band = (hz > 300) & (hz < 1500)
    return float(np.sum(hz[band] * power[band]) / np.sum(power[band]))


def pitch_and_range(samples: NDArray[np.float32]) -> tuple[float, float]:
    track = np.log2(pitch_track(samples, RATE_HZ)[10:-10])
    assert np.isfinite(track).all(), "a voice without a break has a pitch everywhere"
    return float(2 ** track.mean()), float(12 * (track.max() - track.min()))


def test_the_pitch_of_a_voice_is_found() -> None:
    track = pitch_track(voice(), RATE_HZ)
    assert len(track) == 200
    assert track[20] == pytest.approx(90 * (150 / 90) ** 0.1, rel=0.03)
    assert track[180] == pytest.approx(90 * (150 / 90) ** 0.9, rel=0.03)


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, RATE_HZ).astype(np.float32)
    assert np.mean(pitch_track(noise, RATE_HZ) > 0) < 0.05
    assert not pitch_track(np.zeros(RATE_HZ, np.float32), RATE_HZ).any()
    for sound in (noise * 0, noise[:0]):
        assert shift(sound, RATE_HZ, 1.5, 0.5) is sound


@pytest.mark.parametrize("pitch", [0.8, 0.9, 1.15, 1.3])
def test_the_pitch_changes_and_the_vowel_and_the_length_do_not(pitch: float) -> None:
    own = voice()
    changed = shift(own, RATE_HZ, pitch, 1.0)
    assert len(changed) == len(own)
    assert pitch_and_range(changed)[0] == pytest.approx(pitch * pitch_and_range(own)[0], rel=0.02)
    assert pitch_and_range(changed)[1] == pytest.approx(pitch_and_range(own)[1], abs=0.7)
    assert resonance_hz(changed) == pytest.approx(resonance_hz(own), rel=0.04)


@pytest.mark.parametrize("pitch_range", [0.0, 0.6, 1.5])
def test_the_melody_changes_around_its_mean(pitch_range: float) -> None:
    own = voice()
    changed = shift(own, RATE_HZ, 1.0, pitch_range)
    assert pitch_and_range(changed)[0] == pytest.approx(pitch_and_range(own)[0], rel=0.02)
    assert pitch_and_range(changed)[1] == pytest.approx(pitch_range * pitch_and_range(own)[1], abs=0.8)


def test_a_voice_that_is_not_changed_comes_out_as_it_was() -> None:
    own = voice()
    np.testing.assert_allclose(shift(own, RATE_HZ, 1.0, 1.0), own, atol=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(0, 4000), st.floats(0.5, 2), st.floats(0, 2))
def test_any_sound_keeps_its_length_and_stays_finite(seed: int, length: int, pitch: float, pitch_range: float) -> None:
    rng = np.random.default_rng(seed)
    sound = (voice(0.25)[:length] * rng.uniform(0, 1)).astype(np.float32)
    sound[rng.integers(0, max(len(sound), 1), len(sound) // 3)] = 0
    changed = shift(sound, RATE_HZ, pitch, pitch_range)
    assert changed.dtype == np.float32 and len(changed) == len(sound)
    assert np.isfinite(changed).all()
    assert np.abs(changed).max(initial=0) <= 2.5 * np.abs(sound).max(initial=0) + 1e-6
