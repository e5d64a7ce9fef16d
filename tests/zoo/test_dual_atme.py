from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from assistive.zoo.blocks.attention import Cbam, ChannelAttention, SpatialAttention  # noqa: E402
from assistive.zoo.dual_atme import DualAtme, apart  # noqa: E402


def test_the_cosine_term_of_equal_features_is_0_and_of_opposite_ones_2() -> None:
    x = torch.randn(6, 40)
    assert float(apart(x, x)) == pytest.approx(0, abs=1e-6)
    assert float(apart(x, -x)) == pytest.approx(2, abs=1e-6)


def test_equal_branches_that_see_the_same_say_the_same() -> None:
    torch.manual_seed(0)
    network = DualAtme(3).eval()
    network.parts.load_state_dict(network.face.state_dict())
    x = torch.randn(4, 3, 28, 28)
    out = network({"flow": x, "puzzle": x})
    assert apart(out["face"], out["parts"]).item() == pytest.approx(0, abs=1e-6)


def test_on_the_upper_branch_alone_the_attention_leaves_the_puzzle_as_it_is() -> None:
    torch.manual_seed(0)
    upper, both = DualAtme(3, "upper").eval(), DualAtme(3, "both").eval()
    both.load_state_dict(upper.state_dict())
    batch = {"flow": torch.randn(4, 3, 28, 28), "puzzle": torch.randn(4, 3, 28, 28)}
    one, two = upper(batch), both(batch)
    torch.testing.assert_close(one["face"], two["face"])
    torch.testing.assert_close(one["parts"], upper.parts(batch["puzzle"]).flatten(1))
    assert (one["parts"] != two["parts"]).any()


def test_a_sure_and_right_answer_costs_nearly_nothing() -> None:
    network = DualAtme(3)
    features = {"face": torch.ones(2, 4), "parts": torch.ones(2, 4)}
    sure = {"logits": torch.tensor([[9.0, 0, 0], [0, 9.0, 0]]), **features}
    label = torch.tensor([0, 1])
    assert network.loss(sure, {"label": label}).item() < 1e-6
    assert network.loss(sure, {"label": label.flip(0)}).item() > 8


def test_the_difference_of_equal_pools_is_no_opinion_and_turns_with_its_sign() -> None:
    torch.manual_seed(0)
    attention = ChannelAttention(8, 2, "difference")
    flat = torch.randn(2, 8, 1, 1).expand(-1, -1, 5, 5)
    torch.testing.assert_close(attention.weights(flat), torch.full((2, 8), 0.5))
    apart_ = ChannelAttention(8, 2, "difference", shared=False)
    x = torch.randn(2, 8, 5, 5)
    weights = apart_.weights(x)
    mean, peak = apart_.of_mean(x.mean((2, 3))), apart_.of_peak(x.amax((2, 3)))
    torch.testing.assert_close(torch.sigmoid(0.5 * (mean - peak)), 1 - weights)


@pytest.mark.parametrize(("kernel", "dilation", "weights"), [(7, 1, 98), (3, 3, 18)])
def test_a_dilated_kernel_sees_as_far_with_a_fifth_of_the_weights(kernel: int, dilation: int, weights: int) -> None:
    attention = SpatialAttention(kernel, dilation)
    assert sum(p.numel() for p in attention.parameters()) == weights
    x = torch.rand(1, 1, 15, 15, requires_grad=True)
    attention.weights(x)[0, 0, 7, 7].backward()
    rows, columns = (torch.nonzero(x.grad[0, 0].abs().sum(axis)).flatten() for axis in (1, 0))  # type: ignore[index]
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 10, 4, 10)


def test_attention_over_clips_keeps_their_shape() -> None:
    x = torch.randn(2, 16, 4, 6, 6)
    for order in ("sequential", "parallel"):
        made = Cbam(ChannelAttention(16, 8, slope=0.2), SpatialAttention(3, dimensions=3, maps=16, bias=True), order)
        assert made(x).shape == x.shape
