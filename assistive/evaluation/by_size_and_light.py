"""How well hands are read when they are far or near, in the dark or against the light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.evaluation.rates import Rate
from assistive.types import Box

SIZES = {"tiny": 0.08, "small": 0.16, "medium": 0.35, "large": inf}
"""Bins of hands, each with the bound that it stays below: longer side of the box in pixels, as a share of the longer
side of the picture."""

LIGHTS = {"dark": 0.2, "dim": 0.35, "normal": 0.65, "bright": inf}
"""Bins of hands and pictures, each with the bound that it stays below: mean luminance as a share of white, 0..1
(Rec. 601 luma as stored, gamma-coded)."""

BACKLIT = "backlit"
BACKLIT_RATIO = 0.7
"""A hand with at most this share of the luminance around it is against the light, whatever its own. Pictures cannot
tell that from dark skin before a pale wall, which is as hard for a camera that sets its exposure by the wall."""

RING = 2.0
"""What is around a hand: a box with the same centre, so many times as wide and high, less the hand's own."""


MEASURES = {
    "by_size": "longer side of the hand / longer side of the picture",
    "by_light": "mean luminance of the hand / white",
    "by_picture_light": "mean luminance of the picture / white",
}


@dataclass(frozen=True, slots=True)
class Conditions:
    """How one hand is seen.

    Attributes:
        size: longer side of its box, as a share of the longer side of the picture.
        luminance: mean of the box, 0..1.
        around: mean of what is around it, 0..1; the box's own where it fills the picture.
    """

    size: float
    luminance: float
    around: float

    @property
    def size_bin(self) -> str:
        """One of ``SIZES``."""
        return _bin(self.size, SIZES)

    @property
    def light_bin(self) -> str:
        """One of ``LIGHTS``, or ``backlit``."""
        return BACKLIT if self.luminance <= BACKLIT_RATIO * self.around else _bin(self.luminance, LIGHTS)


@dataclass(frozen=True, slots=True)
class SeenHand:
    """One labelled hand with a box.

    Attributes:
        conditions: how it is seen.
        found: a box covers it.
        right: whether its picture was read rightly; None for all hands but the largest gesture of a picture.
    """

    conditions: Conditions
    found: bool
    right: bool | None


@dataclass(frozen=True, slots=True)
class SeenPicture:
    """One picture.

    Attributes:
        luminance: mean of all of it, 0..1.
        right: whether its gesture was read rightly; None where it shows none.
        said: whether something was said though it shows no gesture; None where it shows one.
    """

    luminance: float
    right: bool | None
    said: bool | None


def longer_side(box: Box, size: tuple[int, int]) -> float:
    """Return the longer side of a box as a share of the longer side of a picture of ``size`` (width, height, pixels).

    >>> longer_side(Box(0, 0, 0.1, 0.4), (400, 200))
    0.2
    """
    width, height = size
    return max(box.w * width, box.h * height) / max(width, height)


def luminance(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return Rec. 601 luma, float32 ``(H, W)``, 0..1, of an RGB picture, uint8 ``(H, W, 3)``."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32) / np.float32(255)


def conditions(grey: NDArray[np.float32], box: Box) -> Conditions:
    """Measure how a hand is seen.

    Args:
        grey: luminance of the picture, float32 ``(H, W)``, 0..1.
        box: of the hand.
    """
    height, width = grey.shape
    (x, y), w, h = box.centre, box.w * RING, box.h * RING
    inner, outer = _cut(grey, box), _cut(grey, Box(x - w / 2, y - h / 2, w, h))
    rest = outer.size - inner.size
    own = float(inner.mean())
    around = (float(outer.sum(dtype=np.float64)) - own * inner.size) / rest if rest > 0 else own
    return Conditions(longer_side(box, (width, height)), own, around)


def by_conditions(hands: Sequence[SeenHand], pictures: Sequence[SeenPicture]) -> dict[str, Any]:
    """Sort hands by size and light, and pictures by light.

    Args:
        hands: every labelled hand that has a box.
        pictures: every picture.

    Returns:
        ``by_size``, ``by_light`` (of the hand) and ``by_picture_light``, and what each of them ``measures``. A bin says
        what it ``means`` and has ``top1`` of its ``pictures`` with a gesture; hands have ``hand_recall`` of ``hands``,
        pictures have ``false_activation_rate`` of ``blanks``; the rates with counts and 95 % intervals.
    """
    sizes = {name: [hand for hand in hands if hand.conditions.size_bin == name] for name in SIZES}
    lights = {name: [hand for hand in hands if hand.conditions.light_bin == name] for name in (*LIGHTS, BACKLIT)}
    whole = {name: [one for one in pictures if _bin(one.luminance, LIGHTS) == name] for name in LIGHTS}
    side, light = _meanings(SIZES), _meanings(LIGHTS)
    hand_light = {**light, BACKLIT: f"{100 * BACKLIT_RATIO:g} % of what is around it, or less"}
    return {
        "measures": MEASURES,
        "by_size": {name: {"means": side[name], **_hands(part)} for name, part in sizes.items()},
        "by_light": {name: {"means": hand_light[name], **_hands(part)} for name, part in lights.items()},
        "by_picture_light": {name: {"means": light[name], **_pictures(part)} for name, part in whole.items()},
    }


def _hands(hands: Sequence[SeenHand]) -> dict[str, Any]:
    found = Rate(sum(hand.found for hand in hands), len(hands))
    return {
        **_top1([hand.right for hand in hands]),
        "hands": found.n, "found": found.count, "hand_recall": found.value, "hand_recall_interval_95": found.interval(),
    }  # fmt: skip


def _pictures(pictures: Sequence[SeenPicture]) -> dict[str, Any]:
    said = [one.said for one in pictures if one.said is not None]
    false = Rate(sum(said), len(said))
    return {
        **_top1([one.right for one in pictures]),
        "blanks": false.n, "false_activations": false.count, "false_activation_rate": false.value,
        "false_activation_interval_95": false.interval(),
    }  # fmt: skip


def _top1(verdicts: Sequence[bool | None]) -> dict[str, Any]:
    known = [right for right in verdicts if right is not None]
    rate = Rate(sum(known), len(known))
    return {"pictures": rate.n, "right": rate.count, "top1": rate.value, "top1_interval_95": rate.interval()}


def _bin(value: float, bins: dict[str, float]) -> str:
    return next(name for name, upper in bins.items() if value < upper)


def _meanings(bins: dict[str, float]) -> dict[str, str]:
    bounds = [f"{100 * bound:g} %" for bound in bins.values() if bound < inf]
    between = [f"{low} to below {high}" for low, high in pairwise(bounds)]
    return dict(zip(bins, [f"below {bounds[0]}", *between, f"{bounds[-1]} and more"], strict=True))


def _cut(grey: NDArray[np.float32], box: Box) -> NDArray[np.float32]:
    """Return what of a box lies in the picture, at least one pixel."""
    height, width = grey.shape
    x0, y0 = (min(max(round(share * side), 0), side - 1) for share, side in ((box.x, width), (box.y, height)))
    x1, y1 = round((box.x + box.w) * width), round((box.y + box.h) * height)
    return grey[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
