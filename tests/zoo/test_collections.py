"""Made-up CASME II, SAMM and SMIC, as the real ones are released, with the drawn person as everybody in them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
openpyxl = pytest.importorskip("openpyxl")

from assistive.sources.drawn_face import FacePose  # noqa: E402
from assistive.sources.person import draw_person  # noqa: E402
from assistive.training.datasets.clip_set import ACTION_UNITS, ClipSet  # noqa: E402
from assistive.training.datasets.clip_sources import load_clips  # noqa: E402
from assistive.training.fold_log import FoldLog  # noqa: E402
from assistive.training.protocols import measure  # noqa: E402
from assistive.training.systems import SystemLearner  # noqa: E402
from assistive.types import EXPRESSIONS  # noqa: E402
from assistive.zoo.systems import Recipe, build, systems  # noqa: E402

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "train_expression.py"
COLLECTIONS = ("casme2", "samm", "smic")
SUBJECTS, FRAMES, APEX = 3, 9, 4
SHOWN = ("negative", "positive", "surprise", "negative")
"""What each subject shows, clip by clip."""
POSES = {"negative": "brows_down", "positive": "corners_up", "surprise": "brows_up"}
CODES = {"negative": "4", "positive": "12", "surprise": "1+2"}


def pictures(collection: int, subject: int, label: str) -> Iterator[np.ndarray]:
    """The person shows an expression; each subject has light and skin of their own, and a head that drifts a little."""
    rng = np.random.default_rng([collection, subject])
    tint, strength = rng.uniform(0.7, 1.0, 3), rng.uniform(0.3, 0.6)
    for frame in range(FRAMES):
        rise = np.sin(np.pi / 2 * min(frame / APEX, (FRAMES - 1 - frame) / (FRAMES - 1 - APEX)))
        drawn = draw_person(0.0, FacePose(**{POSES[label]: float(strength * rise)})) * tint
        shift = np.float64([[1, 0, 0.1 * frame], [0, 1, 0.05 * frame]])
        moved = cv2.warpAffine(drawn.astype(np.uint8), shift, (640, 480), borderMode=cv2.BORDER_REPLICATE)
        yield cv2.cvtColor(moved, cv2.COLOR_RGB2BGR)


def write(folder: Path, collection: int, subject: int, label: str, names: Sequence[str], grey: bool = False) -> None:
    folder.mkdir(parents=True)
    for name, picture in zip(names, pictures(collection, subject, label), strict=True):
        pixels = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if grey else picture
        cv2.imwrite(str(folder / name), pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])


def write_casme2(root: Path) -> None:
    emotions = ("disgust", "happiness", "surprise", "repression")
    rows: list[list[Any]] = [["Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None,
                              "Action Units", "Estimated Emotion", "Objective Classes"]]  # fmt: skip
    for subject in range(1, SUBJECTS + 1):
        for take, (label, emotion) in enumerate(zip(SHOWN, emotions, strict=True)):
            name, first = f"EP{take:02d}_01f", 94  # over a hundred: the numbers are not padded
            write(root / "CASME2_RAW_selected" / f"sub{subject:02d}" / name, 0, subject, label,
                  [f"img{first + frame}.jpg" for frame in range(FRAMES)])  # fmt: skip
            rows.append([f"{subject:02d}", name, None, first, first + APEX, first + FRAMES - 1, None, CODES[label],
                         emotion, "I"])  # fmt: skip
    save(root / "CASME2-coding-20190701.xlsx", "Sheet1", rows)


def write_samm(root: Path) -> None:
    emotions = ("Anger", "Happiness", "Surprise", "Contempt")
    rows: list[list[Any]] = [[f"line {line} of the legend"] for line in range(13)]
    rows.append(["Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration",
                 "Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes"])  # fmt: skip
    for subject in range(6, 6 + SUBJECTS):
        for take, (label, emotion) in enumerate(zip(SHOWN, emotions, strict=True)):
            name, first = f"{subject:03d}_{take}_1", 995
            write(root / "SAMM" / f"{subject:03d}" / name, 1, subject, label,
                  [f"{subject:03d}_{first + frame:05d}.jpg" for frame in range(FRAMES)], grey=True)  # fmt: skip
            codes = "+".join(f"{unit}A" for unit in CODES[label].split("+"))
            rows.append([subject, name, 1, first, first + APEX, first + FRAMES - 1, FRAMES, "1/2", codes, emotion,
                         "I", None])  # fmt: skip
    save(root / "SAMM_Micro_FACS_Codes_v2.xlsx", "MICRO_ONLY", rows)


def write_smic(root: Path) -> None:
    short = {"negative": "ne", "positive": "po", "surprise": "sur"}
    for subject in (1, 2, 11):
        for take, label in enumerate(SHOWN):
            name = f"s{subject}_{short[label]}_{take:02d}"
            write(root / "HS" / f"s{subject:02d}" / "micro" / label / name, 2, subject, label,
                  [f"image{90820 + frame:06d}.jpg" for frame in range(FRAMES)])  # fmt: skip


def save(path: Path, page: str, rows: Sequence[Sequence[Any]]) -> None:
    book = openpyxl.Workbook()
    book.active.title = page
    for row in rows:
        book.active.append(list(row))
    book.save(path)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three collections and a folder for what is computed of them."""
    made = tmp_path_factory.mktemp("collections")
    for name, fill in zip(COLLECTIONS, (write_casme2, write_samm, write_smic), strict=True):
        (made / name).mkdir()
        fill(made / name)
    return made


