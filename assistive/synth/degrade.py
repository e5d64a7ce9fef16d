"""What cameras and rooms do to a picture: light, colour, blur, noise, compression, low resolution."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def degrade(image: Image, rng: np.random.Generator, strength: float = 1.0, coarsest: float = 0.3) -> Image:
    """Return the picture as another camera in another light would have taken it.

    Args:
        image: uint8 ``(H, W, 3)``, RGB.
        rng: source of chance.
        strength: 0 = nearly untouched, 1 = as found in the wild.
        coarsest: smallest share of its size to which a picture is shrunk and blown up again, 0..0.8.
    """
    image = _light(image, rng, strength)
    if rng.random() < 0.25 * strength:
        image = _blur(image, rng)
    if rng.random() < 0.2 * strength:
        image = _low_resolution(image, rng, coarsest)
    if rng.random() < 0.25 * strength:
        noise = rng.normal(0, rng.uniform(2, 14), (*image.shape[:2], 1)).astype(np.float32)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.3 * strength:
        quality = int(rng.integers(18, 85))
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return image


def _light(image: Image, rng: np.random.Generator, strength: float) -> Image:
    gamma = float(np.exp(rng.normal(0, 0.32 * strength)))
    gain = float(np.exp(rng.normal(0, 0.17 * strength)))
    if rng.random() < 0.12 * strength:
        gain *= float(rng.uniform(0.15, 0.5))
    cast = np.exp(rng.normal(0, 0.07 * strength, 3))
    ramp = np.linspace(0, 1, 256)[:, None] ** gamma * gain * cast
    lift = rng.normal(0, 0.02 * strength)
    table = np.clip((ramp + lift) * 255, 0, 255).astype(np.uint8)
    image = np.stack([cv2.LUT(image[..., c], table[:, c]) for c in range(3)], axis=-1)
    if rng.random() < 0.5 * strength:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32)
        saturation = 0.0 if rng.random() < 0.08 else rng.uniform(0.4, 1.5)
        image = np.clip(grey + (image - grey) * saturation, 0, 255).astype(np.uint8)
    return image


def _blur(image: Image, rng: np.random.Generator) -> Image:
    scale = max(image.shape[:2]) / 320
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.8)) * scale), np.uint8)
    length = max(3, int(rng.uniform(3, 11) * scale))
    kernel = np.zeros((length, length), np.float32)
    angle = rng.uniform(0, np.pi)
    centre = (length - 1) / 2
    reach = np.array([np.cos(angle), np.sin(angle)]) * centre
    cv2.line(kernel, tuple(np.rint(centre - reach).astype(int)), tuple(np.rint(centre + reach).astype(int)), 1.0, 1)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def _low_resolution(image: Image, rng: np.random.Generator, coarsest: float) -> Image:
    height, width = image.shape[:2]
    factor = np.exp(rng.uniform(np.log(coarsest), np.log(0.8)))
    small = cv2.resize(image, (max(8, int(width * factor)), max(8, int(height * factor))), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
