from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from assistive.evaluation.expression import uf1  # noqa: E402
from assistive.expression.flow import network_input, pack_map  # noqa: E402
from assistive.training.datasets.packed import MapSet  # noqa: E402
from assistive.training.expression import (  # noqa: E402
    FitRecipe,
    NetworkLearner,
    balance,
    fit,
    logits_of,
    mirror,
)
from assistive.training.pca_svm import PcaSvmLearner  # noqa: E402
from assistive.training.protocols import FoldLog, Learner, loso, measure, run_fold  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

Bed = Callable[..., MapSet]
SMALL = FitRecipe(batch=16)


def learner_of(model: str, epochs: int) -> Learner:
    if model == "pca_svm":
        pytest.importorskip("sklearn")
        return PcaSvmLearner()
    return NetworkLearner(model, epochs, SMALL)


def weights_of(network: torch.nn.Module) -> list[np.ndarray]:
    return [value.numpy() for value in network.state_dict().values()]


@pytest.mark.parametrize(("model", "epochs"), [("off_tanet", 20), ("mfe_net", 12), ("stst_net", 20), ("pca_svm", 0)])
def test_learns_expressions_of_people_it_has_not_seen(flow_bed: Bed, model: str, epochs: int) -> None:
    learned = learner_of(model, epochs).fit(flow_bed(20, 8, 0), 0)
    judged = flow_bed(15, 10, 1)
    assert uf1(judged.labels, learned.predict(judged.maps)) > 0.9


@pytest.mark.parametrize("model", ["stst_net", "pca_svm"])
def test_learns_nothing_from_shuffled_labels(tmp_path: Path, flow_bed: Bed, model: str) -> None:
    """The control that finds a leak: no fold may do better than chance."""
    maps = flow_bed(8, 12, 0)
    shuffled = replace(maps, labels=np.random.default_rng(3).permutation(maps.labels))
    log = FoldLog(tmp_path / "folds.jsonl", {})
    assert measure(shuffled, "loso", learner_of(model, 12), [0], log)["uf1"] < 0.45


@pytest.mark.parametrize("inner_share", [None, 0.3])
def test_the_test_fold_is_poisoned_and_nothing_notices(flow_bed: Bed, inner_share: float | None) -> None:
    """Other labels and other pixels in the test part leave every trained weight as it was."""
    maps = flow_bed(6, 8, 0)
    fold = loso(maps, 0)[2]
    labels, pixels = maps.labels.copy(), maps.maps.copy()
    labels[fold.test] = (labels[fold.test] + 1) % 3
    pixels[fold.test] = 255 - pixels[fold.test]
    poisoned = replace(maps, labels=labels, maps=pixels)
    learner = NetworkLearner("stst_net", 6, SMALL, inner_share)
    clean, dirty = (run_fold(one, fold, learner, 0) for one in (maps, poisoned))
    assert clean[1]["epochs"] == dirty[1]["epochs"]
    assert all((a == b).all() for a, b in zip(*(weights_of(one[0].network) for one in (clean, dirty)), strict=True))
    labels[fold.train] = (labels[fold.train] + 1) % 3
    other = run_fold(replace(maps, labels=labels), fold, learner, 0)
    assert any((a != b).any() for a, b in zip(*(weights_of(one[0].network) for one in (clean, other)), strict=True))


def test_the_machine_does_not_notice_either(flow_bed: Bed) -> None:
    pytest.importorskip("sklearn")
    maps = flow_bed(6, 8, 0)
    fold = loso(maps, 0)[2]
    pixels = maps.maps.copy()
    pixels[fold.test] = 255 - pixels[fold.test]
    judged = flow_bed(4, 5, 1).maps
    features = network_input(judged).reshape(len(judged), -1)
    scores = [
        run_fold(one, fold, PcaSvmLearner(), 0)[0].pipeline.decision_function(features)
        for one in (maps, replace(maps, maps=pixels))
    ]
    np.testing.assert_array_equal(*scores)


def test_the_inner_fold_chooses_the_number_of_epochs_and_nothing_else(flow_bed: Bed) -> None:
    maps = flow_bed(8, 10, 0)
    chosen = NetworkLearner("stst_net", 8, SMALL, 0.3).fit(maps, 0)
    assert 1 <= chosen.settled["epochs"] <= 8
    fixed = NetworkLearner("stst_net", chosen.settled["epochs"], SMALL).fit(maps, 0)
    assert all((a == b).all() for a, b in zip(weights_of(chosen.network), weights_of(fixed.network), strict=True))


def test_the_same_seed_gives_the_same_weights_and_leaves_the_rest_alone(flow_bed: Bed) -> None:
    maps = flow_bed(3, 8, 0)
    torch.manual_seed(11)
    wanted = torch.rand(3)
    torch.manual_seed(11)
    first, again, other = (fit("off_tanet", maps.maps, maps.labels, 2, seed, recipe=SMALL) for seed in (0, 0, 1))
    assert torch.equal(torch.rand(3), wanted)
    assert all((a == b).all() for a, b in zip(weights_of(first), weights_of(again), strict=True))
    assert any((a != b).any() for a, b in zip(weights_of(first), weights_of(other), strict=True))
    assert not first.training


def test_every_epoch_is_watched_and_the_number_of_classes_is_free(flow_bed: Bed) -> None:
    maps = flow_bed(3, 8, 0)
    seen: list[tuple[int, bool]] = []
    network = fit("stst_net", maps.maps, maps.labels, 3, 0, classes=4, recipe=SMALL,
                  watch=lambda epoch, one: seen.append((epoch, one.training)))  # fmt: skip
    assert seen == [(1, False), (2, False), (3, False)]
    assert logits_of(network, maps.maps).shape == (24, 4)


def test_classes_weigh_the_same_together() -> None:
    labels = np.array([0] * 6 + [1] * 3 + [3])
    weight = balance(labels, 4)
    assert weight[2] == 0
    assert [float(weight[kind] * (labels == kind).sum()) for kind in (0, 1, 3)] == pytest.approx([10 / 3] * 3)


def test_a_mirrored_map_is_the_map_of_the_mirrored_movement() -> None:
    rng = np.random.default_rng(0)
    flow = rng.normal(size=(28, 28, 2)).astype(np.float32)
    turned = np.ascontiguousarray(flow[:, ::-1] * np.float32([-1, 1]))
    one, other = (torch.from_numpy(network_input(pack_map(field)[None])) for field in (flow, turned))
    batch = one.repeat(64, 1, 1, 1)
    made = mirror(batch, torch.Generator().manual_seed(0))
    is_turned = (made != batch).flatten(1).any(1)
    assert 16 < is_turned.sum() < 48
    torch.testing.assert_close(made[is_turned], other.expand(int(is_turned.sum()), -1, -1, -1), atol=0.05, rtol=0)