@pytest.fixture(scope="module")
def clips(root: Path) -> ClipSet:
    made, lines = load_clips([(name, str(root / name)) for name in COLLECTIONS], "three", root / "cache")
    assert [line for line in lines if "left out" in line or "mended" in line] == []
    return made


def test_they_are_read_whole(clips: ClipSet) -> None:
    assert len(clips) == 36 and len(set(clips.subjects)) == 9
    assert [clips.classes[label] for label in clips.labels[:4]] == list(SHOWN)
    assert clips.classes == EXPRESSIONS and {clip.length for clip in clips.inputs} == {FRAMES}
    np.testing.assert_array_equal(clips.apex_at[:24], np.float32(APEX / (FRAMES - 1)))
    assert np.isnan(clips.apex_at[24:]).all()  # SMIC has none: its middle picture stands in for the flow alone
    smile = clips.units[:, ACTION_UNITS.index(12)]
    np.testing.assert_array_equal(smile[:24], clips.labels[:24] == 1)
    assert np.isnan(clips.units[24:]).all() and not np.isnan(clips.units[:24]).any()


def test_a_clip_without_an_apex_teaches_nothing_about_apexes() -> None:
    network = build("apex_spotter", 3)
    out = {"scores": torch.rand(3, 5), "moments": torch.linspace(0.2, 1, 5).expand(3, 5)}
    known = torch.tensor([True, False, True])
    apex_at = torch.tensor([0.5, torch.nan, 0.2])
    all_three = network.loss(out, {"apex_at": apex_at})
    torch.testing.assert_close(
        all_three, network.loss({key: value[known] for key, value in out.items()}, {"apex_at": apex_at[known]})
    )
    assert network.loss(out, {"apex_at": torch.full((3,), torch.nan)}) == 0
    scores = out["scores"].requires_grad_()
    network.loss(out, {"apex_at": apex_at}).backward()
    assert scores.grad is not None and scores.grad.any(1).tolist() == known.tolist()
    assert torch.isfinite(scores.grad).all()


@pytest.mark.parametrize(("protocol", "folds"), [("holdout", 1), ("cross", 3)])
def test_a_system_is_trained_on_all_three_and_goes_on_from_its_log(
    clips: ClipSet, tmp_path: Path, protocol: str, folds: int
) -> None:
    learner, path = SystemLearner("stst_net", Recipe(epochs=12, batch=8)), tmp_path / "folds.jsonl"
    result = measure(clips, protocol, learner, [0], FoldLog(path, {}))
    assert result["pooled"]["uf1"] > 0.6  # the drawn person moves clearly, and the same way in all three
    if protocol == "cross":
        assert set(result["pooled"]["by_dataset"]) == set(COLLECTIONS) and result["pooled"]["clips"] == len(clips)
    before = path.read_bytes()
    assert len(before.splitlines()) == 1 + folds
    assert measure(clips, protocol, learner, [0], FoldLog(path, {})) == result and path.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["holdout", "cross"])
def test_every_system_goes_through_the_command(root: Path, tmp_path: Path, protocol: str) -> None:
    data = [word for name in COLLECTIONS for word in ("--data", name, str(root / name))]
    command = [sys.executable, str(SCRIPT), *data, "--model", "all", "--protocol", protocol, "--quick", "--epochs", "1",
               "--workers", "1", "--cache", str(root / "cache"), "--out", str(tmp_path)]  # fmt: skip
    names = [system.name for system in systems() if system.task == "classes"]
    logs = []
    for _ in range(2):
        done = subprocess.run(command, cwd=SCRIPT.parents[1], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        logs.append({name: (tmp_path / name / "folds.jsonl").read_text() for name in names})
    assert logs[0] == logs[1]
    for name in names:
        header, *rows = (json.loads(line) for line in logs[0][name].splitlines())
        assert header["model"] == name and len(rows) == (3 if protocol == "cross" else 1)
        assert all(len(row["guess"]) == row["test"] and set(row["guess"]) <= {0, 1, 2} for row in rows)
        pooled = json.loads((tmp_path / name / "result.json").read_text())["pooled"]
        assert 0 <= pooled["uf1_ci95"][0] <= pooled["uf1"] <= pooled["uf1_ci95"][1] <= 1
        assert pooled["clips"] == sum(row["test"] for row in rows)
