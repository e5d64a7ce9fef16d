from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistive.errors import RuntimeFault
from assistive.fusion.attention import FusionState
from assistive.language.composer import hint
from assistive.language.vocabulary import VocabularyFile, find_vocabulary
from assistive.pipeline import Pipeline, at_own_pace
from assistive.settings import Settings, ToneSettings
from assistive.types import (
    NO_EXPRESSION,
    NO_GESTURE,
    Box,
    Expression,
    Frame,
    Hand,
    Intent,
    Manner,
    Reading,
    Step,
    Style,
)

PICTURE = np.zeros((48, 64, 3), np.uint8)
STEP_S = 1 / 30


class ScriptedHands:
    """A gesture stream that sees what a script says: ``[(until_s, gesture or None), ...]``."""

    threshold = 0.6

    def __init__(self, script: list[tuple[float, str | None]]) -> None:
        self.script = script
        self.stage_ms = {"detect": 1.0, "verify": 0.5}

    def read(self, frame: Frame) -> tuple[Hand, ...]:
        gesture = next((name for until_s, name in self.script if frame.t_s < until_s), None)
        if gesture is None:
            return ()
        return (Hand(Box(0.4, 0.4, 0.2, 0.3), 0.9, {gesture: 0.95, NO_GESTURE: 0.05}),)


class ScriptedFace:
    """An expression stream that reads a tone in every frame, and keeps who called it with what."""

    def __init__(self, label: str = NO_EXPRESSION) -> None:
        self.label = label
        self.stage_ms = {"face": 2.0, "expression": 1.0}
        self.threads: set[int] = set()
        self.hands: list[tuple[Hand, ...]] = []
        self.busy = False

    def read(self, frame: Frame, hands: tuple[Hand, ...]) -> Reading:
        assert not self.busy, "one frame at a time"
        self.busy = True
        self.threads.add(threading.get_ident())
        self.hands.append(hands)
        self.busy = False
        event = Expression(0.0, 0.1, 0.2, self.label, "micro", 0.8, 0.3)
        return Reading(frame.t_s, None, {}, self.label, {self.label: 1.0}, 0.5, event)


class FrameList:
    """A source of frames made beforehand."""

    name, live, dropped, size = "frames", False, 0, (64, 48)

    def __init__(self, frames: list[Frame | None], status: list[str | None] | None = None) -> None:
        self.list = frames
        self.statuses = status or [None] * len(frames)
        self.status: str | None = None

    def frames(self) -> Iterator[Frame | None]:
        for frame, status in zip(self.list, self.statuses, strict=True):
            self.status = status
            yield frame

    def close(self) -> None:
        pass


class Notes:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.messages: list[str] = []

    def take(self, step: Step) -> None:
        self.steps.append(step)

    def tell(self, reason: str) -> None:
        self.messages.append(reason)


def frames(seconds: float) -> list[Frame | None]:
    return [Frame(PICTURE, index * STEP_S, index, time.perf_counter()) for index in range(round(seconds / STEP_S))]


@pytest.fixture
def vocabulary(tmp_path: Path) -> VocabularyFile:
    own = tmp_path / "mine.yaml"
    own.write_text(find_vocabulary("en").read_text(encoding="utf-8"), encoding="utf-8")
    return VocabularyFile(str(own))


def run(pipeline: Pipeline, source: FrameList) -> Notes:
    notes = Notes()
    pipeline.run(source, [notes], threading.Event())
    return notes


def test_a_held_gesture_becomes_one_utterance(vocabulary: VocabularyFile) -> None:
    pipeline = Pipeline(ScriptedHands([(1.5, None), (5.0, "like")]), vocabulary, Settings())
    notes = run(pipeline, FrameList(frames(6)))
    (said,) = [step.utterance for step in notes.steps if step.utterance]
    assert (said.gesture, said.text) == ("like", vocabulary.current.phrases["like"])
    assert 1.5 + 1.0 <= said.t_s <= 1.5 + 1.0 + 0.2, "the grace after someone enters is longer than the hold"
    assert all(step.decision.reason for step in notes.steps if not step.decision.fired)
    assert notes.steps[-1].stage_ms.keys() == {"detect", "verify", "decide"}


