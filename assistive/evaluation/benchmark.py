"""How fast the system is: each stage, the whole path from frame to decision, and from decision to sound."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Protocol

from assistive.meter import percentiles
from assistive.settings import VoiceSettings
from assistive.sources import Source
from assistive.types import Frame, Step, Style, Utterance
from assistive.voice import Player, Voice
from assistive.voice.speaker import Speaker, SpeechEvent

FREE_TEXT = (
    "Could you open the window a little?",
    "I left my glasses on the kitchen table.",
    "The soup was very good today.",
    "Please call my sister this evening.",
    "What time does the bus come?",
    "I would like to sit outside for a while.",
    "My back hurts and I need to lie down.",
    "Thank you, that is enough for now.",
)
"""Sentences that are in no vocabulary, so that each must be made into sound when it is asked for."""

SPOKEN_WITHIN_S = 10.0


class Stepper(Protocol):
    """What is timed: :class:`assistive.pipeline.Pipeline`, or a stand-in."""

    def step(self, frame: Frame) -> Step:
        """Carry one frame through all streams."""

    def close(self) -> None:
        """End its threads."""


@dataclass
class _Round:
    """Times of one pass over the clip."""

    stage_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    latency_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    wall_s: float = 0.0
    dropped: int = 0


def time_pipelines(
    open_clip: Callable[[], Source], new: Mapping[str, Callable[[], Stepper]], rounds: int
) -> dict[str, dict[str, Any]]:
    """Carry a clip through several pipelines by turns, every frame in order, a few times over.

    Args:
        open_clip: opens the clip anew for each pass.
        new: makes a pipeline with a fresh memory for each pass, by the name under which it is reported.
        rounds: how often; rates are medians over them, percentiles are over all frames of all rounds.

    Returns:
        For each name: ``frames`` a round, ``dropped``, ``rate_hz``, and with p50, p95 and p99 each: ``stages_ms`` by
        stage, ``frame_to_decision_ms``, and ``frame_cpu_ms``, the time of all threads on the CPU, decoding included.
    """
    passes: dict[str, list[_Round]] = {name: [] for name in new}
    for _ in range(rounds):
        for name, make in new.items():
            pipeline = make()
            try:
                passes[name].append(_pass(open_clip(), pipeline))
            finally:
                pipeline.close()
    return {name: _summary(rounds_of) for name, rounds_of in passes.items()}


def _summary(passes: Sequence[_Round]) -> dict[str, Any]:
    stages = {name: [ms for one in passes for ms in one.stage_ms[name]] for name in passes[0].stage_ms}
    frames = len(passes[0].latency_ms)
    return {
        "frames": frames,
        "rounds": len(passes),
        "dropped": sum(one.dropped for one in passes),
        "rate_hz": round(median(frames / one.wall_s for one in passes), 1),
        "stages_ms": {name: percentiles(values) for name, values in stages.items()},
        "frame_to_decision_ms": percentiles(ms for one in passes for ms in one.latency_ms),
        "frame_cpu_ms": percentiles(ms for one in passes for ms in one.cpu_ms),
    }


def _pass(clip: Source, pipeline: Stepper) -> _Round:
    result = _Round()
    frames = iter(clip.frames())
    start_s = time.perf_counter()
    try:
        while True:
            before_s, cpu_s = time.perf_counter(), time.process_time()
            frame = next(frames, None)
            if frame is None:  # a file gives None only by ending
                break
            result.stage_ms["decode"].append((time.perf_counter() - before_s) * 1000)
            step = pipeline.step(frame)
            result.latency_ms.append((time.perf_counter() - frame.arrived_s) * 1000)
            result.cpu_ms.append((time.process_time() - cpu_s) * 1000)
            for name, ms in step.stage_ms.items():
                result.stage_ms[name].append(ms)
    finally:
        clip.close()
    result.wall_s = time.perf_counter() - start_s
    result.dropped = clip.dropped
    return result


def time_speech(voice: Voice, player: Player, settings: VoiceSettings, phrases: Sequence[str]) -> dict[str, Any]:
    """Time from a decision to the first sample, through the speaker's own thread and cache.

    Args:
        voice: closed afterwards.
        player: closed afterwards.
        settings: of the speaker.
        phrases: of the vocabulary; they are rendered beforehand, as at start.

    Returns:
        ``phrase`` and ``free_text``, each with p50, p95 and p99 in milliseconds.
    """
    started: dict[str, float] = {}

    def note(event: SpeechEvent) -> None:
        if event.first_sample_s is not None:
            started[event.utterance.text] = (event.first_sample_s - event.utterance.decided_s) * 1000

    speaker = Speaker(voice, player, settings, note, live=False)
    try:
        speaker.prepare([(text, Style()) for text in phrases])
        for thread in threading.enumerate():
            if thread.name == "voice-cache":
                thread.join()
        for text in (*phrases, *FREE_TEXT):
            speaker.say(Utterance(0.0, text, decided_s=time.perf_counter()))
            speaker.drain(SPOKEN_WITHIN_S)
    finally:
        speaker.close()
    return {"phrase": _latency(started, phrases), "free_text": _latency(started, FREE_TEXT)}


def _latency(started: dict[str, float], texts: Iterable[str]) -> dict[str, float] | None:
    return percentiles(started[text] for text in texts if text in started)
