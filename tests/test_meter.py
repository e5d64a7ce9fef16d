from __future__ import annotations

import time

import pytest

from assistive.meter import Meter, percentiles


def test_a_summary_holds_what_was_measured() -> None:
    meter = Meter()
    for _ in range(10):
        arrived_s = time.perf_counter()
        time.sleep(0.005)
        meter.decided(arrived_s)
    meter.sounded(1.0, 1.012)
    summary = meter.summary(dropped=3)
    assert (summary["frames"], summary["dropped"]) == (10, 3)
    assert 20 < summary["fps"] < 210
    assert 5 <= summary["frame_to_decision_ms"]["p50"] <= summary["frame_to_decision_ms"]["p99"] < 500
    assert summary["decision_to_audio_ms"]["p50"] == pytest.approx(12.0)
    assert meter.rate_hz() > 20


def test_a_run_without_frames_has_a_summary() -> None:
    summary = Meter().summary(0)
    assert (summary["frames"], summary["fps"], summary["frame_to_decision_ms"]) == (0, 0.0, None)
    assert Meter().rate_hz() == 0


def test_percentiles_of_known_numbers() -> None:
    assert percentiles(range(101)) == {"p50": 50.0, "p95": 95.0, "p99": 99.0}
