from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from assistive.evaluation.expression import uf1  # noqa: E402
from assistive.expression.flow import strain  # noqa: E402
from assistive.synth.motion_bed import BedSettings  # noqa: E402
from assistive.training.datasets.clip_set import ClipSet  # noqa: E402
from assistive.training.datasets.motion_bed import BEDS, make_bed, read_bed, unseen  # noqa: E402
from assistive.training.systems import SystemLearner, batch_of, outputs_of  # noqa: E402
from assistive.zoo.blocks.occlusion import KINDS, block, glasses, hide, mask  # noqa: E402
from assistive.zoo.blocks.regions import SeenPooling, cut  # noqa: E402
from assistive.zoo.blocks.relations import Affinity, GraphConvolution  # noqa: E402
from assistive.zoo.rrrn import CLEAR_TO, HIDDEN_FROM, SYSTEM, Rrrn, covered, rank_loss  # noqa: E402
from assistive.zoo.systems import Batch, SystemNetwork  # noqa: E402

SIDE = 112
EYES, MOUTH = range(36, 48), range(48, 68)


@pytest.fixture(scope="module")
def seen() -> Batch:
    bed = make_bed(BedSettings(subjects=12, clips=1))
    return batch_of(bed.inputs, Rrrn(3).inputs)


def at(hidden: Tensor, landmarks: Tensor, points: range) -> Tensor:
    """Return what is hidden of landmarks, ``(n, points)``."""
    column, row = (landmarks[:, list(points)] * SIDE).long().clamp(0, SIDE - 1).unbind(2)
    return hidden[torch.arange(len(hidden))[:, None], 0, row, column]


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_hides_a_face_is_drawn_anew_and_hides_all_or_nothing_of_a_pixel(kind: str, seen: Batch) -> None:
    marks = seen["landmarks"][:, 0]
    torch.manual_seed(0)
    one, other = KINDS[kind](marks, SIDE), KINDS[kind](marks, SIDE)
    assert one.shape == (12, 1, SIDE, SIDE) and set(one.unique().tolist()) == {0.0, 1.0}
    assert (one.mean((1, 2, 3)) > 0.02).all() and (one.mean((1, 2, 3)) < 0.6).all()
    assert not torch.equal(one, other)


def test_a_mask_hides_the_mouth_and_no_eye_and_glasses_no_mouth(seen: Batch) -> None:
    torch.manual_seed(0)
    marks = seen["landmarks"][:, 0]
    worn = mask(marks, SIDE)
    assert at(worn, marks, MOUTH).all() and not at(worn, marks, EYES).any()
    worn = glasses(marks, SIDE)
    assert not at(worn, marks, MOUTH).any()
    assert at(worn, marks, range(27, 28)).any()  # the bridge of the glasses lies near that of the nose


def test_a_block_has_its_share_of_the_box_of_the_face(seen: Batch) -> None:
    torch.manual_seed(0)
    marks = 0.25 + 0.5 * seen["landmarks"][:, 0]  # the crop has room for the block on all sides
    box = (marks.amax(1) - marks.amin(1)).prod(1)
    share = block(marks, SIDE, (0.25, 0.25)).mean((1, 2, 3)) / box
    torch.testing.assert_close(share, torch.full((12,), 0.25), atol=0.02, rtol=0)


def test_as_many_clips_are_hidden_as_asked_for(seen: Batch) -> None:
    torch.manual_seed(0)
    marks = seen["landmarks"][:1, 0].expand(400, -1, -1)
    hidden = hide(marks, 28, 0.5).flatten(1).any(1).float().mean().item()
    assert 0.43 < hidden < 0.57
    assert not hide(marks, 28, 0.0).any()


def test_what_is_hidden_stands_still_and_its_edge_is_strained(seen: Batch) -> None:
    torch.manual_seed(0)
    flow, hidden = seen["flow"], block(seen["landmarks"][:, 0], SIDE, (0.25, 0.25))
    hidden[0] = 0
    found = covered(flow, hidden)
    assert torch.equal(found[0], flow[0])
    assert not (found[:, :2] * hidden).any()
    for one in found[1:].numpy():
        np.testing.assert_allclose(one[2], strain(one[:2].transpose(1, 2, 0)), atol=1e-5)


def test_a_region_is_cut_out_where_it_lies() -> None:
    across = torch.arange(16).float().expand(16, 16)
    maps = torch.stack([across, across.T])[None]
    boxes = torch.tensor([[[0.0, 0, 1, 1], [0.5, 0.25, 0.75, 0.5]]])
    whole, part = cut(maps, boxes, 16)[0]
    torch.testing.assert_close(whole, maps[0], atol=1e-4, rtol=0)
    torch.testing.assert_close(part[0].mean((0, 1)), torch.tensor(9.5), atol=1e-3, rtol=0)
    torch.testing.assert_close(part[1].mean((0, 1)), torch.tensor(5.5), atol=1e-3, rtol=0)


def test_a_graph_of_equal_parts_is_even_and_gathers_their_mean() -> None:
    torch.manual_seed(0)
    parts = torch.randn(2, 7, 64)
    everyone = torch.ones(2, 7, 1)
    graph = Affinity(64)(parts, everyone)
    torch.testing.assert_close(graph.sum(2), torch.ones(2, 7))
    even = Affinity(64)(parts[:, :1].expand(-1, 7, -1), everyone)
    torch.testing.assert_close(even, torch.full((2, 7, 7), 1 / 7))
    layer = GraphConvolution(64)
    expected = parts + torch.relu(layer.map(parts.mean(1, keepdim=True)))
    torch.testing.assert_close(layer(parts, even), expected)