def test_only_the_times_of_frames_count(vocabulary: VocabularyFile) -> None:
    script = ScriptedHands([(1.0, None), (3.0, "palm"), (4.0, None), (6.0, "peace")])
    fired = []
    for _ in range(2):
        steps = run(Pipeline(script, vocabulary, Settings()), FrameList(frames(7))).steps
        fired.append([(step.decision, step.intent, step.hands) for step in steps])
    assert fired[0] == fired[1]


def test_the_pause_key_silences_until_it_is_pressed_again(vocabulary: VocabularyFile) -> None:
    pipeline = Pipeline(ScriptedHands([(9.0, "like")]), vocabulary, Settings())
    pipeline.toggle_pause()
    notes = run(pipeline, FrameList(frames(3)))
    assert not any(step.utterance for step in notes.steps)
    assert {step.decision.phase for step in notes.steps} == {"paused"}
    pipeline.toggle_pause()
    notes = run(pipeline, FrameList([Frame(PICTURE, 3 + i * STEP_S, i, 0.0) for i in range(60)]))
    assert sum(step.utterance is not None for step in notes.steps) == 1


def test_a_changed_vocabulary_is_spoken_from_the_next_frame_on(vocabulary: VocabularyFile) -> None:
    pipeline = Pipeline(ScriptedHands([(9.0, "like")]), vocabulary, Settings())
    run(pipeline, FrameList(frames(0.5)))
    text = vocabulary.path.read_text(encoding="utf-8")
    vocabulary.path.write_text(text.replace(vocabulary.current.phrases["like"], "Splendid."), encoding="utf-8")
    notes = run(pipeline, FrameList([Frame(PICTURE, 0.5 + i * STEP_S, i, 0.0) for i in range(60)]))
    assert [step.utterance.text for step in notes.steps if step.utterance] == ["Splendid."]
    assert len(notes.messages) == 1


def test_a_lost_source_is_told_once_and_its_return_too(vocabulary: VocabularyFile) -> None:
    pictures = frames(0.2)
    lost: list[str | None] = [None, None, "camera 0 lost, trying again", "camera 0 lost, trying again", None, None]
    source = FrameList([pictures[0], pictures[1], None, None, pictures[4], pictures[5]], lost)
    notes = run(Pipeline(ScriptedHands([]), vocabulary, Settings()), source)
    assert notes.messages == ["camera 0 lost, trying again", "frames is back"]
    assert len(notes.steps) == 4


def test_stop_ends_the_run_before_the_next_frame(vocabulary: VocabularyFile) -> None:
    stop = threading.Event()

    class StopsAtThird(Notes):
        def take(self, step: Step) -> None:
            super().take(step)
            if len(self.steps) == 3:
                stop.set()

    notes = StopsAtThird()
    Pipeline(ScriptedHands([]), vocabulary, Settings()).run(FrameList(frames(1)), [notes], stop)
    assert len(notes.steps) == 3


def test_a_fault_of_the_network_comes_through(vocabulary: VocabularyFile) -> None:
    class Broken(ScriptedHands):
        def read(self, frame: Frame) -> tuple[Hand, ...]:
            raise RuntimeFault("not finite", "try --device cpu", "runtime.nan")

    with pytest.raises(RuntimeFault):
        run(Pipeline(Broken([]), vocabulary, Settings()), FrameList(frames(0.1)))


def test_a_file_can_be_shown_at_its_own_pace() -> None:
    start_s = time.perf_counter()
    played = at_own_pace(iter(frames(0.3)), threading.Event())
    shown = [(frame.t_s, frame.arrived_s - start_s) for frame in played if frame]
    assert all(late_s >= t_s - 0.001 for t_s, late_s in shown)
    assert shown[-1][1] < 2


def test_waiting_for_a_frame_ends_with_the_stop() -> None:
    stop = threading.Event()
    threading.Timer(0.05, stop.set).start()
    far = [Frame(PICTURE, 0.0, 0, 0.0), Frame(PICTURE, 100.0, 1, 0.0)]
    start_s = time.perf_counter()
    assert len(list(at_own_pace(iter(far), stop))) == 1
    assert time.perf_counter() - start_s < 5


