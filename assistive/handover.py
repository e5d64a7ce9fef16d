"""Hand a value from one thread to another without ever queueing it behind an older one."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """A slot for one value: a new value replaces one that nobody has taken yet, and the loss is counted.

    Any number of threads may put and get; each value is handed out at most once, in the order of the puts.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._value: T | None = None
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """How many values were replaced before anybody took them."""
        with self._changed:
            return self._dropped

    def put(self, value: T) -> None:
        """Leave a value in the slot, in place of any that is still there; never waits."""
        with self._changed:
            if self._value is not None:
                self._dropped += 1
            self._value = value
            self._changed.notify()

    def get(self, timeout_s: float) -> T | None:
        """Take the value out of the slot.

        Args:
            timeout_s: longest wait for one to come, seconds; 0 looks once.

        Returns:
            The newest value, or None when none came in time.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._value is not None, timeout_s)
            value, self._value = self._value, None
            return value
