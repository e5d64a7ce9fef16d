"""The stock of pictures that both gesture networks are trained on, split by person."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.synth.cutouts import Cutout, cut_out
from assistive.training.datasets.gesture_pack import LabelledHand, Picture, read_part
from assistive.types import GESTURES, NO_GESTURE, Box

CLASSES = (*GESTURES, NO_GESTURE)
LANDMARK_MARGIN = 0.08
"""HaGRID's boxes reach beyond the outermost landmarks by about this share of the box."""


@dataclass(frozen=True, slots=True)
class Stock:
    """Pictures for training, or for validation with other people in them.

    Attributes:
        frames: whole frames with boxed hands.
        crops: pictures of single hands, one box each.
        others: hands that show no gesture, whole picture = hand.
        backgrounds: pictures without a hand.
    """

    frames: tuple[Picture, ...]
    crops: tuple[Picture, ...]
    others: tuple[Picture, ...]
    backgrounds: tuple[NDArray[np.uint8], ...]

    def joined(self, other: Stock) -> Stock:
        """Return both together."""
        return Stock(
            self.frames + other.frames,
            self.crops + other.crops,
            self.others + other.others,
            self.backgrounds + other.backgrounds,
        )

    def cutouts(self, seed: int) -> list[Cutout]:
        """Cut every single hand out of its picture (about 15 ms each)."""
        rng = np.random.default_rng(seed)
        return [cut_out(picture, rng) for picture in (*self.crops, *self.others)]


def read_stock(pack: Path, faces: Path, held_out: Sequence[str], share: float) -> tuple[Stock, Stock]:
    """Read the whole stock and split it by person.

    Args:
        pack: folder of a gesture pack, prepared by ``scripts/prepare_gestures.py``.
        faces: folder of face pictures without hands.
        held_out: sources that go to validation whole (one source = the same few people).
        share: share of the remaining persons that goes to validation, 0..1; chosen by a hash of the person's name.

    Returns:
        Stock for training and stock for validation; no person is in both.
    """
    frames = [_boxed(picture) for picture in read_part(pack, "train/frames")]
    crops = read_part(pack, "train/crops")
    negatives = read_part(pack, "train/negatives")
    portraits = [_read_rgb(path) for path in sorted(faces.glob("*.jpg"))]

    def held(picture: Picture) -> bool:
        return picture.source in held_out or _fraction(picture.person) < share

    parts = []
    for validation in (False, True):
        own = [p for p in negatives if held(p) == validation]
        scenery = [p.image for p in own if p.kind != "other_hand"]
        # Generated portraits show nobody; every fifth is kept for validation.
        scenery += [image for i, image in enumerate(portraits) if (i % 5 == 0) == validation]
        parts.append(
            Stock(
                frames=tuple(p for p in frames if p.hands and held(p) == validation),
                crops=tuple(p for p in crops if p.hands and held(p) == validation),
                others=tuple(_whole_is_hand(p) for p in own if p.kind == "other_hand"),
                backgrounds=tuple(scenery),
            )
        )
    return parts[0], parts[1]


def _fraction(name: str) -> float:
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF


def _boxed(picture: Picture) -> Picture:
    """Give a frame that is labelled only as a whole the box of the teacher's landmarks, if there are any."""
    if picture.hands or not picture.names or picture.landmarks is None:
        return picture
    low, high = picture.landmarks.min(0), picture.landmarks.max(0)
    margin = (high - low) * LANDMARK_MARGIN
    low, high = np.clip(low - margin, 0, 1), np.clip(high + margin, 0, 1)
    box = Box(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
    return replace(picture, hands=(LabelledHand(box, picture.names),))


def _whole_is_hand(picture: Picture) -> Picture:
    return replace(picture, hands=(LabelledHand(Box(0, 0, 1, 1), (NO_GESTURE,)),))


def _read_rgb(path: Path) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR), np.uint8)[:, :, ::-1])
