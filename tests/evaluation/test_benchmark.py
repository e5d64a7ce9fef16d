from __future__ import annotations

import json
import time
from collections.abc import Iterator

import numpy as np
import pytest

from assistive.evaluation.benchmark import FREE_TEXT, time_pipelines, time_speech
from assistive.settings import VoiceSettings
from assistive.types import Decision, Frame, Intent, Speech, Step, Style
from assistive.voice.player import NoPlayer

FRAMES = 6


class FakeClip:
    name, live, dropped, status, size = "clip.mp4", False, 0, None, (4, 4)

    def __init__(self) -> None:
        self.closed = False

    def frames(self) -> Iterator[Frame | None]:
        for index in range(FRAMES):
            time.sleep(0.001)
            yield Frame(np.zeros((4, 4, 3), np.uint8), index / 30, index, time.perf_counter())

    def close(self) -> None:
        self.closed = True


class FakePipeline:
    def __init__(self) -> None:
        self.seen: list[int] = []
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def step(self, frame: Frame) -> Step:
        self.seen.append(frame.index)
        time.sleep(0.002)
        decision = Decision(frame.t_s, "watching", None, 0.0, 0.0, False, "no hand")
        stage_ms = {"detect": 1.5 + frame.index, "decide": 0.1}
        return Step(frame, (), Intent(frame.t_s, None, False, "no hand"), decision, stage_ms=stage_ms)


class FakeVoice:
    name, engine, language, device, why = "fake", "fake", "en", None, "a test"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def synthesise(self, text: str, style: Style) -> Speech:
        self.asked.append(text)
        time.sleep(0.02)
        return Speech(np.zeros(10, np.float32), 16000)

    def close(self) -> None:
        pass


def test_every_frame_of_every_round_is_timed_by_turns() -> None:
    clips: list[FakeClip] = []
    pipelines: list[FakePipeline] = []

    def open_clip() -> FakeClip:
        clips.append(FakeClip())
        return clips[-1]

    def new_pipeline() -> FakePipeline:
        pipelines.append(FakePipeline())
        return pipelines[-1]

    order: list[str] = []

    def named(name: str) -> FakePipeline:
        order.append(name)
        return new_pipeline()

    results = time_pipelines(open_clip, {"a": lambda: named("a"), "b": lambda: named("b")}, rounds=2)
    assert order == ["a", "b", "a", "b"] and set(results) == {"a", "b"}
    assert [pipeline.seen for pipeline in pipelines] == [list(range(FRAMES))] * 4
    assert all(clip.closed for clip in clips) and all(pipeline.closed for pipeline in pipelines)
    result = results["a"]
    assert (result["frames"], result["rounds"], result["dropped"]) == (FRAMES, 2, 0)
    assert set(result["stages_ms"]) == {"decode", "detect", "decide"}
    assert result["stages_ms"]["detect"] == {"p50": 4.0, "p95": 6.5, "p99": 6.5}
    assert result["stages_ms"]["decode"]["p50"] >= 1
    assert result["frame_to_decision_ms"]["p50"] >= 2
    assert 0 < result["rate_hz"] < 1000 / 3
    assert 0 <= result["frame_cpu_ms"]["p50"] < 3  # the stand-ins sleep: that takes time, but not of the CPU
    json.dumps(result, allow_nan=False)


def test_phrases_are_rendered_beforehand_and_free_text_is_not() -> None:
    voice = FakeVoice()
    result = time_speech(voice, NoPlayer(), VoiceSettings(), ["Yes.", "No."])
    assert voice.asked == ["Yes.", "No.", *FREE_TEXT]
    assert result["phrase"]["p50"] < 20 <= result["free_text"]["p50"]


@pytest.mark.parametrize("phrases", [[], ["Yes."]])
def test_what_was_not_heard_has_no_time(phrases: list[str]) -> None:
    result = time_speech(FakeVoice(), NoPlayer(), VoiceSettings(), phrases)
    assert (result["phrase"] is None) == (not phrases)
