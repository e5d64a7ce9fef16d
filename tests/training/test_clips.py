"""Clips, drawn and filmed, and what systems see of them."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
openpyxl = pytest.importorskip("openpyxl")

from assistive.errors import AssistiveError, ConfigError, SourceError  # noqa: E402
from assistive.expression.flow import optical_flow  # noqa: E402
from assistive.synth.motion_bed import BedSettings, MotionClip, draw_bed  # noqa: E402
from assistive.training.datasets import clip_set, inputs  # noqa: E402
from assistive.training.datasets.clip_set import ACTION_UNITS, ClipSet, join_clips  # noqa: E402
from assistive.training.datasets.clip_sources import load_clips  # noqa: E402
from assistive.training.datasets.mirror import MIRRORED_68, WAYS, mirrored  # noqa: E402
from assistive.training.datasets.motion_bed import BEDS, make_bed, read_bed, unseen  # noqa: E402
from assistive.training.fold_log import FoldLog  # noqa: E402
from assistive.training.pools import choose_pool  # noqa: E402
from assistive.training.protocols import PROTOCOLS, measure, shuffled  # noqa: E402
from assistive.training.systems import SystemLearner, batch_of, truth_of  # noqa: E402
from assistive.zoo.systems import Need, Recipe  # noqa: E402

SMALL = BedSettings(subjects=4, clips=4)


@pytest.fixture(scope="module")
def clips() -> list[MotionClip]:
    return draw_bed(BedSettings(subjects=6, clips=5, intensity_px=(0.8, 1.2)))


@pytest.fixture(scope="module")
def small() -> ClipSet:
    return make_bed(SMALL)


def test_the_same_settings_draw_the_same_clips_and_another_seed_draws_others(clips: list[MotionClip]) -> None:
    settings = BedSettings(subjects=6, clips=5, intensity_px=(0.8, 1.2))
    assert draw_bed(settings) == clips != draw_bed(replace(settings, seed=1))
    one, again = clips[3], draw_bed(settings)[3]
    np.testing.assert_array_equal(one.frames([0, one.apex], 48), again.frames([0, one.apex], 48))


def test_the_movement_starts_peaks_at_the_apex_and_ends(clips: list[MotionClip]) -> None:
    for clip in clips:
        course = [clip.course(frame) for frame in range(clip.length)]
        assert course[0] == 0 and course[-1] == pytest.approx(0, abs=1e-6)
        assert int(np.argmax(course)) == clip.apex and course[clip.apex] == 1
        still = replace(clip, blink=None, head_px=(0.0, 0.0))
        strongest = float(np.abs(still.field(clip.apex, 112)).max())
        assert 0.5 * clip.intensity_px < strongest < 1.5 * clip.intensity_px


@pytest.mark.parametrize(("label", "part", "down"), [("negative", "brow", 1), ("surprise", "brow", -1),
                                                     ("positive", "mouth", -1)])  # fmt: skip
def test_each_expression_moves_what_it_should(clips: list[MotionClip], label: str, part: str, down: int) -> None:
    for clip in (one for one in clips if one.label == label):
        x, y = (int(at * 112) for at in getattr(clip.face, part))
        still = replace(clip, blink=None, head_px=(0.0, 0.0))
        assert still.field(clip.apex, 112)[y, x, 1] * down > 0.3 * clip.intensity_px
        moved = still.landmarks([0, clip.apex], 112)
        assert np.abs(moved[1] - moved[0]).max() * 112 > 0.4 * clip.intensity_px


def test_the_frames_move_as_the_truth_says(clips: list[MotionClip]) -> None:
    """An optical flow of the frames is much nearer to the truth than no flow is."""
    wrong, moved = [], []
    for clip in clips[:12]:
        onset, apex = clip.frames([0, clip.apex], 112)[..., 0]
        truth = clip.field(clip.apex, 112) - clip.field(0, 112)
        wrong.append(np.abs(optical_flow(onset, apex) - truth).mean())
        moved.append(np.abs(truth).mean())
    assert np.mean(wrong) < 0.45 * np.mean(moved)


def test_people_look_different_and_like_themselves(clips: list[MotionClip]) -> None:
    onset = np.stack([clip.frames([0], 48)[0, ..., 0].astype(float) for clip in clips])
    people = np.array([clip.subject for clip in clips])
    apart = np.abs(onset[:, None] - onset[None]).mean((2, 3))
    same = people[:, None] == people[None]
    assert apart[same].max() < 0.4 * apart[~same].min()


@pytest.mark.parametrize("kind", ["mask", "glasses", "block"])
def test_a_cover_hides_the_frames_and_stills_the_flow(kind: str) -> None:
    settings = BedSettings(subjects=3, clips=3, covered=1.0, cover=kind, intensity_px=(1.0, 1.2))  # type: ignore[arg-type]
    for clip, bare in zip(draw_bed(settings), draw_bed(replace(settings, covered=0.0)), strict=True):
        hidden = clip.hidden(112) == 1
        assert clip.cover is not None and clip.cover.kind == kind and hidden.any()
        pixels = clip.frames([0], 112, colour=True)[0][hidden].astype(float)
        assert np.abs(pixels - clip.cover.colour).mean() < 4
        still = clip.flow(0, clip.apex, 112)[hidden]
        assert np.abs(still - clip.head(clip.apex)).max() < 1e-5
        assert (bare.hidden(112) == 0).all()
    if kind == "block":
        shares = [clip.hidden(112).mean() for clip in draw_bed(replace(settings, block_share=0.04))]
        assert np.mean(shares) == pytest.approx(0.04, rel=0.15)


def test_every_input_has_its_shape(small: ClipSet) -> None:
    shapes = {
        "frames": (4, 1, 32, 32), "onset": (1, 32, 32), "apex": (1, 32, 32), "flow": (3, 32, 32),
        "flow_map": (3, 32, 32), "flow_sequence": (4, 3, 32, 32), "puzzle": (3, 32, 32),
        "landmarks": (4, 68, 2), "regions": (7, 4), "cover": (1, 32, 32),
    }  # fmt: skip
    needs = [Need(key, 32, 4) for key in shapes]
    batch = batch_of(small.inputs, needs, np.array([3, 1]))
    assert {key: tuple(value.shape[1:]) for key, value in batch.items() if key in shapes} == shapes
    assert all(value.dtype == torch.float32 and len(value) == 2 for value in batch.values())
    for key in ("frames", "onset", "apex", "cover"):
        assert 0 <= batch[key].min() <= batch[key].max() <= 1
    assert batch_of(small.inputs, [Need("frames", 32, 4, colour=True)])["frames"].shape == (16, 4, 3, 32, 32)
    with pytest.raises(ConfigError, match="no input is named 'flwo'"):
        small.inputs.read(Need("flwo", 28))


def test_the_sequence_goes_from_the_onset_to_each_moment() -> None:
    quiet = make_bed(replace(SMALL, noise_px=0.0)).inputs
    sequence = quiet.read(Need("flow_sequence", 28, 5)).astype(np.float64)[:, :, :2]
    for fields, clip in zip(sequence, quiet, strict=True):
        for field, moment in zip(fields, inputs.moments(clip.length, 6)[1:], strict=True):
            true = clip.flow(0, moment, 28).transpose(2, 0, 1)
            np.testing.assert_allclose(field, true - np.median(true, (1, 2), keepdims=True), atol=5e-3)


def test_the_puzzle_shows_brows_above_and_mouth_below() -> None:
    made = make_bed(BedSettings(subjects=12, clips=3, noise_px=0.0, intensity_px=(1.0, 1.2)))
    strength = np.abs(made.inputs.read(Need("puzzle", 28)).astype(float))[:, :2].sum((1, 3))
    for label, clip in zip(made.labels, strength, strict=True):
        if label == 1:
            assert clip[14:].sum() > clip[:14].sum()
    negative = strength[made.labels == 0]
    assert negative[:, :14].sum() > negative[:, 14:].sum()


def test_a_mask_covers_the_mouth_and_leaves_the_eyes() -> None:
    made = make_bed(BedSettings(subjects=3, clips=2, covered=1.0, cover="mask")).inputs
    places = (made.read(Need("regions", 112)) * 112).round().astype(int)
    for hidden, boxes in zip(made.read(Need("cover", 112))[:, 0], places, strict=True):
        share = {name: hidden[top:bottom, left:right].mean()
                 for name, (left, top, right, bottom) in zip(inputs.REGIONS, boxes, strict=True)}  # fmt: skip
        assert share["right_mouth"] > 0.9 and share["left_mouth"] > 0.9
        assert share["right_eye"] < 0.05 and share["left_eye"] < 0.05


def test_inputs_are_made_once_shared_and_left_behind_when_pickled(
    small: ClipSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, asked = make_bed(SMALL), []
    monkeypatch.setattr(clip_set, "make", lambda clip, need: asked.append(need) or inputs.make(clip, need))  # type: ignore[func-returns-value]
    need = Need("flow", 28)
    part = made.take(np.array([2, 5]))
    first = part.inputs.read(need)
    np.testing.assert_array_equal(made.inputs.read(need)[[2, 5]], first)
    assert len(asked) == len(made)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(part)).inputs.read(need), first)
    assert len(asked) == len(made) + 2
    assert len(pickle.dumps(made)) < 200_000


def test_what_nobody_asks_for_any_more_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    made, asked, one, other = make_bed(SMALL), [], Need("flow", 28), Need("flow_map", 28)
    monkeypatch.setattr(clip_set, "make", lambda clip, need: asked.append(need) or inputs.make(clip, need))  # type: ignore[func-returns-value]
    made.inputs._kept.room = 20 * 3 * 28 * 28 * 2  # 20 of these maps
    for _ in range(3):  # a system that needs both keeps what fits, and takes nothing from itself
        made.inputs.read(one), made.inputs.read(other)
    assert (asked.count(one), asked.count(other)) == (16, 16 + 2 * 12)
    for _ in range(clip_set.STALE_READS):
        made.inputs.read(other)
    asked.clear()
    made.inputs.read(other)
    assert not asked
    made.inputs.read(one)
    made.inputs.read(one)
    assert len(asked) == 2 * 16 - 4


def test_what_is_known_goes_together(small: ClipSet) -> None:
    order = np.random.default_rng(0).permutation(len(small))
    other = small.relabelled(order)
    assert other.fingerprint() != small.fingerprint() == make_bed(SMALL).fingerprint()
    np.testing.assert_array_equal(other.units, small.units[order])
    np.testing.assert_array_equal(truth_of(other)["apex_at"].numpy(), small.apex_at[order])
    assert sorted(shuffled(small, 3).labels) == sorted(small.labels)
    smile = small.units[:, ACTION_UNITS.index(12)] == 1
    np.testing.assert_array_equal(smile, small.labels == 1)


def test_sets_are_joined_and_none_comes_twice(small: ClipSet) -> None:
    other = make_bed(replace(BEDS["other"], subjects=2, clips=2))
    both = join_clips([small, other])
    assert len(both) == 20 and set(both.datasets) == {"motion_bed", "motion_bed_other"}
    assert [len(fold.test) for fold in PROTOCOLS["cross"](both, 0)] == [16, 4]
    np.testing.assert_array_equal(both.inputs.read(Need("flow", 28))[16:], other.inputs.read(Need("flow", 28)))
    with pytest.raises(SourceError, match="given twice"):
        join_clips([small, small])
    with pytest.raises(SourceError, match="all clips are of motion_bed"):
        PROTOCOLS["cross"](small, 0)
    assert not set(make_bed(unseen(SMALL)).subjects) & set(small.subjects)
    with pytest.raises(SourceError, match="no condition"):
        read_bed("standart")
    faces = [{clip.face for clip in read_bed(name).inputs} for name in ("standard", "other")]
    assert faces[0] and not faces[0] & faces[1]


def test_mirrored_twice_is_as_before_and_landmarks_change_sides(small: ClipSet) -> None:
    needs = [Need(key, 28, 3) for key in WAYS]
    batch = batch_of(small.inputs, needs)
    for key, value in batch.items():
        torch.testing.assert_close(WAYS[key](WAYS[key](value)), value)
    points = batch["landmarks"]
    jaw = points[:, 0, :17]
    assert (jaw[:, 0, 0] < 0.2).all() and (WAYS["landmarks"](points)[:, 0, 0, 0] < 0.2).all()
    assert sorted(MIRRORED_68) == list(range(68))
    points = batch_of(small.inputs, [Need("landmarks", 224)])["landmarks"]
    near = (WAYS["landmarks"](points) - points).abs().max()
    assert near < 0.1  # the drawn faces are nearly symmetric: every landmark lies where its like lay
    made = mirrored(batch, torch.Generator().manual_seed(0))
    turned = {key: (made[key] != batch[key]).flatten(1).any(1) for key in ("flow", "puzzle", "apex")}
    assert 2 < turned["flow"].sum() < 14
    assert torch.equal(turned["flow"], turned["puzzle"]) and torch.equal(turned["flow"], turned["apex"])


def test_folds_in_other_processes_give_the_same_figures(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    made = make_bed(BedSettings(subjects=3, clips=6, intensity_px=(0.8, 1.2)))
    learner = SystemLearner("stst_net", Recipe(epochs=2, batch=8))
    logs = [FoldLog(tmp_path / f"{n}.jsonl", {}) for n in (1, 2)]
    one, two = (measure(made, "loso", learner, [0, 1], logs[n - 1], choose_pool(n)) for n in (1, 2))
    assert one == two
    rows = [sorted((tmp_path / f"{n}.jsonl").read_text().splitlines()) for n in (1, 2)]
    assert rows[0] == rows[1] and len(rows[0]) == 7


class SeesTheFace:
    """Takes the whole picture for a face, but sees none in a dark one."""

    name = "whole"

    def points(self, image: np.ndarray) -> np.ndarray | None:
        if image.mean() < 20:
            return None
        height, width = image.shape[:2]
        points = np.random.default_rng(0).uniform(0.2, 0.8, (468, 2)) * (width, height)
        for index, place in {33: (0.2, 0.3), 133: (0.35, 0.3), 362: (0.65, 0.3), 263: (0.8, 0.3), 234: (0.05, 0.5),
                             454: (0.95, 0.5), 105: (0.3, 0.2), 334: (0.7, 0.2), 152: (0.5, 0.95)}.items():  # fmt: skip
            points[index] = np.array(place) * (width, height)
        return points


def write_casme2(folder: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units",
                        "Estimated Emotion"])  # fmt: skip
    bed = [clip for clip in draw_bed(BedSettings(subjects=3, clips=6, intensity_px=(2, 3), noise_px=0)) if clip]
    emotion = {"negative": "disgust", "positive": "happiness", "surprise": "surprise"}
    for clip in bed:
        subject, name = int(clip.subject) + 1, f"EP{clip.number}"
        place = folder / "CASME2_RAW_selected" / f"sub{subject:02d}" / name
        place.mkdir(parents=True)
        numbers = [0, clip.apex // 2, clip.apex, clip.length - 1]
        for number, frame in zip(numbers, clip.frames(numbers, 128, colour=True), strict=True):
            cv2.imwrite(str(place / f"img{number + 10}.png"), frame[..., ::-1] if clip.number else frame * 0)
        book.active.append([subject, name, None, 10, clip.apex + 10, clip.length + 9, None, "4", emotion[clip.label]])
    book.save(folder / "CASME2-coding-20190701.xlsx")


def test_a_collection_feeds_the_same_systems(tmp_path: Path) -> None:
    write_casme2(tmp_path)
    made, lines = load_clips([("casme2", str(tmp_path))], "three", tmp_path / "cache", SeesTheFace)
    assert len(made) == 17 and "casme2: left out 1: no face found in the onset picture" in lines
    assert set(made.subjects) == {"casme2/sub01", "casme2/sub02", "casme2/sub03"}
    np.testing.assert_array_equal(made.units, np.tile(np.array(ACTION_UNITS) == 4, (17, 1)))
    clip = next(iter(made.inputs))
    assert (clip.length, clip.apex, clip.rate_hz) == (4, 2, 200.0)
    batch = batch_of(made.inputs, [Need("frames", 32, 4, colour=True), Need("flow", 28), Need("puzzle", 28),
                                   Need("landmarks", 28, 2), Need("regions", 28)])  # fmt: skip
    assert batch["frames"].shape == (17, 4, 3, 32, 32) and batch["flow"].abs().max() > 0.1
    kept = len(list((tmp_path / "cache").iterdir()))
    again, _ = load_clips([("casme2", str(tmp_path))], "three", tmp_path / "cache", SeesTheFace)
    np.testing.assert_array_equal(again.inputs.read(Need("flow", 28)), made.inputs.read(Need("flow", 28)))
    assert len(list((tmp_path / "cache").iterdir())) == kept and again.fingerprint() == made.fingerprint()
    learned = SystemLearner("dual_atme", Recipe(epochs=1, batch=8)).fit(made, 0)
    assert learned.predict(made.inputs).shape == (17,)


def test_filmed_clips_are_cut_out_finely_and_flow_is_measured_large(tmp_path: Path) -> None:
    write_casme2(tmp_path)
    made, _ = load_clips([("casme2", str(tmp_path))], "three", tmp_path / "cache", SeesTheFace)
    clip = next(iter(made.inputs))
    large, small = clip.flow(0, clip.apex, 112), clip.flow(0, clip.apex, 28)
    np.testing.assert_allclose(small, large.reshape(28, 4, 28, 4, 2).mean((1, 3)) / 4, atol=1e-5)
    folder = clip.pictures[0].parent
    stripes = np.uint8(np.arange(128 * 3) % 3 * 100)[None, :, None].repeat(128 * 3, 0).repeat(3, 2)
    for path in folder.iterdir():
        cv2.imwrite(str(path), stripes)
    for colour in (False, True):
        picture = clip.frames([1], 32, colour)[0].astype(float)
        assert np.abs(picture[2:-2, 2:-2] - 100).max() < 25  # a pixel is the mean of what lies in it


def test_workers_in_another_folder_find_the_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_casme2(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    made, lines = load_clips([("casme2", ".")], "three", Path("cache"), SeesTheFace)
    assert any(line.endswith(" from CASME2-coding-20190701.xlsx") for line in lines)
    sent = pickle.dumps(made.take(np.arange(2)))
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert pickle.loads(sent).inputs.read(Need("flow", 28)).shape == (2, 3, 28, 28)
    assert not list(Path().iterdir())


def test_landmarks_go_on_where_a_frame_shows_no_face(tmp_path: Path) -> None:
    write_casme2(tmp_path)
    made, _ = load_clips([("casme2", str(tmp_path))], "three", tmp_path / "cache", SeesTheFace)
    clip = next(iter(made.inputs))
    cv2.imwrite(str(clip.pictures[2]), np.zeros((128, 128, 3), np.uint8))
    shown = clip.landmarks([0, 1, 2, 3], 28)
    np.testing.assert_array_equal(shown[2], shown[1])


def test_an_unknown_name_is_told(tmp_path: Path) -> None:
    with pytest.raises(AssistiveError, match="no data set is named casme"):
        load_clips([("casme", ".")], "three", tmp_path)
    _, lines = load_clips([("motion_bed", "hard")], "three", tmp_path)
    assert lines == ["motion_bed: 480 clips of 60 drawn subjects, hard"]