@pytest.fixture
def face() -> Iterator[ScriptedFace]:
    before = set(threading.enumerate())
    yield ScriptedFace("positive")
    assert set(threading.enumerate()) <= before, "close() ends the thread that reads faces"


def test_a_face_changes_no_decision(vocabulary: VocabularyFile, face: ScriptedFace) -> None:
    script = ScriptedHands([(1.0, None), (3.0, "palm"), (4.0, None), (6.0, "peace")])
    without = run(Pipeline(script, vocabulary, Settings()), FrameList(frames(7))).steps
    pipeline = Pipeline(script, vocabulary, Settings(), face)
    beside = run(pipeline, FrameList(frames(7))).steps
    pipeline.close()
    assert [(one.decision, one.intent.hand, one.hands, one.action) for one in without] == [
        (one.decision, one.intent.hand, one.hands, one.action) for one in beside
    ]
    said = [[one.utterance.text for one in steps if one.utterance] for steps in (without, beside)]
    words = vocabulary.current
    assert said[0] == [words.phrases["palm"], words.phrases["peace"]]
    assert said[1] == [words.variants["palm"]["positive"], words.variants["peace"]["positive"]]
    assert {one.utterance.tone for one in without if one.utterance} == {None}
    assert {one.utterance.tone for one in beside if one.utterance} == {"positive"}
    assert {one.reading for one in without} == {None}
    assert all(one.reading and one.reading.t_s == one.frame.t_s for one in beside)
    assert beside[-1].stage_ms.keys() == {"detect", "verify", "face", "expression", "join", "decide"}


class Grumpy:
    """A fusion head to which everything sounds negative; counts the frames in its state."""

    def join(
        self, state: FusionState, intent: Intent, image: np.ndarray, reading: Reading | None
    ) -> tuple[FusionState, Intent]:
        assert image is PICTURE and reading is not None and reading.t_s == intent.t_s
        weights = {"gesture": 0.3, "expression": 0.7}
        intent = replace(intent, tone="negative", tone_probability=0.9, tone_intensity=0.5, weights=weights)
        return replace(state, intensity=state.intensity + 1), intent


def test_the_fusion_head_gives_the_tone_and_changes_no_decision(vocabulary: VocabularyFile, face: ScriptedFace) -> None:
    script = ScriptedHands([(1.0, None), (3.0, "palm")])
    alone = run(Pipeline(script, vocabulary, Settings()), FrameList(frames(3))).steps
    pipeline = Pipeline(script, vocabulary, Settings(), face, fusion=Grumpy())
    joined = run(pipeline, FrameList(frames(3))).steps
    pipeline.close()
    assert [one.decision for one in joined] == [one.decision for one in alone]
    assert {one.intent.tone for one in joined} == {"negative"}
    assert {one.intent.weights["expression"] for one in joined} == {0.7}
    assert [one.utterance.tone for one in joined if one.utterance] == ["negative"]
    assert pipeline._joined.intensity == len(joined)


def test_the_face_is_read_in_one_thread_of_its_own_with_the_hands_of_the_frame_before(
    vocabulary: VocabularyFile, face: ScriptedFace
) -> None:
    pipeline = Pipeline(ScriptedHands([(9.0, "like")]), vocabulary, Settings(), face)
    steps = run(pipeline, FrameList(frames(0.5))).steps
    pipeline.close()
    assert len(face.threads) == 1 and threading.get_ident() not in face.threads
    assert face.hands == [(), *(one.hands for one in steps[:-1])]


class Meeting:
    """A place where both streams of a frame wait for each other; one that comes alone fails."""

    def __init__(self) -> None:
        self.barrier = threading.Barrier(2, timeout=20)

    def hands(self, frame: Frame) -> tuple[Hand, ...]:
        self.barrier.wait()
        return ()


