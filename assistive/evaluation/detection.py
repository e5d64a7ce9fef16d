"""How well boxes fit: recall of hands, and mean average precision by COCO's rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assistive.errors import DependencyError
from assistive.evaluation.labels import LabelledHand
from assistive.types import GESTURES, Box, Hand

RECALL_IOU = 0.4
CATEGORIES = {name: number for number, name in enumerate(GESTURES, 1)}

SIDE = 1000
"""COCO's tools want pixels: boxes are given as if every picture were this wide and high."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Hands that are in a picture, and hands that were found in it."""

    labelled: tuple[LabelledHand, ...]
    found: tuple[Hand, ...]


def count_recalled(labelled: Sequence[Box], found: Sequence[Box]) -> int:
    """Count the labelled boxes that a found one covers with an IoU of at least 0.4; a found one covers only one."""
    pairs = [(box.iou(other), i, j) for i, box in enumerate(labelled) for j, other in enumerate(found)]
    used: set[int] = set()
    recalled: set[int] = set()
    for overlap, i, j in sorted(pairs, reverse=True):
        if overlap >= RECALL_IOU and i not in recalled and j not in used:
            recalled.add(i)
            used.add(j)
    return len(recalled)


def import_coco() -> Any:
    """Return the package that computes mean average precision.

    Raises:
        DependencyError: it is not installed.
    """
    try:
        import faster_coco_eval
    except ImportError as error:
        what = "faster-coco-eval, which computes map50 of labelled boxes, is not installed"
        raise DependencyError(what, 'pip install "faster-coco-eval>=1.6"', "dependency.coco") from error
    return faster_coco_eval


def mean_average_precision(pictures: Sequence[Picture]) -> tuple[float | None, float | None]:
    """Compute mean average precision over the 18 gestures.

    Every hand that the runtime reports counts once, as its most probable gesture with that probability. A label with
    alternatives takes the one that the best-fitting hand shows; one that need not be spoken (``|none``) is neither hit
    nor miss. Pictures where a gesture has no box are left out.

    Returns:
        ``map50`` and ``map50_95``, 0..1; None when no label has a box.

    Raises:
        DependencyError: faster-coco-eval is not installed.
    """
    boxed = [p for p in pictures if all(hand.box is not None for hand in p.labelled if hand.truth.gestures)]
    truths = [_annotation(i, hand, p.found) for i, p in enumerate(boxed) for hand in p.labelled if hand.truth.gestures]
    found = [
        {"image_id": i, "category_id": CATEGORIES[hand.gesture], "bbox": _pixels(hand.box), "score": hand.probability}
        for i, p in enumerate(boxed)
        for hand in p.found
    ]
    if not any(not truth["iscrowd"] for truth in truths):
        return None, None
    if not found:
        return 0.0, 0.0
    coco = import_coco()
    data = {
        "images": [{"id": i, "width": SIDE, "height": SIDE} for i in range(len(boxed))],
        "categories": [{"id": number, "name": name} for name, number in CATEGORIES.items()],
        "annotations": [{**truth, "id": number} for number, truth in enumerate(truths, 1)],
    }
    labelled = coco.COCO(data)
    evaluation = coco.COCOeval_faster(labelled, labelled.loadRes(found), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return round(float(evaluation.stats[1]), 4), round(float(evaluation.stats[0]), 4)


def _annotation(image: int, label: LabelledHand, found: Sequence[Hand]) -> dict[str, Any]:
    box = label.box
    assert box is not None, "pictures without boxes were left out"
    best = max(found, key=lambda hand: hand.box.iou(box), default=None)
    fits = best is not None and best.gesture in label.truth.gestures and best.box.iou(box) > 0
    name = best.gesture if best is not None and fits else label.truth.gestures[0]
    bbox = _pixels(box)
    return {
        "image_id": image, "category_id": CATEGORIES[name], "bbox": bbox, "area": bbox[2] * bbox[3],
        "iscrowd": int(label.truth.none),
    }  # fmt: skip


def _pixels(box: Box) -> list[float]:
    return [SIDE * value for value in (box.x, box.y, box.w, box.h)]
