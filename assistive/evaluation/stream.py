"""How well whole clips are answered: the right phrase once for each gesture, in good time, and silence otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistive.evaluation.labels import Interval
from assistive.evaluation.rates import Frequency, Rate
from assistive.meter import percentiles
from assistive.types import Decision, Frame

TOLERANCE_S = 0.5
"""An utterance may come so long after the end of the gesture that it answers."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A gesture that was confirmed, and the media time of its frame."""

    t_s: float
    gesture: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What was spoken in a clip, how much of it there was, and where it began, in seconds of media time."""

    spoken: tuple[Spoken, ...]
    seconds: float
    start_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ClipScore:
    """How the utterances of a clip fit its labelled gestures.

    Attributes:
        seconds: length of the clip.
        gestures: labelled gestures.
        hits: gestures that were answered rightly.
        misses: gestures to which nothing was said (those that need not be spoken, ``|none``, do not count).
        wrong: utterances of another gesture than the one that is shown.
        outside: utterances where no gesture is labelled.
        repeats: right utterances after the first for the same gesture.
        latencies_s: for each hit the time from the labelled start to the utterance.
        outside_s: how much of the clip no gesture can answer for.
    """

    seconds: float
    gestures: int
    hits: int
    misses: int
    wrong: int
    outside: int
    repeats: int
    latencies_s: tuple[float, ...]
    outside_s: float

    @property
    def false_activations(self) -> int:
        """Utterances that nobody asked for."""
        return self.outside + self.repeats


def listen(frames: Iterable[Frame | None], decide: Callable[[Frame], Decision]) -> Heard:
    """Carry a clip through the pipeline and note what would be spoken.

    Args:
        frames: frames of a source; None (nothing new) is passed over.
        decide: what the pipeline decides on a frame, called in order.
    """
    spoken: list[Spoken] = []
    first_s = last_s = None
    for frame in frames:
        if frame is None:
            continue
        first_s, last_s = frame.t_s if first_s is None else first_s, frame.t_s
        decision = decide(frame)
        if decision.fired and decision.gesture is not None:
            spoken.append(Spoken(decision.t_s, decision.gesture))
    if first_s is None or last_s is None:
        return Heard((), 0.0)
    return Heard(tuple(spoken), last_s - first_s, first_s)


def score_clip(intervals: Sequence[Interval], heard: Heard) -> ClipScore:
    """Compare what was spoken with what was shown.

    An utterance answers an interval from its start to half a second after its end. Where several are possible it goes
    to one that it fits and that has no answer yet.

    Args:
        intervals: labelled gestures, in time.
        heard: what was spoken.
    """
    latency_s: dict[int, float] = {}
    answered: set[int] = set()
    wrong = outside = repeats = 0
    for said in heard.spoken:
        live = [i for i, at in enumerate(intervals) if at.start_s <= said.t_s <= at.end_s + TOLERANCE_S]
        fits = [i for i in live if said.gesture in intervals[i].truth.gestures]
        fresh = [i for i in fits if i not in latency_s]
        if fresh:
            latency_s[fresh[0]] = said.t_s - intervals[fresh[0]].start_s
        elif fits:
            repeats += 1
        elif live:
            wrong += 1
            answered.add(live[-1])
        else:
            outside += 1
    answered |= latency_s.keys()
    misses = sum(not at.truth.none for i, at in enumerate(intervals) if i not in answered)
    latencies = tuple(latency_s[i] for i in sorted(latency_s))
    unasked_s = _outside_s(intervals, heard)
    hits = len(latencies)
    return ClipScore(heard.seconds, len(intervals), hits, misses, wrong, outside, repeats, latencies, unasked_s)


def _outside_s(intervals: Sequence[Interval], heard: Heard) -> float:
    """Return how long a clip runs without a gesture that an utterance could answer."""
    end_s = heard.start_s + heard.seconds
    reached_s, outside_s = heard.start_s, 0.0
    for at in sorted(intervals, key=lambda interval: interval.start_s):
        outside_s += max(min(at.start_s, end_s) - reached_s, 0.0)
        reached_s = max(reached_s, at.end_s + TOLERANCE_S)
    return outside_s + max(end_s - reached_s, 0.0)


def report(scores: Mapping[str, ClipScore], heard: Mapping[str, Heard]) -> dict[str, Any]:
    """Summarise clips.

    Args:
        scores: by name of the clip.
        heard: what was spoken, by name of the clip.

    Returns:
        Sums over all clips, ``hit_rate`` with its 95 % interval, ``false_activations_per_hour`` of all that was
        watched, ``false_alarms`` an hour apart for ordinary life and for clips with gestures, ``latency_s`` of the hits
        (p50, p95, p99), and every clip by itself.
    """
    total = {
        name: sum(getattr(score, name) for score in scores.values())
        for name in ("gestures", "hits", "misses", "wrong", "false_activations", "outside", "repeats")
    }
    hours = sum(score.seconds for score in scores.values()) / 3600
    rate = Rate(total["hits"], total["gestures"])
    return {
        "clips": len(scores),
        **total,
        "hit_rate": rate.value,
        "interval_95": {"hit_rate": rate.interval()},
        "hours": round(hours, 5),
        "false_activations_per_hour": round(total["false_activations"] / hours, 1) if hours else None,
        "false_alarms": _false_alarms(list(scores.values())),
        "latency_s": percentiles(latency for score in scores.values() for latency in score.latencies_s),
        "by_clip": {name: _row(score, heard[name]) for name, score in scores.items()},
    }


def _false_alarms(scores: Sequence[ClipScore]) -> dict[str, Any]:
    """Count what was said unasked: where nobody shows a gesture at all, and between labelled gestures."""
    kinds = {
        "ordinary_life": [score for score in scores if not score.gestures],
        "between_gestures": [score for score in scores if score.gestures],
    }
    alarms: dict[str, Any] = {}
    for name, members in kinds.items():
        hours = sum(score.outside_s for score in members) / 3600
        found = Frequency(sum(score.outside for score in members), hours)
        alarms[name] = {
            "clips": len(members), "hours": round(hours, 5), "said": found.count, "per_hour": found.per_hour,
            "interval_95": found.interval(),
        }  # fmt: skip
    return alarms


def _row(score: ClipScore, heard: Heard) -> dict[str, Any]:
    return {
        "seconds": round(score.seconds, 2), "gestures": score.gestures, "hits": score.hits, "misses": score.misses,
        "wrong": score.wrong, "false_activations": score.false_activations,
        "latency_s": [round(latency, 3) for latency in score.latencies_s],
        "spoken": [{"t_s": round(said.t_s, 3), "gesture": said.gesture} for said in heard.spoken],
    }  # fmt: skip
