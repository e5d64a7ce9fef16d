"""Train the recogniser that ships, on drawn movements alone: several networks, one calibrated answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from assistive.evaluation.expression import uar, uf1
from assistive.expression.flow import network_input
from assistive.expression.recogniser import CLASSES
from assistive.training.expression import FitRecipe, fit, mirror
from assistive.training.expression_maps import SHARES, MapPool
from assistive.types import EXPRESSIONS

RECIPE = FitRecipe(batch=128, rate=2e-3, decay=0.02, smoothing=0.05)


def vary(maps: Tensor, rng: torch.Generator) -> Tensor:
    """Change maps as collections, cameras and people differ.

    Mirrored; bent smoothly, shifted, scaled and turned; the motion turned a little; noise; one channel weaker or
    missing; shifted off its median; a part of the face covered. Then brought back to median 0 and root mean square 1,
    which is what the network is given when it runs.

    Args:
        maps: float ``(n, 3, s, s)``: u, v, strain.
        rng: source of chance.
    """
    n, side = len(maps), maps.shape[-1]
    maps = _bent(mirror(maps, rng), rng)
    lean = 0.12 * torch.randn(n, 2, 1, 1, generator=rng)
    u, v, strain = maps.unbind(1)
    maps = torch.stack([u + lean[:, 0] * v, v + lean[:, 1] * u, strain], 1)
    maps = maps + 0.5 * torch.rand(n, 1, 1, 1, generator=rng) ** 2 * torch.randn(maps.shape, generator=rng)
    gain = torch.exp(0.3 * torch.randn(n, 3, 1, 1, generator=rng))
    kept = (torch.rand(n, 3, 1, 1, generator=rng) > 0.07).float()
    maps = maps * gain * kept + 0.3 * torch.randn(n, 3, 1, 1, generator=rng)
    maps = torch.where(_window(n, side, rng) & (torch.rand(n, 1, 1, 1, generator=rng) < 0.3), torch.zeros(()), maps)
    maps = maps - maps.flatten(2).median(2).values[..., None, None]
    scaled: Tensor = maps / maps.pow(2).mean((2, 3), keepdim=True).sqrt().clamp_min(1e-3)
    return scaled


def _bent(maps: Tensor, rng: torch.Generator) -> Tensor:
    n = len(maps)
    matrix = torch.zeros(n, 2, 3)
    scale, angle = 1 + 0.07 * torch.randn(n, 2, generator=rng), 0.05 * torch.randn(n, generator=rng)
    matrix[:, 0, 0], matrix[:, 1, 1] = scale[:, 0], scale[:, 1]
    matrix[:, 0, 1], matrix[:, 1, 0] = angle, -angle
    matrix[:, :, 2] = 0.06 * torch.randn(n, 2, generator=rng)
    grid = F.affine_grid(matrix, list(maps.shape), align_corners=False)
    bend = 0.05 * torch.randn(n, 2, 4, 4, generator=rng)
    grid = grid + F.interpolate(bend, maps.shape[2:], mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    return F.grid_sample(maps, grid, align_corners=False, padding_mode="border")


def _window(n: int, side: int, rng: torch.Generator) -> Tensor:
    """Return random rectangles of 4 to 13 pixels, bool ``(n, 1, s, s)``."""
    size = torch.randint(4, 14, (n, 2, 1), generator=rng)
    start = torch.randint(0, side - 4, (n, 2, 1), generator=rng)
    place = torch.arange(side)
    rows, columns = ((place >= start[:, i]) & (place < start[:, i] + size[:, i]) for i in range(2))
    return (rows[:, :, None] & columns[:, None, :])[:, None]


def train(pools: Sequence[MapPool], epochs: int, seed: int, network: str = "flow_net") -> nn.Module:
    """Train one network on drawn maps, all classes weighing the same."""
    maps, labels = np.concatenate([p.maps for p in pools]), np.concatenate([p.labels for p in pools])
    return fit(network, maps, labels, epochs, seed, classes=len(CLASSES), recipe=RECIPE, augment=vary)


class Committee(nn.Module):
    """What is exported: several networks, each seeing a map as it is and mirrored, and the mean of what they say.

    Args:
        members: trained networks.
        temperature: divides the mean logits; above 1 = less sure.
        shares: how often each class is expected; the members were trained as if all were alike.
    """

    def __init__(
        self, members: Sequence[nn.Module], temperature: float = 1.0, shares: Sequence[float] = SHARES
    ) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.temperature = temperature
        self.register_buffer("expected", torch.log(torch.tensor(shares)))
        self.register_buffer("signs", torch.tensor([-1.0, 1.0, 1.0]).view(1, 3, 1, 1))

    def logits(self, x: Tensor) -> Tensor:
        """Return mean logits ``(n, k)`` before temperature and shares."""
        mirrored = x.flip(3) * self.signs
        views = [F.log_softmax(member(view), 1) for member in self.members for view in (x, mirrored)]
        return torch.stack(views).mean(0)

    def forward(self, x: Tensor) -> Tensor:
        """Map u, v, strain ``(n, 3, 28, 28)`` to probabilities ``(n, k)``."""
        return torch.softmax(self.logits(x) / self.temperature + self.expected, 1)


@torch.no_grad()
def probabilities(committee: Committee, maps: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what a committee says of packed maps, float32 ``(n, k)``."""
    parts = [committee(part) for part in torch.from_numpy(network_input(maps)).split(512)]
    return np.asarray(torch.cat(parts).numpy(), np.float32)


