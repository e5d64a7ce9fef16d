"""What every voice's sound goes through: prosody where the engine has no knobs, even loudness, no clicks."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from assistive.types import Speech, Style
from assistive.voice.psola import shift

TARGET_DBFS = -20.0
"""Loudness of all speech: root mean square over the frames in which someone speaks."""
CEILING_DBFS = -1.0
"""No peak is higher, samples in between (4 times oversampled) included."""

_FRAME_S = 0.02
_ACTIVE_DB = 30.0  # frames this far below the loudest are pauses
_SILENCE_DB = 50.0  # ends this far below the loudest frame are cut off
_KEEP_S = 0.02  # silence that stays at both ends
_FADE_S = 0.005
_LOOKAHEAD_S = 0.002
_OVERSAMPLE = 4

_PAUSE_DB = 35.0  # a pause is this far below the loudest frame,
_PAUSE_S = 0.06  # and as long as this: shorter is the closure of a p, t or k

_STRETCH_FRAME_S = 0.03
_STRETCH_SEARCH_S = 0.008

Samples = NDArray[np.float32]


def polish(speech: Speech, volume: float) -> Speech:
    """Trim silence at both ends, bring speech to :data:`TARGET_DBFS` times ``volume``, and limit peaks.

    Args:
        speech: as an engine makes it.
        volume: factor; above 1 the peaks are what limits it.

    Returns:
        Speech of the same rate; empty when the sound holds no speech at all.
    """
    samples = _trim(speech.samples, speech.rate_hz)
    level = active_level(samples, speech.rate_hz)
    if level <= 0:
        return Speech(np.zeros(0, np.float32), speech.rate_hz)
    samples = _limit(samples * (_amplitude(TARGET_DBFS) * max(volume, 1.0) / level), speech.rate_hz)
    return Speech(_fade(samples * np.float32(min(volume, 1.0)), speech.rate_hz), speech.rate_hz)


def active_level(samples: Samples, rate_hz: int) -> float:
    """Return the root mean square over the frames in which someone speaks, 0..1; 0 for silence."""
    levels = _frame_levels(samples, rate_hz)
    if not len(levels) or levels.max() < _amplitude(-90):
        return 0.0
    active = levels[levels > levels.max() * _amplitude(-_ACTIVE_DB)]
    return float(np.sqrt(np.mean(active**2)))


def change_prosody(samples: Samples, rate_hz: int, style: Style) -> Samples:
    """Change speed, pitch, melody and pauses of a sound; all of a style but its volume."""
    if style.pitch != 1 or style.pitch_range != 1:
        samples = shift(samples, rate_hz, style.pitch, style.pitch_range)
    return widen_pauses(_stretch(samples, rate_hz, 1 / style.rate), rate_hz, style.pause_ms / 1000)


def widen_pauses(samples: Samples, rate_hz: int, more_s: float) -> Samples:
    """Make every pause inside a sound longer; most words are spoken without one between them.

    Args:
        samples: float32 ``(n,)``.
        rate_hz: samples per second.
        more_s: silence added to each pause of at least 60 ms, seconds.
    """
    levels = _frame_levels(samples, rate_hz)
    if more_s <= 0 or not len(levels) or not levels.max():
        return samples
    quiet = np.concatenate([[False], levels < levels.max() * _amplitude(-_PAUSE_DB), [False]])
    begins, ends = np.flatnonzero(quiet[1:] & ~quiet[:-1]), np.flatnonzero(quiet[:-1] & ~quiet[1:])
    size, more = int(rate_hz * _FRAME_S), np.zeros(int(rate_hz * more_s), np.float32)
    inside = (begins > 0) & (ends < len(levels)) & ((ends - begins) * _FRAME_S >= _PAUSE_S)
    cuts = ((begins + ends) // 2 * size)[inside]
    parts = np.split(samples, cuts)
    return np.concatenate([parts[0], *(part for later in parts[1:] for part in (more, later))])


def _amplitude(db: float) -> float:
    return float(10 ** (db / 20))


def _frame_levels(samples: Samples, rate_hz: int) -> NDArray[np.float64]:
    """Return the root mean square of every frame; what is left over at the end counts as one more."""
    size = int(rate_hz * _FRAME_S)
    padded = np.pad(samples.astype(np.float64), (0, -len(samples) % size))
    return np.asarray(np.sqrt(np.mean(padded.reshape(-1, size) ** 2, axis=1)))


def _trim(samples: Samples, rate_hz: int) -> Samples:
    levels = _frame_levels(samples, rate_hz)
    if not len(levels):
        return samples
    loud = np.flatnonzero(levels > max(levels.max() * _amplitude(-_SILENCE_DB), 1e-6))
    if not len(loud):
        return samples[:0]
    size, keep = int(rate_hz * _FRAME_S), int(rate_hz * _KEEP_S)
    return samples[max(0, loud[0] * size - keep) : (loud[-1] + 1) * size + keep]


def _fade(samples: Samples, rate_hz: int) -> Samples:
    """Let both ends rise from and fall to zero, so that nothing clicks."""
    size = min(int(rate_hz * _FADE_S), len(samples) // 2)
    ramp = np.linspace(0, 1, size, dtype=np.float32)
    faded = samples.astype(np.float32, copy=True)
    faded[:size] *= ramp
    faded[len(faded) - size :] *= ramp[::-1]
    return faded


def _limit(samples: Samples, rate_hz: int) -> Samples:
    """Turn the sound down around each peak above the ceiling, early and smoothly (look-ahead limiter)."""
    ceiling = _amplitude(CEILING_DBFS)
    peaks = _true_peaks(samples)
    if peaks.max() <= ceiling:
        return samples
    wanted = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9))
    # The least gain over a window, then its mean over a window as long, never exceeds the gain wanted at its middle.
    reach = max(1, int(rate_hz * _LOOKAHEAD_S))
    least = sliding_window_view(np.pad(wanted, 2 * reach, mode="edge"), 2 * reach + 1).min(axis=1)
    gain = np.convolve(least, np.full(2 * reach + 1, 1 / (2 * reach + 1)), mode="valid")
    return (samples * gain).astype(np.float32)


def _true_peaks(samples: Samples) -> NDArray[np.float64]:
    """Return, for each sample, the highest amplitude up to the next one, found by oversampling."""
    count = len(samples)
    size = 1 << count.bit_length()  # a power of two is fast, and padding keeps the ends from ringing into each other
    spectrum = np.fft.rfft(samples, size)
    spectrum[-1] /= 2  # the highest frequency becomes one of two mirrored bins
    dense = np.fft.irfft(spectrum, size * _OVERSAMPLE)[: count * _OVERSAMPLE] * _OVERSAMPLE
    return np.asarray(np.abs(dense).reshape(count, _OVERSAMPLE).max(axis=1))


def _stretch(samples: Samples, rate_hz: int, factor: float) -> Samples:
    """Make a sound ``factor`` times as long at the same pitch.

    Waveform-similarity overlap-add: W. Verhelst, M. Roelands, "An overlap-add technique based on waveform similarity
    (WSOLA) for high quality time-scale modification of speech", ICASSP 1993, section 2.
    """
    if factor == 1 or not len(samples):
        return samples
    hop = int(rate_hz * _STRETCH_FRAME_S / 2)
    search = int(rate_hz * _STRETCH_SEARCH_S)
    window = np.hanning(2 * hop + 1)[:-1]
    source = np.pad(samples.astype(np.float64), (search, 3 * hop + 2 * search))
    frames = max(1, round(len(samples) * factor / hop))
    output = np.zeros((frames + 1) * hop)
    follow = source[search : search + 2 * hop]
    for index in range(frames):
        start = min(int(index * hop / factor), len(samples) - 1)
        region = source[start : start + 2 * hop + 2 * search]
        best = start + int(np.argmax(np.correlate(region, follow, mode="valid")))
        output[index * hop : (index + 2) * hop] += window * source[best : best + 2 * hop]
        follow = source[best + hop : best + 3 * hop]
    return output[: round(len(samples) * factor)].astype(np.float32)
