from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from assistive.errors import ConfigError  # noqa: E402
from assistive.training.datasets.motion_bed import read_bed  # noqa: E402
from assistive.training.systems import SystemLearner, outputs_of, truth_of  # noqa: E402
from assistive.zoo.mfvan import PEOPLE, SYSTEM, Masked, Mfvan, Reverse, identity_loss, keep, mask_loss, standardised  # noqa: E402


@pytest.mark.parametrize("grid", [14, 7, 5, 4])
@pytest.mark.parametrize("even", [False, True])
def test_a_mask_keeps_exactly_half_of_the_cells_rounded_up(grid: int, even: bool) -> None:
    torch.manual_seed(0)
    score = torch.full((3, 1, grid, grid), 0.5) if even else torch.rand(3, 1, grid, grid)
    kept = keep(score.requires_grad_())
    assert set(kept.unique().tolist()) == {0.0, 1.0}
    assert kept.sum((1, 2, 3)).tolist() == [math.ceil(grid**2 / 2)] * 3
    assert all(one[mask > 0].min() >= one[mask == 0].max() for one, mask in zip(score, kept, strict=True))
    (gradient,) = torch.autograd.grad((kept * torch.arange(grid)).sum(), score)
    torch.testing.assert_close(gradient, torch.arange(grid).float().expand_as(score))


def test_whatever_a_masked_cell_shows_changes_nothing() -> None:
    torch.manual_seed(0)
    scale = Masked(16).eval()
    x = torch.randn(1, 16, 7, 7)
    with torch.no_grad():
        features, mask, _ = scale(x)
        for row, column in torch.cartesian_prod(torch.arange(7), torch.arange(7)).tolist():
            other = x.clone()
            other[0, :, row, column] += 1e-4
            found, same, _ = scale(other)
            assert torch.equal(mask, same)
            assert torch.equal(found, features) == (mask[0, row, column] == 0)


def test_every_scale_has_the_cells_of_the_paper_at_both_sizes() -> None:
    for side in (112, 28):
        network = Mfvan(3, side=side, width=0.125).eval()
        with torch.no_grad():
            out = network({"apex": torch.rand(2, 1, side, side)})
        assert [tuple(out[f"mask{i}"].shape) for i in (1, 2, 3)] == [(2, 14, 14), (2, 7, 7), (2, 4, 4)]
        assert [int(out[f"mask{i}"][0].sum()) for i in (1, 2, 3)] == [98, 25, 8]
        assert "person" not in out


def test_the_gradient_of_who_it_is_comes_back_turned_round() -> None:
    x = torch.randn(4, 3, requires_grad=True)
    (Reverse.apply(x) * torch.arange(3)).sum().backward()
    torch.testing.assert_close(x.grad, -torch.arange(3).float().expand(4, 3))


def test_features_are_pushed_away_from_who_it_is_only_where_that_is_known() -> None:
    torch.manual_seed(0)
    features, who = torch.eye(4).requires_grad_(), torch.nn.Linear(4, 8, bias=False)
    with torch.no_grad():
        who.weight.copy_(3 * torch.eye(8, 4))
    subject = torch.tensor([0, 1, 5, 6])  # it takes clips 2 and 3 for subjects 2 and 3
    ways = [who(Reverse.apply(features)), who(features.detach())]
    identity_loss(ways[0], ways[1], subject).backward()
    assert features.grad is not None and who.weight.grad is not None
    assert (features.grad[[0, 1], [0, 1]] > 0).all()  # a step against it lowers the right logit
    assert not features.grad[2:].any()
    assert who.weight.grad[5, 2] < 0  # what tells subjects apart learns from all clips


def test_an_even_mask_around_one_half_costs_nothing() -> None:
    even = torch.full((2, 7, 7), 0.5)
    assert mask_loss(even).item() == 0
    assert mask_loss(even + 0.2).item() == pytest.approx(0.04)
    board = (torch.arange(7)[:, None] + torch.arange(7)) % 2
    assert mask_loss(board.expand(2, 7, 7).float()).item() == pytest.approx(2.0, abs=0.01)


def test_light_and_contrast_of_a_picture_do_not_count() -> None:
    x = torch.rand(2, 1, 28, 28)
    torch.testing.assert_close(standardised(0.3 * x + 0.2), standardised(x), atol=1e-4, rtol=1e-4)


def test_the_drawn_onset_is_learned_and_what_goes_beyond_it_is_seen() -> None:
    torch.manual_seed(0)
    network = Mfvan(3, drawn=True, side=28, width=0.125)
    assert [need.key for need in network.inputs] == ["apex", "onset"]
    batch = {"apex": torch.rand(4, 1, 28, 28), "onset": torch.rand(4, 1, 28, 28), "label": torch.tensor([0, 1, 2, 0]),
             "subject": torch.arange(4), "class_weight": torch.ones(3)}  # fmt: skip
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    apart = []
    for _ in range(30):
        out = network(batch)
        apart.append((out["portrait"] - standardised(batch["onset"])).abs().mean().item())
        optimiser.zero_grad()
        network.loss(out, batch).backward()
        optimiser.step()
    assert apart[-1] < 0.7 * apart[0]


def test_more_people_than_it_tells_apart_are_refused() -> None:
    network = Mfvan(3, side=28, width=0.125)
    batch = {"apex": torch.rand(2, 1, 28, 28), "label": torch.tensor([0, 1]), "class_weight": torch.ones(3),
             "subject": torch.tensor([0, PEOPLE])}  # fmt: skip
    with pytest.raises(ConfigError, match="256 subjects"):
        network.loss(network(batch), batch)


@pytest.mark.slow
def test_who_it_is_can_be_read_less_well_off_features_from_which_that_was_removed() -> None:
    bed = read_bed()
    people = truth_of(bed)["subject"].numpy()
    assert SYSTEM.quick.recipe is not None
    recipe = replace(SYSTEM.quick.recipe, epochs=20)
    read = []
    for identity in (True, False):
        options = {**SYSTEM.quick.options, "identity": identity}
        learned = SystemLearner("mfvan", recipe, options).train(bed, 0)
        read.append(probe(outputs_of(learned, bed.inputs)["fused"], people))
    assert read[0] < read[1] - 0.02


def probe(features: NDArray[np.float32], people: NDArray[np.int64]) -> float:
    """Return the share of clips whose subject a linear probe names that learned from half of each subject's clips."""
    x = (features - features.mean(0)) / (features.std(0) + 1e-6)
    rng = np.random.default_rng(0)
    right: list[NDArray[Any]] = []
    for _ in range(4):
        fit = np.concatenate([rng.permutation(np.flatnonzero(people == one))[::2] for one in np.unique(people)])
        rest = np.setdiff1d(np.arange(len(x)), fit)
        truth = np.eye(people.max() + 1)[people[fit]]
        inner = x[fit] @ x[fit].T + 0.1 * len(fit) * np.eye(len(fit))
        weights = x[fit].T @ np.linalg.solve(inner, truth - truth.mean(0))
        right.append((x[rest] @ weights).argmax(1) == people[rest])
    return float(np.mean(right))
