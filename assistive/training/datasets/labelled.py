"""A picture with named boxes: what HaGRID, YOLO, COCO and the gesture pack have in common."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from assistive.types import NO_GESTURE, Box

SPLITS = ("train", "val", "test")
PICTURE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
FAR = 1e6
"""No number in a box is so large, even where it is given in pixels by mistake."""
ROUNDING = 1e-3
"""How far a box may reach outside the picture before that is an error and not rounding, fractions."""


@dataclass(frozen=True, slots=True)
class NamedBox:
    """A box in fractions of the picture, and the class that it shows, by name."""

    name: str
    box: Box


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture on disk and what is to be seen in it.

    Attributes:
        file: path below the folder of its split, with forward slashes.
        split: one of ``SPLITS``.
        width: pixels as stored; 0 where the format does not say.
        height: pixels as stored; 0 where the format does not say.
        boxes: empty for a picture that shows none of the classes.
        user: who is in it; "" where it is not known.
        annotation: what the source says of it besides, as it says it.
    """

    file: str
    split: str
    width: int
    height: int
    boxes: tuple[NamedBox, ...]
    user: str = ""
    annotation: Mapping[str, Any] = field(default_factory=dict, compare=False)


def box_flaw(values: object) -> str:
    """Say what is wrong with ``[x, y, w, h]`` in fractions of the picture; "" if nothing is.

    >>> box_flaw([0.5, 0.5, 0.6, 0.1])
    'box_outside'
    """
    if not isinstance(values, list | tuple) or len(values) != 4:
        return "box_malformed"
    if not all(isinstance(value, int | float) and abs(value) < FAR for value in values):
        return "box_malformed"
    x, y, w, h = values
    if w <= 0 or h <= 0:
        return "box_empty"
    if min(x, y) < -ROUNDING or max(x + w, y + h) > 1 + ROUNDING:
        return "box_outside"
    seen = inside(Box(*(float(value) for value in values)))
    return "box_empty" if min(seen.w, seen.h) <= 0 else ""


def inside(box: Box) -> Box:
    """Return the part of a box that lies in the picture."""
    if min(box.x, box.y) >= 0 and max(box.x + box.w, box.y + box.h) <= 1:
        return box
    left, top = max(0.0, box.x), max(0.0, box.y)
    return Box(left, top, min(1.0, box.x + box.w) - left, min(1.0, box.y + box.h) - top)


def ordered(classes: Iterable[str]) -> tuple[str, ...]:
    """Return class names in the order of our files: alphabetical, ``no_gesture`` last."""
    return tuple(sorted(set(classes), key=lambda name: (name == NO_GESTURE, name)))


def write_whole(path: Path, data: bytes, partial: Path | None = None) -> None:
    """Write a file whole or not at all, whoever writes it at the same time.

    Args:
        path: the file; its folder is made.
        data: all of it.
        partial: folder on the same disk for the unfinished file; the folder of ``path`` if None.

    Raises:
        OSError: the disk is full, or refuses.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = (partial or path.parent) / f"{path.name}.{uuid4().hex}.partial"
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    try:
        unfinished.write_bytes(data)
        os.replace(unfinished, path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
