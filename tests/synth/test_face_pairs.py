import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistive.expression.flow import aligned, crop_matrix, optical_flow
from assistive.synth.face_model import FaceModel
from assistive.synth.face_pairs import ApexPair, PairMaker, Range
from assistive.synth.face_portraits import Portrait, landmarks68
from assistive.types import EXPRESSIONS, NO_EXPRESSION

QUIET = Range(head=0, beside=0, harsh=0)


@pytest.fixture(scope="module")
def maker(toy_model: FaceModel, toy_portraits: list[Portrait]) -> PairMaker:
    return PairMaker(toy_model, toy_portraits)


@pytest.fixture(scope="module")
def quiet(toy_model: FaceModel, toy_portraits: list[Portrait]) -> PairMaker:
    return PairMaker(toy_model, toy_portraits, QUIET)


@settings(max_examples=15)
@given(st.integers(0, 1000), st.sampled_from([*EXPRESSIONS, NO_EXPRESSION]))
def test_the_same_seed_makes_the_same_pair(maker: PairMaker, seed: int, label: str) -> None:
    one, two = (maker.make(np.random.default_rng(seed), label, flow=True) for _ in range(2))
    assert np.array_equal(one.onset, two.onset) and np.array_equal(one.apex, two.apex)
    assert one.units == two.units and one.label == label
    assert one.onset.shape == one.apex.shape and one.onset.dtype == one.apex.dtype == np.uint8
    assert one.flow is not None and one.flow.shape == (*one.onset.shape, 2)
    assert one.landmarks.shape == (68, 2)
    assert 119 < np.hypot(*(one.mesh[454] - one.mesh[234])) < 301


def test_different_seeds_differ_and_every_portrait_and_class_is_met(maker: PairMaker) -> None:
    rng = np.random.default_rng(0)
    pairs = [maker.make(rng) for _ in range(30)]
    assert {pair.label for pair in pairs} == set(EXPRESSIONS)
    assert {pair.identity for pair in pairs} == {"0.jpg", "1.jpg"}
    assert len({pair.onset.shape for pair in pairs}) > 20
    assert pairs[0].flow is None


def test_nothing_moves_without_a_movement(quiet: PairMaker) -> None:
    for seed in range(8):
        pair = quiet.make(np.random.default_rng(seed), NO_EXPRESSION, flow=True)
        assert pair.flow is not None and np.abs(pair.flow).max() < 1e-3
        assert pair.units == {} and pair.intensity == 0
        assert np.array_equal(pair.mesh, pair.apex_mesh)


@pytest.mark.parametrize(("label", "marks", "direction"), [
    ("positive", (48, 54), -1), ("negative", (19, 24), 1), ("surprise", (19, 24), -1),
])  # fmt: skip
def test_each_class_moves_its_part_of_the_face(
    quiet: PairMaker, label: str, marks: tuple[int, int], direction: int
) -> None:
    pair = quiet.make(np.random.default_rng(3), label, intensity=0.5)
    moved = landmarks68(pair.apex_mesh)[list(marks), 1] - pair.landmarks[list(marks), 1]
    assert (moved * direction > 0.5).all()


def measured(pair: ApexPair) -> float:
    """Correlation of the measured and the true movement in the aligned crop."""
    assert pair.flow is not None
    matrix = crop_matrix(pair.mesh)
    flow = optical_flow(aligned(pair.onset, matrix), aligned(pair.apex, matrix))
    rows, columns = np.mgrid[0:112, 0:112]
    back = np.linalg.inv(np.vstack([matrix, (0, 0, 1)]))
    where = np.rint(np.stack([columns, rows, np.ones_like(rows)], 2) @ back.T)[..., :2].astype(int)
    height, width = pair.onset.shape
    truth = pair.flow[where[..., 1].clip(0, height - 1), where[..., 0].clip(0, width - 1)] @ matrix[:, :2].T
    return float(np.corrcoef(flow.ravel(), truth.ravel())[0, 1])


@pytest.mark.parametrize("label", EXPRESSIONS)
def test_optical_flow_finds_the_true_movement(quiet: PairMaker, label: str) -> None:
    found = [measured(quiet.make(np.random.default_rng(seed), label, 0.5, flow=True)) for seed in range(4)]
    assert np.median(found) > 0.8


def test_stronger_is_farther(quiet: PairMaker) -> None:
    def extent(intensity: float) -> float:
        pair = quiet.make(np.random.default_rng(5), "positive", intensity)
        return float(np.abs(pair.apex_mesh - pair.mesh).max())

    assert extent(0.4) == pytest.approx(4 * extent(0.1), rel=0.02)