def test_both_streams_of_a_frame_run_at_the_same_time(
    vocabulary: VocabularyFile, face: ScriptedFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting, hands, read = Meeting(), ScriptedHands([]), face.read

    def meet(frame: Frame, seen: tuple[Hand, ...]) -> Reading:
        meeting.barrier.wait()
        return read(frame, seen)

    monkeypatch.setattr(hands, "read", meeting.hands)
    monkeypatch.setattr(face, "read", meet)
    pipeline = Pipeline(hands, vocabulary, Settings(), face)
    assert len(run(pipeline, FrameList(frames(0.5))).steps) == 15
    pipeline.close()


def test_no_tone_is_noted_without_one(vocabulary: VocabularyFile, face: ScriptedFace) -> None:
    face.label = NO_EXPRESSION
    pipeline = Pipeline(ScriptedHands([(9.0, "like")]), vocabulary, Settings(), face)
    steps = run(pipeline, FrameList(frames(3))).steps
    pipeline.close()
    assert [one.utterance.tone for one in steps if one.utterance] == [None]


def louder(tone: str, intensity: float) -> Style:
    return Style(volume=1 + intensity)


def test_what_waits_to_be_said_is_known_before_it_is_said(vocabulary: VocabularyFile, face: ScriptedFace) -> None:
    pipeline = Pipeline(ScriptedHands([(9.0, "like")]), vocabulary, Settings(), face, louder)
    steps = run(pipeline, FrameList(frames(2))).steps
    pipeline.close()
    (said,) = [one.utterance for one in steps if one.utterance]
    assert said.style == louder("positive", 0.3)
    held = [one for one in steps if one.decision.phase == "holding"]
    assert {hint(vocabulary.current, "like", one.manner) for one in held} == {said.text}
    assert {one.manner for one in steps if one.decision.phase == "spoken"} == {Manner("positive", 0.3)}


def test_the_key_locks_the_tone_to_neutral_and_opens_it_again(vocabulary: VocabularyFile, face: ScriptedFace) -> None:
    script = ScriptedHands([(3.0, "like"), (4.0, None), (6.0, "palm")])
    pipeline = Pipeline(script, vocabulary, Settings(), face)
    pipeline.toggle_tone()
    first = run(pipeline, FrameList(frames(3))).steps
    assert {one.manner for one in first} == {Manner(locked=True)}
    pipeline.toggle_tone()
    later = [Frame(PICTURE, 3 + i * STEP_S, i, 0.0) for i in range(80)]
    second = run(pipeline, FrameList([*later])).steps
    pipeline.close()
    said = [one.utterance.text for one in (*first, *second) if one.utterance]
    assert said == [vocabulary.current.phrases["like"], vocabulary.current.variants["palm"]["positive"]]


def test_a_gesture_locks_the_tone(vocabulary: VocabularyFile, face: ScriptedFace) -> None:
    text = vocabulary.path.read_text(encoding="utf-8")
    vocabulary.path.write_text(text.replace("neutral_tone: null", "neutral_tone: fist"), encoding="utf-8")
    script = ScriptedHands([(2.5, "fist"), (3.5, None), (5.5, "like")])
    pipeline = Pipeline(script, vocabulary, Settings(), face)
    steps = run(pipeline, FrameList(frames(5.5))).steps
    pipeline.close()
    assert [one.action for one in steps if one.action] == ["neutral_tone"]
    assert [one.utterance.text for one in steps if one.utterance] == [vocabulary.current.phrases["like"]]
    assert steps[-1].manner == Manner(locked=True)


def test_a_tone_that_is_switched_off_stays_off(vocabulary: VocabularyFile, face: ScriptedFace) -> None:
    settings = Settings(tone=ToneSettings(mode="neutral"))
    pipeline = Pipeline(ScriptedHands([(9.0, "like")]), vocabulary, settings, face)
    pipeline.toggle_tone()
    steps = run(pipeline, FrameList(frames(2))).steps
    pipeline.close()
    assert {one.manner for one in steps} == {Manner()}
    assert [one.utterance.text for one in steps if one.utterance] == [vocabulary.current.phrases["like"]]


def test_a_fault_of_the_face_comes_through_and_the_thread_is_not_left_busy(
    vocabulary: VocabularyFile, face: ScriptedFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(frame: Frame, hands: tuple[Hand, ...]) -> Reading:
        raise RuntimeFault("not finite", "try --no-expression", "runtime.nan")

    monkeypatch.setattr(face, "read", fail)
    pipeline = Pipeline(ScriptedHands([]), vocabulary, Settings(), face)
    with pytest.raises(RuntimeFault):
        run(pipeline, FrameList(frames(0.1)))
    pipeline.close()
