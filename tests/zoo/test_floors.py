"""The oldest systems: two small networks on flow, two hand-made descriptions with a linear machine."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from assistive.evaluation.zoo import count_parameters  # noqa: E402
from assistive.synth.motion_bed import BedSettings  # noqa: E402
from assistive.training.datasets.motion_bed import make_bed  # noqa: E402
from assistive.training.linear_svm import NEVER, fit  # noqa: E402
from assistive.training.systems import SystemLearner, batch_of, outputs_of  # noqa: E402
from assistive.zoo.bi_woof import BINS, BLOCKS, BiWoof  # noqa: E402
from assistive.zoo.dual_inception import DualInception  # noqa: E402
from assistive.zoo.lbp_top import ACROSS, LATER, PLANES, LbpTop, codes  # noqa: E402
from assistive.zoo.off_apex_net import OffApexNet  # noqa: E402


@pytest.mark.parametrize(
    ("network", "exact", "said"), [(OffApexNet(3), 2_664_475, "2.66"), (DualInception(3), 6_449_867, "6.45")]
)
def test_it_has_the_parameters_that_others_count(network: nn.Module, exact: int, said: str) -> None:
    assert count_parameters(network) == exact
    assert f"{exact / 1e6:.2f}" == said


@pytest.mark.parametrize("network", [OffApexNet(3), DualInception(3)], ids=["off_apex_net", "dual_inception"])
def test_each_direction_has_a_stream_and_the_strain_has_none(network: nn.Module) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 28, 28, requires_grad=True)
    network.eval()(x).pow(2).sum().backward()
    assert x.grad is not None
    assert [bool(x.grad[:, i].any()) for i in range(3)] == [True, True, False]


@pytest.mark.parametrize("plane", PLANES)
def test_patterns_are_those_of_a_loop_over_every_pixel(plane: tuple[int, int]) -> None:
    frames = torch.randint(0, 4, (1, 10, 5, 6), generator=torch.Generator().manual_seed(0)).float()
    found = codes(frames, plane)
    assert found.shape == (1, 10 - 2 * LATER, 5 - 2 * ACROSS, 6 - 2 * ACROSS)
    steps = {1: (LATER, 0, 0), 2: (0, ACROSS, 0), 3: (0, 0, ACROSS)}
    for t, y, x in np.ndindex(*found.shape[1:]):
        at = np.array((t + LATER, y + ACROSS, x + ACROSS))
        near = [at + sign * np.array(steps[axis]) for axis in plane for sign in (-1, 1)]
        bits = [bool(frames[(0, *one)] >= frames[(0, *at)]) for one in near]
        assert int(found[0, t, y, x]) == sum(2**i for i, bit in enumerate(bits) if bit)


def test_a_brighter_clip_is_described_in_the_same_words_and_shares_sum_to_1() -> None:
    frames = torch.rand(2, 16, 1, 64, 64)
    network = LbpTop(3)
    said = network.describe({"frames": frames})
    assert torch.equal(said, network.describe({"frames": frames * 0.5 + 0.25}))
    torch.testing.assert_close(said.view(2, len(PLANES), 16, 25).sum(2), torch.ones(2, len(PLANES), 25))


def test_a_still_clip_is_described_by_one_pattern_in_time() -> None:
    still = torch.rand(1, 1, 1, 64, 64).expand(1, 16, 1, 64, 64)
    later = codes(still[:, :, 0], (2, 1))
    assert set((later // 4).unique().tolist()) == {3}  # before and after, no pixel is darker


@pytest.mark.parametrize("degrees", [-170, -100, -10, 10, 80, 170])
def test_flow_of_one_direction_fills_one_bin_of_each_block(degrees: int) -> None:
    angle = np.deg2rad(degrees)
    flow = torch.ones(1, 3, 64, 64)
    flow[:, 0], flow[:, 1] = 2 * float(np.cos(angle)), 2 * float(np.sin(angle))
    said = BiWoof(3).describe({"flow": flow}).view(BINS, BLOCKS, BLOCKS)
    expected = torch.zeros(BINS, BLOCKS, BLOCKS)
    expected[int((degrees + 180) // 45)] = 2.0
    torch.testing.assert_close(said, expected)


def test_a_block_that_is_twice_as_strained_or_moves_twice_as_far_counts_twice() -> None:
    torch.manual_seed(0)
    flow = torch.randn(1, 3, 64, 64)
    plain = BiWoof(3).describe({"flow": flow}).view(BINS, BLOCKS, BLOCKS)
    more = flow.clone()
    more[:, 2, :8, :8] *= 2  # the strain of the first block
    more[:, :2, 8:16, :8] *= 2  # the movement of the one below
    said = BiWoof(3).describe({"flow": more}).view(BINS, BLOCKS, BLOCKS)
    plain[:, 0, 0] *= 2
    plain[:, 1, 0] *= 2
    torch.testing.assert_close(said, plain)


@pytest.mark.parametrize("name", ["bi_woof", "lbp_top"])
def test_the_machine_knows_a_few_clips_by_heart(name: str) -> None:
    """G4 for what has a trainer of its own; the weights in the network are the machine's."""
    pytest.importorskip("sklearn")
    clips = make_bed(BedSettings(subjects=4, clips=4, intensity_px=(0.8, 1.2)))
    learned = fit(SystemLearner(name), clips, 0, None)
    assert (learned.predict(clips.inputs) == clips.labels).all()
    scores = outputs_of(learned.network, clips.inputs)["logits"]
    right = scores[np.arange(len(clips)), clips.labels]
    assert (right > 0).all() and (scores.sum(1) < 2 * right).all()


def test_of_two_classes_one_machine_says_both_and_a_class_never_seen_is_never_said() -> None:
    pytest.importorskip("sklearn")
    clips = make_bed(BedSettings(subjects=4, clips=4, intensity_px=(0.8, 1.2)))
    two = clips.take(np.flatnonzero(clips.labels != 1))
    learned = fit(SystemLearner("bi_woof"), two, 0, None)
    assert set(learned.predict(clips.inputs).tolist()) == {0, 2}
    with torch.no_grad():
        scores = learned.network(batch_of(clips.inputs, learned.network.inputs))["logits"]
    torch.testing.assert_close(scores[:, 0], -scores[:, 2])
    assert (scores[:, 1] == NEVER).all()
