"""Spotting from pictures: the drawn performer's face through the real face mesh and real optical flow."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from assistive.expression.face_mesh import Landmarks, MediaPipeFinder
from assistive.expression.flow import optical_flow
from assistive.expression.motion import REGIONS, Motion, drop_anchor, measure, without_head
from assistive.expression.spotter import Clip, Spotter
from assistive.settings import SourceSettings, SpottingSettings
from assistive.sources.drawn_face import FacePose
from assistive.sources.performer import PerformerSource
from assistive.sources.person import draw_person
from assistive.types import Box, Face

Image = NDArray[np.uint8]
BROWS, MOUTH = [0, 1, 2, 3], [5, 6]


def moved(picture: Image, landmarks: Landmarks, image: Image) -> Motion:
    return measure(drop_anchor(1, 0.0, picture, landmarks), 0.1, image, landmarks)[0]


def sizes(motion: Motion) -> NDArray[np.float32]:
    return np.hypot(*motion.regions.T)


@pytest.mark.parametrize(
    ("right", "down", "degrees", "zoom"), [(3.3, -1.7, 0, 1), (0, 0, 2.5, 1), (0, 0, 0, 1.03), (-2, 4, -1.5, 0.98)]
)
def test_a_head_that_moves_as_a_whole_moves_no_part_of_the_face(
    picture: Image, landmarks: Landmarks, right: float, down: float, degrees: float, zoom: float
) -> None:
    matrix = cv2.getRotationMatrix2D((352.0, 180.0), degrees, zoom)
    matrix[:, 2] += right, down
    motion = moved(picture, landmarks, cv2.warpAffine(picture, matrix, (640, 480), borderMode=cv2.BORDER_REPLICATE))
    assert sizes(motion)[:7].max() < SpottingSettings().enter_motion
    assert np.linalg.norm(motion.head) > 0.008
    face_px = float(np.hypot(*((landmarks[234] - landmarks[454])[:2] * (640, 480))))
    if not degrees and zoom == 1:
        assert np.allclose(motion.head[:2] * face_px, (right, down), atol=0.4)


@pytest.mark.parametrize(
    ("pose", "parts", "way"),
    [
        (FacePose(brows_up=0.5), BROWS, (0, -1)),
        (FacePose(brows_down=0.5), [2, 3], (0, 1)),
        (FacePose(corners_up=0.5), MOUTH, (0, -1)),
    ],
    ids=["surprise", "negative", "positive"],
)
def test_each_movement_is_seen_where_it_is(landmarks: Landmarks, pose: FacePose, parts: list[int],
                                           way: tuple[int, int]) -> None:  # fmt: skip
    motion = moved(draw_person(0.0, FacePose()), landmarks, draw_person(0.0, pose))
    assert (motion.regions[parts] @ np.float32(way) > 0.007).all()
    others = [part for part in range(7) if part not in (*BROWS, *parts)] if parts != MOUTH else BROWS
    assert sizes(motion)[others].max() < 0.005


def test_neither_resolution_nor_light_matters(landmarks: Landmarks) -> None:
    rest, raised = draw_person(0.0, FacePose()), draw_person(0.0, FacePose(brows_up=0.6))
    full = moved(rest, landmarks, raised)
    half = moved(*(cv2.resize(rest, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA), landmarks),
                 cv2.resize(raised, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA))  # fmt: skip
    assert np.allclose(full.regions[BROWS], half.regions[BROWS], atol=0.005)
    bright = moved(rest, landmarks, np.clip(rest * 1.15, 0, 255).astype(np.uint8))
    assert bright.light > 1.08 and sizes(bright)[:7].max() < 0.005


def test_flow_is_freed_of_the_head(picture: Image, landmarks: Landmarks) -> None:
    matrix = np.array([[1.01, 0.01, -1.0], [-0.01, 1.01, 3.0]])
    anchor = drop_anchor(1, 0.0, picture, landmarks)
    _, crop = measure(anchor, 0.1, cv2.warpAffine(picture, matrix, (640, 480)), landmarks)
    flow = optical_flow(anchor.neutral, crop)
    left = without_head(flow, anchor)
    inside = (slice(20, 92), slice(20, 92))
    assert np.median(np.linalg.norm(left[inside], axis=-1)) < 0.3 * np.median(np.linalg.norm(flow[inside], axis=-1))


def play(finder: MediaPipeFinder, script: str, every: int = 1) -> tuple[PerformerSource, list[tuple[float, Clip]]]:
    """Spot in a performance; return what is true and what was reported, with the times of the reports."""
    source, spotter = PerformerSource(script, SourceSettings()), Spotter(SpottingSettings())
    clips: list[tuple[float, Clip]] = []
    box = Box(0.45, 0.2, 0.2, 0.35)
    for frame in source.frames():
        if frame is None or frame.index % every:
            continue
        found = finder.follow(frame.image, box)
        assert found is not None
        clip = spotter.step(frame.t_s, frame.image, Face(box, found, 0, 1.0))
        if clip is not None:
            clips.append((frame.t_s, clip))
    return source, clips


def test_each_expression_is_found_with_its_pictures(finder: MediaPipeFinder) -> None:
    source, clips = play(finder, "@surprise,@negative,@positive")
    truth = source.expressions()
    assert len(clips) == len(truth) == 3
    flows = []
    for one, (reported_s, clip) in zip(truth, clips, strict=True):
        assert clip.spotted.kind == "micro"
        assert clip.spotted.apex_s == pytest.approx(one.apex_s, abs=2 / 30)
        assert clip.spotted.onset_s == pytest.approx(one.start_s, abs=2.5 / 30)
        assert reported_s < one.end_s + 0.5
        assert clip.rate_hz == pytest.approx(30, abs=0.1)
        assert clip.onset.shape == clip.apex.shape == (112, 112) and clip.flow.shape == (112, 112, 2)
        flows.append(clip.flow)
    brows, mouth = (slice(8, 26), slice(16, 96)), (slice(66, 86), slice(20, 92))
    surprise, negative, positive = flows
    assert surprise[brows][..., 1].min() < -0.8 and np.abs(surprise[mouth]).max() < 0.8
    assert negative[brows][..., 1].max() > 0.8
    assert positive[mouth][..., 1].min() < -0.8


def test_speech_gaze_and_blinks_are_not_found(finder: MediaPipeFinder) -> None:
    assert play(finder, "@talk,one")[1] == []


def test_at_half_the_rate_nothing_is_micro(finder: MediaPipeFinder) -> None:
    _, clips = play(finder, "@surprise,@positive/macro", every=2)
    assert [clip.spotted.kind for _, clip in clips] == ["macro"]


def test_another_face_and_another_picture_size_begin_anew(picture: Image, landmarks: Landmarks) -> None:
    spotter, face = Spotter(SpottingSettings()), Face(Box(0, 0, 1, 1), landmarks, 0, 1.0)
    for index in range(10):
        spotter.step(index / 30, picture, face)
    assert len(spotter.state.samples) == 9
    spotter.step(10 / 30, picture, replace(face, track=1))
    assert spotter.state.samples == () and spotter.motion is None
    spotter.step(11 / 30, picture, replace(face, track=1))
    assert len(spotter.state.samples) == 1
    spotter.step(12 / 30, picture[::2, ::2].copy(), replace(face, track=1))
    assert spotter.state.samples == ()


def test_the_names_of_the_regions_fit_their_places(landmarks: Landmarks, picture: Image) -> None:
    anchor = drop_anchor(1, 0.0, picture, landmarks)
    assert len(REGIONS) == len(measure(anchor, 0.0, picture, landmarks)[0].regions)
