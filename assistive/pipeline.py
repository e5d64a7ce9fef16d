"""One frame after another: what is seen, what is meant by it, what is said about it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from queue import SimpleQueue
from typing import Protocol

from assistive.fusion.decision import DecisionMachine
from assistive.fusion.lead import LeadState, lead
from assistive.gesture.tracker import TrackerState, track
from assistive.language.composer import compose
from assistive.language.vocabulary import VocabularyFile
from assistive.settings import Settings
from assistive.sources import Source
from assistive.types import Frame, Hand, Step

log = logging.getLogger(__name__)


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
    """

    def __init__(self, gesture: HandReader, vocabulary: VocabularyFile, settings: Settings) -> None:
        self._gesture = gesture
        self._vocabulary = vocabulary
        self._settings = settings
        self._machine = self._new_machine()
        self._tracker = TrackerState()
        self._lead = LeadState()
        self._decision = self._machine.initial()
        self._status: str | None = None
        self._requests: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def step(self, frame: Frame) -> Step:
        """Carry one frame through all streams; only its own time counts, clocks are read for the latencies alone."""
        read = self._gesture.read(frame)
        start = time.perf_counter()
        self._tracker, hands = track(self._tracker, frame.t_s, read, self._settings.gesture)
        self._lead, intent = lead(self._lead, frame.t_s, hands, self._settings.gesture)
        self._decision, decision = self._machine.step(self._decision, intent)
        decided_s = time.perf_counter()
        utterance, action = compose(decision, self._vocabulary.current, decided_s)
        stage_ms = {**self._gesture.stage_ms, "decide": (decided_s - start) * 1000}
        return Step(frame, hands, intent, decision, utterance, action, stage_ms)

    def toggle_pause(self) -> None:
        """Pause, or resume, before the next frame; may be called from any thread."""
        self._requests.put(self._toggle_pause)

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

    def _toggle_pause(self) -> None:
        change = self._machine.resume if self._decision.paused else self._machine.pause
        self._decision = change(self._decision)

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