def test_a_graph_listens_to_each_part_as_far_as_its_gate_is_open() -> None:
    torch.manual_seed(0)
    parts, gates = torch.randn(2, 7, 64), torch.ones(2, 7, 1)
    gates[0, 2] = 0.25
    affinity = Affinity(64)
    whole, gated = affinity(parts, torch.ones(2, 7, 1)), affinity(parts, gates)
    torch.testing.assert_close(gated.sum(2), torch.ones(2, 7))
    torch.testing.assert_close(gated[0, :, 2] / gated[0, :, 3], whole[0, :, 2] / whole[0, :, 3] / 4)
    torch.testing.assert_close(gated[1], whole[1])


def test_pooling_what_is_seen_does_not_make_a_half_hidden_movement_weaker() -> None:
    pool = SeenPooling(2)
    with torch.no_grad():
        pool.look.weight.copy_(torch.tensor([0.0, 40]).view(1, 2, 1, 1))
        pool.look.bias.fill_(-20)
    maps = torch.ones(2, 2, 6, 6)
    maps[0, :, :3] = 0  # the second feature says what can be seen
    shown, seen = pool(maps)
    torch.testing.assert_close(shown, torch.ones(2, 2))
    torch.testing.assert_close(seen, torch.tensor([[0.5], [1.0]]))


def test_gates_of_hidden_regions_are_asked_to_lie_below_those_of_clear_ones() -> None:
    hidden = torch.tensor([[1.0, 1, 0, 0, 0, 0, 0.3], [0.0] * 7])
    good = torch.tensor([[0.1, 0.1, 0.9, 0.9, 0.9, 0.9, 0.0], [0.5] * 7])
    assert rank_loss(good, hidden).item() == 0
    assert rank_loss(torch.full((2, 7), 0.5), hidden).item() == pytest.approx(0.2)
    assert rank_loss(1 - good, hidden).item() == pytest.approx(0.2 + 0.8)
    assert rank_loss(good, torch.zeros(2, 7)).item() == 0


def test_what_is_known_to_be_hidden_does_not_reach_the_answer(seen: Batch) -> None:
    torch.manual_seed(0)
    network = Rrrn(3).eval()
    with torch.no_grad():
        one, other = (network({**seen, "cover": cover}) for cover in (seen["cover"], 1 - seen["cover"]))
    assert torch.equal(one["logits"], other["logits"]) and torch.equal(one["gates"], other["gates"])
    assert not torch.equal(one["hidden"], other["hidden"])


@pytest.fixture(scope="module")
def bed() -> ClipSet:
    """Unseen people, each behind a block over a quarter of the face."""
    return make_bed(replace(unseen(BEDS["standard"]), cover="block", covered=1.0, block_share=0.25))


def train(seed: int, **options: object) -> SystemNetwork:
    torch.set_num_threads(1)
    learner = SystemLearner("rrrn", SYSTEM.quick.recipe, {**SYSTEM.quick.options, **options})
    return learner.train(read_bed("quick"), seed)


@pytest.fixture(scope="module")
def learned() -> SystemNetwork:
    return train(0)


@pytest.mark.slow
def test_gates_know_what_is_hidden(learned: SystemNetwork, bed: ClipSet) -> None:
    out = outputs_of(learned, bed.inputs)
    low, high = out["hidden"] >= HIDDEN_FROM, out["hidden"] <= CLEAR_TO
    judged = np.flatnonzero(low.any(1) & high.any(1))
    lower = [out["gates"][i][low[i]].mean() < out["gates"][i][high[i]].mean() for i in judged]
    assert len(judged) > 200 and np.mean(lower) > 0.9


@pytest.mark.slow
def test_noise_in_place_of_a_hidden_region_changes_less_than_of_a_clear_one(
    learned: SystemNetwork, bed: ClipSet
) -> None:
    assert isinstance(learned, Rrrn)
    rng = torch.Generator().manual_seed(0)
    batch = batch_of(bed.inputs, learned.inputs)
    with torch.no_grad():
        features, seen = learned.features(batch["flow"], batch["regions"])
        known, hidden = learned.judge(features, seen)["logits"], learned(batch)["hidden"]
        spread = features.std((0, 1))
        changed = []
        for region in range(6):
            other = features.clone()
            other[:, region] += spread * torch.randn(spread.shape, generator=rng)
            changed.append((learned.judge(other, seen)["logits"] - known).norm(dim=1))
    change = torch.stack(changed, 1)
    low, high = hidden[:, :6] >= HIDDEN_FROM, hidden[:, :6] <= CLEAR_TO
    assert change[low].mean() < change[high].mean()


@pytest.mark.slow
def test_a_block_costs_less_than_half_of_what_it_costs_without_gates_and_hiding_while_training() -> None:
    clear = unseen(replace(BEDS["standard"], seed=3), 80)
    beds = [make_bed(clear), make_bed(replace(clear, cover="block", covered=1.0, block_share=0.25))]
    costs = []
    for options in ({}, {"gates": False, "hidden": 0.0}):
        networks = [train(seed, **options) for seed in range(3)]
        found = np.array([[uf1(bed.labels, outputs_of(one, bed.inputs)["logits"].argmax(1)) for bed in beds]
                          for one in networks])  # fmt: skip
        assert found[:, 0].min() > 0.94
        costs.append((found[:, 0] - found[:, 1]).mean())
    assert costs[0] < costs[1] / 2
