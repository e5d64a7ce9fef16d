"""The speaker's thread, with a player that waits on command and a clock that is set by hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from assistive.errors import VoiceError
from assistive.settings import VoiceSettings
from assistive.types import Speech, Style, Utterance
from assistive.voice import speaker as speaker_module
from assistive.voice.player import SoundLost
from assistive.voice.speaker import Speaker, SpeechEvent

WAIT_S = 5.0


class FakeVoice:
    """A tenth of a second of sound for each text; "bad" cannot be said, "bug" breaks."""

    name, engine, language, device, why = "fake", "fake", "en", None, "test"

    def __init__(self) -> None:
        self.rendered: list[str] = []
        self.closed = False

    def synthesise(self, text: str, style: Style) -> Speech:
        self.rendered.append(text)
        if text == "bad":
            raise VoiceError("cannot say bad", "say something else")
        if text == "bug":
            raise ZeroDivisionError
        return Speech(np.full(1600, 0.1, np.float32), 16000)

    def close(self) -> None:
        self.closed = True


class FakePlayer:
    """Play until :attr:`release` is set or the sound is stopped; fail as often as :attr:`lost` says."""

    name, why = "fake player", "test"

    def __init__(self) -> None:
        self.release = threading.Event()
        self.release.set()
        self.stopped = threading.Event()
        self.playing = threading.Event()
        self.lost = 0
        self.prepared: list[int] = []
        self.closed = False

    def prepare(self, rate_hz: int) -> None:
        self.prepared.append(rate_hz)

    def play(self, speech: Speech, on_first_sample: Callable[[float], None]) -> None:
        if self.lost:
            self.lost -= 1
            raise SoundLost("the fake player is away", "wait")
        self.stopped.clear()
        self.playing.set()
        on_first_sample(time.perf_counter())
        while not self.release.is_set() and not self.stopped.wait(0.001):
            pass
        self.playing.clear()

    def stop(self) -> None:
        self.stopped.set()

    def close(self) -> None:
        self.closed = True


class Stage:
    """A speaker with everything around it."""

    def __init__(self) -> None:
        self.voice, self.player = FakeVoice(), FakePlayer()
        self.events: list[SpeechEvent] = []
        self.now_s = 100.0
        self.speakers: list[Speaker] = []

    def speaker(self, live: bool = True, **settings: object) -> Speaker:
        made = Speaker(
            self.voice,
            self.player,
            VoiceSettings.model_validate(settings),
            self.events.append,
            live,
            lambda: self.now_s,
        )
        self.speakers.append(made)
        return made

    def kinds(self, text: str) -> list[str]:
        return [event.kind for event in self.events if event.utterance.text == text]

    def said(self) -> list[str]:
        return [event.utterance.text for event in self.events if event.kind == "started"]


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.player.release.set()
    for speaker in made.speakers:
        speaker.close()


def phrase(text: str, urgent: bool = False) -> Utterance:
    return Utterance(0.0, text, urgent=urgent)


def hold(stage: Stage, speaker: Speaker, utterance: Utterance) -> None:
    """Say something that goes on until it is stopped or released."""
    stage.player.release.clear()
    speaker.say(utterance)
    assert stage.player.playing.wait(WAIT_S)


def test_what_is_said_begins_and_finishes_with_its_times(stage: Stage) -> None:
    speaker = stage.speaker()
    before_s = time.perf_counter()
    speaker.say(phrase("yes"))
    assert speaker.drain(WAIT_S)
    started, finished = stage.events
    assert (started.kind, finished.kind) == ("started", "finished")
    assert started.audio_ms == pytest.approx(100)
    assert started.first_sample_s is not None and before_s <= started.first_sample_s <= time.perf_counter()
    assert speaker.speaking is None


def test_a_prepared_phrase_is_not_rendered_again(stage: Stage) -> None:
    speaker = stage.speaker()
    speaker.prepare([("yes", Style()), ("no", Style())])
    wait_for(lambda: stage.voice.rendered == ["yes", "no"])
    wait_for(lambda: not any(thread.name == "voice-cache" for thread in threading.enumerate()))
    speaker.say(phrase("no"))
    speaker.say(replace(phrase("no"), style=Style(rate=1.2)))
    assert speaker.drain(WAIT_S)
    assert stage.voice.rendered == ["yes", "no", "no"]
    assert stage.player.prepared == [16000]


def test_preparing_again_renders_only_what_is_new_and_survives_a_bad_phrase(stage: Stage) -> None:
    speaker = stage.speaker()
    for texts in (["yes", "bad"], ["yes", "no"]):
        speaker.prepare([(text, Style()) for text in texts])
        wait_for(lambda: not any(thread.name == "voice-cache" for thread in threading.enumerate()))
    assert stage.voice.rendered == ["yes", "bad", "no"]


def test_stop_silences_within_100_ms_and_forgets_what_waits(stage: Stage) -> None:
    speaker = stage.speaker()
    hold(stage, speaker, phrase("long"))
    speaker.say(phrase("waiting"))
    before_s = time.perf_counter()
    speaker.stop()
    assert speaker.drain(WAIT_S)
    assert time.perf_counter() - before_s < 0.1
    assert stage.kinds("long") == ["started", "stopped"]
    assert stage.kinds("waiting") == ["dropped"]
    assert speaker.dropped == 1


def test_a_phrase_that_waited_too_long_is_not_said(stage: Stage) -> None:
    speaker = stage.speaker(max_age_s=4)
    hold(stage, speaker, phrase("long"))
    speaker.say(phrase("old"))
    stage.now_s += 5
    speaker.say(phrase("new"))
    stage.player.release.set()
    assert speaker.drain(WAIT_S)
    assert stage.kinds("old") == ["expired"]
    assert stage.said() == ["long", "new"]


def test_for_a_file_everything_is_said_however_late(stage: Stage) -> None:
    speaker = stage.speaker(live=False, max_age_s=0.1, queue_length=1)
    hold(stage, speaker, phrase("0"))
    for number in range(1, 6):
        speaker.say(phrase(str(number)))
        stage.now_s += 100
    assert not speaker.drain(0.01)
    stage.player.release.set()
    assert speaker.drain(WAIT_S)
    assert stage.said() == list("012345")


def test_urgent_cuts_in_and_what_waits_is_said_after_it(stage: Stage) -> None:
    speaker = stage.speaker()
    hold(stage, speaker, phrase("long"))
    speaker.say(phrase("next"))
    stage.player.playing.clear()
    speaker.say(phrase("help", urgent=True))
    wait_for(lambda: speaker.speaking is not None and speaker.speaking.text == "help")
    stage.player.release.set()
    assert speaker.drain(WAIT_S)
    assert stage.kinds("long") == ["started", "stopped"]
    assert stage.said() == ["long", "help", "next"]


@pytest.mark.parametrize(("policy", "said"), [("queue", ["a", "b"]), ("interrupt", ["a", "b"]), ("ignore", ["a"])])
def test_the_policy_decides_about_a_phrase_that_comes_meanwhile(stage: Stage, policy: str, said: list[str]) -> None:
    speaker = stage.speaker(policy=policy)
    hold(stage, speaker, phrase("a"))
    speaker.say(phrase("b"))
    if policy == "interrupt":
        wait_for(lambda: stage.kinds("a") == ["started", "stopped"])
    stage.player.release.set()
    assert speaker.drain(WAIT_S)
    assert stage.said() == said


def test_repeat_says_the_last_phrase_again(stage: Stage) -> None:
    speaker = stage.speaker()
    speaker.repeat()
    speaker.say(phrase("yes"))
    assert speaker.drain(WAIT_S)
    speaker.repeat()
    assert speaker.drain(WAIT_S)
    assert stage.said() == ["yes", "yes"]
    assert stage.events[-1].utterance.decided_s == stage.now_s


def test_a_phrase_that_cannot_be_said_does_not_silence_the_next(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    speaker = stage.speaker()
    for text in ("bad", "bug", "yes"):
        speaker.say(phrase(text))
    assert speaker.drain(WAIT_S)
    assert [event.kind for event in stage.events] == ["failed", "failed", "started", "finished"]
    assert stage.events[0].reason == "cannot say bad (say something else)"
    assert isinstance(stage.events[0].error, VoiceError)


def test_a_listener_that_breaks_does_not_silence_the_voice(stage: Stage) -> None:
    heard = []

    def listener(event: SpeechEvent) -> None:
        heard.append(event.kind)
        raise OSError("disk full")

    speaker = Speaker(stage.voice, stage.player, VoiceSettings(), listener)
    stage.speakers.append(speaker)
    for text in ("a", "b"):
        speaker.say(phrase(text))
    assert speaker.drain(WAIT_S)
    assert heard == ["started", "finished"] * 2


def test_a_lost_device_is_tried_again_and_said_so(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(speaker_module, "RETRY_S", 0.01)
    speaker = stage.speaker()
    stage.player.lost = 3
    speaker.say(phrase("yes"))
    assert speaker.drain(WAIT_S)
    assert stage.kinds("yes") == ["started", "finished"]
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "the fake player is away; trying again in 0.0 s",
        "the fake player is away; trying again in 0.0 s",
        "the fake player is away; trying again in 0.0 s",
        "fake player is back",
    ]


def test_while_the_device_is_lost_phrases_expire_but_urgent_ones_are_kept(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaker_module, "RETRY_S", 0.01)
    speaker = stage.speaker(max_age_s=4)
    stage.player.lost = 10**6
    speaker.say(phrase("yes"))
    speaker.say(phrase("help", urgent=True))
    wait_for(lambda: stage.player.lost < 10**6 - 1)
    stage.now_s += 5
    stage.player.lost = 0
    assert speaker.drain(WAIT_S)
    assert stage.kinds("yes") == ["expired"]
    assert stage.said() == ["help"]


def test_a_phrase_whose_device_is_lost_half_way_begins_only_once_in_the_events(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaker_module, "RETRY_S", 0.01)
    play, failures = stage.player.play, [True]

    def play_and_lose(speech: Speech, on_first_sample: Callable[[float], None]) -> None:
        play(speech, on_first_sample)
        if failures:
            failures.pop()
            raise SoundLost("lost half way", "wait")

    monkeypatch.setattr(stage.player, "play", play_and_lose)
    speaker = stage.speaker()
    speaker.say(phrase("yes"))
    assert speaker.drain(WAIT_S)
    assert stage.kinds("yes") == ["started", "finished"]


def test_close_ends_within_a_second_while_speaking_and_frees_everything(stage: Stage) -> None:
    speaker = stage.speaker()
    hold(stage, speaker, phrase("long"))
    before_s = time.perf_counter()
    speaker.close()
    assert time.perf_counter() - before_s < 1
    assert stage.player.closed and stage.voice.closed
    assert not speaker._thread.is_alive()
    speaker.say(phrase("late"))
    assert stage.said() == ["long"]
    speaker.close()


def wait_for(condition: Callable[[], bool]) -> None:
    end_s = time.perf_counter() + WAIT_S
    while not condition():
        assert time.perf_counter() < end_s, "waited too long"
        time.sleep(0.001)
