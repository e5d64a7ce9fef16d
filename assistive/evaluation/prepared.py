"""Take the pictures of a prepared data set, such as ``scripts/prepare_hagrid.py`` writes, as labelled pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistive.errors import SourceError
from assistive.evaluation.labels import LabelledHand, LabelledPicture, Truth
from assistive.training.datasets.hagrid.tree import TWO_HANDED
from assistive.training.datasets.labelled import NamedBox
from assistive.training.datasets.yolo_format import find_yolo
from assistive.types import GESTURES, NO_GESTURE


@dataclass(frozen=True, slots=True)
class Prepared:
    """A split of a prepared data set.

    Attributes:
        pictures: the path of each picture, and what is in it.
        boxes: how many boxes there are, by the data set's own names.
    """

    pictures: tuple[tuple[Path, LabelledPicture], ...]
    boxes: Mapping[str, int]

    @property
    def unknown(self) -> dict[str, int]:
        """Boxes of classes that the system does not answer to, by name: nothing should be said to them."""
        return {name: n for name, n in self.boxes.items() if name not in (*GESTURES, NO_GESTURE)}

    def summary(self) -> dict[str, Any]:
        """Return ``pictures``, ``boxes`` by class, and the names of the ``none_of_ours``."""
        return {"pictures": len(self.pictures), "boxes": dict(self.boxes), "none_of_ours": list(self.unknown)}


def read_prepared(root: Path, split: str) -> Prepared:
    """Read the labels of one split in the layout of YOLO.

    Args:
        root: folder with ``data.yaml``.
        split: ``val``, ``test``, or another that it names.

    Raises:
        SourceError: something is missing or malformed, or the split has no pictures.
    """
    found = list(find_yolo(root, split))
    if not found:
        raise SourceError(f"{root} has no pictures in {split!r}", "choose another --split", "yolo.pictures")
    pictures = tuple(
        (path, LabelledPicture(picture.file, "", tuple(_hand(box) for box in picture.boxes))) for path, picture in found
    )
    boxes = Counter(box.name for _, picture in found for box in picture.boxes)
    return Prepared(pictures, dict(sorted(boxes.items())))


def _hand(named: NamedBox) -> LabelledHand:
    if named.name in GESTURES:
        return LabelledHand(Truth((named.name,)), named.box)
    sign = "" if named.name == NO_GESTURE else named.name
    return LabelledHand(Truth(), named.box, sign, both=sign in TWO_HANDED)
