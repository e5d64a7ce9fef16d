"""Rates that say how sure they are."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

Z_95 = 1.959964
"""Normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something happened: ``count`` of ``n``."""

    count: int
    n: int

    @property
    def value(self) -> float | None:
        """The share, 0..1, or None of nothing."""
        return round(self.count / self.n, 4) if self.n else None

    def interval(self) -> tuple[float, float] | None:
        """Return the 95 % Wilson score interval (Wilson 1927), or None of nothing.

        Example:
            >>> Rate(81, 263).interval()
            (0.2553, 0.3662)
        """
        if not self.n:
            return None
        share, z2 = self.count / self.n, Z_95**2
        centre = share + z2 / (2 * self.n)
        spread = Z_95 * sqrt(share * (1 - share) / self.n + z2 / (4 * self.n**2))
        low, high = ((centre + sign * spread) / (1 + z2 / self.n) for sign in (-1, 1))
        return round(max(0.0, low), 4), round(min(1.0, high), 4)
