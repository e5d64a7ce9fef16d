from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np

from assistive.sources.paced import PacedSource
from assistive.types import Frame


class Script:
    name, live, dropped, status, size = "script", False, 0, "odd", (2, 2)

    def __init__(self, *times_s: float | None) -> None:
        self.times_s = times_s
        self.closed = False

    def frames(self) -> Iterator[Frame | None]:
        for index, t_s in enumerate(self.times_s):
            yield None if t_s is None else Frame(np.zeros((2, 2, 3), np.uint8), t_s, index, 0.0)

    def close(self) -> None:
        self.closed = True


def test_frames_come_at_their_times() -> None:
    start_s = time.perf_counter()
    frames = list(PacedSource(Script(5.0, 5.05, None, 5.15)).frames())
    arrived = [frame.arrived_s - start_s for frame in frames if frame]
    assert frames[2] is None
    assert arrived[0] < 0.04
    assert 0.049 <= arrived[1] < 0.14
    assert 0.149 <= arrived[2] < 0.25


def test_a_late_reader_does_not_wait() -> None:
    frames = PacedSource(Script(0.0, 0.05, 0.1)).frames()
    next(frames)
    time.sleep(0.15)
    start_s = time.perf_counter()
    assert len(list(frames)) == 2
    assert time.perf_counter() - start_s < 0.04


def test_closing_ends_a_wait() -> None:
    script = Script(0.0, 0.9)
    source = PacedSource(script)
    frames = source.frames()
    next(frames)
    threading.Timer(0.05, source.close).start()
    start_s = time.perf_counter()
    assert list(frames) == []
    assert time.perf_counter() - start_s < 0.5
    assert script.closed
    assert (source.status, source.name, source.size) == ("odd", "script", (2, 2))
