"""A made-up face model and portraits of it: a dome of some thousand vertices that blinks, smiles, opens its mouth."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from assistive.synth.face_fit import EYES, MOUTH
from assistive.synth.face_model import FaceModel
from assistive.synth.face_portraits import MESH_OF_68, Portrait

PARTS = ("skin", "brow_R", "brow_L", "eyelid_R", "eyelid_L", "lips", "nose", "chin", "cheek_R", "cheek_L", "forehead",
         "sclera_L", "iris_L", "sclera_R", "iris_R", "pupil_L", "pupil_R")  # fmt: skip
COLUMNS, ROWS = 65, 81
SCALE, MIDDLE = 9.0, (128.0, 118.0)  # pixels per cm, and where the model's origin lies in a portrait
EYE_Y, MOUTH_Y = 3.25, -3.5


def dome(x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    return 12 - 0.06 * x**2 - 0.035 * y**2


def landmarks() -> NDArray[np.float64]:
    """Places of the 68 landmarks, cm, x to the person's left."""
    turn = np.radians(np.linspace(180, 360, 17))
    jaw = np.c_[7.2 * np.cos(turn), 2 + 9.5 * np.sin(turn)]
    brow = np.c_[np.linspace(-5, -1.5, 5), [5.0, 5.4, 5.6, 5.5, 5.2]]
    nose = np.array([[0, 3], [0, 1.8], [0, 0.8], [0, 0], [-1.3, -0.8], [-0.6, -1], [0, -1.1], [0.6, -1], [1.3, -0.8]])
    eye = np.array([[-4.4, 0], [-3.6, 0.7], [-2.6, 0.7], [-1.8, 0], [-2.6, -0.6], [-3.6, -0.6]])
    eye[:, 1] += EYE_Y
    mirrored = eye[[3, 2, 1, 0, 5, 4]] * (-1, 1)
    outer = [[-2.5, 0], [-1.5, 0.6], [-0.5, 0.9], [0, 0.8], [0.5, 0.9], [1.5, 0.6], [2.5, 0], [1.5, -0.8], [0.5, -1.1],
             [0, -1.1], [-0.5, -1.1], [-1.5, -0.8]]  # fmt: skip
    inner = [[-2, 0], [-0.7, 0.14], [0, 0.14], [0.7, 0.14], [2, 0], [0.7, -0.14], [0, -0.14], [-0.7, -0.14]]
    mouth = np.array([*outer, *inner])
    mouth[:, 1] += MOUTH_Y
    return np.concatenate([jaw, brow, brow[::-1] * (-1, 1), nose, eye, mirrored, mouth])


def near(x: NDArray[Any], y: NDArray[Any], at: tuple[float, float], wide: float, high: float) -> NDArray[Any]:
    return np.exp(-(((x - at[0]) / wide) ** 2) - ((y - at[1]) / high) ** 2)


