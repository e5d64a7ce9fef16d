"""Eulerian video magnification: what changes slowly at a place is made larger there (Wu et al., SIGGRAPH 2012).

A picture is split into a Laplacian pyramid; at each level, what lies between two low-passes in time is multiplied and
added. It is causal, one picture in and one out, so that it could run behind a camera. Noise is magnified with what
moves, which is why fine levels, where a small movement is already a large share of a wavelength, are magnified less. It
is for movements below a pixel: what moves further, a turning head for one, is torn into light and dark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

LEVELS = 4
BAND_HZ = (0.2, 2.4)
"""Changes between these frequencies are magnified."""
GAIN = 15.0
"""How many times the band is added at the coarse levels."""
CHROMA = 0.1
"""Share of the gain for colour differences: sensors are noisiest there."""
STRONGEST_PX = 0.3
"""Strongest movement for which the first order of its Taylor series is to hold."""
WAVE_PX = 6.0
"""Typical wavelength of the finest level, pixels; it doubles from level to level."""

YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]], np.float32)
"""Rows: brightness and two colour differences of R, G, B."""


@dataclass(frozen=True, slots=True)
class Magnified:
    """Where the two low-passes of each level stand, from the finest to the coarsest."""

    fast: tuple[Float, ...]
    slow: tuple[Float, ...]


def magnify(state: Magnified | None, picture: NDArray[np.uint8], rate_hz: float) -> tuple[Magnified, NDArray[np.uint8]]:
    """Take one picture, and return it with its slow changes made larger.

    Args:
        state: what the last picture left, or None before the first, which is returned as it is.
        picture: uint8 ``(H, W, 1)`` grey or ``(H, W, 3)`` RGB; sides of at least 16 pixels.
        rate_hz: pictures per second.

    Returns:
        The state for the next picture, and uint8 of the picture's shape.
    """
    seen = np.asarray(picture, np.float32)
    levels = pyramid(seen if picture.shape[2] == 1 else seen @ YIQ.T)
    if state is None:
        return Magnified(levels, levels), picture
    slow_share, fast_share = (1 - np.exp(-2 * np.pi * hz / rate_hz) for hz in BAND_HZ)
    fast = tuple(_towards(old, new, fast_share) for old, new in zip(state.fast, levels, strict=True))
    slow = tuple(_towards(old, new, slow_share) for old, new in zip(state.slow, levels, strict=True))
    added = _joined([(one - two) * gain(i) for i, (one, two) in enumerate(zip(fast, slow, strict=True))])
    if picture.shape[2] == 3:
        added = (added * np.array((1, CHROMA, CHROMA), np.float32)) @ np.linalg.inv(YIQ).T.astype(np.float32)
    return Magnified(fast, slow), np.clip(np.rint(seen + added), 0, 255).astype(np.uint8)


def gain(level: int) -> float:
    """Return the gain of a level, 0 = the finest: (1 + gain) x movement stays below an eighth of its wavelength."""
    return float(np.clip(WAVE_PX * 2**level / (8 * STRONGEST_PX) - 1, 0, GAIN))


def pyramid(picture: Float) -> tuple[Float, ...]:
    """Split a picture ``(H, W, C)`` into what each level adds to the next coarser one; the last is what is left."""
    levels: list[Float] = []
    for _ in range(LEVELS - 1):
        coarse = _channels(cv2.pyrDown(picture))
        levels.append(picture - _enlarged(coarse, picture))
        picture = coarse
    return (*levels, picture)


def _joined(levels: list[Any]) -> Float:
    whole: Float = levels[-1]
    for level in reversed(levels[:-1]):
        whole = level + _enlarged(whole, level)
    return whole


def _enlarged(picture: Float, like: Float) -> Float:
    return _channels(cv2.pyrUp(picture, dstsize=(like.shape[1], like.shape[0])))


def _channels(picture: Any) -> Float:
    """OpenCV drops the axis of a single channel."""
    return np.asarray(picture.reshape(*picture.shape[:2], -1), np.float32)


def _towards(old: Float, new: Float, share: float) -> Float:
    return np.asarray(old + np.float32(share) * (new - old), np.float32)
