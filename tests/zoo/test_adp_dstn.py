from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from assistive.errors import SourceError  # noqa: E402
from assistive.evaluation.zoo import count_macs, count_parameters, one_clip  # noqa: E402
from assistive.synth.motion_bed import BedSettings  # noqa: E402
from assistive.training.action_units import ByRules, fit, logistic, with_typical_units  # noqa: E402
from assistive.training.datasets.clip_set import ACTION_UNITS, ClipSet  # noqa: E402
from assistive.training.datasets.motion_bed import BEDS, make_bed, read_bed, unseen  # noqa: E402
from assistive.training.systems import Fitted, SystemLearner, outputs_of  # noqa: E402
from assistive.types import EXPRESSIONS  # noqa: E402
from assistive.zoo.adp_dstn import UNITS, AdpDstn, by_rules, unit_loss  # noqa: E402
from assistive.zoo.blocks.dual_path import DualPath  # noqa: E402
from assistive.zoo.systems import Recipe  # noqa: E402

NEGATIVE, POSITIVE, SURPRISE = range(3)
FAST = SystemLearner("adp_dstn", Recipe(epochs=2, batch=8), {"side": 32})


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def clips() -> ClipSet:
    return make_bed(BedSettings(subjects=4, clips=4))


def rank_auc(scores: np.ndarray, truth: np.ndarray) -> float:
    """How often a clip in which it moved is scored above one in which it did not."""
    yes, no = scores[truth > 0], scores[truth == 0]
    return float((yes[:, None] > no).mean() + 0.5 * (yes[:, None] == no).mean())


def test_it_is_no_larger_than_the_paper_says() -> None:
    network = AdpDstn(3).eval()
    assert count_parameters(network) <= 6_400_000
    assert 2 * count_macs(network, one_clip(network.inputs)) <= 1.1e9


def test_its_units_are_the_first_columns_of_what_is_coded() -> None:
    assert ACTION_UNITS[: len(UNITS)] == UNITS


@pytest.mark.parametrize(("moved", "expected"), [
    ({12}, POSITIVE), ({6, 12}, POSITIVE), ({1, 2}, SURPRISE), ({1, 2, 5}, SURPRISE),
    *(({unit}, NEGATIVE) for unit in (4, 7, 9, 10, 14, 15, 17)), ({1, 4}, NEGATIVE), ({4, 15, 17}, NEGATIVE),
])  # fmt: skip
def test_rules(moved: set[int], expected: int) -> None:
    units = torch.tensor([[0.9 if unit in moved else 0.1 for unit in UNITS]])
    assert int(by_rules(units).argmax()) == expected


def test_one_brow_alone_is_no_surprise() -> None:
    units = torch.tensor([[0.9 if unit == 1 else 0.1 for unit in UNITS]])
    assert by_rules(units)[0, SURPRISE] < 0.5


def test_residual_channels_are_added_to_and_dense_ones_kept() -> None:
    opens = DualPath(8, 16, 4, stride=2, opens=True).eval()
    follows = DualPath(opens.channels, 16, 4).eval()
    x = opens(torch.randn(2, 8, 8, 8))
    assert x.shape == (2, 28, 4, 4)
    y = follows(x)
    assert y.shape == (2, follows.channels, 4, 4) == (2, 32, 4, 4)
    torch.testing.assert_close(y[:, 16:28], x[:, 16:])
    assert (y[:, :16] != x[:, :16]).any()


def test_a_detector_learns_from_its_own_unit_alone() -> None:
    network = AdpDstn(3, side=32)
    batch = {"apex": torch.rand(4, 1, 32, 32), "flow_sequence": torch.randn(4, 8, 3, 28, 28)}
    units = torch.zeros(4, 14)
    gradients = []
    for moved in (units, units.index_fill(1, torch.tensor([0]), 1.0)):  # unit 1
        network.zero_grad()
        torch.manual_seed(0)
        unit_loss(network(batch)["unit_scores"], moved, torch.ones(12)).backward()
        gradients.append([detector[1].weight.grad.clone() for detector in network.detectors])
    changed = [not torch.equal(one, other) for one, other in zip(*gradients, strict=True)]
    assert changed == [True] + [False] * 11