@torch.no_grad()
def calibrate(committee: Committee, pool: MapPool) -> float:
    """Return the temperature with the best likelihood on a pool whose classes are as frequent as expected."""
    x = torch.from_numpy(network_input(pool.maps))
    logits = torch.cat([committee.logits(part) for part in x.split(512)])
    labels = torch.from_numpy(pool.labels)
    tried = np.exp(np.linspace(np.log(0.3), np.log(4), 80))
    costs = [float(F.cross_entropy(logits / float(t) + committee.expected, labels)) for t in tried]
    return float(tried[int(np.argmin(costs))])


def expected_calibration_error(found: NDArray[np.float32], labels: NDArray[np.int64], bins: int = 15) -> float:
    """Return the expected calibration error of the chosen class (Guo et al. 2017), 0..1."""
    sure, right = found.max(1), found.argmax(1) == labels
    place = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [abs(right[place == b].mean() - sure[place == b].mean()) * (place == b).mean() for b in set(place.tolist())]
    return float(sum(gaps))


def figures(found: NDArray[np.float32], pool: MapPool) -> dict[str, float]:
    """Summarise what is said of a pool.

    Returns:
        ``uf1`` and ``uar`` over the three expressions (given that there is one), the same for movements stronger than
        .2, ``uf1_4`` with ``none`` among the classes, ``ece``, and how many maps.
    """
    known = pool.labels < len(EXPRESSIONS)
    guess, labels = found[known, : len(EXPRESSIONS)].argmax(1), pool.labels[known]
    strong = pool.intensity[known] > 0.2
    told = {
        "uf1": uf1(labels, guess), "uar": uar(labels, guess), "uf1_strong": uf1(labels[strong], guess[strong]),
        "uf1_4": uf1(pool.labels, found.argmax(1), len(CLASSES)),
        "ece": expected_calibration_error(found, pool.labels),
    }  # fmt: skip
    return {key: round(value, 4) for key, value in told.items()} | {"maps": len(pool.labels)}


def choose_threshold(
    found: NDArray[np.float32], pool: MapPool, allowed: float, lowest: float = 0.5
) -> dict[str, float]:
    """Choose the probability below which the recogniser abstains.

    Args:
        found: its probabilities, float32 ``(n, 4)``.
        pool: what it judged.
        allowed: share of the movements that are none which may be called an expression, 0..1.
        lowest: never choose less.

    Returns:
        ``abstain_below``, and what it gives: ``kept``, the share of expressions that are named, ``right``, the share
        of those that are named rightly, and ``false``, the share of the others that are named.
    """
    none = len(EXPRESSIONS)
    named = np.where(found.argmax(1) == none, 0.0, found.max(1))
    empty = pool.labels == none
    quiet = np.sort(named[empty])[::-1]
    floor = float(quiet[min(int(allowed * len(quiet)), len(quiet) - 1)]) if len(quiet) else lowest
    threshold = float(np.clip(np.ceil(floor * 100 + 1) / 100, lowest, 0.95))
    kept = (named >= threshold) & ~empty
    right = found[kept].argmax(1) == pool.labels[kept]
    told = {"abstain_below": threshold, "kept": kept[~empty].mean(), "right": right.mean(),
            "false": (named[empty] >= threshold).mean()}  # fmt: skip
    return {key: round(float(value), 4) for key, value in told.items()}
