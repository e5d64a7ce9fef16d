"""One frame after another: what is seen, what is meant by it, what is said about it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from queue import SimpleQueue
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assistive.fusion.attention import FusionState
from assistive.fusion.decision import DecisionMachine
from assistive.fusion.lead import LeadState, lead
from assistive.gesture.tracker import TrackerState, track
from assistive.language import tone
from assistive.language.composer import Styles, compose, plain
from assistive.language.vocabulary import VocabularyFile
from assistive.settings import Settings
from assistive.sources import Source
from assistive.types import NO_EXPRESSION, Frame, Hand, Intent, Reading, Step

log = logging.getLogger(__name__)

BESIDE = ("face", "expression")
"""Stages that run beside the others: their time is no part of the time to a decision, ``join`` is."""


class HandReader(Protocol):
    """What the pipeline asks of the gesture stream.

    Attributes:
        threshold: enter probability that was shipped with the weights.
    """

    threshold: float

    @property
    def stage_ms(self) -> Mapping[str, float]:
        """Milliseconds that each stage took for the last frame."""

    def read(self, frame: Frame) -> tuple[Hand, ...]:
        """Return the hands in a frame, untracked."""


class FaceReader(Protocol):
    """What the pipeline asks of the expression stream."""

    @property
    def stage_ms(self) -> Mapping[str, float]:
        """Milliseconds that each stage took for the last frame."""

    def read(self, frame: Frame, hands: tuple[Hand, ...]) -> Reading:
        """Return what the active user's face shows; ``hands`` are those of the frame before."""


class Joiner(Protocol):
    """What the pipeline asks of the fusion head."""

    def join(
        self, state: FusionState, intent: Intent, image: NDArray[np.uint8], reading: Reading | None
    ) -> tuple[FusionState, Intent]:
        """Return the state and the intent with its tone and the weights of the streams."""


class Sink(Protocol):
    """Something that wants to know what the pipeline made of each frame; called in the pipeline's own thread."""

    def take(self, step: Step) -> None:
        """Take in one step."""

    def tell(self, reason: str) -> None:
        """Take in a message that belongs to no frame: a lost camera, a vocabulary that was read again."""