def test_logistic_regression_finds_the_line_and_gives_rare_classes_their_weight() -> None:
    x = torch.cat([torch.randn(90, 2) - torch.tensor([2.0, 0]), torch.randn(10, 2) + torch.tensor([2.0, 0])])
    labels = torch.tensor([0] * 90 + [1] * 10)
    weight, bias = logistic(x, labels, 2)
    assert weight[1, 0] > 3 * abs(weight[1, 1])
    boundary = -(bias[1] - bias[0]) / (weight[1, 0] - weight[0, 0])
    assert abs(boundary) < 0.7


def test_units_that_nobody_coded_become_those_of_the_class(clips: ClipSet) -> None:
    unknown = ClipSet(clips.inputs, clips.labels, clips.subjects, clips.datasets, np.full_like(clips.units, np.nan),
                      clips.apex_at, clips.names)  # fmt: skip
    units = with_typical_units(unknown).units
    assert not np.isnan(units).any()
    assert units[clips.labels == POSITIVE].any(0).nonzero()[0].tolist() == [ACTION_UNITS.index(12)]
    learned = fit(FAST, unknown, 0, None)
    assert learned.settled == {"epochs": 2, "units": "typical", "emotion": "logistic"}


def test_the_emotion_is_learned_from_people_whom_the_detectors_had_not_seen(clips: ClipSet) -> None:
    learned = fit(FAST, clips, 0, None)
    assert isinstance(learned, Fitted) and learned.settled["emotion"] == "logistic"
    out = learned.outputs(clips.inputs)
    network = learned.network
    assert isinstance(network, AdpDstn) and network.emotion_weight.abs().sum() > 0
    expected = out["units"] @ network.emotion_weight.numpy().T + network.emotion_bias.numpy()
    np.testing.assert_allclose(out["logits"], expected, atol=1e-5)
    again = fit(FAST, clips, 0, None)
    np.testing.assert_array_equal(again.predict(clips.inputs), learned.predict(clips.inputs))


def test_with_one_person_alone_rules_take_its_place(clips: ClipSet) -> None:
    alone = clips.take(np.flatnonzero(np.array(clips.subjects) == clips.subjects[0]))
    learned = fit(FAST, alone, 0, None)
    assert isinstance(learned, ByRules) and learned.settled["emotion"] == "rules"
    assert set(learned.predict(clips.inputs)) <= set(range(len(EXPRESSIONS)))
    other = ClipSet(alone.inputs, alone.labels, alone.subjects, alone.datasets, alone.units, alone.apex_at, alone.names,
                    ("disgust", "happiness", "others"))  # fmt: skip
    with pytest.raises(SourceError, match="of one person"):
        fit(FAST, other, 0, None)


@pytest.mark.slow
def test_the_detectors_know_a_few_clips_by_heart() -> None:
    """G4; the emotion is not learned from clips that the detectors know."""
    few = make_bed(BedSettings(subjects=4, clips=4, intensity_px=(0.8, 1.2)))
    learner = SystemLearner("adp_dstn", Recipe(epochs=20, batch=8, decay=0.0), {"side": 32}, mirror=False)
    said = outputs_of(learner.train(few, 0), few.inputs)["units"]
    moved = few.units[:, : len(UNITS)] == 1
    assert moved.any(0).sum() == 4 and ((said > 0.5) == moved).all()


@pytest.mark.slow
def test_every_unit_that_moves_is_ranked_well() -> None:
    learned = SystemLearner("adp_dstn").fit(read_bed(), 0)
    assert isinstance(learned, Fitted)
    judged = make_bed(unseen(BEDS["standard"]))
    said = learned.outputs(judged.inputs)["units"]
    moving = [i for i in range(len(UNITS)) if judged.units[:, i].any()]
    assert [UNITS[i] for i in moving] == [1, 2, 4, 12]
    assert all(rank_auc(said[:, i], judged.units[:, i]) > 0.9 for i in moving)
