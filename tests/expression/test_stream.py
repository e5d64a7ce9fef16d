"""The whole expression stream: on the drawn performer with MediaPipe, and on a finder that a test directs."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from assistive.errors import DependencyError, WeightsError
from assistive.expression import NEW_FACE, NO_FACE, STARTING, ExpressionStream
from assistive.expression import face_mesh as face_mesh_module
from assistive.expression.brows import FULL
from assistive.expression.face_mesh import FaceFinder, Landmarks, box_of
from assistive.expression.flow import Flow
from assistive.expression.quality import HAND_ON_FACE
from assistive.expression.recogniser import Judgement
from assistive.settings import RuntimeSettings, Settings, SourceSettings
from assistive.sources.performer import PerformerSource
from assistive.types import EXPRESSIONS, Box, Frame, Hand, Reading

SETTINGS = Settings()
ROOT = Path(__file__).parents[2]
Image = NDArray[np.uint8]


class FixedJudge:
    """A recogniser that always answers the same, and keeps what it was asked."""

    def __init__(self, name: str, runtime: RuntimeSettings) -> None:
        self.flows: list[Flow] = []

    def judge(self, flow: Flow) -> Judgement:
        self.flows.append(flow)
        return Judgement("surprise", 0.8, np.float32([0.1, 0.05, 0.8, 0.05]))  # type: ignore[arg-type]


class DirectedFinder:
    """Finds the faces that a test puts there, whatever the picture shows."""

    def __init__(self) -> None:
        self.there: list[Landmarks] = []
        self.threads: set[int] = set()
        self.closed = False

    def search(self, image: Image) -> tuple[Box, ...]:
        self.threads.add(threading.get_ident())
        return tuple(sorted(map(box_of, self.there), key=lambda box: -box.area))

    def follow(self, image: Image, box: Box) -> Landmarks | None:
        return max(self.there, key=lambda one: box.iou(box_of(one)), default=None)

    def close(self) -> None:
        self.closed = True


def stream(finder: FaceFinder | None = None, settings: Settings = SETTINGS) -> ExpressionStream:
    made = {} if finder is None else {"finder": lambda: finder}
    return ExpressionStream(settings.expression, settings.spotting, settings.runtime, recogniser=FixedJudge, **made)


def shown(pictures: list[Image], reader: ExpressionStream, start: int = 0) -> list[Reading]:
    return [reader.read(Frame(image, index / 30, index, 0.0), ()) for index, image in enumerate(pictures, start)]


@pytest.fixture(scope="module")
def performance() -> Iterator[list[Reading]]:
    """What is read from a performer who smiles and frowns, long and plainly, once each."""
    source = PerformerSource("@positive/macro,@negative/macro", SourceSettings())
    reader = stream()
    yield [reader.read(frame, ()) for frame in source.frames() if frame is not None]
    reader.close()


def test_the_performers_smile_and_frown_are_read_when_they_are_played(performance: list[Reading]) -> None:
    played = PerformerSource("@positive/macro,@negative/macro", SourceSettings()).expressions()
    for move in played:
        during = [one.label for one in performance if abs(one.t_s - move.apex_s) < 0.15]
        assert set(during) == {move.label}
    rest = [one for one in performance if all(abs(one.t_s - move.apex_s) > 1.2 for move in played)]
    assert {one.label for one in rest} == {"none"}


def test_before_the_first_reading_it_says_why(performance: list[Reading]) -> None:
    assert [one.reason for one in performance[:2]] == [NO_FACE, NO_FACE]
    reasons = [one.reason for one in performance]
    assert NEW_FACE in reasons and reasons[-1] is None
    assert {one.face.track for one in performance if one.face} == {0}
    assert all(not one.shapes for one in performance if one.reason), "no reading, no shapes"


def test_what_was_spotted_is_named_once_it_is_over(performance: list[Reading]) -> None:
    events = [one.event for one in performance if one.event]
    assert events and all(event.label == "surprise" and event.probability == 0.8 for event in events)
    assert all(event.onset_s < event.apex_s < event.offset_s <= one.t_s + 1e-9
               for one in performance if (event := one.event))  # fmt: skip


def test_what_the_recogniser_takes_for_no_expression_is_no_event() -> None:
    class Refusing(FixedJudge):
        def judge(self, flow: Flow) -> Judgement:
            super().judge(flow)
            return Judgement("none", 0.8, np.float32([0.1, 0.05, 0.05, 0.8]))  # type: ignore[arg-type]

    made: list[Refusing] = []

    def refusing(name: str, runtime: RuntimeSettings) -> Refusing:
        made.append(Refusing(name, runtime))
        return made[0]

    reader = ExpressionStream(SETTINGS.expression, SETTINGS.spotting, SETTINGS.runtime, recogniser=refusing)
    source = PerformerSource("@positive/macro", SourceSettings())
    assert not any(reader.read(frame, ()).event for frame in source.frames() if frame is not None)
    assert made[0].flows, "it was asked"
    reader.close()


def test_a_face_that_leaves_is_gone_in_that_very_frame(picture: Image) -> None:
    reader = stream()
    empty = np.full_like(picture, 120)
    seen = shown([picture] * 60, reader)
    assert seen[-1].face is not None and seen[-1].reason is None
    gone = shown([empty] * 15, reader, 60)
    for one in gone:
        assert (one.face, one.shapes, one.label, one.intensity, one.event) == (None, {}, "none", 0.0, None)
        assert one.reason == NO_FACE and one.probabilities["none"] == 1.0
    back = shown([picture] * 60, reader, 75)
    assert back[0].face is None, "whoever comes next must stay for a moment"
    assert back[-1].face is not None and back[-1].face.track == 1
    reader.close()


def test_darkness_and_a_hand_end_the_reading_with_a_reason(picture: Image) -> None:
    reader = stream()
    shown([picture] * 60, reader)
    x, y, w, h = 352 / 640, 223 / 480, 0.14, 0.2
    hand = Hand(Box(x - w / 2, y - h / 3, w, h), 0.9, {"palm": 0.9, "no_gesture": 0.1})
    covered = reader.read(Frame(picture, 2.0, 60, 0.0), (hand,))
    assert covered.reason == HAND_ON_FACE and covered.shapes == {} and covered.face is not None
    assert covered.face.quality < SETTINGS.expression.min_quality and "covered" in covered.face.problems
    free = reader.read(Frame(picture, 2.03, 61, 0.0), ())
    assert free.reason is None and free.face is not None and free.face.track == covered.face.track
    dark = reader.read(Frame((picture * 0.12).astype(np.uint8), 2.06, 62, 0.0), ())
    assert dark.reason in ("face too dark", NO_FACE) and dark.label == "none"
    reader.close()


def test_others_are_ignored_while_the_user_is_there(picture: Image, landmarks: Landmarks) -> None:
    finder = DirectedFinder()
    small = landmarks * np.float32(0.6) + np.float32((0.02, 0.02, 0))
    finder.there = [small, landmarks]
    reader = stream(finder)
    faces = [one.face for one in shown([picture] * 90, reader)]
    assert faces[-1] is not None and np.array_equal(faces[-1].landmarks, landmarks)
    finder.there = [small]
    left = [one.face for one in shown([picture] * 30, reader, 90)]
    assert left[0] is None, "the user's track is not handed on to the other"
    assert left[-1] is not None and left[-1].track == 1
    reader.close()
    reader.close()
    assert finder.closed


def test_rest_is_learned_anew_for_another_face(picture: Image, landmarks: Landmarks) -> None:
    finder = DirectedFinder()
    finder.there = [landmarks]
    reader = stream(finder)
    assert shown([picture] * 60, reader)[-1].reason is None
    finder.there = []
    shown([picture] * 2, reader, 60)
    finder.there = [landmarks]
    reasons = [one.reason for one in shown([picture] * 30, reader, 62)]
    assert set(reasons) == {NO_FACE, NEW_FACE}


def test_a_frown_is_not_carried_over_a_gap(picture: Image, landmarks: Landmarks) -> None:
    finder = DirectedFinder()
    finder.there = [landmarks]
    reader = stream(finder)
    shown([picture] * 60, reader)
    assert reader._brows is not None
    reader._brows = replace(reader._brows, near=FULL, calm=0.0)  # as if the brows were together in the last frame
    after = shown([picture] * 20, reader, 80)
    assert all(one.shapes["frown"] < 0.1 for one in after if one.shapes)
    assert after[-1].shapes


def test_the_same_frames_give_the_same_readings(picture: Image, landmarks: Landmarks) -> None:
    readings = []
    for _ in range(2):
        finder = DirectedFinder()
        finder.there = [landmarks]
        reader = stream(finder)
        seen = shown([picture] * 50, reader)
        readings.append([(one.label, one.shapes, one.probabilities, one.reason) for one in seen])
        reader.close()
    assert readings[0] == readings[1]


def test_missing_weights_are_an_error_and_not_a_silent_gap(landmarks: Landmarks, picture: Image) -> None:
    def missing(name: str, runtime: RuntimeSettings) -> FixedJudge:
        raise WeightsError(f"models/ holds no weights named {name!r}", "git checkout models")

    finder = DirectedFinder()
    finder.there = [landmarks]
    reader = ExpressionStream(SETTINGS.expression, SETTINGS.spotting, SETTINGS.runtime, lambda: finder, missing)
    with pytest.raises(WeightsError):
        shown([picture], reader)
    reader.close()


def test_a_fault_while_loading_comes_out_at_the_first_reading(picture: Image) -> None:
    def broken() -> FaceFinder:
        raise DependencyError("mediapipe does not load", "pip install")

    reader = ExpressionStream(SETTINGS.expression, SETTINGS.spotting, SETTINGS.runtime, broken, FixedJudge)
    with pytest.raises(DependencyError):
        shown([picture], reader)
    reader.close()


def test_before_a_camera_nobody_waits_for_what_is_still_loading(picture: Image, landmarks: Landmarks) -> None:
    finder, loaded = DirectedFinder(), threading.Event()
    finder.there = [landmarks]

    def slow() -> FaceFinder:
        loaded.wait()
        return finder

    reader = ExpressionStream(SETTINGS.expression, SETTINGS.spotting, SETTINGS.runtime, slow, FixedJudge, wait=False)
    assert {one.reason for one in shown([picture] * 5, reader)} == {STARTING}
    loaded.set()
    while not reader._parts.ready:
        time.sleep(0.001)
    reasons = [one.reason for one in shown([picture] * 60, reader, 5)]
    assert STARTING not in reasons and reasons[-1] is None
    reader.close()


def test_pictures_of_any_size_are_taken(picture: Image) -> None:
    reader = stream()
    for size in ((1, 1), (2, 300), (300, 2), (1080, 1920)):
        image = np.asarray(cv2.resize(picture, size[::-1]), np.uint8)
        for one in shown([image[:, ::-1]] * 15, reader):
            assert one.face is None or (np.isfinite(one.face.landmarks).all() and 0 <= one.face.quality <= 1)
    reader.close()


def test_a_missing_mediapipe_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_mesh_module, "find_spec", lambda name: None)
    with pytest.raises(DependencyError, match="not installed"):
        stream()


@pytest.mark.parametrize("options", [["--no-expression"], ["--profile", "school"], ["--profile", "work"], []])
def test_without_expressions_no_face_code_runs_at_all(options: list[str], tmp_path: Path) -> None:
    arguments = ["--source", "performer:like", "--headless", "--player", "none", *options]
    script = (
        "import json, runpy, sys\n"
        f"reader = runpy.run_path({str(ROOT / 'tests' / 'fake_run.py')!r})['ScriptReader']\n"
        "import assistive.app, assistive.cli\n"
        "assistive.app.GestureStream = reader\n"
        f"status = assistive.cli.execute({arguments!r})\n"
        "loaded = [name for name in sys.modules if name.startswith(('mediapipe', 'assistive.expression'))]\n"
        "print(json.dumps([status, bool(loaded)]))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.stdout.strip() == f"[0, {'false' if options else 'true'}]", done.stderr


def test_labels_are_only_the_known_ones(performance: list[Reading]) -> None:
    assert {one.label for one in performance} <= {*EXPRESSIONS, "none"}
    assert all(sum(one.probabilities.values()) == pytest.approx(1) for one in performance)
