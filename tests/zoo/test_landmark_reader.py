"""The network that reads landmarks."""

import pytest

torch = pytest.importorskip("torch")

from assistive.zoo.landmark_reader import EVEN, ODD, LandmarkReader, features  # noqa: E402


def _mirrored(x: "torch.Tensor") -> "torch.Tensor":
    other = x.clone()
    other[:, 0, 0, :44] *= -1
    return other


def test_a_mirror_changes_only_the_signs_of_the_odd_features() -> None:
    x = torch.randn(8, 3, 1, 45)
    x[:, :2, 0, 44] = torch.rand(8, 2) + 0.5
    even, odd = features(x)
    even_other, odd_other = features(_mirrored(x))
    assert even.shape == (8, EVEN) and odd.shape == (8, ODD)
    assert torch.allclose(even, even_other, atol=1e-5)
    assert torch.allclose(odd, -odd_other, atol=1e-5)


def test_a_hand_and_its_mirror_are_judged_alike() -> None:
    x = torch.randn(8, 3, 1, 45)
    network = LandmarkReader(19).eval()
    network.calibrate(x)
    assert torch.allclose(network(x), network(_mirrored(x)), atol=1e-5)
    assert torch.allclose(network(x).sum(1), torch.ones(8))


def test_no_hand_at_all_gives_finite_numbers() -> None:
    assert torch.isfinite(LandmarkReader(19).eval()(torch.zeros(1, 3, 1, 45))).all()
