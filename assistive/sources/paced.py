"""Let a file run at its own speed: for a window, where a person looks on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from assistive.sources import Source
from assistive.types import Frame

LONGEST_WAIT_S = 1.0
"""A gap in a file's times is not waited out for longer than this."""


class PacedSource:
    """Another source, whose frames come no sooner than their times say.

    Args:
        source: a source that is not live.
    """

    live = False
    dropped = 0

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self.size = source.size
        self._source = source
        self._closed = threading.Event()

    @property
    def status(self) -> str | None:
        """What is wrong with the source, or None."""
        return self._source.status

    def frames(self) -> Iterator[Frame | None]:
        """Yield every frame at its time, counted from the first; a reader who is late gets the next one at once."""
        start_s = None
        for frame in self._source.frames():
            if frame is None:
                yield None
                continue
            now_s = time.perf_counter()
            ahead_s = 0.0 if start_s is None else start_s + frame.t_s - now_s
            if ahead_s > 0 and self._closed.wait(min(ahead_s, LONGEST_WAIT_S)):
                return
            if start_s is None or ahead_s > LONGEST_WAIT_S or ahead_s < -LONGEST_WAIT_S:
                start_s = time.perf_counter() - frame.t_s
            yield replace(frame, arrived_s=time.perf_counter())

    def close(self) -> None:
        """Close the source."""
        self._closed.set()
        self._source.close()
