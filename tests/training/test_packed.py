from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistive.errors import SourceError
from assistive.training.datasets.packed import MapSet, join, read_packed, write_packed


def arrays(**changed: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    known = {
        "x": rng.integers(0, 255, (4, 28, 28, 3), np.uint8), "y": np.array([0, 1, 2, 0]),
        "subject": np.array(["01", "01", "02", "02"]), "dataset": np.array(["a", "a", "a", "b"]),
    } | changed  # fmt: skip
    return {key: value for key, value in known.items() if value is not None}


def packed(path: Path, **changed: Any) -> Path:
    np.savez(path, **arrays(**changed))
    return path


def test_people_of_two_collections_are_never_the_same(tmp_path: Path) -> None:
    maps = read_packed(packed(tmp_path / "m.npz"))
    assert maps.subjects == ("a/01", "a/01", "a/02", "b/02") and maps.knows_people
    assert maps.labels.dtype == np.int64 and maps.side == 28


def test_numbers_and_bytes_are_names_too(tmp_path: Path) -> None:
    maps = read_packed(packed(tmp_path / "m.npz", subject=np.array([1, 1, 2, 3]), dataset=np.array([b"a"] * 4)))
    assert maps.subjects == ("a/1", "a/1", "a/2", "a/3")


def test_without_people_it_can_only_be_judged(tmp_path: Path) -> None:
    path = packed(tmp_path / "mine.npz", subject=None, dataset=None)
    with pytest.raises(SourceError, match="no array 'subject'"):
        read_packed(path)
    maps = read_packed(path, need_subjects=False)
    assert not maps.knows_people and set(maps.datasets) == {"mine"}


def test_written_and_read_again(tmp_path: Path, flow_bed: Callable[..., MapSet]) -> None:
    maps = flow_bed(3, 4, 0)
    write_packed(tmp_path / "m.npz", maps)
    again = read_packed(tmp_path / "m.npz")
    assert again.fingerprint() == maps.fingerprint()
    assert [path.name for path in tmp_path.iterdir()] == ["m.npz"]


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"x": np.zeros((4, 28, 28, 3), np.float32)}, "x is float32"),
        ({"x": np.zeros((4, 3, 28, 28), np.uint8)}, r"x is uint8 \(4, 3, 28, 28\)"),
        ({"x": np.zeros((4, 112, 112, 3), np.uint8)}, r"x is uint8 \(4, 112"),
        ({"x": np.zeros((0, 28, 28, 3), np.uint8), "y": np.zeros(0, int)}, "x holds no clip"),
        ({"x": None}, "no array 'x'"),
        ({"y": None}, "no array 'y'"),
        ({"y": np.array([0.0, 1.0, 2.0, 0.0])}, "y is float64"),
        ({"y": np.array([0, 1, 3, 0])}, "y holds values from 0 to 3"),
        ({"y": np.array([0, -1, 2, 0])}, "y holds values from -1"),
        ({"y": np.array([0, 1])}, r"y is \(2,\) beside 4 maps"),
        ({"subject": np.array(["1"])}, r"subject is \(1,\) beside 4"),
        ({"subject": np.array([0.5] * 4)}, "subject is float64"),
        ({"dataset": np.array(["a"] * 5)}, r"dataset is \(5,\)"),
        ({"subject": np.array(["1", 2, None, "3"], object)}, "Python objects"),
    ],
)
def test_what_does_not_fit_is_refused_in_two_lines(tmp_path: Path, changed: dict[str, Any], what: str) -> None:
    with pytest.raises(SourceError, match=what) as caught:
        read_packed(packed(tmp_path / "m.npz", **changed))
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("data", [b"", b"PK\3\4 not really", b"words"])
def test_another_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m.npz").write_bytes(data)
    with pytest.raises(SourceError, match="cannot read"):
        read_packed(tmp_path / "m.npz")


def test_a_missing_file_or_a_single_array(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        read_packed(tmp_path / "m.npz")
    np.save(tmp_path / "m.npy", np.zeros(3))
    with pytest.raises(SourceError, match="single array"):
        read_packed(tmp_path / "m.npy")


def test_sets_are_joined_but_none_twice(flow_bed: Callable[..., MapSet]) -> None:
    one, other = flow_bed(2, 3, 0, dataset="a"), flow_bed(3, 3, 1, dataset="b")
    both = join([one, other])
    assert len(both) == 15 and len(set(both.subjects)) == 5
    np.testing.assert_array_equal(both.maps[6:], other.maps)
    with pytest.raises(SourceError, match="given twice"):
        join([one, one])


def test_the_fingerprint_sees_every_change(flow_bed: Callable[..., MapSet]) -> None:
    maps = flow_bed(2, 3, 0)
    changed = flow_bed(2, 3, 0)
    assert changed.fingerprint() == maps.fingerprint()
    changed.maps[5, 27, 27, 2] ^= 1
    assert changed.fingerprint() != maps.fingerprint()
    assert maps.take(np.arange(5)).fingerprint() != maps.fingerprint()
