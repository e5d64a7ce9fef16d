import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistive.errors import ConfigError
from assistive.synth.face_model import FaceModel
from assistive.synth.face_portraits import Portrait, portraits
from assistive.synth.faces import LABELS, ClipMaker, SceneSettings

ROOT = Path(__file__).resolve().parent.parent.parent
STILL = {"busy": 0.0, "harsh": 0.0, "covered": 0.0, "video": 0.0, "face_px": (60.0, 70.0)}


def maker(model: FaceModel, faces: list[Portrait], **scene: Any) -> ClipMaker:
    return ClipMaker(model, faces, SceneSettings(**STILL | scene))


def test_a_clip_is_the_same_for_the_same_seed_and_number(toy_model: FaceModel, toy_portraits: list[Portrait]) -> None:
    busy = {"busy": 1.0, "harsh": 1.0, "covered": 0.5, "video": 0.5}
    one, two = (maker(toy_model, toy_portraits, rate_hz=15, **busy) for _ in range(2))
    two.make(9, 0)  # what was made before does not matter
    for number in range(3):
        a, b = one.make(4, number), two.make(4, number)
        assert np.array_equal(a.frames, b.frames) and np.array_equal(a.flow, b.flow)
        assert a.describe() == b.describe()
    assert one.make(4, 0).describe() != one.make(5, 0).describe()


@pytest.mark.parametrize("label", LABELS)
def test_a_clip_is_whole(toy_model: FaceModel, toy_portraits: list[Portrait], label: str) -> None:
    clip = maker(toy_model, toy_portraits, rate_hz=20).make(1, 2, label)
    count, height, width, _ = clip.frames.shape
    assert clip.label == label and clip.frames.dtype == np.uint8
    assert clip.landmarks.shape == (count, 68, 2) and clip.flow.shape == (height, width, 2)
    assert height % 2 == width % 2 == 0
    if label == "none":
        assert clip.onset_s is clip.apex_s is clip.offset_s is None
        assert clip.units == {} and np.abs(clip.flow).max() < 1e-3
    else:
        assert clip.onset_s is not None and clip.apex_s is not None and clip.offset_s is not None
        assert 0 < clip.onset_s < clip.apex_s < clip.offset_s < count / 20
        assert np.abs(clip.flow).max() > 0.1


@pytest.mark.parametrize("rate_hz", [15, 30, 100])
def test_the_apex_is_where_the_label_says_at_any_rate(
    toy_model: FaceModel, toy_portraits: list[Portrait], rate_hz: float
) -> None:
    clip = maker(toy_model, toy_portraits, rate_hz=rate_hz).make(3, 0, "positive")
    assert clip.onset_s is not None and clip.apex_s is not None and clip.offset_s is not None
    moved = np.hypot(*(clip.landmarks - clip.landmarks[0]).transpose(2, 0, 1)).mean(1)
    assert abs(moved.argmax() / rate_hz - clip.apex_s) <= 0.5 / rate_hz + 0.01
    t_s = np.arange(len(moved)) / rate_hz
    assert np.abs(moved[(t_s < clip.onset_s) | (t_s > clip.offset_s)]).max() < 1e-3
    reference = maker(toy_model, toy_portraits, rate_hz=60).make(3, 0, "positive")
    assert (clip.onset_s, clip.apex_s, clip.offset_s) == (reference.onset_s, reference.apex_s, reference.offset_s)


def test_flow_and_landmarks_agree(toy_model: FaceModel, toy_portraits: list[Portrait]) -> None:
    clip = maker(toy_model, toy_portraits, rate_hz=200).make(6, 1, "positive")
    assert clip.onset_s is not None and clip.apex_s is not None
    onset, apex = (clip.landmarks[round(t_s * 200)] for t_s in (clip.onset_s, clip.apex_s))
    for mark in (48, 54):
        x, y = np.rint(onset[mark]).astype(int)
        assert clip.flow[y, x] == pytest.approx(apex[mark] - onset[mark], abs=0.25)


def test_what_a_hand_hides_does_not_move(toy_model: FaceModel, toy_portraits: list[Portrait]) -> None:
    covered = maker(toy_model, toy_portraits, rate_hz=15, covered=1.0, busy=1.0)
    clips = [covered.make(0, number, "positive") for number in range(8)]
    assert {clip.cover for clip in clips} == {"mask", "glasses", "hand"}
    hand = next(clip for clip in clips if clip.cover == "hand")
    bare = maker(toy_model, toy_portraits, rate_hz=15, busy=1.0)
    assert ((np.abs(hand.flow).sum(2) == 0).mean()) > 0.05
    assert bare.make(0, 0, "positive").cover is None


@pytest.mark.parametrize("rate_hz", [14.9, 201, 0, float("nan")])
def test_a_rate_out_of_bounds_is_refused(rate_hz: float) -> None:
    with pytest.raises(ConfigError, match="frames a second"):
        SceneSettings(rate_hz=rate_hz)


def test_a_saved_clip_is_read_again(toy_model: FaceModel, toy_portraits: list[Portrait], tmp_path: Path) -> None:
    clip = maker(toy_model, toy_portraits, rate_hz=15).make(2, 2)
    clip.save(tmp_path / "clip.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["clip.npz"]
    with np.load(tmp_path / "clip.npz") as saved:
        assert np.array_equal(saved["frames"], clip.frames) and np.array_equal(saved["flow"], clip.flow)
        about = json.loads(str(saved["about"]))
    assert about["frames"] == len(clip.frames) and about["size"] == [clip.frames.shape[2], clip.frames.shape[1]]
    assert about["seed"] == [2, 2] and about["label"] == clip.label


def run_script(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "make_faces.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env={**os.environ})


def test_the_script_makes_whole_clips_and_an_index(toy_pack: Path, toy_finder: Any, tmp_path: Path) -> None:
    faces = portraits(toy_pack, "train", tmp_path / "meshes.npz")  # known meshes: the script needs no MediaPipe
    words = ("--clips", "2", "--rate", "15", "--seed", "7", "--processes", "2", "--covered", "0")
    done = run_script(str(toy_pack), "--out", str(tmp_path), *words)
    assert done.returncode == 0, done.stderr
    names = ["clip_00000.npz", "clip_00001.npz"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [*names, "index.json", "meshes.npz"]
    index = json.loads((tmp_path / "index.json").read_text())
    assert [clip["file"] for clip in index["clips"]] == names
    scene = SceneSettings(rate_hz=15, covered=0)
    here = ClipMaker(FaceModel.load(toy_pack), faces, scene).make(7, 1)  # another process, another order
    with np.load(tmp_path / names[1]) as saved:
        assert np.array_equal(saved["frames"], here.frames)
    again = run_script(str(toy_pack), "--out", str(tmp_path), "--clips", "1")
    assert again.returncode == 2 and "holds clips already" in again.stderr


@pytest.mark.parametrize(("words", "said"), [
    (["--rate", "500"], "frames a second"), (["--clips", "0"], "start at 1"), (["--covered", "2"], "is a share"),
])  # fmt: skip
def test_the_script_says_what_is_wrong(toy_pack: Path, tmp_path: Path, words: list[str], said: str) -> None:
    done = run_script(str(toy_pack), "--out", str(tmp_path / "out"), *words)
    assert done.returncode == 2 and said in done.stderr and "try:" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_script_names_a_missing_pack(tmp_path: Path) -> None:
    done = run_script(str(tmp_path / "nowhere"), "--out", str(tmp_path / "out"))
    assert done.returncode == 2 and "ict_facekit.npz" in done.stderr
    assert not (tmp_path / "out").exists()