class Pipeline:
    """The streams and their memory.

    Args:
        gesture: the gesture stream.
        vocabulary: what the gestures mean; read again when its file changes.
        settings: of all parts.
        expression: the expression stream; None runs no face code at all.
        styles: how the voice sounds in a tone.
        fusion: joins face and hand; without it the face alone gives the tone.
    """

    def __init__(
        self, gesture: HandReader, vocabulary: VocabularyFile, settings: Settings,
        expression: FaceReader | None = None, styles: Styles = plain, fusion: Joiner | None = None,
    ) -> None:  # fmt: skip
        self._gesture = gesture
        self._expression = expression
        self._beside = ThreadPoolExecutor(1, "expression") if expression else None
        self._hands: tuple[Hand, ...] = ()
        self._vocabulary = vocabulary
        self._settings = settings
        self._machine = self._new_machine()
        self._tracker = TrackerState()
        self._lead = LeadState()
        self._decision = self._machine.initial()
        self._tone = tone.ToneState()
        self._styles = styles
        self._fusion = fusion
        self._joined = FusionState()
        self._status: str | None = None
        self._requests: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def step(self, frame: Frame) -> Step:
        """Carry one frame through all streams; only its own time counts, clocks are read for the latencies alone."""
        reading = self._begin_reading(frame)
        try:
            read = self._gesture.read(frame)
        finally:
            # A thread that still looks at this frame must not meet the next one.
            seen, face_ms = self._end_reading(reading)
        start = time.perf_counter()
        self._tracker, hands = track(self._tracker, frame.t_s, read, self._settings.gesture)
        self._lead, intent = lead(self._lead, frame.t_s, hands, self._settings.gesture)
        intent = self._join(frame, intent, seen)
        self._decision, decision = self._machine.step(self._decision, intent)
        if self._settings.tone.mode == "auto":
            self._tone = tone.step(self._tone, intent, decision, self._settings.tone)
        decided_s = time.perf_counter()
        manner = self._tone.manner
        utterance, action = compose(decision, self._vocabulary.current, decided_s, manner, self._styles)
        if utterance is not None:
            utterance = replace(utterance, weights=intent.weights)
        if action == "neutral_tone":
            self._toggle_tone()
        self._hands = hands
        stage_ms = {**self._gesture.stage_ms, **face_ms, "decide": (decided_s - start) * 1000}
        return Step(frame, hands, intent, decision, utterance, action, stage_ms, seen, self._tone.manner)

    def toggle_pause(self) -> None:
        """Pause, or resume, before the next frame; may be called from any thread."""
        self._requests.put(self._toggle_pause)

    def toggle_tone(self) -> None:
        """Lock the tone to neutral, or unlock it, before the next frame; may be called from any thread."""
        self._requests.put(self._toggle_tone)

    def run(self, source: Source, sinks: Sequence[Sink], stop: threading.Event, own_pace: bool = False) -> None:
        """Carry every frame of a source to all sinks, until it ends or ``stop`` is set.

        Args:
            source: where frames come from.
            sinks: who is told, in this order.
            stop: ends the run before the next frame.
            own_pace: wait for each frame of a file until its time has come, for people who watch.
        """
        for frame in at_own_pace(source.frames(), stop) if own_pace else source.frames():
            if stop.is_set():
                return
            self._serve_requests()
            for message in filter(None, (self._poll_vocabulary(), self._poll_status(source))):
                for sink in sinks:
                    sink.tell(message)
            if frame is not None:
                step = self.step(frame)
                for sink in sinks:
                    sink.take(step)

    def close(self) -> None:
        """End the thread that reads faces; no step after this."""
        if self._beside is not None:
            self._beside.shutdown()

    def _begin_reading(self, frame: Frame) -> Future[Reading] | None:
        """Let the face be read beside the hands: both leave Python for most of their time.

        Whether a hand covers the face is judged by the hands of the frame before, because those of this one are only
        being looked for: a hand does not come far in one frame.
        """
        if self._beside is None or self._expression is None:
            return None
        return self._beside.submit(self._expression.read, frame, self._hands)

    def _end_reading(self, reading: Future[Reading] | None) -> tuple[Reading | None, Mapping[str, float]]:
        if reading is None or self._expression is None:
            return None, {}
        start = time.perf_counter()
        seen = reading.result()
        return seen, {**self._expression.stage_ms, "join": (time.perf_counter() - start) * 1000}

    def _join(self, frame: Frame, intent: Intent, seen: Reading | None) -> Intent:
        """Say how the intent is meant to sound, from both streams."""
        if self._fusion is None:
            return _toned(intent, seen)
        self._joined, intent = self._fusion.join(self._joined, intent, frame.image, seen)
        return intent

    def _toggle_pause(self) -> None:
        change = self._machine.resume if self._decision.paused else self._machine.pause
        self._decision = change(self._decision)

    def _toggle_tone(self) -> None:
        if self._settings.tone.mode == "auto":
            self._tone = tone.toggled(self._tone)

    def _serve_requests(self) -> None:
        while not self._requests.empty():
            self._requests.get()()

    def _poll_vocabulary(self) -> str | None:
        message = self._vocabulary.poll()
        if message:
            self._machine = self._new_machine()
        return message

    def _poll_status(self, source: Source) -> str | None:
        """Return what has become of the source since the last look, or None."""
        if source.status == self._status:
            return None
        self._status = source.status
        if self._status is None:
            log.info("%s is back", source.name)
        return self._status or f"{source.name} is back"

    def _new_machine(self) -> DecisionMachine:
        pausing = frozenset(self._vocabulary.current.gestures_with("pause"))
        return DecisionMachine(self._settings.decision, self._gesture.threshold, pausing)


def at_own_pace(frames: Iterator[Frame | None], stop: threading.Event) -> Iterator[Frame | None]:
    """Yield each frame when its media time has come, counted from the first; ends when ``stop`` is set."""
    offset_s: float | None = None
    for frame in frames:
        if frame is None:
            yield None
            continue
        now_s = time.perf_counter()
        offset_s = now_s - frame.t_s if offset_s is None else offset_s
        if stop.wait(max(0.0, frame.t_s + offset_s - now_s)):
            return
        yield replace(frame, arrived_s=time.perf_counter())


def _toned(intent: Intent, reading: Reading | None) -> Intent:
    """Add the tone of the moment: of a brief expression in the frame that tells of it, else of what can be seen now."""
    if reading is None:
        return intent
    event = reading.event
    if event is not None and event.label != NO_EXPRESSION:
        return replace(intent, tone=event.label, tone_probability=event.probability, tone_intensity=event.intensity)
    probability = reading.probabilities[reading.label]
    return replace(intent, tone=reading.label, tone_probability=probability, tone_intensity=reading.intensity)
