from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from assistive.evaluation.zoo import count_parameters  # noqa: E402
from assistive.synth.motion_bed import BedSettings, MotionClip  # noqa: E402
from assistive.training.datasets.inputs import PHASES, phases  # noqa: E402
from assistive.training.datasets.mirror import mirrored  # noqa: E402
from assistive.training.datasets.motion_bed import make_bed, unseen  # noqa: E402
from assistive.training.systems import SystemLearner, batch_of, truth_of  # noqa: E402
from assistive.zoo.blocks.f5c import NEIGHBOURS, ChannelGraph, FullConvolution, neighbours  # noqa: E402
from assistive.zoo.mol import LightFlow, Mol  # noqa: E402
from assistive.zoo.systems import Recipe  # noqa: E402


def test_the_parts_have_the_counted_parameters() -> None:
    network = Mol(3, as_released=True)
    assert count_parameters(network.stack) == 19_048
    for block in (network.now, network.next):
        full, graph = block
        assert count_parameters(full) == 17_794
        assert count_parameters(graph) == 2 * (256 * 256 + 256) == 131_584
    assert count_parameters(network.recognise) == 738_339
    assert count_parameters(network.landmarks) == 3_318_440
    recognition = count_parameters(Mol(3, as_released=True, aids=False))
    assert recognition == 19_048 + 2 * (17_794 + 131_584) + 738_339
    assert count_parameters(LightFlow()) < 1_000_000
    # The paper's graph has a 1x1 convolution more; the feed-forward part, which nothing calls, is left out.
    assert count_parameters(Mol(3, aids=False)) == recognition + 2 * (128 * 129 - 898)


@pytest.mark.parametrize("shift", [(3, 0), (0, 5), (7, 11)])
def test_a_full_convolution_without_positions_answers_a_turned_map_with_the_turned_answer(
    shift: tuple[int, int],
) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 8, 16, 16)
    blind, placed = FullConvolution(8, positions=False).eval(), FullConvolution(8).eval()
    with torch.no_grad():
        assert torch.equal(blind(x.roll(shift, (2, 3))), blind(x).roll(shift, (2, 3)))
        assert not torch.allclose(placed(x.roll(shift, (2, 3))), placed(x).roll(shift, (2, 3)))


@pytest.mark.parametrize("channel", [1, 6])
def test_one_output_of_a_full_convolution_sees_all_inputs_of_its_channel_and_no_other(channel: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 8, 16, 16, requires_grad=True)
    FullConvolution(8).eval()(x)[0, channel, 3, 4].backward()
    assert x.grad is not None
    assert [int((x.grad[0, i] != 0).sum()) for i in range(8)] == [256 * (i == channel) for i in range(8)]


def test_a_channel_listens_to_itself_first_and_to_those_most_like_it() -> None:
    torch.manual_seed(0)
    nodes = torch.randn(3, 128, 256)
    nodes[:, 40] = 3 * nodes[:, 7] + 0.01 * torch.randn(3, 256)  # as like as can be, and three times as loud
    index = neighbours(nodes)
    assert index.shape == (3, 128, NEIGHBOURS) and int(index.min()) >= 0 and int(index.max()) <= 127
    assert (index[:, :, 0] == torch.arange(128)).all()
    assert (index[:, 7, 1] == 40).all() and (index[:, 40, 1] == 7).all()
    assert (neighbours(torch.zeros(1, 9, 5))[0, :, 0] == torch.arange(9)).all()


def test_the_channel_graph_is_what_its_formula_says() -> None:
    torch.manual_seed(0)
    graph = ChannelGraph(6, 16).eval()
    x = torch.randn(1, 6, 4, 4)
    flat = x.flatten(2)[0]
    index = neighbours(flat[None])[0]
    rows = []
    for i in range(6):
        told = [torch.relu(graph.own(flat[i]) + graph.other(flat[j] - flat[i])) for j in index[i]]
        rows.append(torch.stack(told).amax(0))
    assert graph.join is not None
    expected = x + graph.join(torch.stack(rows).view(1, 6, 4, 4))
    torch.testing.assert_close(graph(x), expected)
    assert neighbours(flat.T[None]).shape == (1, 16, NEIGHBOURS)  # as released: places, not channels
    assert ChannelGraph(6, 16, as_released=True)(x).shape == x.shape


