from pathlib import Path

import numpy as np
import pytest

from assistive.expression.recogniser import CLASSES
from assistive.synth.face_model import FaceModel
from assistive.synth.face_pairs import PairMaker, Range
from assistive.synth.face_portraits import Portrait
from assistive.synth.flow_maps import ALGORITHMS, make_maps
from assistive.training.expression_maps import Condition, make_pool

STILL = Range(head=0.0, beside=0.0, harsh=0.0, face_px=(140, 160))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_sees_brows_that_rise(
    toy_model: FaceModel, toy_portraits: list[Portrait], algorithm: str
) -> None:
    maker = PairMaker(toy_model, toy_portraits, STILL)
    rng = np.random.default_rng(0)
    pair = maker.make(rng, "surprise", intensity=0.9)
    v = np.mean([make_maps(pair, [algorithm], rng)[0][..., 1].astype(float) for _ in range(3)], 0)
    assert v[:8].min() < np.median(v) - 40  # v positive is down: brows that rise are dark, at the upper edge
    assert abs(np.median(v[18:]) - np.median(v)) < 40


def test_a_pool_is_the_same_however_it_is_made(toy_pack: Path, tmp_path: Path, toy_finder: type) -> None:
    condition = Condition("train", ("dis", "farneback"), STILL)
    first = make_pool(toy_pack, condition, 6, 1, tmp_path / "a" / "pool.npz", workers=1)
    again = make_pool(toy_pack, condition, 6, 1, tmp_path / "b" / "pool.npz", workers=2)
    assert (first.maps == again.maps).all() and (first.labels == again.labels).all()
    assert len(first.labels) == 12 and list(first.algorithm[:2]) == ["dis", "farneback"]
    assert set(first.identity) <= {"0.jpg", "3.jpg"}  # neutral portraits of the training part alone
    none = first.labels == CLASSES.index("none")
    assert (first.intensity[none] == 0).all() and (first.intensity[~none] > 0).all()
    other = make_pool(toy_pack, condition, 6, 2, tmp_path / "c" / "pool.npz", workers=1)
    assert not (first.maps == other.maps).all()


def test_a_pool_that_lies_there_is_read(toy_pack: Path, tmp_path: Path, toy_finder: type) -> None:
    file = tmp_path / "pool.npz"
    made = make_pool(toy_pack, Condition("train", ("dis",), STILL), 2, 1, file, workers=1)
    read = make_pool(tmp_path / "nowhere", Condition("train", ("dis",)), 2, 1, file)
    assert (read.maps == made.maps).all()
    assert len(read.only(read.labels == read.labels[0]).labels) >= 1