def shapes(x: NDArray[Any], y: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
    """Displacements ``(n, 3)`` by name."""
    zero = np.zeros_like(x)
    made = {}
    for side, sign in (("L", 1), ("R", -1)):
        lid = near(x, y, (3.1 * sign, EYE_Y + 0.7), 1.6, 0.6) * (y > EYE_Y)
        made[f"eyeBlink_{side}"] = np.stack([zero, -1.2 * lid, zero], 1)
        corner = near(x, y, (2.5 * sign, MOUTH_Y), 1.3, 1.3)
        made[f"mouthSmile_{side}"] = np.stack([0.8 * sign * corner, 0.9 * corner, 0.2 * corner], 1)
        brow = near(x, y, (3 * sign, 5.4), 2.2, 1.2)
        made[f"browDown_{side}"] = np.stack([-0.1 * sign * brow, -0.4 * brow, zero], 1)
        made[f"browInnerUp_{side}"] = np.stack([zero, 0.7 * brow, zero], 1)
    lower = (y < MOUTH_Y) * np.clip(1 - (np.abs(x) / 5) ** 2, 0, 1) * np.clip((y + 10) / 3, 0, 1)
    made["jawOpen"] = np.stack([zero, -3.2 * lower - 0.1 * (y >= MOUTH_Y) * near(x, y, (0, MOUTH_Y), 2, 1), zero], 1)
    return {name: shape.astype(np.float32) for name, shape in made.items()}


def content() -> tuple[dict[str, NDArray[Any]], dict[str, Any], dict[str, Any]]:
    """What the three files of a face pack's model hold."""
    x, y = (part.ravel() for part in np.meshgrid(np.linspace(-8, 8, COLUMNS), np.linspace(9, -11, ROWS)))
    first = (np.arange(ROWS - 1)[:, None] * COLUMNS + np.arange(COLUMNS - 1)).ravel()
    triangles = [[first, first + COLUMNS, first + 1], [first + 1, first + COLUMNS, first + COLUMNS + 1]]
    tri = np.concatenate([np.stack(corners, 1) for corners in triangles])
    part = np.zeros(len(x), np.uint8)
    part[(np.abs(x) < 3) & (np.abs(y - MOUTH_Y) < 1.3)] = PARTS.index("lips")
    for name, sign in (("eyelid_L", 1), ("eyelid_R", -1)):
        part[(np.abs(x - 3.1 * sign) < 1.8) & (np.abs(y - EYE_Y) < 1.4)] = PARTS.index(name)
    moves = shapes(x, y)
    stack = np.stack(list(moves.values()))
    scale = np.abs(stack).max((1, 2)) / 30000
    phase = np.arange(60)[:, None]
    waves = np.sin(0.2 * x + phase), np.cos(0.15 * y + phase), np.sin(0.0125 * x * y + phase)
    modes = 0.1 * np.stack(waves, 2)
    marks = [int(((x - a) ** 2 + (y - b) ** 2).argmin()) for a, b in landmarks()]
    arrays = {
        "neutral": np.stack([x, y, dome(x, y)], 1).astype(np.float32), "tri": tri.astype(np.uint16),
        "uv": np.zeros((len(x), 2), np.float32), "region": np.zeros(len(x), np.uint8), "part": part,
        "part_names": np.array(PARTS), "landmarks68": np.array(marks, np.uint16),
        "expr_q": np.rint(stack / scale[:, None, None]).astype(np.int16), "expr_scale": scale.astype(np.float32),
        "expr_names": np.array(list(moves)), "id_q": np.rint(modes * 1e4).astype(np.int16),
        "id_scale": np.full(60, 1e-4, np.float32),
        "eye_centre_LR": np.array([[3.1, EYE_Y, 10], [-3.1, EYE_Y, 10]], np.float32),
    }  # fmt: skip
    units = {
        "1": {"sided": {"browInnerUp": 1.0}}, "4": {"sided": {"browDown": 1.0}}, "12": {"sided": {"mouthSmile": 1.0}},
        "26": {"central": {"jawOpen": 0.35}}, "45": {"sided": {"eyeBlink": 1.0}},
    }  # fmt: skip
    sets = {"negative": ["4"], "positive": ["12"], "surprise": ["1"]}
    by_class = {name: [{"aus": units_, "count": 5, "weight": 1.0}] for name, units_ in sets.items()}
    durations = {
        name: {
            "fps": fps,
            "onset_to_apex_s": {"p5": 0.07, "p25": 0.12, "p50": 0.16, "p75": 0.2, "p95": 0.31},
            "apex_to_offset_s": {"p5": 0.06, "p25": 0.14, "p50": 0.2, "p75": 0.26, "p95": 0.33},
        }
        for name, fps in (("fast", 200), ("mixed", "200/300"), ("slow", 30))
    }
    rules = {"happiness": [["12"]], "surprise": [["1"]], "anger": [["4"]]}
    return arrays, {"AU": units}, {"all": {"by_class": by_class}, "rules": rules, "durations_s": durations}


def portrait(name: str = "one.jpg", group: str = "flux", seed: int = 0) -> Portrait:
    """A textured face with dark eyes and pale pupils, where the neutral model would be."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:256, 0:256]
    image = np.full((256, 256, 3), 165.0)
    for sigma in (2, 5, 11):
        small = rng.normal(0, 14, (256 // sigma + 2, 256 // sigma + 2))
        image += np.kron(small, np.ones((sigma, sigma)))[:256, :256, None]
    for sign in (-1, 1):
        x, y = MIDDLE[0] + 3.1 * sign * SCALE, MIDDLE[1] - EYE_Y * SCALE
        image[((columns - x) / 11.5) ** 2 + ((rows - y) / 5.5) ** 2 < 1] = 25
        image[(columns - x) ** 2 + (rows - y) ** 2 < 9] = 150
    marks = landmarks()
    mesh = np.zeros((468, 2))
    mesh[:] = rng.uniform((-5.5, -6), (5.5, 6), (468, 2))
    mesh[list(MESH_OF_68)] = marks
    mesh[[454, 234]] = [(7.4, 2), (-7.4, 2)]
    turn = np.radians(np.linspace(180, -180, 17)[:16])
    for eye, sign in zip(EYES, (1, -1), strict=True):  # from the outer corner over the upper half
        mesh[list(eye)] = np.c_[sign * (1.3 * np.cos(turn) - 3.1), EYE_Y + 0.62 * np.sin(turn)]
    upper = np.c_[np.linspace(-2, 2, 11), MOUTH_Y + 0.14 * np.sin(np.linspace(0, np.pi, 11))]
    mesh[list(MOUTH[:11])] = upper
    mesh[list(MOUTH[11:])] = upper[9:0:-1] * (1, -1) + (0, 2 * MOUTH_Y)
    mesh = mesh * (SCALE, -SCALE) + MIDDLE
    return Portrait(name, group, np.clip(image, 0, 255).astype(np.uint8), mesh.astype(np.float32))


@pytest.fixture(scope="session")
def toy_model() -> FaceModel:
    return FaceModel(*content())


@pytest.fixture(scope="session")
def toy_portraits() -> list[Portrait]:
    return [portrait(f"{number}.jpg", "flux", number) for number in range(2)]


@pytest.fixture(scope="session")
def toy_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the face pack is: model, tables, and four portraits of two generators, one of them not neutral."""
    pack = tmp_path_factory.mktemp("pack")
    arrays, units, coded = content()
    np.savez(pack / "ict_facekit.npz", **arrays)
    (pack / "au_to_blendshape.json").write_text(json.dumps(units), encoding="utf-8")
    (pack / "au_by_emotion.json").write_text(json.dumps(coded), encoding="utf-8")
    rows = ["file,group,neutral"]
    with tarfile.open(pack / "neutral_faces.tar", "w") as archive:
        for number, (group, neutral) in enumerate((("flux", 1), ("sd3", 1), ("flux", 0), ("flux", 1))):
            rows.append(f"{number}.jpg,{group},{neutral}")
            _, data = cv2.imencode(".jpg", portrait(seed=number).image[..., ::-1])
            member = tarfile.TarInfo(f"{number}.jpg")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data.tobytes()))
    (pack / "neutral_faces.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return pack


class ToyFinder:
    """Finds the mesh where every made-up portrait has it."""

    calls = 0

    def find(self, image: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        ToyFinder.calls += 1
        return portrait().mesh if image.any() else None


@pytest.fixture
def toy_finder(monkeypatch: pytest.MonkeyPatch) -> type[ToyFinder]:
    """Put a stand-in in the place of MediaPipe."""
    ToyFinder.calls = 0
    monkeypatch.setattr("assistive.synth.face_portraits.MeshFinder", ToyFinder)
    return ToyFinder
