"""Rates that say how sure they are."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, fsum, lgamma, log, sqrt
from typing import Any

Z_95 = 1.959964
"""Normal quantile of a two-sided 95 % interval."""

TAIL_95 = 0.025
"""What a two-sided 95 % interval leaves out on each side."""

BISECTIONS = 60
"""Each halves the stretch that holds the bound: far more than the four digits that are reported."""


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

    def per_thousand(self) -> dict[str, Any]:
        """Return ``n``, ``said`` (the count), ``per_1000`` and its ``interval_95``, both None of nothing."""
        value, interval = self.value, self.interval()
        return {
            "n": self.n,
            "said": self.count,
            "per_1000": None if value is None else round(1000 * value, 1),
            "interval_95": None if interval is None else tuple(round(1000 * bound, 1) for bound in interval),
        }


@dataclass(frozen=True, slots=True)
class Frequency:
    """How often something happened in a stretch of time: ``count`` times in ``hours``."""

    count: int
    hours: float

    @property
    def per_hour(self) -> float | None:
        """Times an hour, or None of no time."""
        return round(self.count / self.hours, 2) if self.hours > 0 else None

    def interval(self) -> tuple[float, float] | None:
        """Return the exact 95 % interval of a Poisson rate, times an hour (Garwood 1936), or None of no time.

        Nothing in an hour does not mean never:

        Example:
            >>> Frequency(0, 1.0).interval(), Frequency(10, 2.0).interval()
            ((0.0, 3.69), (2.4, 9.2))
        """
        if self.hours <= 0:
            return None
        low = _poisson_mean(self.count - 1, 1 - TAIL_95) if self.count else 0.0
        return round(low / self.hours, 2), round(_poisson_mean(self.count, TAIL_95) / self.hours, 2)


def _poisson_mean(most: int, probability: float) -> float:
    """Return the mean of the Poisson distribution that stays at or below ``most`` with this probability."""
    low, high = 0.0, most + 10 * sqrt(most + 1) + 20
    for _ in range(BISECTIONS):
        mean = (low + high) / 2
        at_most = fsum(exp(i * log(mean) - mean - lgamma(i + 1)) for i in range(most + 1))
        low, high = (mean, high) if at_most > probability else (low, mean)
    return (low + high) / 2
