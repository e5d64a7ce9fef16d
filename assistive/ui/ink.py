"""What the overlay is drawn with: text in any script, panels, rings. Sizes are pixels, colours RGB."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]
Weight = Literal[400, 600]

CAP_HEIGHT = 0.72
"""Height of a capital letter as a share of the text's size."""

# OpenCV 5 brings a font of its own with Latin, Greek, Cyrillic, Arabic and Chinese letters: no package for text.
_FACE = cv2.FontFace("sans")


@lru_cache(maxsize=1024)
def text_width(text: str, size: int, weight: Weight = 400) -> int:
    """Return how wide a line of text is."""
    x, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), _FACE, size, weight)
    return max(int(x + width), 0)


def write(image: Image, text: str, x: int, baseline: int, size: int, colour: Colour, weight: Weight = 400) -> None:
    """Write a line of text, in place."""
    # Without a range of its own, text that reaches the border would go on in a second line.
    cv2.putText(image, text, (x, baseline), colour, _FACE, size, weight, 0, (x, 1 << 20))


def centred(image: Image, text: str, x: int, middle: int, size: int, colour: Colour, weight: Weight = 400) -> None:
    """Write a line of text around a point, in place."""
    left = x - text_width(text, size, weight) // 2
    write(image, text, left, middle + round(size * CAP_HEIGHT / 2), size, colour, weight)


@lru_cache(maxsize=256)
def shortened(text: str, size: int, width: int, weight: Weight = 400) -> str:
    """Return the text, cut off with an ellipsis where it is too wide."""
    if text_width(text, size, weight) <= width:
        return text
    while text and text_width(text + "…", size, weight) > width:
        text = text[:-1]
    return text.rstrip() + "…"


@lru_cache(maxsize=64)
def wrapped(text: str, size: int, width: int, weight: Weight = 400) -> tuple[str, ...]:
    """Return the text in lines of at most a width; a word that is too wide is broken."""
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(joined, size, weight) <= width:
            lines[-1] = joined
            continue
        lines.append("")
        for letter in word:
            if lines[-1] and text_width(lines[-1] + letter, size, weight) > width:
                lines.append("")
            lines[-1] += letter
    return tuple(lines)


def panel(image: Image, x: int, y: int, width: int, height: int, colour: Colour, opacity: float, radius: int) -> None:
    """Lay a rounded, see-through rectangle over the image, in place; what lies outside is cut off."""
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + width, image.shape[1]), min(y + height, image.shape[0])
    if left >= right or top >= bottom:
        return
    share = _rounded(width, height, radius, opacity)[top - y : bottom - y, left - x : right - x]
    under = image[top:bottom, left:right]
    flat = np.full(under.shape, colour, np.uint8)
    cv2.blendLinear(flat, np.ascontiguousarray(under), np.ascontiguousarray(share), np.ascontiguousarray(1 - share),
                    under)  # fmt: skip


@lru_cache(maxsize=64)
def _rounded(width: int, height: int, radius: int, opacity: float) -> NDArray[np.float32]:
    radius = min(radius, width // 2, height // 2)
    mask = np.zeros((height, width), np.uint8)
    mask[radius : height - radius] = 255
    mask[:, radius : width - radius] = 255
    for x in (radius, width - 1 - radius):
        for y in (radius, height - 1 - radius):
            cv2.circle(mask, (x, y), radius, (255,), -1, cv2.LINE_AA)
    return mask.astype(np.float32) * np.float32(opacity / 255)


def corners(image: Image, x: int, y: int, width: int, height: int, colour: Colour, thickness: int) -> None:
    """Draw a thin rectangle with strong corners, in place."""
    cv2.rectangle(image, (x, y), (x + width, y + height), colour, 1, cv2.LINE_AA)
    arm = max(min(width, height) // 5, 4)
    for cx, cy, dx, dy in ((x, y, 1, 1), (x + width, y, -1, 1), (x, y + height, 1, -1),
                           (x + width, y + height, -1, -1)):  # fmt: skip
        line = np.array(((cx + dx * arm, cy), (cx, cy), (cx, cy + dy * arm)), np.int32)
        cv2.polylines(image, [line], False, colour, thickness, cv2.LINE_AA)


def ring(image: Image, x: int, y: int, radius: int, share: float, colour: Colour, back: Colour) -> None:
    """Draw a ring that is filled clockwise from the top by a share 0..1, in place."""
    width = max(radius // 4, 3)
    cv2.circle(image, (x, y), radius, back, width, cv2.LINE_AA)
    if share > 0:
        cv2.ellipse(image, (x, y), (radius, radius), -90, 0, 360 * min(share, 1.0), colour, width, cv2.LINE_AA)


def balance(image: Image, x: int, y: int, width: int, height: int, share: float, left: Colour, right: Colour) -> None:
    """Draw two bars that meet in a gap, in place: a thick one for a share 0..1 from the left, a thin one beyond."""
    gap = max(height // 3, 2)
    middle = x + round(min(max(share, 0.0), 1.0) * width)
    if middle - x > gap:
        cv2.rectangle(image, (x, y), (middle - gap, y + height - 1), left, -1)
    if x + width - middle > gap:
        inset = height // 4
        cv2.rectangle(image, (middle + gap, y + inset), (x + width, y + height - 1 - inset), right, -1)


def tick(image: Image, x: int, y: int, size: int, colour: Colour) -> None:
    """Draw a check mark around a point, in place."""
    line = np.array(((x - size, y), (x - size // 3, y + size * 2 // 3), (x + size, y - size * 2 // 3)), np.int32)
    cv2.polylines(image, [line], False, colour, max(size // 4, 2), cv2.LINE_AA)


def sign(image: Image, x: int, y: int, size: int, label: str, colour: Colour) -> None:
    """Draw a tone's shape around a point, in place: a valley for positive, a hill for negative, a ring for surprise.

    Any other label, neutral among them, is a level line.
    """
    thickness = max(size // 3, 2)
    if label == "surprise":
        cv2.circle(image, (x, y), size, colour, thickness, cv2.LINE_AA)
        return
    rise = {"positive": 1, "negative": -1}.get(label, 0) * (size // 2)
    line = np.array(((x - size, y - rise), (x, y + rise), (x + size, y - rise)), np.int32)
    cv2.polylines(image, [line], False, colour, thickness, cv2.LINE_AA)
