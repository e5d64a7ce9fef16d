"""What one camera in one light does to every picture of a clip: tone, blur, noise, compression, flicker."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

_NOISE_SIDE = 512
_NOISE = np.random.default_rng(5).standard_normal((_NOISE_SIDE, _NOISE_SIDE), np.float32)
"""Read at random places: to draw a normal number for each pixel would take longer than to draw the face."""


@dataclass(frozen=True, slots=True)
class FaceCamera:
    """One camera in one light.

    Attributes:
        gamma: exponent of the tone curve.
        gain: factor on the brightness.
        contrast: 1 = as it is, 0 = flat grey.
        blur_px: sigma of the lens's blur, pixels.
        noise: standard deviation of the sensor's noise at middle grey, grey levels.
        quality: JPEG quality of each picture, or None: not compressed.
        flicker: standard deviation of the brightness from picture to picture, a share.
    """

    gamma: float = 1.0
    gain: float = 1.0
    contrast: float = 1.0
    blur_px: float = 0.0
    noise: float = 0.0
    quality: int | None = None
    flicker: float = 0.0

    @classmethod
    def draw(cls, rng: np.random.Generator, harsh: float = 1.0) -> FaceCamera:
        """Draw a camera: from a laboratory's (``harsh`` 0) to what is found in homes (1)."""
        dark = rng.random() < 0.1 * harsh
        return cls(
            gamma=float(np.exp(rng.normal(0, 0.25 * harsh))),
            gain=float(rng.uniform(0.25, 0.55) if dark else np.exp(rng.normal(0, 0.18 * harsh))),
            contrast=float(rng.uniform(1 - 0.6 * harsh, 1)),
            blur_px=float(rng.uniform(0.3, 1.3)) if rng.random() < 0.5 * harsh else 0.0,
            noise=float(rng.exponential(0.5 + 1.3 * harsh)) * (2.0 if dark else 1.0),
            quality=int(rng.integers(50, 97)) if rng.random() < 0.6 else None,
            flicker=float(rng.exponential(0.006 * harsh)),
        )

    def take(self, picture: Image, rng: np.random.Generator) -> Image:
        """Return a picture as this camera takes it: uint8 ``(H, W)`` grey or ``(H, W, 3)`` RGB, the same shape."""
        gain = self.gain * (1 + rng.normal(0, self.flicker))
        ramp = (np.arange(256) / 255) ** self.gamma
        ramp = (0.5 + (ramp - 0.5) * self.contrast) * gain * 255
        if self.blur_px:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), self.blur_px), np.uint8)
        taken = ramp.astype(np.float32)[picture]
        if self.noise:
            # Photons: the noise grows with the root of the light.
            spread = self.noise * np.sqrt(np.maximum(ramp, 4) / 128).astype(np.float32)
            noise = _noise(picture.shape[:2], rng)
            taken += spread[picture] * (noise if picture.ndim == 2 else noise[..., None])
        taken = np.clip(taken + 0.5, 0, 255).astype(np.uint8)
        return taken if self.quality is None else compressed(taken, self.quality)


def compressed(picture: Image, quality: int) -> Image:
    """Return a picture after JPEG compression."""
    order = picture if picture.ndim == 2 else picture[..., ::-1]  # the codec takes BGR
    _, data = cv2.imencode(".jpg", order, [cv2.IMWRITE_JPEG_QUALITY, quality])
    back = np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), np.uint8)
    return np.asarray(back if picture.ndim == 2 else back[..., ::-1], np.uint8)


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return standard normal numbers, float32 ``(H, W)``."""
    rows = np.arange(shape[0]) + int(rng.integers(_NOISE_SIDE))
    columns = np.arange(shape[1]) + int(rng.integers(_NOISE_SIDE))
    taken = _NOISE.take(rows, 0, mode="wrap").take(columns, 1, mode="wrap")
    return np.asarray(taken * (1 if rng.random() < 0.5 else -1), np.float32)


def skin_grain(rng: np.random.Generator, side: int, strength: float) -> NDArray[np.float32]:
    """Return the fine unevenness of skin, float32 ``(side, side)``, grey levels with this standard deviation.

    Upscaled portraits lack it, and optical flow holds on to it on a real face.
    """
    grain = 0.6 * cv2.GaussianBlur(_noise((side, side), rng), (0, 0), 0.9) / 0.31
    half = _noise(((side + 1) // 2, (side + 1) // 2), rng)
    grain += 0.8 * cv2.resize(cv2.GaussianBlur(half, (0, 0), 1.0), (side, side)) / 0.28
    return np.asarray(grain * strength, np.float32)


class VideoCodec:
    """Compresses pictures in their order as a video codec does: a block that hardly changed stays as it was.

    This is what hides the weakest movements in compressed clips. Feed one clip to one codec.

    Args:
        quality: JPEG quality of what is sent.
        threshold: mean change, in grey levels since it was last sent, below which a block of 8 x 8 pixels is not sent.
        refresh: every so many pictures all blocks are sent.
    """

    def __init__(self, quality: int, threshold: float, refresh: int = 30) -> None:
        self.quality, self.threshold, self.refresh = quality, threshold, refresh
        self._source: Image | None = None
        self._shown: Image | None = None
        self._count = 0

    def take(self, picture: Image) -> Image:
        """Return the next picture of the clip after compression: uint8 ``(H, W, 3)`` RGB."""
        shown, source = compressed(picture, self.quality), picture
        if self._source is not None and self._shown is not None and self._count % self.refresh:
            change = cv2.absdiff(picture, self._source).astype(np.float32).mean(2)
            height, width = change.shape
            change = cv2.copyMakeBorder(change, 0, -height % 8, 0, -width % 8, cv2.BORDER_REPLICATE)
            blocks = cv2.resize(change, None, fx=1 / 8, fy=1 / 8, interpolation=cv2.INTER_AREA)
            still = np.kron((blocks < self.threshold).astype(np.uint8), np.ones((8, 8), np.uint8))
            keep = still[:height, :width, None] > 0
            shown, source = np.where(keep, self._shown, shown), np.where(keep, self._source, source)
        self._count += 1
        self._shown, self._source = shown, source
        return shown
