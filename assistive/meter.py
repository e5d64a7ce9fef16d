"""How fast a run is: rates, latencies and memory, kept in bounded space however long it runs."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np

KEPT = 20_000
"""Latencies kept for the percentiles, the newest: ten minutes at 30 frames/s."""

RATE_SPAN_S = 2.0


class Meter:
    """Counts frames and latencies; every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._frames = 0
        self._first_s: float | None = None
        self._recent_s: deque[float] = deque(maxlen=512)
        self._decision_ms: deque[float] = deque(maxlen=KEPT)
        self._audio_ms: deque[float] = deque(maxlen=KEPT)

    def decided(self, arrived_s: float) -> None:
        """Note that a frame which arrived at that ``time.perf_counter()`` has been decided on just now."""
        now_s = time.perf_counter()
        with self._lock:
            self._frames += 1
            self._first_s = arrived_s if self._first_s is None else self._first_s
            self._recent_s.append(now_s)
            self._decision_ms.append((now_s - arrived_s) * 1000)

    def sounded(self, decided_s: float, first_sample_s: float) -> None:
        """Note when the first sample of an utterance went out."""
        with self._lock:
            self._audio_ms.append((first_sample_s - decided_s) * 1000)

    def rate_hz(self) -> float:
        """Return the frames per second of the last two seconds; 0 before there are two frames."""
        with self._lock:
            recent = [t for t in self._recent_s if t >= time.perf_counter() - RATE_SPAN_S]
        return (len(recent) - 1) / (recent[-1] - recent[0]) if len(recent) > 1 and recent[-1] > recent[0] else 0.0

    def summary(self, dropped: int) -> dict[str, Any]:
        """Return the fields of the ``summary`` event.

        Args:
            dropped: frames that the source dropped.
        """
        with self._lock:
            last_s = self._recent_s[-1] if self._recent_s else 0.0
            seconds = last_s - (self._first_s or 0.0)
            return {
                "frames": self._frames,
                "fps": round(self._frames / seconds, 2) if seconds > 0 else 0.0,
                "dropped": dropped,
                "frame_to_decision_ms": percentiles(self._decision_ms),
                "decision_to_audio_ms": percentiles(self._audio_ms),
                "peak_rss_mb": peak_memory_mb(),
            }


def percentiles(values: Iterable[float]) -> dict[str, float] | None:
    """Return ``p50``, ``p95`` and ``p99`` of some numbers, rounded to a thousandth, or None when there are none."""
    array = np.fromiter(values, float)
    if not len(array):
        return None
    return {f"p{q}": round(float(np.percentile(array, q)), 3) for q in (50, 95, 99)}


def peak_memory_mb() -> float | None:
    """Return the largest resident size of this process so far in MB, or None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1024), 1)
