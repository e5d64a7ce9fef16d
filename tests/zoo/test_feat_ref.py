from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from assistive.training.datasets.clip_set import ClipSet  # noqa: E402
from assistive.training.datasets.motion_bed import BEDS, make_bed, read_bed, unseen  # noqa: E402
from assistive.training.systems import SystemLearner, outputs_of  # noqa: E402
from assistive.zoo.feat_ref import FeatRef, proposal_loss  # noqa: E402


def test_every_class_has_a_detector_that_answers_within_0_and_1() -> None:
    torch.manual_seed(0)
    network = FeatRef(5).eval()
    with torch.no_grad():
        out = network({"flow": 3 * torch.randn(6, 3, 28, 28)})
    assert out["detected"].shape == (6, 5)
    assert out["detected"].min() > 0 and out["detected"].max() < 1
    torch.testing.assert_close(out["detected"], out["proposed"].sigmoid())


def test_detectors_see_only_their_own_branch() -> None:
    torch.manual_seed(0)
    network = FeatRef(3).eval()
    network({"flow": torch.randn(2, 3, 28, 28)})["proposed"][:, 1].sum().backward()
    told = [any(p.grad.any() for p in branch.parameters() if p.grad is not None) for branch in network.branches]
    assert told == [False, True, False]


def test_strain_is_not_seen() -> None:
    network = FeatRef(3).eval()
    flow = torch.randn(2, 3, 28, 28)
    with torch.no_grad():
        one, other = (network({"flow": x})["logits"] for x in (flow, flow * torch.tensor([1.0, 1, 0]).view(3, 1, 1)))
    assert torch.equal(one, other)


def test_what_a_detector_is_to_find_weighs_as_much_as_all_that_it_is_not() -> None:
    label = torch.tensor([0] * 6 + [1] * 3 + [2])
    weight = len(label) / (3 * torch.bincount(label).float())
    batch = {"label": label, "class_weight": weight}
    undecided = torch.zeros(10, 3, requires_grad=True)
    loss = proposal_loss(undecided, batch)
    loss.backward()
    assert loss.item() == pytest.approx(np.log(2), abs=1e-5)
    torch.testing.assert_close(undecided.grad.sum(0), torch.zeros(3), atol=1e-6, rtol=0)
    right = 8.0 * (2 * torch.nn.functional.one_hot(label, 3) - 1)
    assert proposal_loss(right, batch).item() < 1e-3 < 3 < proposal_loss(-right, batch).item()


def test_a_class_that_is_absent_from_training_weighs_no_more_than_the_others() -> None:
    label = torch.tensor([0, 0, 1, 1])
    batch = {"label": label, "class_weight": torch.tensor([1.0, 1.0, 0.0])}
    assert proposal_loss(torch.zeros(4, 3), batch).item() == pytest.approx(np.log(2) * (1 + 1 + 0.5) / 3, abs=1e-5)


@pytest.fixture(scope="module")
def unknown() -> ClipSet:
    return make_bed(unseen(BEDS["quick"], 12, 8))


@pytest.mark.slow
def test_on_the_proposal_loss_alone_every_detector_finds_its_expression(unknown: ClipSet) -> None:
    learned = SystemLearner("feat_ref").train(
        read_bed("quick"), 0, loss=lambda out, batch: proposal_loss(out["proposed"], batch)
    )
    found = outputs_of(learned, unknown.inputs)["detected"]
    for k in range(3):
        assert area_under_curve(found[:, k], unknown.labels == k) > 0.95


@pytest.mark.slow
def test_without_a_branch_its_expression_is_lost_more_than_the_others(unknown: ClipSet) -> None:
    learned = SystemLearner("feat_ref").train(read_bed("quick"), 0)
    whole = recall(outputs_of(learned, unknown.inputs)["logits"], unknown.labels)
    for k, branch in enumerate(learned.branches):
        kept = {key: value.clone() for key, value in branch.refine.state_dict().items()}
        for parameter in branch.refine.parameters():
            torch.nn.init.zeros_(parameter)
        lost = whole - recall(outputs_of(learned, unknown.inputs)["logits"], unknown.labels)
        branch.refine.load_state_dict(kept)
        assert lost.argmax() == k and lost[k] > 0


def area_under_curve(score: NDArray[Any], truth: NDArray[np.bool_]) -> float:
    above = score[truth][:, None] - score[~truth][None]
    return float((above > 0).mean() + 0.5 * (above == 0).mean())


def recall(logits: NDArray[Any], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    guess = logits.argmax(1)
    return np.array([(guess[labels == k] == k).mean() for k in range(3)])
