"""What an engine, a voice and a player must be able to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from assistive.types import Speech, Style


class Engine(Protocol):
    """A synthesiser. Made with a :class:`VoiceSpec`; making one is cheap and fails if it cannot work here."""

    def open(self) -> None:
        """Load what is slow to load."""

    def render(self, text: str, style: Style) -> Speech:
        """Return the sound of a text as the engine makes it; ``style`` includes the voice's own factors."""

    def close(self) -> None:
        """Free what :meth:`open` loaded."""


class Voice(Protocol):
    """Something that turns text into sound.

    Attributes:
        name: as in configs/voices.yaml.
        engine: name of the engine.
        language: language code.
        device: sound device that the voice asks for, or None.
        why: reason of the choice, for people.
    """

    name: str
    engine: str
    language: str
    device: str | int | None
    why: str

    def synthesise(self, text: str, style: Style) -> Speech:
        """Return the sound of a text, at even loudness, without silence at its ends.

        Raises:
            VoiceError: the text is empty, or the engine makes no sound of it.
        """

    def close(self) -> None:
        """Free the engine."""


class Player(Protocol):
    """Something that makes sound heard, or keeps it.

    Attributes:
        name: "sound card pulse", "out.wav".
        why: reason of the choice, for people.
    """

    name: str
    why: str

    def prepare(self, rate_hz: int) -> None:
        """Get ready for sound of this rate, so that :meth:`play` starts at once."""

    def play(self, speech: Speech, on_first_sample: Callable[[float], None]) -> None:
        """Play and return when all is heard or :meth:`stop` was called from another thread.

        Args:
            speech: what to play.
            on_first_sample: called once, with the ``time.perf_counter()`` at which the first sample went out.

        Raises:
            SoundLost: the device is away for the moment; try again later.
            VoiceError: this sound cannot be played.
        """

    def stop(self) -> None:
        """Silence what is playing; nothing happens when nothing is."""

    def close(self) -> None:
        """Stop and free the device. May be called twice."""
