from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from assistive.errors import SourceError  # noqa: E402
from assistive.evaluation.expression import uf1  # noqa: E402
from assistive.synth.motion_bed import BedSettings  # noqa: E402
from assistive.training.datasets.clip_set import ClipSet  # noqa: E402
from assistive.training.datasets.motion_bed import BEDS, make_bed, read_bed, unseen  # noqa: E402
from assistive.training.protocols import holdout, run_fold  # noqa: E402
from assistive.training.score_fusion import FusedNetworks, learn_fusion, scores_of  # noqa: E402
from assistive.training.systems import SystemLearner, outputs_of  # noqa: E402
from assistive.zoo.blocks.conv_lstm import ConvLstm  # noqa: E402
from assistive.zoo.convlstm_transformer import SYSTEM, ConvLstmTransformer  # noqa: E402
from assistive.zoo.systems import Recipe  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL: dict[str, Any] = {"side": 16, "hidden": 4, "steps": 4, "members": 2, "folds": 2}


@pytest.fixture(scope="module")
def clips() -> ClipSet:
    return make_bed(BedSettings(subjects=6, clips=4, intensity_px=(0.8, 1.2)))


def test_a_state_is_what_the_gates_let_in_and_keep() -> None:
    """Against the formulas, with maps of a single place."""
    layer = ConvLstm(1, 1)
    x = torch.randn(1, 3, 1, 1, 1)
    with torch.no_grad():
        found = layer(x).flatten()
        look, recall = layer.look.weight[:, 0, 1, 1], layer.recall.weight[:, 0, 1, 1]
        state = cell = torch.zeros(())
        for step in range(3):
            i, f, o, g = look * x[0, step].flatten() + layer.look.bias + recall * state
            cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
            state = torch.sigmoid(o) * torch.tanh(cell)
            torch.testing.assert_close(found[step], state)


def test_a_later_picture_changes_no_earlier_state() -> None:
    layer = ConvLstm(2, 3)
    x = torch.randn(2, 4, 2, 6, 6)
    other = x.clone()
    other[:, 2:] += 1
    with torch.no_grad():
        one, two = layer(x), layer(other)
    assert one.shape == (2, 4, 3, 6, 6)
    torch.testing.assert_close(one[:, :2], two[:, :2])
    assert (one[:, 2:] != two[:, 2:]).any()


def test_a_token_is_a_picture_and_their_order_counts() -> None:
    network = ConvLstmTransformer(3).eval()
    assert (network.embed.in_features, network.embed.out_features) == (2048, 128)
    small = ConvLstmTransformer(3, **SMALL).eval()
    frames = torch.rand(2, 4, 1, 16, 16)
    with torch.no_grad():
        assert (small({"frames": frames})["logits"] != small({"frames": frames[:, [0, 2, 1, 3]]})["logits"]).any()
        still = small({"frames": frames[:, :1].expand(-1, 4, -1, -1, -1)})["logits"]
    torch.testing.assert_close(still[0], still[1])  # nothing moves: nothing is seen of who it is


def test_it_learns_a_few_clips_by_heart(clips: ClipSet) -> None:
    """G4, of one network."""
    few = clips.take(np.arange(16))
    options = {**SYSTEM.quick.options, "steps": 6}
    network = SystemLearner(SYSTEM.name, Recipe(40, 8, decay=0.0), options, mirror=False).train(few, 0)
    assert (outputs_of(network, few.inputs)["logits"].argmax(1) == few.labels).all()


@pytest.mark.parametrize("fusion", ["weighted", "stacked"])
def test_a_poisoned_test_part_leaves_the_weights_as_they_are(clips: ClipSet, fusion: str) -> None:
    fold = holdout(clips, 1, 0.25)[0]
    order = np.arange(len(clips))
    order[fold.test] = fold.train[: len(fold.test)]
    poisoned = clips.relabelled(order)
    assert (poisoned.labels[fold.test] != clips.labels[fold.test]).any()
    learner = SystemLearner(SYSTEM.name, Recipe(epochs=2, batch=8), {**SMALL, "fusion": fusion})
    (one, row), (other, dirty) = (run_fold(part, fold, learner, 0) for part in (clips, poisoned))
    assert isinstance(one, FusedNetworks) and isinstance(other, FusedNetworks)
    np.testing.assert_array_equal(one.fusion.weights, other.fusion.weights)
    assert row["guess"] == dirty["guess"] and row["weights"] == dirty["weights"]
    assert len(one.networks) == 2 and one.fusion.rule == fusion
    assert "rate_increase" in row


def test_of_one_person_alone_no_weights_can_be_learned(clips: ClipSet) -> None:
    alone = clips.take(np.flatnonzero(np.array(clips.subjects) == clips.subjects[0]))
    with pytest.raises(SourceError, match="nobody can be left out"):
        SystemLearner(SYSTEM.name, Recipe(epochs=1, batch=8), SMALL).fit(alone, 0)


def test_other_labels_of_left_out_training_subjects_change_the_weights(clips: ClipSet) -> None:
    """What the test above asserts is no matter of course."""
    learner = SystemLearner(SYSTEM.name, Recipe(epochs=2, batch=8), {**SMALL, "fusion": "stacked"})
    turned = clips.relabelled(np.arange(len(clips))[::-1])
    one, other = learner.fit(clips, 0), learner.fit(turned, 0)
    assert one.settled["weights"] != other.settled["weights"]


@pytest.mark.slow
def test_three_networks_are_no_worse_than_one_on_the_average() -> None:
    train, judged = read_bed("quick"), make_bed(unseen(BEDS["quick"], 12, 8))
    recipe = SYSTEM.quick.recipe
    assert recipe is not None
    learner = SystemLearner(SYSTEM.name, replace(recipe, epochs=10), SYSTEM.quick.options)
    scores = scores_of([learner.train(train, seed) for seed in range(3)], judged.inputs)
    single = np.mean([uf1(judged.labels, one.argmax(1)) for one in scores])
    fused = learn_fusion("mean", scores, judged.labels).fuse(scores)
    assert uf1(judged.labels, fused.argmax(1)) >= single