def test_without_what_teaches_it_says_the_same_to_the_last_bit() -> None:
    torch.manual_seed(0)
    whole, bare = Mol(3, side=64).eval(), Mol(3, side=64, aids=False).eval()
    missing, left = bare.load_state_dict(whole.state_dict(), strict=False)
    assert not missing and {key.split(".")[0] for key in left} == {"flow", "landmarks"}
    frames = torch.rand(2, PHASES, 8, 1, 64, 64)
    with torch.no_grad():
        assert torch.equal(whole({"phases": frames})["logits"], bare({"phases": frames})["logits"])


def test_flow_and_landmarks_are_asked_for_while_training_alone() -> None:
    network = Mol(3, side=64)
    assert [need.key for need in network.inputs] == ["phases", "phase_flow", "phase_landmarks"]
    assert [need.key for need in network.eval().inputs] == ["phases"]
    assert len(network.train().inputs) == 3
    assert len(Mol(3, side=64, aids=False).inputs) == 1


def test_phases_are_evenly_spaced_and_short_clips_are_no_error() -> None:
    assert phases(80, 8) == [list(range(0, 80, 10)), list(range(5, 80, 10))]
    assert all(len(one) == 8 and max(one) == 4 for one in phases(5, 8))


def test_what_is_taught_lies_between_the_frames_that_are_shown() -> None:
    clips = make_bed(BedSettings(subjects=2, clips=2, noise_px=0.0, gain=3))
    network = Mol(3, side=64)
    batch = batch_of(clips.inputs, network.inputs)
    for row, clip in enumerate(clips.inputs):
        assert isinstance(clip, MotionClip)
        one, two = phases(clip.length, 8)[1][2:4]
        moved = torch.from_numpy(clip.field(two, 64) - clip.field(one, 64))[1::2, 1::2].permute(2, 0, 1)
        torch.testing.assert_close(batch["phase_flow"][row, 1, 2], moved, atol=2e-3, rtol=2e-3)
        shown = torch.from_numpy(clip.frames([two], 64)[0, :, :, 0]).float() / 255
        torch.testing.assert_close(batch["phases"][row, 1, 3, 0], shown)
    turned = mirrored(batch, torch.Generator().manual_seed(1))
    there = [not torch.equal(a, b) for a, b in zip(turned["phases"], batch["phases"], strict=True)]
    assert any(there)
    for row in range(len(clips)):
        sign = -1 if there[row] else 1
        assert float(turned["phase_flow"][row, :, :, 0].sum()) == pytest.approx(
            sign * float(batch["phase_flow"][row, :, :, 0].sum()), rel=1e-3, abs=1e-2)  # fmt: skip


def test_the_right_flow_and_the_right_landmarks_cost_nothing() -> None:
    torch.manual_seed(0)
    clips = make_bed(BedSettings(subjects=1, clips=3))
    network = Mol(3, side=64)
    batch = {**batch_of(clips.inputs, network.inputs), **truth_of(clips), "class_weight": torch.ones(3)}
    network.settle(batch)
    out = network(batch)
    rows, phase = torch.arange(3), out["phase"]
    right = {**out, "flow": batch["phase_flow"][rows, phase], "landmarks": batch["phase_landmarks"][rows, phase]}
    alone = network.loss({"logits": out["logits"]}, batch)
    torch.testing.assert_close(network.loss(right, batch), alone)
    wrong = {**right, "flow": right["flow"] + 1.0}
    torch.testing.assert_close(network.loss(wrong, batch), alone + 10)


@pytest.mark.slow
def test_the_flow_of_unseen_clips_is_less_than_half_as_wrong_as_none() -> None:
    settings = BedSettings(subjects=24, clips=6, gain=4.0, noise_px=0.0)
    learner = SystemLearner("mol", Recipe(epochs=8, batch=16, rate=2e-3), {"side": 64})
    network = learner.train(make_bed(settings), 0)
    assert isinstance(network, Mol)
    batch = batch_of(make_bed(unseen(settings, 6, 4)).inputs, network.needs)
    with torch.no_grad():
        found = network.motion(batch)
    true = batch["phase_flow"][:, 0]
    assert (found - true).norm(dim=2).mean() < 0.5 * true.norm(dim=2).mean()
