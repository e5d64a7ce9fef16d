"""How well single pictures are read: which gesture, and silence where there is none."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from assistive.evaluation.by_size_and_light import (
    Conditions,
    SeenHand,
    SeenPicture,
    by_conditions,
    conditions,
    luminance,
)
from assistive.evaluation.detection import Picture, average_precision, best_guesses, recalled
from assistive.evaluation.labels import NONE, LabelledHand, LabelledPicture
from assistive.evaluation.rates import Rate
from assistive.pipeline import HandReader
from assistive.types import Frame, Hand

BLANK = "blank"
"""Stands in the confusion counts for pictures that show none of our gestures."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was made of one labelled picture.

    Attributes:
        labels: what is in it.
        hands: every hand that was found.
        said: gesture of the most probable hand, or None when none reaches the threshold.
        probability: of the most probable gesture, whether or not it was said; 0 without a hand.
        ms: milliseconds that it took.
        size: width and height of the picture, pixels.
        luminance: mean of the picture, 0..1.
        conditions: how each labelled hand is seen; None for one without a box, or for two that share one.
    """

    labels: LabelledPicture
    hands: tuple[Hand, ...]
    said: str | None
    probability: float
    ms: float
    size: tuple[int, int]
    luminance: float
    conditions: tuple[Conditions | None, ...]

    @property
    def is_blank(self) -> bool:
        """Nothing should be said."""
        return not self.labels.gesture_hands

    @property
    def is_right(self) -> bool:
        """What was said, or the silence, is right."""
        truths = [hand.truth for hand in self.labels.gesture_hands]
        if self.said is None:
            return not truths or any(truth.none for truth in truths)
        return any(self.said in truth.gestures for truth in truths)

    @property
    def wanted(self) -> str:
        """The label of the first gesture as it was written."""
        return str(self.labels.gesture_hands[0].truth) if self.labels.gesture_hands else BLANK


def read_frame(reader: HandReader, labels: LabelledPicture, frame: Frame, threshold: float) -> Reading:
    """Let the gesture stream read one picture.

    Args:
        reader: the gesture stream.
        labels: what is in the picture.
        frame: the picture.
        threshold: probability from which a gesture counts as said, 0..1.
    """
    start = time.perf_counter()
    hands = reader.read(frame)
    ms = (time.perf_counter() - start) * 1000
    best = max(hands, key=lambda hand: hand.probability, default=None)
    said = best.gesture if best is not None and best.probability >= threshold else None
    probability = best.probability if best is not None else 0.0
    grey = luminance(frame.image)
    seen = tuple(conditions(grey, hand.box) if hand.box and not hand.both else None for hand in labels.hands)
    height, width = grey.shape
    return Reading(labels, hands, said, probability, ms, (width, height), float(grey.mean()), seen)


def report(readings: Sequence[Reading]) -> dict[str, Any]:
    """Summarise the readings of a set of pictures.

    Returns:
        ``top1``, ``false_activation_rate``, ``no_hand_rate``, ``hand_recall_iou40``, ``map50``, ``map75``, ``map50_95``
        (0..1 or None where nothing was labelled), the ``counts`` behind the rates as ``[count, n]``, 95 % intervals,
        ``false_alarms`` per 1,000 pictures, ``ms_per_image`` (median), ``per_class`` (by the first name of a label),
        ``ap_by_class``, ``map50_95_by_size``, ``by_size``, ``by_light``, ``by_picture_light``, ``by_group``,
        ``confusion`` and the ``mistakes`` one by one.

    Raises:
        DependencyError: boxes are labelled and faster-coco-eval is not installed.
    """
    gestures = [reading for reading in readings if not reading.is_blank]
    hands = [hand for reading in readings for hand in _seen_hands(reading)]
    rates = {
        "top1": _right(gestures),
        "false_activation_rate": _activations(readings),
        "no_hand_rate": Rate(sum(not reading.hands for reading in gestures), len(gestures)),
        "hand_recall_iou40": Rate(sum(hand.found for hand in hands), len(hands)),
    }
    return {
        "images": len(readings),
        **{name: rate.value for name, rate in rates.items()},
        **_precision(readings),
        "counts": {name: [rate.count, rate.n] for name, rate in rates.items()},
        "interval_95": {name: rate.interval() for name, rate in rates.items()},
        "false_alarms": _false_alarms(readings),
        "ms_per_image": round(median(reading.ms for reading in readings), 2) if readings else None,
        "per_class": {
            name: {"n": rate.n, "right": rate.count, "top1": rate.value}
            for name, rate in sorted(_by_class(gestures).items())
        },
        **by_conditions(hands, [_seen_picture(reading) for reading in readings]),
        "by_group": _by_group(readings),
        "confusion": _confusion(readings),
        "mistakes": [_mistake(reading) for reading in readings if not reading.is_right],
    }


def _precision(readings: Sequence[Reading]) -> dict[str, Any]:
    precision = average_precision([Picture(r.labels.hands, best_guesses(r.hands), r.size) for r in readings])
    if precision is None:
        return {"map50": None, "map75": None, "map50_95": None, "map50_95_by_size": None, "ap_by_class": None}
    return {
        **precision.means(),
        "map50_95_by_size": precision.by_size(),
        "ap_by_class": precision.by_class(),
    }


def _seen_hands(reading: Reading) -> list[SeenHand]:
    """Return the labelled hands that have a box of their own."""
    boxed = [
        (hand, hand.box, seen)
        for hand, seen in zip(reading.labels.hands, reading.conditions, strict=True)
        if hand.box is not None and seen is not None
    ]
    covered = recalled([box for _, box, _ in boxed], [hand.box for hand in reading.hands])
    gestures = [i for i, (hand, _, _) in enumerate(boxed) if hand.truth.gestures]
    largest = max(gestures, key=lambda i: boxed[i][1].area, default=None)
    return [
        SeenHand(seen, i in covered, reading.is_right if i == largest else None) for i, (_, _, seen) in enumerate(boxed)
    ]


def _seen_picture(reading: Reading) -> SeenPicture:
    if reading.is_blank:
        return SeenPicture(reading.luminance, None, reading.said is not None)
    return SeenPicture(reading.luminance, reading.is_right, None)


def _false_alarms(readings: Sequence[Reading]) -> dict[str, Any]:
    """Count what was said to pictures without a gesture: to all, by what is in them, and by the sign of a data set."""
    blanks = [reading for reading in readings if reading.is_blank]
    signs = sorted({hand.sign for reading in blanks for hand in reading.labels.hands} - {""})
    return {
        "negative_pictures": _activations(blanks).per_thousand(),
        "with_another_sign": _activations(r for r in blanks if any(map(_is_boxed, r.labels.hands))).per_thousand(),
        "without_a_labelled_hand": _activations(
            r for r in blanks if not any(map(_is_boxed, r.labels.hands))
        ).per_thousand(),
        "by_sign": {
            sign: _activations(r for r in blanks if any(hand.sign == sign for hand in r.labels.hands)).per_thousand()
            for sign in signs
        },
    }


def _is_boxed(hand: LabelledHand) -> bool:
    return hand.box is not None


def _right(readings: Iterable[Reading]) -> Rate:
    right = [reading.is_right for reading in readings]
    return Rate(sum(right), len(right))


def _activations(readings: Iterable[Reading]) -> Rate:
    said = [reading.said is not None for reading in readings if reading.is_blank]
    return Rate(sum(said), len(said))


def _by_class(gestures: Sequence[Reading]) -> dict[str, Rate]:
    names = {reading.labels.gesture_hands[0].truth.gestures[0] for reading in gestures}
    return {
        name: _right(r for r in gestures if r.labels.gesture_hands[0].truth.gestures[0] == name) for name in names
    }


def _by_group(readings: Sequence[Reading]) -> dict[str, dict[str, Any]]:
    groups: dict[str, dict[str, Any]] = {}
    for name in sorted({reading.labels.group for reading in readings} - {""}):
        members = [reading for reading in readings if reading.labels.group == name]
        right, false = _right(r for r in members if not r.is_blank), _activations(members)
        groups[name] = {
            "n": len(members), "gestures": right.n, "right": right.count, "top1": right.value,
            "blanks": false.n, "false_activations": false.count,
        }  # fmt: skip
    return groups


def _confusion(readings: Iterable[Reading]) -> dict[str, dict[str, int]]:
    """Count what was said (``none`` = nothing) by what was wanted."""
    counts: dict[str, Counter[str]] = {}
    for reading in readings:
        counts.setdefault(reading.wanted, Counter())[reading.said or NONE] += 1
    return {wanted: dict(said.most_common()) for wanted, said in sorted(counts.items())}


def _mistake(reading: Reading) -> dict[str, Any]:
    return {
        "file": reading.labels.file, "wanted": reading.wanted, "said": reading.said, "hands": len(reading.hands),
        "probability": round(reading.probability, 4),
    }  # fmt: skip
