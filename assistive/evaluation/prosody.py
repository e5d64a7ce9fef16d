"""How speech sounds, measured on its samples: pitch, melody, speed, loudness and pauses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assistive.types import Speech
from assistive.voice.psola import pitch_track
from assistive.voice.style import active_level

MELODY_PERCENTILES = (10, 90)
"""Pitch range is the distance of these: the outermost values are jumps of the measurement."""

PAUSE_S = 0.06
_FRAME_S = 0.02
_PAUSE_DB = 35.0


@dataclass(frozen=True, slots=True)
class Prosody:
    """How a text was spoken.

    Attributes:
        pitch_hz: geometric mean of the pitch where there is one; 0 where nothing has a pitch.
        pitch_range_semitones: from the 10th to the 90th percentile of the pitch.
        words_per_minute: speed, pauses included.
        loudness_dbfs: root mean square over the frames in which someone speaks, in dB of full scale.
        pause_s: sum of the silences of at least 60 ms.
    """

    pitch_hz: float
    pitch_range_semitones: float
    words_per_minute: float
    loudness_dbfs: float
    pause_s: float


def measure(speech: Speech, words: int) -> Prosody:
    """Measure speech that says a number of words, without silence at its ends."""
    track = pitch_track(speech.samples, speech.rate_hz)
    pitch = np.log2(track[track > 0])
    low, high = np.percentile(pitch, MELODY_PERCENTILES) if len(pitch) else (0.0, 0.0)
    return Prosody(
        pitch_hz=float(2 ** pitch.mean()) if len(pitch) else 0.0,
        pitch_range_semitones=float(12 * (high - low)),
        words_per_minute=60 * words / speech.seconds,
        loudness_dbfs=float(20 * np.log10(max(active_level(speech.samples, speech.rate_hz), 1e-6))),
        pause_s=_pauses_s(speech),
    )


def _pauses_s(speech: Speech) -> float:
    size = int(speech.rate_hz * _FRAME_S)
    padded = np.pad(speech.samples.astype(np.float64), (0, -len(speech.samples) % size)).reshape(-1, size)
    levels = np.sqrt(np.mean(padded**2, axis=1))
    quiet = np.concatenate([[False], levels < levels.max() * 10 ** (-_PAUSE_DB / 20), [False]])
    begins, ends = np.flatnonzero(quiet[1:] & ~quiet[:-1]), np.flatnonzero(quiet[:-1] & ~quiet[1:])
    lengths = (ends - begins) * _FRAME_S
    return float(lengths[lengths >= PAUSE_S].sum())
