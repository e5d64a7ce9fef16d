import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistive.errors import SourceError
from assistive.synth.face_portraits import VALIDATION_GROUPS, portraits


def test_only_neutral_faces_are_read_and_no_generator_is_in_both_parts(toy_pack: Path, toy_finder: Any) -> None:
    train, validation, both = (portraits(toy_pack, part) for part in ("train", "validation", "all"))
    assert [face.name for face in train] == ["0.jpg", "3.jpg"]
    assert [face.name for face in validation] == ["1.jpg"]
    assert len(both) == 3
    assert all((face.group in VALIDATION_GROUPS) == (face in validation) for face in train + validation)
    assert train[0].image.shape == (256, 256, 3) and train[0].mesh.shape == (468, 2)


def test_meshes_are_looked_for_once(toy_pack: Path, toy_finder: Any, tmp_path: Path) -> None:
    cache = tmp_path / "deep" / "meshes.npz"
    first = portraits(toy_pack, "train", cache)
    assert toy_finder.calls == 3
    second = portraits(toy_pack, "train", cache)
    assert toy_finder.calls == 3
    assert all(np.array_equal(a.mesh, b.mesh) for a, b in zip(first, second, strict=True))
    assert [path.name for path in cache.parent.iterdir()] == ["meshes.npz"]


def test_meshes_of_other_portraits_are_not_believed(toy_pack: Path, toy_finder: Any, tmp_path: Path) -> None:
    cache, fewer = tmp_path / "meshes.npz", tmp_path / "fewer"
    portraits(toy_pack, "all", cache)
    shutil.copytree(toy_pack, fewer)
    table = (fewer / "neutral_faces.csv").read_text().splitlines()
    (fewer / "neutral_faces.csv").write_text("\n".join(table[:3]) + "\n")
    assert len(portraits(fewer, "all", cache)) == 2
    assert toy_finder.calls == 5


@pytest.mark.parametrize("name", ["neutral_faces.csv", "neutral_faces.tar"])
def test_a_missing_file_is_named(toy_pack: Path, tmp_path: Path, name: str) -> None:
    pack = tmp_path / "pack"
    shutil.copytree(toy_pack, pack)
    (pack / name).unlink()
    with pytest.raises(SourceError, match=name):
        portraits(pack)


def test_a_pack_without_neutral_faces_is_refused(toy_pack: Path, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    shutil.copytree(toy_pack, pack)
    (pack / "neutral_faces.csv").write_text("file,group,neutral\n0.jpg,flux,0\n")
    with pytest.raises(SourceError, match="no neutral portrait"):
        portraits(pack)
