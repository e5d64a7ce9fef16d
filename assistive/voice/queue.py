"""Phrases that wait to be said: order, age and policy, without a clock or a thread."""

from __future__ import annotations

from dataclasses import dataclass, field

from assistive.settings import VoiceSettings
from assistive.types import Utterance


@dataclass(frozen=True, slots=True)
class Waiting:
    """An utterance and when it came, seconds of the speaker's clock."""

    utterance: Utterance
    since_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a new utterance.

    Attributes:
        cut: what is being spoken must stop at once.
        dropped: utterances that will not be said: the new one, or older ones that made room.
    """

    cut: bool = False
    dropped: tuple[Utterance, ...] = ()


@dataclass(slots=True)
class SpeechQueue:
    """A queue that urgent phrases enter at the front and never leave unsaid.

    Args:
        settings: policy, length and greatest age.
        live: False for a file that may be read faster than it can be spoken: nothing is too old or too many.
    """

    settings: VoiceSettings
    live: bool = True
    _waiting: list[Waiting] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, utterance: Utterance, now_s: float, speaking: Utterance | None) -> Verdict:
        """Take a new utterance while ``speaking`` (or nothing) is being said."""
        new = Waiting(utterance, now_s)
        if utterance.urgent:
            self._waiting.insert(sum(w.utterance.urgent for w in self._waiting), new)
            return Verdict(cut=speaking is not None and not speaking.urgent, dropped=self._overflow())
        if self.settings.policy == "ignore" and (speaking or self._waiting):
            return Verdict(dropped=(utterance,))
        dropped: tuple[Utterance, ...] = ()
        if self.settings.policy == "interrupt":
            dropped = tuple(w.utterance for w in self._waiting if not w.utterance.urgent)
            self._waiting = [w for w in self._waiting if w.utterance.urgent]
        self._waiting.append(new)
        cut = self.settings.policy == "interrupt" and speaking is not None and not speaking.urgent
        return Verdict(cut=cut, dropped=dropped + self._overflow())

    def take(self, now_s: float) -> tuple[Waiting | None, tuple[Utterance, ...]]:
        """Return what to say next, or None, and what had waited too long."""
        expired: list[Utterance] = []
        while self._waiting:
            first = self._waiting.pop(0)
            if not self.live or first.utterance.urgent or now_s - first.since_s <= self.settings.max_age_s:
                return first, tuple(expired)
            expired.append(first.utterance)
        return None, tuple(expired)

    def put_back(self, waiting: Waiting) -> None:
        """Put what could not be said back to where it was; its age counts on."""
        urgent_before = 0 if waiting.utterance.urgent else sum(w.utterance.urgent for w in self._waiting)
        self._waiting.insert(urgent_before, waiting)

    def clear(self) -> tuple[Utterance, ...]:
        """Drop everything, urgent phrases too: someone asked for silence."""
        dropped = tuple(w.utterance for w in self._waiting)
        self._waiting.clear()
        return dropped

    def _overflow(self) -> tuple[Utterance, ...]:
        """Drop the oldest phrases that are too many: the newest is what the person means now."""
        ordinary = [w for w in self._waiting if not w.utterance.urgent]
        too_many = ordinary[: max(0, len(ordinary) - self.settings.queue_length)] if self.live else []
        for waiting in too_many:
            self._waiting = [w for w in self._waiting if w is not waiting]
        return tuple(w.utterance for w in too_many)
