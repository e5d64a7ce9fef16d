from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistive.errors import ConfigError
from assistive.fusion.decision import DecisionMachine, DecisionState
from assistive.fusion.lead import LeadState, lead
from assistive.gesture.tracker import TrackerState, track
from assistive.language.vocabulary import VocabularyFile
from assistive.settings import DecisionSettings, Settings
from assistive.types import NO_GESTURE, Box, Decision, Expression, Frame, Hand, Intent, Reading, Step, Utterance
from assistive.ui.recording import Recorder, replay

SETTINGS = Settings(decision=DecisionSettings(hold_s=0.3, entry_grace_s=0.1, cooldown_s=0.4))
IMAGE = np.zeros((4, 4, 3), np.uint8)
Press = Callable[[int, DecisionMachine, DecisionState], DecisionState]


def no_key(index: int, machine: DecisionMachine, state: DecisionState) -> DecisionState:
    return state


def run(path: Path, vocabulary: VocabularyFile, frames: int = 400, press: Press = no_key) -> list[Decision]:
    """Play a pipeline over hands that come and go at random, and record it."""
    chance = random.Random(7)
    recorder = Recorder(path, SETTINGS, 0.6, vocabulary)
    machine = DecisionMachine(SETTINGS.decision, 0.6, vocabulary.current.gestures_with("pause"))
    tracker, leader, state, decisions = TrackerState(), LeadState(), machine.initial(), []
    for index in range(frames):
        t_s = index / 30 + chance.uniform(0, 0.02)
        shown = ["like", "palm", "fist"][index // 40 % 3]
        hands = []
        for place in range(chance.choice([1, 1, 1, 2]) if chance.random() < 0.9 and index % 40 < 28 else 0):
            value = chance.uniform(0.5, 1)
            box = Box(0.1 + 0.5 * place + chance.uniform(0, 0.02), 0.3, 0.2 - 0.1 * place, 0.2 - 0.1 * place)
            hands.append(Hand(box, chance.random(), {shown: value, NO_GESTURE: 1 - value}))
        state = press(index, machine, state)
        tracker, tracked = track(tracker, t_s, tuple(hands), SETTINGS.gesture)
        leader, intent = lead(leader, t_s, tracked, SETTINGS.gesture)
        state, decision = machine.step(state, intent)
        recorder.take(Step(Frame(IMAGE, t_s, index, 0.0), tracked, intent, decision))
        decisions.append(decision)
    recorder.tell("a message")
    recorder.close()
    return decisions


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


@pytest.fixture
def pausing(tmp_path: Path) -> VocabularyFile:
    file = tmp_path / "mine.yaml"
    english = VocabularyFile("en").path.read_text(encoding="utf-8")
    file.write_text(english.replace("pause: null", "pause: fist"))
    return VocabularyFile(str(file))


def test_a_replay_decides_the_same_bit_for_bit(path: Path, pausing: VocabularyFile) -> None:
    for vocabulary in (VocabularyFile("en"), pausing):
        decisions = run(path, vocabulary)
        pairs = list(replay(path))
        assert sum(decision.fired for decision in decisions) >= 6
        assert [recorded for recorded, _ in pairs] == decisions
        assert [again for _, again in pairs] == decisions


def test_the_pause_key_is_replayed(path: Path) -> None:
    def press(index: int, machine: DecisionMachine, state: DecisionState) -> DecisionState:
        return machine.pause(state) if index == 50 else machine.resume(state) if index == 180 else state

    decisions = run(path, VocabularyFile("en"), press=press)
    assert {decision.phase for decision in decisions[50:180]} == {"paused"}
    assert all(recorded == again for recorded, again in replay(path))


def test_a_new_pause_gesture_is_replayed(path: Path, pausing: VocabularyFile) -> None:
    def press(index: int, machine: DecisionMachine, state: DecisionState) -> DecisionState:
        if index == 100:
            pausing.current = replace(pausing.current, roles={"pause": "palm"})
            machine.pause_gestures = frozenset({"palm"})
        return state

    decisions = run(path, pausing, press=press)
    paused = [decision.gesture for decision in decisions if decision.fired and decision.phase == "paused"]
    assert (paused[0], paused[-1]) == ("fist", "palm")
    assert all(recorded == again for recorded, again in replay(path))


def test_a_decision_that_would_be_another_today_shows(path: Path) -> None:
    run(path, VocabularyFile("en"))
    text = path.read_text()
    path.write_text(text.replace('"hold_s": 0.3,', '"hold_s": 0.35,', 1))
    assert any(recorded != again for recorded, again in replay(path))


def test_no_pictures_are_kept(path: Path) -> None:
    run(path, VocabularyFile("en"), frames=20)
    header, *frames = [json.loads(line) for line in path.read_text().splitlines()]
    assert set(header) == {
        "recording", "version", "gesture", "decision", "threshold", "vocabulary", "pause_gestures",
    }  # fmt: skip
    assert {key for frame in frames for key in frame} == {"t_s", "hands", "decision"}


def test_a_line_that_was_cut_off_is_left_out(path: Path) -> None:
    run(path, VocabularyFile("en"), frames=20)
    path.write_bytes(path.read_bytes()[:-9])
    assert len(list(replay(path))) == 19


@pytest.mark.parametrize(
    "content", [b"", b"hello\n", b"{}\n", b"[1]\n", b"\xff\xfe\n", b'{"recording": 99}\n', b'{"recording": 1}\n']
)
def test_what_is_no_recording_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        list(replay(path))
    assert str(path) in caught.value.what
    assert "record FILE" in caught.value.remedy


def test_a_recording_with_a_damaged_line_is_refused(path: Path) -> None:
    run(path, VocabularyFile("en"), frames=20)
    whole = path.read_text()
    for good, bad in (('"box": [', '"bax": ['), ('"probabilities": {', '"probabilities": 3, "x": {')):
        path.write_text(whole.replace(good, bad, 1))
        with pytest.raises(ConfigError, match="damaged"):
            list(replay(path))


def test_a_file_without_an_end_is_no_recording() -> None:
    with pytest.raises(ConfigError, match="no recording"):
        list(replay(Path("/dev/zero")))


def test_a_file_that_is_not_there_is_an_error(path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        list(replay(path))


def test_nothing_of_a_face_is_ever_recorded(path: Path) -> None:
    recorder = Recorder(path, SETTINGS, 0.6, VocabularyFile("en"))
    event = Expression(0.0, 0.1, 0.2, "surprise", "micro", 0.8, 0.3)
    sure = {"positive": 0.9, "none": 0.1}
    reading = Reading(0.5, None, {"smile": 0.9}, "positive", sure, 0.9, event, "face turned")
    machine, intent = DecisionMachine(SETTINGS.decision, 0.6, frozenset()), Intent(0.5, None, False, "no hand")
    _, decided = machine.step(machine.initial(), intent)
    said = Utterance(0.5, "Yes.", "like", tone="positive")
    recorder.take(Step(Frame(IMAGE, 0.5, 0, 0.0), (), intent, decided, said, reading=reading))
    recorder.close()
    text = path.read_text(encoding="utf-8")
    assert not [word for word in ("surprise", "positive", "smile", "tone", "face", "expression") if word in text]
