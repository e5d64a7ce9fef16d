"""Mirror clips: left and right change places in every input, in the way that each of them needs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from assistive.zoo.systems import Batch

MIRRORED_68 = (
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1), 45, 44, 43, 42, 47, 46, 39, 38, 37, 36,
    41, 40, *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), 67, 66, 65,
)  # fmt: skip
"""Landmark of the mirrored face by landmark."""

MIRRORED_REGIONS = (1, 0, 2, 4, 3, 5, 6)
"""The same of the regions."""


def mirrored(batch: Batch, rng: torch.Generator) -> Batch:
    """Mirror half of the clips, drawn by ``rng``, in all of their inputs.

    Raises:
        KeyError: it is not known how an input is mirrored.
    """
    clips = len(next(iter(batch.values())))
    turned = torch.rand(clips, generator=rng) < 0.5
    return {
        key: torch.where(turned.view(-1, *(1,) * (value.ndim - 1)), WAYS[key.removeprefix("target_")](value), value)
        for key, value in batch.items()
    }


def _picture(x: Tensor) -> Tensor:
    return x.flip(-1)


def _flow(x: Tensor) -> Tensor:
    """Mirror u, v and strain, if there, ``(..., 2 or 3, s, s)``: u changes its sign."""
    return x.flip(-1) * torch.tensor([-1.0, 1.0, 1.0])[: x.shape[-3], None, None]


def _landmarks(x: Tensor) -> Tensor:
    return x[..., list(MIRRORED_68), :] * torch.tensor([-1.0, 1.0]) + torch.tensor([1.0, 0.0])


def _regions(x: Tensor) -> Tensor:
    left, top, right, bottom = x[:, list(MIRRORED_REGIONS)].unbind(2)
    return torch.stack([1 - right, top, 1 - left, bottom], 2)


WAYS: dict[str, Callable[[Tensor], Tensor]] = {
    "frames": _picture, "magnified": _picture, "onset": _picture, "apex": _picture, "cover": _picture,
    "flow": _flow, "flow_map": _flow, "flow_sequence": _flow, "puzzle": _flow,
    "landmarks": _landmarks, "regions": _regions,
    "phases": _picture, "phase_flow": _flow, "phase_landmarks": _landmarks,
}  # fmt: skip
"""How an input is mirrored, by its key; a new input needs its entry."""
