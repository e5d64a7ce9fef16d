"""One run, from the first frame to the last word: makes the parts, owns the threads, ends them cleanly.

Threads: this one shows the window and takes signals; ``vision`` carries frames through the pipeline; the camera and the
speaker have their own. Whatever ends a run (the end of a file, a key, Ctrl-C, SIGTERM, a fault), what was seen and said
until then is in the files, and the summary is their last line.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from assistive import __version__
from assistive.errors import EXIT_INTERRUPTED, EXIT_OK, AssistiveError
from assistive.fusion.attention import FusionHead
from assistive.gesture import GestureStream
from assistive.language.composer import repertoire
from assistive.language.vocabulary import VocabularyFile, load_vocabulary
from assistive.meter import Meter
from assistive.pipeline import Pipeline, Sink
from assistive.settings import Settings
from assistive.sources import Source, open_source
from assistive.types import Step, Style, Utterance
from assistive.ui.events import EventLog
from assistive.ui.recording import Recorder
from assistive.voice import Player, Voice, open_player, open_voice
from assistive.voice.speaker import Speaker, SpeechEvent
from assistive.voice.tone import load_tones

if TYPE_CHECKING:
    from assistive.expression import ExpressionStream
    from assistive.ui.viewer import Viewer
    from assistive.ui.window import Action

log = logging.getLogger(__name__)

END_S = 1.0
"""Every thread ends within this time of being told to."""

LOOK_S = 0.05
"""How often the main thread looks up where there is no window."""


class Vision(threading.Thread):
    """The thread that sees; a fault in it is kept for the main thread to raise after a clean end."""

    def __init__(self, see: Callable[[], None]) -> None:
        super().__init__(name="vision", daemon=True)
        self.fault: Exception | None = None
        self._see = see

    def run(self) -> None:
        """See until the source ends or the run is stopped."""
        try:
            self._see()
        except Exception as error:  # the thread's edge: the main thread ends the run first, then raises it
            self.fault = error


class Mouth:
    """Says what the pipeline decides; keeps the phrases of the vocabulary ready in every tone.

    Args:
        speaker: says it.
        vocabulary: what may have to be said.
        styles_of: every style that a tone may have.
    """

    def __init__(
        self, speaker: Speaker, vocabulary: VocabularyFile, styles_of: Callable[[str], tuple[Style, ...]]
    ) -> None:
        self._speaker = speaker
        self._vocabulary = vocabulary
        self._styles_of = styles_of
        self._prepare()

    def take(self, step: Step) -> None:
        """Say the utterance of this step, or do what its gesture asks of the speaker."""
        if step.utterance is not None:
            self._speaker.say(step.utterance)
        elif step.action == "repeat":
            self._speaker.repeat()
        elif step.action == "stop_speaking":
            self._speaker.stop()

    def tell(self, reason: str) -> None:
        """Get the phrases ready again if the message means that they are new."""
        if self._vocabulary.current.digest != self._prepared:
            self._prepare()

    def _prepare(self) -> None:
        self._prepared = self._vocabulary.current.digest
        self._speaker.prepare(repertoire(self._vocabulary.current, self._styles_of))


class Journal:
    """Writes what happens to the events file and to the meter; the speaker's thread calls it too.

    Args:
        events: the file.
        meter: counts and times.
    """

    def __init__(self, events: EventLog, meter: Meter) -> None:
        self._events = events
        self._meter = meter
        self._t_s = 0.0

    def take(self, step: Step) -> None:
        """Count the frame, and write why nothing is said in it."""
        self._meter.decided(step.frame.arrived_s)
        self._t_s = step.frame.t_s
        if step.decision.reason is not None:
            self._events.abstained(self._t_s, step.decision.reason)
        if step.reading is not None and step.reading.event is not None:
            self._events.expression(step.reading.event)

    def tell(self, reason: str) -> None:
        """Write a message."""
        self._events.status(self._t_s, reason)

    def hear(self, event: SpeechEvent) -> None:
        """Write an utterance when its sound begins, or why it has none."""
        if event.kind == "started" and event.first_sample_s is not None:
            log.info("said: %s", event.utterance.text)
            self._events.utterance(event.utterance, event.audio_ms)
            self._meter.sounded(event.utterance.decided_s, event.first_sample_s)
        elif event.reason is not None:
            self._events.status(event.utterance.t_s, f"not said: {event.utterance.text} ({event.reason})")


class Run:
    """The parts of one run, joined.

    Args:
        settings: of all parts.
        spec: the source, as :func:`assistive.sources.open_source` takes it.
        events: file for the events, or None.
        recording: file for a later replay, or None.
        parts: closes everything that is made here, last made first.
        stop: ends the run, from any thread.

    Raises:
        AssistiveError: a part cannot be made.
    """

    def __init__(
        self, settings: Settings, spec: str, events: Path | None, recording: Path | None, parts: ExitStack,
        stop: threading.Event,
    ) -> None:  # fmt: skip
        self._stop = stop
        self._source = parts.enter_context(closing(open_source(spec, settings.source)))
        expression = _open_expression(settings, self._source.live, parts)
        gesture = GestureStream(settings.gesture, settings.runtime)
        vocabulary = VocabularyFile(settings.language.vocabulary)
        voice = open_voice(settings.voice, vocabulary.current.language)
        player = open_player(settings.voice, voice.device)
        meter = Meter()
        viewer = self._viewer = _open_viewer(settings, self._source, vocabulary, meter, gesture.provider, voice.name)
        record = parts.enter_context(closing(EventLog(events, settings.expression.log)))
        record.start(_facts(self._source, gesture, vocabulary, voice, player, settings))
        parts.callback(lambda: record.summary(meter.summary(self._source.dropped)))
        journal = Journal(record, meter)
        self._listeners = [journal.hear]
        live = self._source.live
        self._speaker = parts.enter_context(closing(Speaker(voice, player, settings.voice, self._hear, live)))
        tones = load_tones()
        toned = settings.expression.enabled and settings.tone.mode == "auto"
        mouth = Mouth(self._speaker, vocabulary, tones.styles if toned else lambda tone: ())
        self._sinks: list[Sink] = [mouth, journal]
        if viewer is not None:
            self._listeners.append(viewer.hear)
            self._sinks.append(parts.enter_context(closing(viewer)))
        if recording is not None:
            recorder = Recorder(recording, settings, gesture.threshold, vocabulary)
            self._sinks.append(parts.enter_context(closing(recorder)))
        fusion = _open_fusion(settings)
        pipeline = Pipeline(gesture, vocabulary, settings, expression, tones.style, fusion)
        self._pipeline = parts.enter_context(closing(pipeline))

    def _hear(self, event: SpeechEvent) -> None:
        for listener in self._listeners:
            listener(event)

    def go(self) -> None:
        """See and speak until the source ends or the stop is set.

        Raises:
            AssistiveError: a part failed for good.
        """
        own_pace = self._viewer is not None and not self._source.live
        vision = Vision(lambda: self._pipeline.run(self._source, self._sinks, self._stop, own_pace))
        vision.start()
        while not self._stop.is_set() and (vision.is_alive() or not self._speaker.drain(0)):
            if self._viewer is None:
                vision.join(LOOK_S)
                self._speaker.drain(LOOK_S)
            else:
                self._obey(self._viewer.show(self._source.status))
        self._stop.set()
        vision.join(END_S)
        if vision.fault is not None:
            raise vision.fault

    def _obey(self, action: Action | None) -> None:
        if action == "quit":
            self._stop.set()
        elif action == "pause":
            self._pipeline.toggle_pause()
        elif action == "tone":
            self._pipeline.toggle_tone()
        elif action == "repeat":
            self._speaker.repeat()
        elif action == "stop_speaking":
            self._speaker.stop()


def run(settings: Settings, spec: str, events: Path | None = None, recording: Path | None = None) -> int:
    """Make a :class:`Run`, let it go, end it cleanly, and return the exit status: 130 after Ctrl-C or SIGTERM.

    Raises:
        AssistiveError: a part cannot be made, or failed for good while running.
    """
    stop = threading.Event()
    with interruptible(stop) as interrupted, ExitStack() as parts:
        Run(settings, spec, events, recording, parts, stop).go()
    return EXIT_INTERRUPTED if interrupted.is_set() else EXIT_OK


def say(text: str, settings: Settings) -> int:
    """Say one text aloud and return the exit status.

    Raises:
        AssistiveError: there is no such voice or player, or the text cannot be said.
    """
    stop = threading.Event()
    failures: list[AssistiveError] = []

    def note(event: SpeechEvent) -> None:
        if event.error is not None:
            failures.append(event.error)

    with interruptible(stop):
        voice = open_voice(settings.voice, load_vocabulary(settings.language.vocabulary).language)
        player = open_player(settings.voice, voice.device)
        with closing(Speaker(voice, player, settings.voice, note, live=False)) as speaker:
            speaker.say(Utterance(0.0, text))
            while not stop.is_set() and not speaker.drain(LOOK_S):
                pass
    if failures:
        raise failures[0]
    return EXIT_INTERRUPTED if stop.is_set() else EXIT_OK


@contextmanager
def interruptible(stop: threading.Event) -> Iterator[threading.Event]:
    """Turn the first Ctrl-C or SIGTERM into ``stop`` and the yielded event; a second one ends the process at once."""
    interrupted = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupted.set()
        stop.set()
        restore()

    for number in before:
        signal.signal(number, interrupt)
    try:
        yield interrupted
    finally:
        restore()


def _open_fusion(settings: Settings) -> FusionHead | None:
    """Open what joins face and hand, where a face is read."""
    return FusionHead(settings.expression.fusion, settings.runtime) if settings.expression.enabled else None


def _open_expression(settings: Settings, live: bool, parts: ExitStack) -> ExpressionStream | None:
    """Begin to load the expression stream, or touch nothing that looks at a face."""
    if not settings.expression.enabled:
        return None
    from assistive.expression import ExpressionStream

    stream = ExpressionStream(settings.expression, settings.spotting, settings.runtime, wait=not live)
    return parts.enter_context(closing(stream))


def _open_viewer(
    settings: Settings, source: Source, vocabulary: VocabularyFile, meter: Meter, provider: str, voice: str
) -> Viewer | None:
    """Open the window, or say why there is none; without one, no window library is touched."""
    if settings.ui.headless:
        return None
    from assistive.ui.viewer import Viewer
    from assistive.ui.window import Window, check_display

    try:
        check_display()
    except AssistiveError:
        log.warning("no display: running headless")
        return None
    mirror = source.live if settings.ui.mirror is None else settings.ui.mirror
    return Viewer(Window("assistive"), vocabulary, meter, mirror, settings.ui.caption_s, provider, voice)


def _facts(
    source: Source, gesture: GestureStream, vocabulary: VocabularyFile, voice: Voice, player: Player,
    settings: Settings,
) -> dict[str, Any]:
    """Return what the first event tells of a run."""
    return {
        "version": __version__, "source": source.name, "size": source.size, "live": source.live,
        "provider": gesture.provider, "provider_reason": gesture.reason, "threshold": gesture.threshold,
        "voice": voice.name, "voice_reason": voice.why, "player": player.name, "player_reason": player.why,
        "vocabulary": vocabulary.current.digest, "expression": settings.expression.enabled,
    }  # fmt: skip
