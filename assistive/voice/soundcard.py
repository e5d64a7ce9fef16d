"""The sound card, through PortAudio (package ``sounddevice``)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.errors import DependencyError, VoiceError
from assistive.types import Speech
from assistive.voice.player import SoundLost

_log = logging.getLogger(__name__)

LATENCY_S = 0.04
"""Sound that waits in the device: less crackles while the vision thread is busy, more delays start and stop."""
LOST_S = 1.0
"""A device that asks for no sound for this long is lost."""
_CLOSE_S = 0.5  # a dead device may never answer


class _Playing:
    """One sound on its way out; the device's thread moves ``position`` forward."""

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self.samples = samples
        self.position = 0
        self.first_sample_s = 0.0
        self.cut = False
        self.started = threading.Event()
        self.done = threading.Event()

    def fill(self, block: NDArray[np.float32]) -> None:
        """Put the next samples into a block of the device; after a cut, one block that fades out."""
        part = self.samples[self.position : self.position + len(block)]
        block[: len(part)] = part
        if self.cut:
            block *= np.linspace(1, 0, len(block), dtype=np.float32)
        self.position += len(part)
        if not self.started.is_set():
            self.first_sample_s = time.perf_counter()
            self.started.set()
        if self.cut or self.position >= len(self.samples):
            self.done.set()


class SoundCard:
    """Play on a sound device. The stream stays open and carries silence, so that speech starts within one block.

    Args:
        argument: not used.
        device: name or number of the device; none = the system's own.

    Raises:
        DependencyError: sounddevice or PortAudio is not installed.
        VoiceError: there is no such sound device, or it does not work.
    """

    def __init__(self, argument: str = "", device: str | int | None = None) -> None:
        self._audio = _load_sounddevice()
        self._device = device
        try:
            self.name = f"sound card {self._audio.query_devices(device, 'output')['name']}"
            self._audio.check_output_settings(device=device, channels=1, dtype="float32")
        except (self._audio.PortAudioError, ValueError) as error:
            wanted = "no sound card" if device is None else f"no sound device {device!r}"
            raise VoiceError(wanted, "connect one, or --player wav:speech.wav", "voice.soundcard") from error
        self.why = "chosen by name" if device is not None else "the system's own sound device"
        self._stream: Any = None
        self._rate_hz = 0
        self._lost = False
        self._asked_s = 0.0
        self._playing: _Playing | None = None
        self._opening = threading.Lock()

    def prepare(self, rate_hz: int) -> None:
        """Open the device for sound of this rate.

        Raises:
            SoundLost: it does not open.
        """
        with self._opening:
            if self._stream is None or rate_hz != self._rate_hz or self._silent():
                self._open(rate_hz)

    def play(self, speech: Speech, on_first_sample: Callable[[float], None]) -> None:
        """Play, and return when all is heard; see :class:`assistive.voice.Player`."""
        self.prepare(speech.rate_hz)
        playing = _Playing(speech.samples)
        self._playing = playing
        try:
            self._wait(playing.started)
            on_first_sample(playing.first_sample_s)
            self._wait(playing.done)
        finally:
            self._playing = None
        if not playing.cut:
            time.sleep(LATENCY_S)  # the last samples still wait in the device

    def stop(self) -> None:
        """Fade out within one block."""
        playing = self._playing
        if playing is not None:
            playing.cut = True

    def close(self) -> None:
        """Free the device."""
        self.stop()
        self._release()

    def _open(self, rate_hz: int) -> None:
        self._release()
        try:
            if self._lost:
                self._find_devices_again()
            self._asked_s = time.perf_counter()
            self._stream = self._audio.OutputStream(
                samplerate=rate_hz, channels=1, dtype="float32", latency=LATENCY_S, device=self._device,
                callback=self._fill,
            )  # fmt: skip
            self._stream.start()
        except (self._audio.PortAudioError, ValueError) as error:
            self._lost = True
            self._release()
            raise SoundLost(f"{self.name} does not open", "connect it again") from error
        self._rate_hz = rate_hz
        self._lost = False

    def _fill(self, block: NDArray[np.float32], frames: int, moment: Any, status: Any) -> None:
        """Give the device its next block; runs in PortAudio's thread."""
        self._asked_s = time.perf_counter()
        block.fill(0)
        playing = self._playing
        if playing is not None and not playing.done.is_set():
            playing.fill(block[:, 0])

    def _wait(self, event: threading.Event) -> None:
        while not event.wait(LOST_S / 5):
            if self._silent():
                self._lost = True
                self._release()
                raise SoundLost(f"{self.name} is lost", "connect it again")

    def _silent(self) -> bool:
        return time.perf_counter() - self._asked_s > LOST_S

    def _release(self) -> None:
        """Close the stream, in a thread that may be left behind: a dead device may block for ever."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        closing = threading.Thread(target=stream.close, name="sound-close", daemon=True)
        closing.start()
        closing.join(_CLOSE_S)

    def _find_devices_again(self) -> None:
        """Let PortAudio look for devices: it does so only when it starts, and sounddevice has no public call for it."""
        self._audio._terminate()
        self._audio._initialize()


def _load_sounddevice() -> Any:
    try:
        return import_module("sounddevice")
    except ImportError as error:
        raise DependencyError("sounddevice is not installed", "pip install sounddevice", "dependency.sound") from error
    except OSError as error:
        raise DependencyError(
            "PortAudio is not installed", "sudo apt-get install libportaudio2, or --player wav:speech.wav",
            "dependency.portaudio",
        ) from error  # fmt: skip
