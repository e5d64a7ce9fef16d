"""How good an exported detector is on labelled pictures, whoever made it: one evaluator for all files of one form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.errors import SourceError
from assistive.evaluation.detection import Found, Picture, average_precision
from assistive.evaluation.detector_alone import LIMIT, MIN_SCORE, rank
from assistive.evaluation.labels import LabelledHand, Truth
from assistive.gesture.detector import letterbox, select
from assistive.settings import Settings
from assistive.sources.images import read_picture
from assistive.training.datasets.yolo_format import find_yolo, read_classes

OVERLAP = 0.5
"""The runtime's own: one hand, one box."""

HAND = "hand"
RESAMPLES = 100
"""Of the pictures, for an interval."""


def judge(path: Path, data: Path, size: int, resamples: int = 0) -> dict[str, Any]:
    """Measure the average precision of an exported detector on validation pictures.

    Args:
        path: ONNX file with the input ``image`` and one output ``(n, candidates, 5 + k)``, such as
            ``assistive.training.yolo.network.candidates_of`` gives.
        data: folder with ``data.yaml``; its ``val`` judges.
        size: longer side of the input, pixels.
        resamples: how often the pictures are drawn anew for the interval; 0 = there is none.

    Returns:
        ``map50``, ``map75`` and ``map50_95`` over all classes; ``hand_ap50`` and ``hand_ap50_95``, whatever the hand
        shows; ``map50_interval_95`` by bootstrap over pictures.

    Raises:
        SourceError: the data cannot be read, or labels no hand.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    classes = read_classes(data)
    by_class, by_hand = [], []
    for image, labelled in _pictures(data):
        batch, placed = letterbox(image, size, size)
        output = session.run(None, {"image": batch})[0][0]
        shape = image.shape[1], image.shape[0]
        by_class.append(Picture(labelled, rank(output, placed, shape, classes, OVERLAP), shape))
        boxes = tuple(LabelledHand(Truth((HAND,)), hand.box) for hand in labelled)
        hands = select(output, placed, shape, MIN_SCORE, OVERLAP, LIMIT)
        by_hand.append(Picture(boxes, tuple(Found(HAND, one.box, one.score) for one in hands), shape))
    told, found = average_precision(by_class, classes), average_precision(by_hand, (HAND,))
    if told is None or found is None:
        raise SourceError(f"{data} labels no hand in val", "give data with boxes", "study.validation")
    hand = found.means()
    figures: dict[str, Any] = {**told.means(), "hand_ap50": hand["map50"], "hand_ap50_95": hand["map50_95"]}
    if resamples:
        figures["map50_interval_95"] = _interval(by_class, classes, resamples)
    return figures


def _interval(pictures: Sequence[Picture], classes: Sequence[str], resamples: int) -> list[float]:
    rng = np.random.default_rng(0)
    drawn = (rng.integers(0, len(pictures), len(pictures)) for _ in range(resamples))
    curves = (average_precision([pictures[i] for i in chosen], classes) for chosen in drawn)
    values = [told.means()["map50"] for told in curves if told is not None]
    low, high = np.percentile(np.array(values, np.float64), [2.5, 97.5])
    return [round(float(low), 4), round(float(high), 4)]


def describe(data: Path) -> dict[str, Any]:
    """Return how many ``pictures`` judge, and how many ``boxes`` of each class, the most frequent first."""
    pictures = list(find_yolo(data, "val"))
    boxes = Counter(named.name for _, labelled in pictures for named in labelled.boxes)
    return {"pictures": len(pictures), "boxes": dict(boxes.most_common())}


def _pictures(data: Path) -> Iterator[tuple[NDArray[np.uint8], tuple[LabelledHand, ...]]]:
    for path, labelled in find_yolo(data, "val"):
        hands = tuple(LabelledHand(Truth((named.name,)), named.box) for named in labelled.boxes)
        yield read_picture(path, Settings().source.max_pixels), hands
