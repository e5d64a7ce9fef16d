"""The WAV file and the silent player."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from assistive.errors import VoiceError
from assistive.types import Speech
from assistive.voice.player import GAP_S, NoPlayer, WavPlayer

SPEECH = Speech(np.linspace(-0.5, 0.5, 2000, dtype=np.float32), 16000)


def read(path: Path) -> tuple[int, np.ndarray]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        data = file.readframes(file.getnframes())
        assert len(data) == 2 * file.getnframes()
        return file.getframerate(), np.frombuffer(data, "<i2")


def test_a_wav_file_is_valid_before_anything_is_said(tmp_path: Path) -> None:
    player = WavPlayer(str(tmp_path / "out.wav"))
    assert len(read(tmp_path / "out.wav")[1]) == 0
    player.close()


def test_utterances_follow_each_other_with_a_gap_and_the_file_is_valid_after_each(tmp_path: Path) -> None:
    player, first = WavPlayer(str(tmp_path / "out.wav")), []
    gap = int(GAP_S * 16000)
    for count in range(1, 4):
        player.play(SPEECH, first.append)
        rate_hz, samples = read(tmp_path / "out.wav")
        assert rate_hz == 16000
        assert len(samples) == count * 2000 + (count - 1) * gap
    player.close()
    player.close()
    np.testing.assert_allclose(samples[:2000] / 32767, SPEECH.samples, atol=1e-4)
    assert not samples[2000 : 2000 + gap].any()
    assert len(first) == 3 and first == sorted(first)


def test_a_second_rate_in_one_file_is_refused(tmp_path: Path) -> None:
    player = WavPlayer(str(tmp_path / "out.wav"))
    player.prepare(8000)
    player.play(SPEECH, lambda first_sample_s: None)
    with pytest.raises(VoiceError, match="has 16000 Hz sound, this is 22050 Hz"):
        player.play(Speech(SPEECH.samples, 22050), lambda first_sample_s: None)
    player.close()


@pytest.mark.parametrize("name", ["", "no/such/folder/out.wav", "."])
def test_a_file_that_cannot_be_written_is_refused_at_once(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(VoiceError) as caught:
        WavPlayer(name)
    assert "wav:" in caught.value.remedy


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
def test_a_full_disk_at_the_start_is_an_error() -> None:
    with pytest.raises(VoiceError, match="cannot write /dev/full: No space left on device"):
        WavPlayer("/dev/full")


def test_a_disk_that_fills_up_loses_one_phrase_and_keeps_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = WavPlayer(str(tmp_path / "out.wav"))
    player.play(SPEECH, lambda first_sample_s: None)
    disk = FullDisk(player._file, room=100)
    monkeypatch.setattr(player, "_file", disk)
    with pytest.raises(VoiceError, match="No space left") as caught:
        player.play(SPEECH, lambda first_sample_s: None)
    assert caught.value.remedy.startswith("make room")
    assert len(read(tmp_path / "out.wav")[1]) == 2000
    disk.room = 10**9
    player.play(SPEECH, lambda first_sample_s: None)
    assert len(read(tmp_path / "out.wav")[1]) == 4000 + int(GAP_S * 16000)
    player.close()


class FullDisk:
    """A file whose disk takes ``room`` more bytes."""

    def __init__(self, file: object, room: int) -> None:
        self.file, self.room = file, room

    def write(self, data: memoryview) -> int:
        if not self.room:
            raise OSError(28, "No space left on device")
        part = data[: self.room]
        self.room -= len(part)
        return self.file.write(part)

    def __getattr__(self, name: str) -> object:
        return getattr(self.file, name)


ENDLESS = """
import sys
import numpy as np
from assistive.types import Speech
from assistive.voice.player import WavPlayer
player = WavPlayer(sys.argv[1])
while True:
    player.play(Speech(np.full(9000, 0.25, np.float32), 22050), lambda first_sample_s: None)
"""


def test_the_file_is_valid_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    child = subprocess.Popen([sys.executable, "-c", ENDLESS, str(path)], cwd=Path(__file__).parents[2])
    try:
        end_s = time.perf_counter() + 20
        while not (path.exists() and path.stat().st_size > 200_000):
            assert time.perf_counter() < end_s and child.poll() is None
            time.sleep(0.002)
    finally:
        child.kill()
        child.wait()
    rate_hz, samples = read(path)
    one = 9000 + int(GAP_S * 22050)
    assert rate_hz == 22050 and (len(samples) + int(GAP_S * 22050)) % one == 0


def test_no_player_returns_at_once_and_tells_the_time() -> None:
    player, first = NoPlayer(), []
    before_s = time.perf_counter()
    player.prepare(16000)
    player.play(SPEECH, first.append)
    player.stop()
    player.close()
    assert before_s <= first[0] <= time.perf_counter()
