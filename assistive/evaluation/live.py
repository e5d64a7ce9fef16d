"""How well brief expressions are found while a clip runs: which, when, how fast, and how many that nobody showed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter
from typing import Any, Literal

import numpy as np

from assistive.evaluation.labels import Shown
from assistive.evaluation.rates import Rate
from assistive.meter import percentiles
from assistive.types import NO_EXPRESSION, Expression, Frame, Hand, Reading

STRICT_IOU = 0.5
"""Overlap in time at which the Micro-Expression Grand Challenge counts an interval as found."""


@dataclass(frozen=True, slots=True)
class Found:
    """An expression that the stream reported, and the media time of the frame in which it did."""

    reported_s: float
    expression: Expression


@dataclass(frozen=True, slots=True)
class Watched:
    """What was made of a clip.

    Attributes:
        found: reported expressions in order.
        seconds: length of what was watched, media time.
        times_s: media time of every frame.
        took_ms: what the expression stream took for each frame.
        wall_s: what everything took together, the gesture stream that tells it of hands included.
        reasons: frames in which the face could not be read, by reason.
    """

    found: tuple[Found, ...]
    seconds: float
    times_s: tuple[float, ...]
    took_ms: tuple[float, ...]
    wall_s: float
    reasons: Counter[str]


@dataclass(frozen=True, slots=True)
class Pair:
    """A shown expression, the reported one that found it, and their overlap in time (intersection over union)."""

    shown: Shown
    found: Found
    iou: float


def watch(
    frames: Iterable[Frame | None], look: Callable[[Frame], tuple[Hand, ...]],
    read: Callable[[Frame, tuple[Hand, ...]], Reading],
) -> Watched:  # fmt: skip
    """Carry a clip through both streams and note every expression that is reported.

    Args:
        frames: frames of a source; None (nothing new) is passed over.
        look: finds the hands of a frame.
        read: reads the face of a frame, called in order.
    """
    found: list[Found] = []
    times_s: list[float] = []
    took_ms: list[float] = []
    reasons: Counter[str] = Counter()
    begin_s = perf_counter()
    for frame in frames:
        if frame is None:
            continue
        hands = look(frame)
        before_s = perf_counter()
        reading = read(frame, hands)
        took_ms.append((perf_counter() - before_s) * 1000)
        times_s.append(frame.t_s)
        if reading.event is not None:
            found.append(Found(frame.t_s, reading.event))
        if reading.reason is not None:
            reasons[reading.reason] += 1
    seconds = times_s[-1] - times_s[0] if times_s else 0.0
    return Watched(tuple(found), seconds, tuple(times_s), tuple(took_ms), perf_counter() - begin_s, reasons)


def match(shown: Sequence[Shown], found: Sequence[Found]) -> list[Pair]:
    """Pair what was shown with what was reported, each at most once, best overlap first.

    A report finds an expression when its apex lies within it.

    Returns:
        Pairs in the order in which they were shown.
    """
    possible = [
        Pair(one, other, _iou(one, other.expression))
        for one in shown
        for other in found
        if one.start_s <= other.expression.apex_s <= one.end_s
    ]
    pairs: list[Pair] = []
    for pair in sorted(possible, key=lambda pair: -pair.iou):
        if not any(pair.shown is taken.shown or pair.found is taken.found for taken in pairs):
            pairs.append(pair)
    return sorted(pairs, key=lambda pair: pair.shown.start_s)


def _iou(shown: Shown, found: Expression) -> float:
    both = min(shown.end_s, found.offset_s) - max(shown.start_s, found.onset_s)
    either = max(shown.end_s, found.offset_s) - min(shown.start_s, found.onset_s)
    return max(both, 0.0) / either if either > 0 else 0.0


def report(shown: Sequence[Shown], watched: Watched, micro_s: float) -> dict[str, Any]:
    """Compare what was reported with what was shown.

    Args:
        shown: what really was there, in time.
        watched: what the stream made of the clip.
        micro_s: longest micro-expression.

    Returns:
        ``recall`` (with its 95 % interval; strictly, by overlap, as ``recall_iou50``), ``label_accuracy`` among the
        found ones that have a label, ``false_per_minute`` and of these the micro ones, the same ``by_kind``, errors of
        the apex, latency from the true end to the report, and how fast it ran.
    """
    pairs = match(shown, watched.found)
    false = [one for one in watched.found if not any(one is pair.found for pair in pairs)]
    labelled = [pair for pair in pairs if pair.shown.label]
    right = Rate(sum(pair.shown.label == pair.found.expression.label for pair in labelled), len(labelled))
    recall = Rate(len(pairs), len(shown))
    minutes = watched.seconds / 60
    return {
        "events": len(shown),
        "found": len(pairs),
        "recall": recall.value,
        "recall_iou50": Rate(sum(pair.iou >= STRICT_IOU for pair in pairs), len(shown)).value,
        "label_accuracy": right.value,
        "abstained": sum(pair.found.expression.label == NO_EXPRESSION for pair in labelled),
        "interval_95": {"recall": recall.interval(), "label_accuracy": right.interval()},
        "false_events": len(false),
        "false_per_minute": _per(len(false), minutes),
        "false_micro_per_minute": _per(sum(one.expression.kind == "micro" for one in false), minutes),
        "by_kind": {kind: _kind(kind, shown, pairs, micro_s) for kind in ("micro", "macro")},
        **_timing(pairs, watched),
        **_speed(watched, minutes),
        "by_event": [_row(one, pairs) for one in shown],
        "false": [_words(one) for one in false],
    }


def _kind(kind: Literal["micro", "macro"], shown: Sequence[Shown], pairs: Sequence[Pair],
          micro_s: float) -> dict[str, Any]:  # fmt: skip
    def is_kind(one: Shown) -> bool:
        return (one.end_s - one.start_s <= micro_s) == (kind == "micro")

    there = [pair for pair in pairs if is_kind(pair.shown)]
    events = sum(map(is_kind, shown))
    called = sum(pair.found.expression.kind == kind for pair in there)
    return {"events": events, "found": len(there), "recall": Rate(len(there), events).value, "called_so": called}


def _timing(pairs: Sequence[Pair], watched: Watched) -> dict[str, Any]:
    steps = [after - before for before, after in pairwise(watched.times_s)]
    frame_s = float(np.median(steps)) if steps else 0.0
    apex_s = [abs(p.found.expression.apex_s - p.shown.apex_s) for p in pairs if p.shown.apex_s is not None]
    frames = [error / frame_s for error in apex_s] if frame_s > 0 else []
    return {
        "apex_error_ms": percentiles(error * 1000 for error in apex_s),
        "apex_error_frames": percentiles(frames),
        "apex_within_2_frames": Rate(sum(error <= 2 for error in frames), len(frames)).value,
        "latency_s": percentiles(pair.found.reported_s - pair.shown.end_s for pair in pairs),
        "media_rate_hz": round(1 / frame_s, 2) if frame_s > 0 else None,
    }


def _speed(watched: Watched, minutes: float) -> dict[str, Any]:
    frames = len(watched.times_s)
    return {
        "minutes": round(minutes, 4),
        "frames": frames,
        "frames_per_second": round(frames / watched.wall_s, 1) if watched.wall_s > 0 else None,
        "expression_ms": percentiles(watched.took_ms),
        "unread_frames": dict(watched.reasons.most_common()),
    }


def _per(count: int, minutes: float) -> float | None:
    return round(count / minutes, 3) if minutes > 0 else None


def _row(shown: Shown, pairs: Sequence[Pair]) -> dict[str, Any]:
    row: dict[str, Any] = {"start_s": round(shown.start_s, 3), "end_s": round(shown.end_s, 3), "label": shown.label}
    return row | {"found": next((_words(pair.found) for pair in pairs if pair.shown is shown), None)}


def _words(found: Found) -> dict[str, Any]:
    one = found.expression
    times = {name: round(getattr(one, name), 3) for name in ("onset_s", "apex_s", "offset_s")}
    words = {"label": one.label, "kind": one.kind, "probability": round(one.probability, 3)}
    return {**times, **words, "intensity": round(one.intensity, 3), "reported_s": round(found.reported_s, 3)}
