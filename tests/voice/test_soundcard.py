"""The sound card, with a PortAudio that the test drives."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from assistive.errors import DependencyError, VoiceError
from assistive.types import Speech
from assistive.voice import soundcard
from assistive.voice.player import SoundLost
from assistive.voice.soundcard import SoundCard

BLOCK = 220


class PortAudioError(Exception):
    pass


class FakeStream:
    """A device that asks for a block every 5 ms of a thread of its own while it is plugged in."""

    def __init__(self, audio: FakeAudio, samplerate: int, callback: Callable[..., None], **rest: Any) -> None:
        if not audio.plugged_in:
            raise PortAudioError("device unavailable")
        self.audio, self.rate_hz, self.callback = audio, samplerate, callback
        self.open = True
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self) -> None:
        self.thread.start()

    def run(self) -> None:
        while self.open:
            if self.audio.plugged_in:
                block = np.full((BLOCK, 1), np.nan, np.float32)
                self.callback(block, BLOCK, None, None)
                self.audio.heard.append((time.perf_counter(), block[:, 0].copy()))
            time.sleep(0.005)

    def close(self) -> None:
        self.open = False
        if not self.audio.plugged_in:
            time.sleep(10)  # as a dead device may


class FakeAudio:
    """The parts of the module ``sounddevice`` that are used."""

    PortAudioError = PortAudioError

    def __init__(self) -> None:
        self.plugged_in = True
        self.works = True
        self.heard: list[tuple[float, np.ndarray]] = []
        self.streams: list[FakeStream] = []
        self.restarts = 0

    def query_devices(self, device: str | int | None, kind: str) -> dict[str, Any]:
        assert kind == "output"
        if not self.plugged_in:
            raise PortAudioError("Error querying device -1")
        if device == "nowhere":
            raise ValueError("No output device matching 'nowhere'")
        return {"name": "fake"}

    def check_output_settings(self, **settings: Any) -> None:
        if not self.works:
            raise PortAudioError("Device unavailable")

    def OutputStream(self, **options: Any) -> FakeStream:  # noqa: N802 - sounddevice's name
        self.streams.append(FakeStream(self, **options))
        return self.streams[-1]

    def _terminate(self) -> None:
        self.restarts += 1

    def _initialize(self) -> None:
        pass

    def sound(self) -> np.ndarray:
        return np.concatenate([block for _, block in self.heard])


@pytest.fixture
def audio(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAudio]:
    fake = FakeAudio()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    monkeypatch.setattr(soundcard, "LOST_S", 0.5)
    monkeypatch.setattr(soundcard, "_CLOSE_S", 0.1)
    yield fake
    for stream in fake.streams:
        stream.open = False


def noise(seconds: float) -> Speech:
    samples = np.random.default_rng(0).uniform(0.1, 0.5, int(seconds * 22050)).astype(np.float32)
    return Speech(samples, 22050)


def ignore(first_sample_s: float) -> None:
    pass


def test_every_sample_is_heard_once_and_silence_around_it(audio: FakeAudio) -> None:
    card, speech = SoundCard(), noise(0.1)
    for _ in range(2):
        audio.heard.clear()
        card.play(speech, ignore)
        heard = audio.sound()
        np.testing.assert_array_equal(np.trim_zeros(heard), speech.samples)
    card.close()
    assert card.name == "sound card fake"
    assert [stream.rate_hz for stream in audio.streams] == [22050]


def test_the_first_sample_goes_out_soon_after_play_on_a_prepared_card(audio: FakeAudio) -> None:
    card, first = SoundCard(), []
    card.prepare(22050)
    before_s = time.perf_counter()
    card.play(noise(0.02), first.append)
    assert len(first) == 1 and 0 <= first[0] - before_s < 0.1
    card.close()


def test_stop_is_silent_within_100_ms_and_play_returns(audio: FakeAudio) -> None:
    card = SoundCard()
    playing = threading.Thread(target=card.play, args=(noise(20), ignore))
    playing.start()
    while not audio.heard or not audio.heard[-1][1].any():
        time.sleep(0.001)
    before_s = time.perf_counter()
    card.stop()
    playing.join(5)
    assert not playing.is_alive() and time.perf_counter() - before_s < 0.1
    time.sleep(0.05)
    last_s = max(at_s for at_s, block in audio.heard if block.any())
    assert last_s - before_s < 0.1
    card.close()


def test_a_card_of_another_rate_is_opened_again(audio: FakeAudio) -> None:
    card = SoundCard()
    card.play(noise(0.02), ignore)
    card.play(Speech(noise(0.02).samples, 16000), ignore)
    card.close()
    assert [(stream.rate_hz, stream.open) for stream in audio.streams] == [(22050, False), (16000, False)]


def test_a_card_that_is_lost_while_playing_raises_and_comes_back(audio: FakeAudio) -> None:
    card = SoundCard()

    def unplug(first_sample_s: float) -> None:
        audio.plugged_in = False

    with pytest.raises(SoundLost, match="sound card fake is lost"):
        card.play(noise(20), unplug)
    with pytest.raises(SoundLost, match="does not open"):
        card.play(noise(0.02), ignore)
    audio.plugged_in = True
    audio.heard.clear()
    card.play(noise(0.02), ignore)
    assert audio.sound().any()
    assert audio.restarts == 2  # PortAudio finds new devices only when it starts
    card.close()


def test_no_sound_card_and_no_such_device_say_what_to_do(audio: FakeAudio) -> None:
    with pytest.raises(VoiceError, match="no sound device 'nowhere'"):
        SoundCard(device="nowhere")
    audio.works = False
    with pytest.raises(VoiceError, match="no sound card"):
        SoundCard()
    audio.plugged_in = False
    with pytest.raises(VoiceError, match="no sound card") as caught:
        SoundCard()
    assert "--player wav:" in caught.value.remedy


@pytest.mark.parametrize(
    ("error", "remedy"), [(ImportError("no module"), "pip install"), (OSError("PortAudio library"), "libportaudio2")]
)
def test_a_missing_library_names_what_to_install(
    error: Exception, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        raise error

    monkeypatch.setattr(soundcard, "import_module", fail)
    with pytest.raises(DependencyError) as caught:
        SoundCard()
    assert remedy in caught.value.remedy
