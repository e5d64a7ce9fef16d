"""The thread that says things, and the cache that lets it start at once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from assistive.errors import AssistiveError, VoiceError
from assistive.settings import VoiceSettings
from assistive.types import Speech, Style, Utterance
from assistive.voice.player import SoundLost
from assistive.voice.protocols import Player, Voice
from assistive.voice.queue import SpeechQueue, Waiting

_log = logging.getLogger(__name__)

RETRY_S = 0.5
"""First wait before a lost sound device is tried again; doubles each time."""
RETRY_MAX_S = 5.0

EventKind = Literal["started", "finished", "stopped", "expired", "dropped", "failed"]


@dataclass(frozen=True, slots=True)
class SpeechEvent:
    """Something that happened to an utterance.

    Attributes:
        kind: ``started`` and then ``finished`` or ``stopped``; or one of ``expired`` (waited too long), ``dropped``
            (policy, full queue, or silence was asked for), ``failed`` (it could not be said), ``stopped`` (before it
            began).
        utterance: what was to be said.
        first_sample_s: ``time.perf_counter()`` when the first sample went to the device; only of ``started``.
        audio_ms: length of the sound; of ``started``, ``finished`` and ``stopped`` once it began.
        reason: in words, of ``expired``, ``dropped`` and ``failed``.
        error: the same as an error to raise; only of ``failed``.
    """

    kind: EventKind
    utterance: Utterance
    first_sample_s: float | None = None
    audio_ms: float | None = None
    reason: str | None = None
    error: AssistiveError | None = None


class Speaker:
    """Say utterances one after another in a thread of its own.

    Args:
        voice: makes the sound; closed with the speaker.
        player: makes it heard; closed with the speaker.
        settings: policy, length of the queue and greatest age.
        on_event: called with each :class:`SpeechEvent`, mostly from the speaker's thread; must be quick.
        live: False for a source that may be read faster than it can be spoken: nothing is dropped for its age.
        clock: seconds, for tests.
    """

    def __init__(
        self,
        voice: Voice,
        player: Player,
        settings: VoiceSettings,
        on_event: Callable[[SpeechEvent], None] = lambda event: None,
        live: bool = True,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._voice = voice
        self._player = player
        self._settings = settings
        self._on_event = on_event
        self._clock = clock
        self._queue = SpeechQueue(settings, live)
        self._cache: dict[tuple[str, Style], Speech] = {}
        self._change = threading.Condition()
        self._speaking: Utterance | None = None
        self._last: Utterance | None = None
        self._begun: Waiting | None = None
        self._cut = False
        self._closing = False
        self._turn = 0
        self._cache_thread: threading.Thread | None = None
        self._retry_s = RETRY_S
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="speaker", daemon=True)
        self._thread.start()

    @property
    def speaking(self) -> Utterance | None:
        """What is being said now, or None."""
        return self._speaking

    def prepare(self, texts: Sequence[tuple[str, Style]]) -> None:
        """Render phrases in the background, so that saying one starts at once; they replace those of the last call."""
        self._turn += 1
        self._cache_thread = threading.Thread(
            target=self._render_all, args=(tuple(texts), self._turn), name="voice-cache", daemon=True
        )
        self._cache_thread.start()

    def say(self, utterance: Utterance) -> None:
        """Say something as soon as the policy allows."""
        with self._change:
            if self._closing:
                return
            verdict = self._queue.put(utterance, self._clock(), self._speaking)
            if verdict.cut:
                self._silence()
            self._change.notify_all()
        self._drop(verdict.dropped, "another phrase came")

    def stop(self) -> None:
        """Be silent at once, and forget what waits."""
        with self._change:
            dropped = self._queue.clear()
            self._silence()
            self._change.notify_all()
        self._drop(dropped, "silence was asked for")

    def repeat(self) -> None:
        """Say the last phrase again; nothing happens when nothing was said yet."""
        if self._last is not None:
            self.say(replace(self._last, decided_s=self._clock()))

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything is said; return False when it takes longer than ``timeout_s``."""
        with self._change:
            return self._change.wait_for(lambda: not self._queue and self._speaking is None, timeout_s)

    def close(self, timeout_s: float = 1.0) -> None:
        """Be silent, end the thread, free player and voice. May be called twice."""
        with self._change:
            self._closing = True
        self.stop()
        self._thread.join(timeout_s)
        if self._cache_thread is not None:
            self._cache_thread.join(timeout_s)
        self._player.close()
        if self._cache_thread is None or not self._cache_thread.is_alive():
            self._voice.close()  # not under the hands of a phrase that is still rendered

    def _silence(self) -> None:
        if self._speaking is not None:
            self._cut = True
            self._player.stop()

    def _run(self) -> None:
        while (waiting := self._next()) is not None:
            again = False
            try:
                self._speak(waiting)
            except SoundLost as error:
                _log.warning("%s; trying again in %.1f s", error.what, self._retry_s)
                again = not self._cut
                if self._cut:
                    self._emit(SpeechEvent("stopped", waiting.utterance))
            except AssistiveError as error:
                self._fail(waiting.utterance, error)
            except Exception as error:  # the thread's edge: a phrase that breaks must not silence the next
                _log.exception("internal error while speaking")
                self._fail(waiting.utterance, VoiceError(f"internal error: {error}", "choose another --voice"))
            self._end(waiting if again else None)

    def _next(self) -> Waiting | None:
        """Wait for the next utterance to say; None when the speaker closes."""
        while True:
            with self._change:
                self._change.wait_for(lambda: self._closing or self._queue)
                if self._closing:
                    return None
                waiting, expired = self._queue.take(self._clock())
                self._speaking = waiting.utterance if waiting else None
                self._cut = False
                self._change.notify_all()
            self._drop(expired, f"waited longer than {self._settings.max_age_s:g} s", "expired")
            if waiting:
                return waiting

    def _speak(self, waiting: Waiting) -> None:
        """Render and play one utterance to its end, or to its cut."""
        speech = self._render(waiting.utterance)
        if self._cut:
            self._emit(SpeechEvent("stopped", waiting.utterance))
            return
        audio_ms = 1000 * speech.seconds
        self._player.play(speech, lambda first_sample_s: self._started(waiting, first_sample_s, audio_ms))
        if self._retry_s > RETRY_S:
            _log.warning("%s is back", self._player.name)
            self._retry_s = RETRY_S
        self._emit(SpeechEvent("stopped" if self._cut else "finished", waiting.utterance, audio_ms=audio_ms))

    def _started(self, waiting: Waiting, first_sample_s: float, audio_ms: float) -> None:
        if self._cut:  # came between the last look and the first sample, when the player had nothing to stop
            self._player.stop()
        if self._begun is not waiting:  # else it begins once more, after the device was lost
            self._begun = waiting
            self._last = waiting.utterance
            self._emit(SpeechEvent("started", waiting.utterance, first_sample_s, audio_ms))

    def _end(self, again: Waiting | None) -> None:
        """Finish a turn; with an utterance to say again, wait for the device first."""
        with self._change:
            if again and not self._closing:
                self._queue.put_back(again)
            self._speaking = None
            self._change.notify_all()
            if again:
                self._change.wait_for(lambda: self._closing, self._retry_s)
                self._retry_s = min(2 * self._retry_s, RETRY_MAX_S)

    def _render(self, utterance: Utterance) -> Speech:
        ready = self._cache.get((utterance.text, utterance.style))
        return ready or self._voice.synthesise(utterance.text, utterance.style)

    def _render_all(self, texts: Sequence[tuple[str, Style]], turn: int) -> None:
        """Fill the cache; ends early when a newer call of :meth:`prepare` came."""
        cache: dict[tuple[str, Style], Speech] = {}
        for text, style in texts:
            if self._closing or turn != self._turn:
                return
            try:
                cache[text, style] = self._cache.get((text, style)) or self._voice.synthesise(text, style)
                if len(cache) == 1:
                    self._player.prepare(cache[text, style].rate_hz)
            except AssistiveError as error:
                _log.warning("cannot prepare %r: %s (%s)", text, error.what, error.remedy)
            self._cache = {**self._cache, **cache}
        self._cache = cache

    def _drop(self, utterances: Sequence[Utterance], reason: str, kind: EventKind = "dropped") -> None:
        for utterance in utterances:
            self.dropped += 1
            _log.info("not said: %r, %s", utterance.text, reason)
            self._emit(SpeechEvent(kind, utterance, reason=reason))

    def _fail(self, utterance: Utterance, error: AssistiveError) -> None:
        reason = f"{error.what} ({error.remedy})"
        _log.warning("cannot say %r: %s", utterance.text, reason)
        self._emit(SpeechEvent("failed", utterance, reason=reason, error=error))

    def _emit(self, event: SpeechEvent) -> None:
        try:
            self._on_event(event)
        except Exception:  # the thread's edge: a listener that breaks must not silence the voice
            _log.exception("a listener of speech events broke")
