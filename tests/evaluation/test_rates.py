from __future__ import annotations

import pytest

from assistive.evaluation.rates import Rate


@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    [  # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (36, 36, 0.9036, 1.0),
    ],
)
def test_the_interval_is_wilsons(count: int, n: int, low: float, high: float) -> None:
    assert Rate(count, n).interval() == pytest.approx((low, high), abs=1e-4)


def test_nothing_has_no_rate() -> None:
    assert Rate(0, 0).value is None
    assert Rate(0, 0).interval() is None
