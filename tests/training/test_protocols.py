from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistive.errors import AssistiveError, SourceError
from assistive.training.datasets.packed import MapSet
from assistive.training.protocols import PROTOCOLS, FoldLog, holdout, loso, measure, run_fold

Bed = Callable[..., MapSet]
HEADER = {"data": "0", "model": "nearest"}


@dataclass
class Nearest:
    """Takes the class of the most alike training clip, and remembers what it was shown."""

    shown: list[tuple[MapSet, int]] = field(default_factory=list)
    stop_after: int = 1000

    def fit(self, train: MapSet, seed: int) -> Nearest1:
        if len(self.shown) == self.stop_after:
            raise KeyboardInterrupt
        self.shown.append((train, seed))
        return Nearest1(train)


@dataclass
class Nearest1:
    train: MapSet
    settled: Mapping[str, Any] = field(default_factory=lambda: {"epochs": 7})

    def predict(self, maps: np.ndarray) -> np.ndarray:
        known, asked = (x.reshape(len(x), -1).astype(np.float32) for x in (self.train.maps, maps))
        return self.train.labels[((asked[:, None] - known[None]) ** 2).sum(2).argmin(1)]


def of(people: list[int]) -> MapSet:
    """Clips of these people, all alike."""
    maps = np.zeros((len(people), 28, 28, 3), np.uint8)
    return MapSet(maps, np.zeros(len(people), np.int64), tuple(f"a/{one}" for one in people), ("a",) * len(people))


several = st.lists(st.integers(0, 9), min_size=2, max_size=60).filter(lambda people: len(set(people)) > 1)


@given(several, st.integers(0, 5), st.sampled_from(["loso", "holdout"]))
def test_nobody_is_on_both_sides_and_every_clip_is_on_one(people: list[int], seed: int, protocol: str) -> None:
    maps = of(people)
    folds = PROTOCOLS[protocol](maps, seed)
    for fold in folds:
        assert sorted([*fold.train, *fold.test]) == list(range(len(people)))
        assert len(fold.train) and len(fold.test)
        assert not {maps.subjects[i] for i in fold.train} & {maps.subjects[i] for i in fold.test}
    if protocol == "loso":
        assert sorted(i for fold in folds for i in fold.test) == list(range(len(people)))
        assert len(folds) == len(set(people))


def test_the_holdout_has_its_share_and_another_seed_holds_out_others() -> None:
    maps = of([i // 5 for i in range(100)])
    first, again, other = (holdout(maps, seed)[0] for seed in (0, 0, 1))
    assert len(first.test) == 20
    assert first.test.tolist() == again.test.tolist() != other.test.tolist()


@pytest.mark.parametrize("split", [loso, holdout])
def test_no_split_without_people(split: Callable[[MapSet, int], Any]) -> None:
    with pytest.raises(SourceError, match="not known"):
        split(replace(of([1, 2]), subjects=("", "")), 0)
    with pytest.raises(SourceError, match="no split by subject"):
        split(of([3, 3]), 0)


def test_the_learner_never_sees_the_test_part(tmp_path: Path, flow_bed: Bed) -> None:
    maps, learner = flow_bed(5, 6, 0), Nearest()
    measure(maps, "loso", learner, [0, 1], FoldLog(tmp_path / "folds.jsonl", HEADER))
    assert len(learner.shown) == 10
    for (train, seed), (wanted_seed, name) in zip(
        learner.shown, [(seed, name) for seed in (0, 1) for name in sorted(set(maps.subjects))], strict=True
    ):
        assert seed == wanted_seed and set(train.subjects) == set(maps.subjects) - {name}


def test_every_clip_is_judged_once_and_counted_in_one_pool(tmp_path: Path, flow_bed: Bed) -> None:
    maps = flow_bed(6, 8, 0)
    result = measure(maps, "loso", Nearest(), [0], FoldLog(tmp_path / "folds.jsonl", HEADER))
    (figures,) = result["by_seed"].values()
    assert figures["clips"] == 48 and figures["subjects"] == 6
    assert result["uf1"] == figures["uf1"] and result["uf1_sd"] is None
    assert figures["uf1_ci95"][0] <= figures["uf1"] <= figures["uf1_ci95"][1]
    rows = [json.loads(line) for line in (tmp_path / "folds.jsonl").read_text().splitlines()]
    assert rows[0] == HEADER and [row["test"] for row in rows[1:]] == [8] * 6
    assert sum(row["right"] for row in rows[1:]) == sum(
        figures["confusion"][name][name] for name in figures["confusion"]
    )
    assert all(row["epochs"] == 7 and row["train"] == 40 for row in rows[1:])


def test_a_run_that_was_stopped_gives_the_same_result(tmp_path: Path, flow_bed: Bed) -> None:
    maps = flow_bed(5, 6, 0)
    whole = measure(maps, "loso", Nearest(), [0, 1], FoldLog(tmp_path / "whole.jsonl", HEADER))
    path, stopped = tmp_path / "folds.jsonl", Nearest(stop_after=7)
    with pytest.raises(KeyboardInterrupt):
        measure(maps, "loso", stopped, [0, 1], FoldLog(path, HEADER))
    with path.open("a") as file:
        file.write('{"seed": 1, "fold": "drawn/02", "cl')  # the power went while a line was written
    rest = Nearest()
    assert measure(maps, "loso", rest, [0, 1], FoldLog(path, HEADER)) == whole
    assert len(rest.shown) == 3
    assert path.read_text() == (tmp_path / "whole.jsonl").read_text()


def test_a_log_of_other_data_is_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "folds.jsonl"
    FoldLog(path, HEADER)
    FoldLog(path, dict(HEADER))
    with pytest.raises(AssistiveError, match="other data or another recipe"):
        FoldLog(path, HEADER | {"data": "1"})


@pytest.mark.parametrize("content", [b"hello\n", b"\xff\xfe\n", b'{}\n{"seed": 0}\n', b"{}\n[1]\n"])
def test_what_is_no_log_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "folds.jsonl"
    path.write_bytes(content)
    with pytest.raises(AssistiveError, match="is damaged, or no log") as error:
        FoldLog(path, {})
    assert len(str(error.value).splitlines()) == 2 and path.read_bytes() == content


def test_seeds_are_added_to_a_log(tmp_path: Path, flow_bed: Bed) -> None:
    maps, learner = flow_bed(4, 6, 0), Nearest()
    measure(maps, "holdout", Nearest(), [0], FoldLog(tmp_path / "folds.jsonl", HEADER))
    result = measure(maps, "holdout", learner, [0, 1, 2], FoldLog(tmp_path / "folds.jsonl", HEADER))
    assert [seed for _, seed in learner.shown] == [1, 2]
    assert result["uf1"] == pytest.approx(np.mean([one["uf1"] for one in result["by_seed"].values()]), abs=1e-4)
    assert result["uf1_sd"] is not None


def test_one_class_cannot_be_trained_on() -> None:
    maps = of([0, 1, 2])
    with pytest.raises(SourceError, match="only one class"):
        run_fold(maps, loso(maps, 0)[0], Nearest(), 0)
