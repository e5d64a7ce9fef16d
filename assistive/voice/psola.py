"""Another pitch and another melody for recorded speech, with the vowels left as they are.

Pitch-synchronous overlap-add in the time domain: E. Moulines, F. Charpentier, "Pitch-synchronous waveform processing
techniques for text-to-speech synthesis using diphones", Speech Communication 9 (1990), section 3. The sound is cut into
grains of two periods around each pulse of the voice, and the grains are laid out again at other distances. Resampling
would move the resonances of the mouth along with the pitch: that is what makes a chipmunk.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

LOWEST_HZ, HIGHEST_HZ = 60.0, 400.0
"""Pitches that a voice may have."""
VOICED = 0.5
"""A frame whose normalised autocorrelation peaks lower has no pitch."""
OCTAVE = 0.9
"""The shortest period counts whose autocorrelation is so close to the highest: a double period is as regular."""

_FRAME_S, _HOP_S = 0.04, 0.005
_GRAIN_S = 0.005  # distance of grains where there is no pitch
_QUIET = 0.03  # frames whose level is below this share of the loudest have no pitch
_SEARCH = 0.2  # a pulse is looked for so far, in periods, from where the last one lets expect it
_LEAST_COVER = 0.5  # where grains overlap less than this they are not made louder


def pitch_track(samples: Samples, rate_hz: int) -> NDArray[np.float64]:
    """Return the pitch in Hz every 5 ms, 0 where there is none.

    The pitch of a frame of 40 ms is the peak of its autocorrelation, each lag divided by the energy it covers; then a
    median over five frames takes out the odd jump.
    """
    size, hop = int(rate_hz * _FRAME_S), int(rate_hz * _HOP_S)
    count = max(1, -(-len(samples) // hop))
    padded = np.pad(samples.astype(np.float64), (size // 2, size + hop))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[: count * hop : hop]
    frames = frames - frames.mean(axis=1, keepdims=True)
    levels = np.sqrt(np.mean(frames**2, axis=1))
    spectrum = np.fft.rfft(frames, 2 * size)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[:, :size]
    squares = np.cumsum(frames**2, axis=1)
    shortest, longest = int(rate_hz / HIGHEST_HZ), min(int(rate_hz / LOWEST_HZ), size - 2)
    lags = np.arange(shortest, longest + 1)
    total = squares[:, -1:]
    covered = np.sqrt(squares[:, size - 1 - lags] * np.maximum(total - squares[:, lags - 1], 0.0))
    normal = correlation[:, lags] / np.maximum(covered, 1e-12)
    inner = (normal[:, 1:-1] >= normal[:, :-2]) & (normal[:, 1:-1] >= normal[:, 2:])
    peaks = np.where(inner, normal[:, 1:-1], 0.0)
    best = peaks.max(axis=1)
    first = np.argmax(peaks >= OCTAVE * best[:, None], axis=1)
    pitch = np.where((best > VOICED) & (levels > _QUIET * levels.max()), rate_hz / (lags[first + 1]), 0.0)
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(np.pad(pitch, 2), 5), axis=1))


def shift(samples: Samples, rate_hz: int, pitch: float, pitch_range: float) -> Samples:
    """Return speech of the same length at another pitch.

    Args:
        samples: float32 ``(n,)``, speech.
        rate_hz: samples per second.
        pitch: factor of the pitch.
        pitch_range: factor of the melody, on a logarithmic scale around its mean: 0 = monotone, 1 = as it is.
    """
    track = pitch_track(samples, rate_hz) if len(samples) else np.zeros(0)
    voiced = track[track > 0]
    if not len(voiced):
        return samples
    mean_hz = float(np.exp(np.mean(np.log(voiced))))
    ratio = np.where(track > 0, pitch * (np.maximum(track, 1.0) / mean_hz) ** (pitch_range - 1), 1.0)
    marks = _marks(samples, rate_hz, track)
    frame = np.minimum(marks * len(track) // max(len(samples), 1), len(track) - 1)
    return _lay_out(samples, marks, ratio[frame])


def _marks(samples: Samples, rate_hz: int, track: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return where the grains are cut: at each pulse of the voice, and evenly where there is none."""
    hop = int(rate_hz * _HOP_S)
    even = int(rate_hz * _GRAIN_S)
    # Pulses of either sign: the side on which the sound is more peaked holds them.
    sound = samples if float(np.sum(samples.astype(np.float64) ** 3)) >= 0 else -samples
    marks = [0]
    while marks[-1] < len(samples) - 1:
        last = marks[-1]
        hz = track[min(last // hop, len(track) - 1)]
        if hz <= 0:
            marks.append(last + even)
            continue
        period = rate_hz / hz
        begin = last + max(int((1 - _SEARCH) * period), 1)
        region = sound[begin : last + int((1 + _SEARCH) * period) + 1]
        marks.append(begin + int(np.argmax(region)) if len(region) else last + even)
    return np.asarray(np.minimum(marks, len(samples) - 1), np.int64)


def _lay_out(samples: Samples, marks: NDArray[np.int64], ratio: NDArray[np.float64]) -> Samples:
    """Lay the grains around the marks out again, each so far from the last as its ratio makes the period shorter."""
    output, cover = np.zeros(len(samples)), np.zeros(len(samples))
    gaps = np.maximum(np.diff(marks), 1)
    at = 0.0
    while at < len(samples):
        index = int(np.searchsorted(marks, at))
        if index and (index == len(marks) or at - marks[index - 1] < marks[index] - at):
            index -= 1
        mark = int(marks[index])
        left, right = int(gaps[max(index - 1, 0)]), int(gaps[min(index, len(gaps) - 1)])
        place = round(at)
        left, right = min(left, mark, place), min(right, len(samples) - mark, len(samples) - place)
        window = np.concatenate([np.linspace(0, 1, left, endpoint=False), np.linspace(1, 0, right, endpoint=False)])
        window = 0.5 - 0.5 * np.cos(np.pi * window)
        output[place - left : place + right] += window * samples[mark - left : mark + right]
        cover[place - left : place + right] += window
        at += right / ratio[index] if right else 1.0
    return np.asarray(output / np.maximum(cover, _LEAST_COVER), np.float32)
