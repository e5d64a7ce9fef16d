import numpy as np
import pytest

torch = pytest.importorskip("torch")

from assistive.training.drawn_expression import (  # noqa: E402
    Committee,
    calibrate,
    choose_threshold,
    expected_calibration_error,
    figures,
    probabilities,
    train,
    vary,
)
from assistive.training.expression_maps import MapPool  # noqa: E402


def _pool(labels: np.ndarray, seed: int = 0, intensity: float = 0.4) -> MapPool:
    """Maps on which each class has moved a place of its own, ``none`` nothing."""
    rng = np.random.default_rng(seed)
    maps = rng.integers(100, 120, (len(labels), 28, 28, 3)).astype(np.uint8)
    for i, label in enumerate(labels):
        if label < 3:
            maps[i, 9 * label : 9 * label + 8, 4:24, 1] = 240
    n = len(labels)
    strength = np.where(labels < 3, intensity, 0).astype(np.float32)
    return MapPool(maps, labels.astype(np.int64), strength, np.full(n, "dis"), np.full(n, "a"))


class Fixed(torch.nn.Module):
    """Says the same of every map, more surely the more u there is."""

    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        drive = x[:, :1].mean((2, 3))
        return torch.cat([drive, -drive, torch.zeros_like(drive), torch.zeros_like(drive)], 1)


def test_varied_maps_are_what_the_network_is_given_when_it_runs() -> None:
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(64, 3, 28, 28, generator=rng)
    varied = vary(x, rng)
    assert varied.shape == x.shape and torch.isfinite(varied).all()
    assert varied.flatten(2).median(2).values.abs().max() < 0.05
    rms = varied.pow(2).mean((2, 3)).sqrt()
    assert ((rms - 1).abs() < 1e-2).float().mean() > 0.85  # a channel that was dropped stays dropped
    again = vary(x, torch.Generator().manual_seed(1))
    assert not torch.allclose(varied, again)


def test_a_committee_does_not_care_for_left_and_right() -> None:
    torch.manual_seed(0)
    committee = Committee([Fixed(), Fixed()])
    x = torch.randn(5, 3, 28, 28)
    mirrored = x.flip(3) * torch.tensor([-1.0, 1.0, 1.0]).view(1, 3, 1, 1)
    assert torch.allclose(committee(x), committee(mirrored), atol=1e-6)
    assert torch.allclose(committee(x).sum(1), torch.ones(5))


def test_a_committee_that_knows_nothing_says_what_is_expected() -> None:
    class Silent(torch.nn.Module):
        def forward(self, x: "torch.Tensor") -> "torch.Tensor":
            return torch.zeros(len(x), 4)

    said = Committee([Silent()], shares=(0.4, 0.3, 0.2, 0.1))(torch.randn(2, 3, 28, 28))
    assert torch.allclose(said, torch.tensor([0.4, 0.3, 0.2, 0.1]).expand(2, 4), atol=1e-6)


def test_training_learns_and_calibration_does_not_change_who_is_right() -> None:
    labels = np.tile(np.arange(4), 64)
    network = train([_pool(labels)], epochs=25, seed=0)
    judged = _pool(np.tile(np.arange(4), 15), seed=9)
    committee = Committee([network], shares=(0.25,) * 4)
    before = probabilities(committee, judged.maps)
    assert (before.argmax(1) == judged.labels).mean() > 0.9
    committee.temperature = calibrate(committee, judged)
    after = probabilities(committee, judged.maps)
    assert (after.argmax(1) == before.argmax(1)).all()
    cost = [-np.log(np.maximum(p[np.arange(60), judged.labels], 1e-9)).mean() for p in (before, after)]
    assert cost[1] <= cost[0] + 1e-6
    assert figures(after, judged)["uf1"] > 0.9


def test_calibration_error_of_the_honest_and_of_the_boastful() -> None:
    labels = np.array([0] * 80 + [1] * 20)
    honest = np.tile(np.array([[0.8, 0.2, 0, 0]], np.float32), (100, 1))
    boastful = np.tile(np.array([[0.999, 0.001, 0, 0]], np.float32), (100, 1))
    assert expected_calibration_error(honest, labels) == pytest.approx(0, abs=1e-6)
    assert expected_calibration_error(boastful, labels) == pytest.approx(0.199, abs=1e-3)


def test_the_threshold_keeps_what_is_nothing_quiet() -> None:
    rng = np.random.default_rng(0)
    labels = np.array([3] * 100 + [0] * 100)
    sure = np.r_[rng.uniform(0.3, 0.8, 100), rng.uniform(0.6, 1.0, 100)].astype(np.float32)
    found = np.stack([sure, np.zeros(200, np.float32), np.zeros(200, np.float32), 1 - sure], 1)
    told = choose_threshold(found, _pool(labels), allowed=0.1)
    assert told["false"] <= 0.1 and told["kept"] > 0.5 and told["right"] == 1.0
    assert choose_threshold(found, _pool(labels), allowed=1.0)["abstain_below"] == 0.5
