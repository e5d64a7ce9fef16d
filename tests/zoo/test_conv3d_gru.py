from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from assistive.zoo.blocks.attention import ChannelAttention  # noqa: E402
from assistive.zoo.conv3d_gru import CLASS_WEIGHTS, RIDGE, Conv3dGru  # noqa: E402

PARAMETERS = {
    "branches.0": 12_032, "branches.1": 2_624, "merge": 55_328, "attend.channel": 584, "attend.spatial": 1_760,
    "narrow.0": 4_194_432, "narrow.1": 8_256, "recur": 3_348_480, "classify.0": 32_800, "classify.2": 99,
}  # fmt: skip


def tiny(**options: object) -> Conv3dGru:
    torch.manual_seed(0)
    return Conv3dGru(3, steps=8, side=8, **options).eval()


def test_every_layer_is_as_large_as_in_the_code() -> None:
    network = Conv3dGru(3)
    counted = {name: sum(p.numel() for p in network.get_submodule(name).parameters()) for name in PARAMETERS}
    assert counted == PARAMETERS
    assert sum(p.numel() for p in network.parameters()) == sum(counted.values()) == 7_656_395


@pytest.mark.parametrize(("pictures", "steps"), [(30, 8), (10, 3), (13, 4), (16, 4)])
def test_it_answers_at_a_quarter_of_the_pictures_rounded_up(pictures: int, steps: int) -> None:
    network = Conv3dGru(3, steps=pictures, side=8).eval()
    with torch.no_grad():
        out = network({"frames": torch.rand(2, pictures, 3, 8, 8)})
    assert out["step_logits"].shape == (2, steps, 3)


def test_equal_pools_through_equal_layers_are_no_opinion() -> None:
    channel = tiny().attend.channel
    channel.of_peak.load_state_dict(channel.of_mean.state_dict())
    flat = torch.randn(2, 32, 1, 1, 1).expand(-1, -1, 2, 2, 2)
    assert torch.equal(channel.weights(flat), torch.full((2, 32), 0.5))
    lively = torch.randn(2, 32, 2, 2, 2)
    assert (channel.weights(lively) != 0.5).all()


def test_peak_and_mean_in_each_others_place_invert_the_weights() -> None:
    channel = tiny().attend.channel
    turned = ChannelAttention(32, 8, "difference", shared=False, slope=0.2)
    turned.of_mean, turned.of_peak = channel.of_peak, channel.of_mean
    point = torch.randn(2, 32, 1, 1, 1)  # of a single place, mean and peak are the same
    torch.testing.assert_close(turned.weights(point), 1 - channel.weights(point))


def test_the_figure_differs_from_the_code_in_order_and_in_shared_layers() -> None:
    code, figure = tiny(), tiny(order="sequential")
    figure.load_state_dict(code.state_dict())
    batch = {"frames": torch.rand(2, 8, 3, 8, 8)}
    with torch.no_grad():
        assert (code(batch)["logits"] != figure(batch)["logits"]).any()
    saved = sum(p.numel() for p in code.parameters()) - sum(p.numel() for p in tiny(shared_mlp=True).parameters())
    assert saved == 584 // 2


def test_it_reads_the_mean_of_all_steps_or_the_first_alone() -> None:
    mean, first = tiny(), tiny(readout="first")
    batch = {"frames": torch.rand(2, 8, 3, 8, 8)}
    with torch.no_grad():
        one, other = mean(batch), first(batch)
    torch.testing.assert_close(one["step_logits"], other["step_logits"])
    torch.testing.assert_close(one["logits"], one["step_logits"].mean(1))
    torch.testing.assert_close(other["logits"], one["step_logits"][:, 0])


def test_every_step_has_its_label_and_the_ridge_is_paid() -> None:
    network = tiny()
    sure = torch.tensor([[9.0, 0, 0], [0, 0, 9.0]])[:, None].expand(-1, 2, -1)
    label = torch.tensor([0, 2])
    ridge = RIDGE * sum(float(layer.weight.detach().pow(2).sum()) for layer in network.narrow)
    right = network.loss({"step_logits": sure}, {"label": label}).item() - ridge
    assert right == pytest.approx(0, abs=1e-3)
    late = sure.clone()
    late[:, 1] = 0  # both know nothing in their second step
    worse = network.loss({"step_logits": late}, {"label": label}).item() - ridge
    assert worse == pytest.approx(float(torch.tensor(3.0).log()) / 2, abs=1e-3)
    assert CLASS_WEIGHTS == (0.30, 0.35, 0.35)


def test_it_takes_its_scales_from_the_clips_it_is_shown() -> None:
    network = tiny()
    frames = torch.rand(4, 8, 3, 8, 8) * 0.5 + 0.2
    network.settle({"frames": frames})
    scaled = (frames - network.middle) / network.reach
    assert scaled.mean().abs() < 1e-5 and scaled.max() == pytest.approx(1)


def test_relative_to_the_first_picture_a_still_clip_says_nothing_of_who_it_is() -> None:
    network = tiny(relative=True)
    still = torch.rand(2, 1, 3, 8, 8).expand(-1, 8, -1, -1, -1)
    with torch.no_grad():
        one, other = network({"frames": still})["logits"]
    torch.testing.assert_close(one, other)
