from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from assistive.zoo.blocks.attention import Cbam  # noqa: E402
from assistive.zoo.dcbam_efficientnet import DcbamEfficientNet, dcbam, turned  # noqa: E402

ONE = torch.ones(3, 1, 1)


def test_the_spatial_attention_sees_exactly_7_by_7_places_with_18_weights() -> None:
    torch.manual_seed(0)
    attention = dcbam(24).spatial
    assert [p.numel() for p in attention.parameters()] == [18]
    x = torch.rand(1, 24, 21, 21, requires_grad=True)
    weights = attention.weights(x)
    assert weights.shape == (1, 1, 21, 21) and weights.min() > 0 and weights.max() < 1
    weights[0, 0, 10, 10].backward()
    assert x.grad is not None
    rows, columns = (torch.nonzero(x.grad[0].abs().sum((0, axis))).flatten() for axis in (2, 1))
    assert rows.tolist() == columns.tolist() == [7, 10, 13]  # nine places, spread over 7 x 7


def test_without_attention_and_classifier_it_is_efficientnet_b0() -> None:
    network = DcbamEfficientNet(3)
    attention = [layer for layer in network.features if isinstance(layer, Cbam)]
    counted = [sum(p.numel() for p in part.parameters()) for part in (network.features, *attention)]
    assert len(attention) == 3 and counted[0] - sum(counted[1:]) == 4_007_548
    assert [layer.channel.of_mean[0].in_features for layer in attention] == [24, 80, 192]


def test_half_the_width_is_a_quarter_of_the_parameters() -> None:
    whole, half = (sum(p.numel() for p in DcbamEfficientNet(3, width=w).parameters()) for w in (1.0, 0.5))
    assert 0.2 < half / whole < 0.35


def test_turned_by_a_quarter_what_went_right_on_the_right_goes_down_at_the_bottom() -> None:
    flow = torch.zeros(1, 3, 9, 9)
    flow[0, 0, 4, 7], flow[0, 2, 4, 7] = 1.0, 0.5
    once = turned(flow, torch.tensor([math.pi / 2]), ONE)
    expected = torch.zeros(1, 3, 9, 9)
    expected[0, 1, 7, 4], expected[0, 2, 7, 4] = 1.0, 0.5
    torch.testing.assert_close(once, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(turned(flow, torch.zeros(1), ONE), flow, atol=1e-5, rtol=0)


def test_turning_knows_that_channels_were_scaled() -> None:
    torch.manual_seed(0)
    flow, angle, scale = torch.randn(4, 3, 12, 12), torch.rand(4), torch.tensor([0.2, 0.7, 3.0]).view(3, 1, 1)
    torch.testing.assert_close(turned(flow / scale, angle, scale) * scale, turned(flow, angle, ONE))
