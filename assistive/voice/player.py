"""Players that need no sound card: a WAV file, and none. Both take speech at once and never keep anyone waiting."""

from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from assistive.errors import VoiceError
from assistive.types import Speech

GAP_S = 0.3
"""Silence between two utterances in a WAV file."""

_HEADER_BYTES = 44
_MAX_DATA_BYTES = 2**32 - _HEADER_BYTES  # the sizes in the header have 32 bits
_USUAL_RATE_HZ = 22050


class SoundLost(VoiceError):  # noqa: N818 - an event that passes, not a mistake
    """The sound device is away; the same sound may be tried again later."""

    default_code = "voice.lost"


class WavPlayer:
    """Append everything that is said to a WAV file, 16 bit mono.

    The file is valid at every moment: sound is written first, then the header that counts it, in one write. What a kill
    or a full disk leaves behind the counted sound is ignored by every reader and written over next time.

    Args:
        argument: the file; it is written anew.
        device: not used.

    Raises:
        VoiceError: no file is named, or it cannot be written.
    """

    def __init__(self, argument: str, device: str | int | None = None) -> None:
        if not argument:
            raise VoiceError("the WAV player needs a file", "--player wav:speech.wav", "voice.wav")
        self.name = argument
        self.why = "chosen by name"
        self._rate_hz = _USUAL_RATE_HZ
        self._data_bytes = 0
        try:
            self._file = Path(argument).open("wb", buffering=0)  # noqa: SIM115 - open as long as the player
            try:
                self._write(0, self._header(0))
            except OSError:
                self._file.close()
                raise
        except OSError as error:
            raise VoiceError(
                f"cannot write {argument}: {error.strerror or error}",
                "name a file in a folder that you may write to, on a disk with room: --player wav:FILE",
                "voice.wav",
            ) from error

    def prepare(self, rate_hz: int) -> None:
        """Set the rate of the file; all that is said has one rate, for a speaker has one voice."""
        if rate_hz == self._rate_hz:
            return
        if self._data_bytes:
            raise VoiceError(f"{self.name} has {self._rate_hz} Hz sound, this is {rate_hz} Hz", "one voice a file")
        self._rate_hz = rate_hz

    def play(self, speech: Speech, on_first_sample: Callable[[float], None]) -> None:
        """Append the speech; see :class:`assistive.voice.Player`."""
        self.prepare(speech.rate_hz)
        gap = np.zeros(int(GAP_S * speech.rate_hz) if self._data_bytes else 0, np.float32)
        data = (np.concatenate([gap, speech.samples]) * 32767).astype("<i2").tobytes()
        total = self._data_bytes + len(data)
        if total > _MAX_DATA_BYTES:
            raise VoiceError(f"{self.name} is full: a WAV file holds 4 GB", "name another file")
        try:
            self._write(_HEADER_BYTES + self._data_bytes, data)
            self._write(0, self._header(total))
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.truncate(_HEADER_BYTES + self._data_bytes)
            raise VoiceError(
                f"cannot write {self.name}: {error.strerror or error}",
                "make room on the disk; what was said before is kept",
                "voice.wav",
            ) from error
        self._data_bytes = total
        on_first_sample(time.perf_counter())

    def stop(self) -> None:
        """Do nothing: speech is in the file as soon as it is played."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _header(self, data_bytes: int) -> bytes:
        rate = self._rate_hz
        return struct.pack(
            "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + data_bytes, b"WAVE", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16,
            b"data", data_bytes,
        )  # fmt: skip

    def _write(self, position: int, data: bytes) -> None:
        self._file.seek(position)
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]  # a nearly full disk takes a part first


class NoPlayer:
    """Say nothing aloud; captions and events go on as if it were said."""

    def __init__(self, argument: str = "", device: str | int | None = None) -> None:
        self.name = "no sound"
        self.why = "chosen by name"

    def prepare(self, rate_hz: int) -> None:
        """Do nothing."""

    def play(self, speech: Speech, on_first_sample: Callable[[float], None]) -> None:
        """Return at once."""
        on_first_sample(time.perf_counter())

    def stop(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
