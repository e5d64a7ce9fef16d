from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from assistive.evaluation.expression import uf1  # noqa: E402
from assistive.synth.motion_bed import BedSettings  # noqa: E402
from assistive.training.datasets.clip_set import ClipSet, join_clips  # noqa: E402
from assistive.training.datasets.motion_bed import BEDS, make_bed, read_bed, unseen  # noqa: E402
from assistive.training.protocols import cross, run_fold  # noqa: E402
from assistive.training.systems import Fitted, SystemLearner  # noqa: E402
from assistive.zoo.astann import Astann  # noqa: E402
from assistive.zoo.blocks.discrepancy import discrepancy  # noqa: E402
from assistive.zoo.blocks.soft_attention import SoftAttention  # noqa: E402
from assistive.zoo.systems import Recipe  # noqa: E402

SMALL = {"steps": 4, "side": 16}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def test_the_discrepancy_is_0_of_the_same_sample_and_grows_with_a_shift() -> None:
    x = torch.randn(64, 8)
    assert discrepancy(x, x).item() == pytest.approx(0, abs=1e-6)
    found = [discrepancy(x, torch.randn(64, 8) + shift).item() for shift in (0.0, 0.5, 1.0, 2.0)]
    assert 0 <= found[0] < 0.05 and found == sorted(found) and found[3] > 0.5


def test_the_discrepancy_pulls_a_shifted_sample_back() -> None:
    x = torch.randn(64, 8)
    shift = torch.full((8,), 1.0, requires_grad=True)
    discrepancy(x, torch.randn(64, 8) + shift).backward()
    assert shift.grad is not None and (shift.grad > 0).all()


def test_equal_points_have_no_width_and_no_discrepancy() -> None:
    assert discrepancy(torch.ones(4, 3), torch.ones(4, 3)).item() == pytest.approx(0, abs=1e-6)


def test_attention_weighs_items_by_their_scores() -> None:
    attend = SoftAttention(2)
    with torch.no_grad():
        attend.score[-1].weight.copy_(torch.tensor([[1.0, 0.0]]))
    found, weights = attend(torch.tensor([[[0.0, 5.0], [30.0, 7.0], [0.0, 9.0]]]))
    torch.testing.assert_close(weights, torch.tensor([[0.0, 1.0, 0.0]]))
    torch.testing.assert_close(found, torch.tensor([[30.0, 7.0]]))


def test_the_target_is_let_in_slowly() -> None:
    network = Astann(3, **SMALL).train()
    flow = torch.randn(8, 4, 3, 16, 16)
    batch = {"flow_sequence": flow, "target_flow_sequence": 3 * flow + 1, "label": torch.arange(8) % 3,
             "class_weight": torch.ones(3)}  # fmt: skip
    out = network(batch)
    start, middle, end = (network.loss(out, {**batch, "progress": torch.tensor(x)}) for x in (0.0, 0.5, 1.0))
    del out["target_feature"]
    torch.testing.assert_close(start, network.loss(out, batch))
    assert start < middle < end
    assert "target_feature" not in Astann(3, alignment=0.0, **SMALL)(batch)


@pytest.fixture(scope="module")
def pair() -> ClipSet:
    """A few clips of one collection, and of another with half the movement and twice the noise."""
    settings = BedSettings(subjects=6, clips=4)
    return join_clips([make_bed(settings), make_bed(replace(settings, gain=0.5, noise_px=0.5, seed=1, dataset="b"))])


def test_other_labels_of_the_target_change_no_bit_of_training(pair: ClipSet) -> None:
    fold = next(fold for fold in cross(pair, 0) if fold.name == "b")
    order = np.arange(len(pair))
    order[fold.test] = np.random.default_rng(0).permutation(fold.test)
    swapped = pair.relabelled(order)
    assert (swapped.labels != pair.labels).any() and (swapped.labels[fold.train] == pair.labels[fold.train]).all()
    learner = SystemLearner("astann", Recipe(epochs=2, batch=8), SMALL)
    (one, _), (other, _) = (run_fold(clips, fold, learner, 0) for clips in (pair, swapped))
    assert isinstance(one, Fitted) and isinstance(other, Fitted)
    pairs = zip(one.network.state_dict().values(), other.network.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    alone = learner.train(pair.take(fold.train), 0)
    changed = [not torch.equal(a, b) for a, b in zip(one.network.parameters(), alone.parameters(), strict=True)]
    assert all(changed), "the target is not looked at"


@pytest.mark.slow
def test_alignment_does_not_harm_on_another_collection() -> None:
    source, target = read_bed("standard"), make_bed(unseen(BEDS["other"]))
    scores = {}
    for alignment in (0.0, 1.0):
        learner = SystemLearner("astann", options={"alignment": alignment, "side": 32})
        guesses = [learner.fit(source, seed, target.inputs).predict(target.inputs) for seed in range(3)]
        scores[alignment] = np.mean([uf1(target.labels, guess) for guess in guesses])
    assert scores[1.0] >= scores[0.0] - 0.01
