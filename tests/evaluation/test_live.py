from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistive.evaluation.labels import LabelError, Shown, read_expressions
from assistive.evaluation.live import Found, match, report, watch
from assistive.evaluation.live import Watched as WatchedClip
from assistive.types import Expression, Frame, Reading

SMILE = Shown(1.0, 1.14, 1.35, "positive")
FROWN = Shown(3.0, 3.4, 4.2, "negative")
UNNAMED = Shown(6.0, None, 6.3, "")


def found(onset_s: float, apex_s: float, offset_s: float, label: str = "positive", late_s: float = 0.1) -> Found:
    kind: Any = "micro" if offset_s - onset_s <= 0.5 else "macro"
    return Found(offset_s + late_s, Expression(onset_s, apex_s, offset_s, label, kind, 0.8, 0.3))


def watched(*reports: Found, seconds: float = 60.0, rate_hz: float = 30.0) -> WatchedClip:
    times_s = tuple(index / rate_hz for index in range(round(seconds * rate_hz) + 1))
    return WatchedClip(reports, seconds, times_s, (5.0,) * len(times_s), 30.0, Counter())


def test_the_figures_of_a_clip() -> None:
    reports = (found(1.03, 1.17, 1.33), found(3.1, 3.4, 4.1, "surprise"), found(9.0, 9.1, 9.3), found(6.05, 6.1, 6.2))
    result = report((SMILE, FROWN, UNNAMED), watched(*reports), 0.5)
    assert (result["events"], result["found"], result["recall"], result["recall_iou50"]) == (3, 3, 1.0, 1.0)
    assert result["label_accuracy"] == 0.5, "of the two that have a label"
    assert (result["false_events"], result["false_per_minute"], result["false_micro_per_minute"]) == (1, 1.0, 1.0)
    assert result["by_kind"]["micro"] == {"events": 2, "found": 2, "recall": 1.0, "called_so": 2}
    assert result["by_kind"]["macro"] == {"events": 1, "found": 1, "recall": 1.0, "called_so": 1}
    assert result["apex_error_ms"]["p50"] == pytest.approx(15, abs=0.1)
    assert result["apex_error_frames"]["p99"] < 1 and result["apex_within_2_frames"] == 1.0
    assert result["latency_s"]["p50"] == pytest.approx(0.0, abs=0.011)
    assert (result["frames_per_second"], result["media_rate_hz"]) == (60.0, 30.0)
    assert result["false"][0]["apex_s"] == 9.1 and result["by_event"][1]["found"]["label"] == "surprise"
    json.dumps(result, allow_nan=False)


def test_nothing_found_and_nothing_watched() -> None:
    nothing = report((SMILE,), watched(), 0.5)
    assert (nothing["recall"], nothing["label_accuracy"], nothing["apex_error_ms"]) == (0.0, None, None)
    empty = report((), WatchedClip((), 0.0, (), (), 0.0, Counter()), 0.5)
    assert (empty["recall"], empty["false_per_minute"], empty["media_rate_hz"]) == (None, None, None)
    json.dumps(empty, allow_nan=False)


@pytest.mark.parametrize(
    ("reports", "pairs"),
    [
        ([found(1.0, 1.1, 1.3), found(1.1, 1.2, 1.3)], 1),  # twice for one is found once
        ([found(1.0, 1.5, 2.0)], 0),  # its apex lies outside
        ([found(0.2, 1.1, 4.0)], 1),
        ([found(2.9, 3.4, 4.2), found(1.0, 1.1, 1.3)], 2),
    ],
)
def test_each_is_paired_at_most_once(reports: list[Found], pairs: int) -> None:
    assert len(match((SMILE, FROWN), reports)) == pairs


spans = st.tuples(st.floats(0, 8), st.floats(0.05, 0.5), st.floats(0.05, 0.5)).map(
    lambda span: found(span[0], span[0] + span[1], span[0] + span[1] + span[2])
)


@given(st.lists(spans, max_size=8))
def test_every_report_is_a_hit_or_false(reports: list[Found]) -> None:
    result = report((SMILE, FROWN, UNNAMED), watched(*reports), 0.5)
    assert result["found"] + result["false_events"] == len(reports)
    assert 0 <= result["found"] <= 3 and result["recall_iou50"] <= result["recall"]


def test_what_the_stream_says_is_noted_with_the_time_of_the_frame() -> None:
    event = found(0.1, 0.2, 0.3).expression
    seen: list[tuple[float, int]] = []

    def read(frame: Frame, hands: tuple[Any, ...]) -> Reading:
        seen.append((frame.t_s, len(hands)))
        return Reading(frame.t_s, None, {}, "none", {}, 0.0, event if frame.index == 2 else None,
                       "no face" if frame.index == 0 else None)  # fmt: skip

    frames = [Frame(np.zeros((4, 4, 3), np.uint8), 0.5 + i / 10, i, 0.0) for i in range(4)]
    result = watch([frames[0], None, *frames[1:]], lambda frame: (), read)
    assert result.found == (Found(0.7, event),)
    assert (result.seconds, dict(result.reasons)) == (pytest.approx(0.3), {"no face": 1})
    assert len(seen) == len(result.took_ms) == len(result.times_s) == 4


def test_reading_what_a_face_does(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("file,start_s,apex_s,end_s,label\nb.mp4,1,2,3,surprise\na.mp4,5,,6,\na.mp4,1,1.2,1.5,negative\n")
    assert read_expressions(path, "a.mp4") == [Shown(1.0, 1.2, 1.5, "negative"), Shown(5.0, None, 6.0, "")]
    path.write_text("start_s,apex_s,end_s,label\n")
    assert read_expressions(path, "a.mp4") == [], "no rows: the clip shows no expression"


@pytest.mark.parametrize("row", ["2,1,3,surprise", "1,2,1,surprise", "1,2,3,smile", "x,2,3,surprise", "-1,2,3,"])
def test_a_row_that_makes_no_sense_is_named(tmp_path: Path, row: str) -> None:
    path = tmp_path / "events.csv"
    path.write_text(f"start_s,apex_s,end_s,label\n{row}\n")
    with pytest.raises(LabelError, match=r"events.csv:2"):
        read_expressions(path, "a.mp4")
