"""Maximum mean discrepancy: how far two samples are from being of one distribution (Gretton et al., JMLR 2012)."""

from __future__ import annotations

import torch
from torch import Tensor

BANDWIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Squared widths of the Gaussian kernels, as multiples of the mean squared distance of two different points."""


def discrepancy(one: Tensor, other: Tensor) -> Tensor:
    """Return the squared maximum mean discrepancy under the mean of five Gaussian kernels.

    It is the biased estimate: never negative, and 0 for equal samples. The widths follow the data of the moment and are
    no way for the gradient.

    Args:
        one: sample ``(n, f)``.
        other: sample ``(m, f)``.

    Returns:
        A scalar, 0..2.
    """
    points = torch.cat([one, other])
    # By differences: x^2 + y^2 - 2 x y would lose the small distances, and make the distance of a point to itself > 0.
    squared = (points[:, None] - points[None]).pow(2).sum(2)
    n, all_ = len(one), len(points)
    width = (squared.detach().sum() / (all_ * (all_ - 1))).clamp_min(1e-12)
    alike = torch.stack([torch.exp(-squared / (2 * factor * width)) for factor in BANDWIDTHS]).mean(0)
    return alike[:n, :n].mean() + alike[n:, n:].mean() - 2 * alike[:n, n:].mean()
