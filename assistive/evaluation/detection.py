"""How well boxes fit: recall of hands, and average precision by COCO's rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.errors import DependencyError
from assistive.evaluation.by_size_and_light import SIZES, longer_side
from assistive.evaluation.labels import LabelledHand
from assistive.types import GESTURES, NO_GESTURE, Box, Hand

RECALL_IOU = 0.4

SIDE = 1000
"""COCO's tools want pixels: boxes are given as if every picture were this wide and high."""

LARGEST = 1e5
"""No share of a picture is larger, in thousandths."""


@dataclass(frozen=True, slots=True)
class Found:
    """A box that was found, the class that it is said to show, and how sure that is, 0..1."""

    name: str
    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class Picture:
    """What is in a picture, what was found in it, and its width and height in pixels."""

    labelled: tuple[LabelledHand, ...]
    found: tuple[Found, ...]
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Precision:
    """Precision of ranked boxes.

    Attributes:
        curves: float64 ``(10, 101, k, 1 + sizes)``: at IoU .50 to .95, at recall 0 to 1, of each class, for hands of
            any size and of each bin of ``SIZES``; -1 where nothing is labelled.
        classes: names of the k classes.
    """

    curves: NDArray[np.float64]
    classes: tuple[str, ...]

    def means(self, classes: Sequence[str] | None = None) -> dict[str, float | None]:
        """Return ``map50``, ``map75`` and ``map50_95`` over some classes, or all; 0..1, None if none is labelled."""
        chosen = [self.classes.index(name) for name in (self.classes if classes is None else classes)]
        curves = self.curves[:, :, chosen, 0]
        return {"map50": _mean(curves[0]), "map75": _mean(curves[5]), "map50_95": _mean(curves)}

    def by_size(self, classes: Sequence[str] | None = None) -> dict[str, float | None]:
        """Return ``map50_95`` of the hands in each bin of ``SIZES``; a box of another bin is neither hit nor miss."""
        chosen = [self.classes.index(name) for name in (self.classes if classes is None else classes)]
        return {name: _mean(self.curves[:, :, chosen, i]) for i, name in enumerate(SIZES, 1)}

    def by_class(self) -> dict[str, dict[str, float | None]]:
        """Return ``ap50`` and ``ap50_95`` of every class that is labelled."""
        values = {
            name: {"ap50": _mean(self.curves[0, :, i, 0]), "ap50_95": _mean(self.curves[:, :, i, 0])}
            for i, name in enumerate(self.classes)
        }
        return {name: value for name, value in values.items() if value["ap50_95"] is not None}


def recalled(labelled: Sequence[Box], found: Sequence[Box]) -> set[int]:
    """Return which labelled boxes a found one covers with an IoU of at least 0.4; a found one covers only one."""
    pairs = [(box.iou(other), i, j) for i, box in enumerate(labelled) for j, other in enumerate(found)]
    used: set[int] = set()
    covered: set[int] = set()
    for overlap, i, j in sorted(pairs, reverse=True):
        if overlap >= RECALL_IOU and i not in covered and j not in used:
            covered.add(i)
            used.add(j)
    return covered


def best_guesses(hands: Iterable[Hand]) -> tuple[Found, ...]:
    """Return every hand once, as its most probable gesture with that probability."""
    return tuple(Found(hand.gesture, hand.box, hand.probability) for hand in hands)


def import_coco() -> Any:
    """Return the package that computes average precision.

    Raises:
        DependencyError: it is not installed.
    """
    try:
        import faster_coco_eval
    except ImportError as error:
        what = "faster-coco-eval, which computes map50 of labelled boxes, is not installed"
        raise DependencyError(what, 'pip install "faster-coco-eval>=1.6"', "dependency.coco") from error
    return faster_coco_eval


def average_precision(pictures: Sequence[Picture], classes: Sequence[str] = GESTURES) -> Precision | None:
    """Rank all that was found, and follow how precise it stays.

    A label with alternatives takes the one that the best-fitting box shows; one that need not be spoken (``|none``) is
    neither hit nor miss. Pictures where a gesture has no box are left out. With ``no_gesture`` among the classes, hands
    that show another sign count as that; where two hands share a box, what lies in it is neither hit nor miss.

    Args:
        pictures: what is in them and what was found.
        classes: what is to be found; every name in ``found`` is one of them.

    Returns:
        The curves; None when no label of these classes has a box.

    Raises:
        DependencyError: faster-coco-eval is not installed.
    """
    numbers = {name: number for number, name in enumerate(classes, 1)}
    boxed = [p for p in pictures if all(hand.box is not None for hand in p.labelled if hand.truth.gestures)]
    truths = [truth for i, p in enumerate(boxed) for hand in p.labelled for truth in _annotation(i, hand, p, numbers)]
    if all(truth["iscrowd"] for truth in truths):
        return None
    coco = import_coco()
    labelled = coco.COCO({
        "images": [{"id": i, "width": SIDE, "height": SIDE} for i in range(len(boxed))],
        "categories": [{"id": number, "name": name} for name, number in numbers.items()],
        "annotations": [{**truth, "id": number} for number, truth in enumerate(truths, 1)],
    })  # fmt: skip
    sizes = [_thousandths(one.box, p) for p in boxed for one in p.found]
    ranked = labelled.loadRes([
        {"image_id": i, "category_id": numbers[one.name], "bbox": _pixels(one.box), "score": one.score}
        for i, p in enumerate(boxed)
        for one in p.found
    ])  # fmt: skip
    for row, size in zip(ranked.dataset["annotations"], sizes, strict=True):
        row["area"] = size  # all that COCO's tool does with an area is to bin by it
    evaluation = coco.COCOeval_faster(labelled, ranked, "bbox")
    bounds = [0.0, *(SIDE * upper for upper in list(SIZES.values())[:-1]), LARGEST]
    evaluation.params.areaRng = [[0.0, LARGEST], *([low, high] for low, high in pairwise(bounds))]
    evaluation.params.areaRngLbl = ["all", *SIZES]
    evaluation.evaluate()
    evaluation.accumulate()
    return Precision(np.asarray(evaluation.eval["precision"], np.float64)[..., -1], tuple(classes))


def _annotation(image: int, label: LabelledHand, picture: Picture, numbers: dict[str, int]) -> list[dict[str, Any]]:
    """Return the label as COCO writes it; nothing where it is of no concern to these classes."""
    names, ignored = label.truth.gestures, label.truth.none
    if not names and label.sign in numbers:
        names, ignored = (label.sign,), False
    elif not names and NO_GESTURE in numbers:
        names, ignored = (NO_GESTURE,), label.both
    if not names or label.box is None:
        return []
    box = label.box
    best = max(picture.found, key=lambda one: (one.box.iou(box), one.score), default=None)
    fits = best is not None and best.name in names and best.box.iou(box) > 0
    name = best.name if best is not None and fits else names[0]
    size = _thousandths(box, picture)
    return [{
        "image_id": image, "category_id": numbers[name], "bbox": _pixels(box), "area": size, "iscrowd": int(ignored),
    }]  # fmt: skip


def _thousandths(box: Box, picture: Picture) -> float:
    return SIDE * longer_side(box, picture.size)


def _pixels(box: Box) -> list[float]:
    return [SIDE * value for value in (box.x, box.y, box.w, box.h)]


def _mean(curves: NDArray[np.float64]) -> float | None:
    known = curves[curves > -1]
    return round(float(known.mean()), 4) if known.size else None
