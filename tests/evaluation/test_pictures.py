from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from assistive.errors import SourceError
from assistive.evaluation.pictures import find_pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("one/a.jpg", "one/b.jpg", "two/c.jpg", "two/deep/d.jpg"):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_text(name)
    return tmp_path / "set"


@pytest.fixture(params=["folder", "tar", "tar.gz"])
def store(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> Path:
    if request.param == "folder":
        return folder
    path = tmp_path / f"set.{request.param}"
    with tarfile.open(path, "w:gz" if request.param == "tar.gz" else "w") as tar:
        tar.add(folder, arcname="set")
    return path


def test_pictures_are_found_in_any_subfolder(store: Path) -> None:
    with find_pictures(store, ["d.jpg", "a.jpg"]) as found:
        texts = {name: path.read_text() for name, path in found.items()}
    assert texts == {"a.jpg": "one/a.jpg", "d.jpg": "two/deep/d.jpg"}


def test_a_missing_picture_is_named(store: Path) -> None:
    wanted = ["y.jpg", "x.jpg", "a.jpg"]
    with pytest.raises(SourceError, match=r"holds no x\.jpg and 1 more"), find_pictures(store, wanted):
        pass


def test_a_name_that_is_there_twice_is_refused(folder: Path) -> None:
    (folder / "two" / "a.jpg").write_text("another")
    with pytest.raises(SourceError, match=r"more than one a\.jpg"), find_pictures(folder, ["a.jpg"]):
        pass
    with find_pictures(folder, ["b.jpg"]) as found:
        assert list(found) == ["b.jpg"]


@pytest.mark.parametrize("content", [None, b"", b"not a tar at all", b"\x1f\x8b\x08broken"])
def test_what_is_no_tar_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "frames.tar"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=r"cannot read .*frames\.tar|holds no a\.jpg"), find_pictures(path, ["a.jpg"]):
        pass


def test_a_truncated_tar_is_an_error(folder: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.tar"
    with tarfile.open(whole, "w") as tar:
        tar.add(folder / "one" / "a.jpg", arcname="a.jpg")
    cut = tmp_path / "cut.tar"
    cut.write_bytes(whole.read_bytes()[:515])
    with pytest.raises(SourceError, match="cannot read"), find_pictures(cut, ["a.jpg"]):
        pass
