from __future__ import annotations

import pytest

from assistive.evaluation.rates import Frequency, Rate


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
    assert Rate(0, 0).per_thousand() == {"n": 0, "said": 0, "per_1000": None, "interval_95": None}


def test_a_rate_per_thousand() -> None:
    assert Rate(3, 36).per_thousand() == {"n": 36, "said": 3, "per_1000": 83.3, "interval_95": (28.7, 218.3)}


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [  # exact limits of a Poisson mean, as every table of them has it
        (0, 0.0, 3.689),
        (1, 0.0253, 5.572),
        (5, 1.623, 11.668),
        (10, 4.795, 18.390),
        (100, 81.364, 121.627),
    ],
)
def test_the_interval_of_a_frequency_is_exact(count: int, low: float, high: float) -> None:
    assert Frequency(count, 1.0).interval() == pytest.approx((low, high), abs=0.006)
    assert Frequency(count, 10.0).interval() == pytest.approx((low / 10, high / 10), abs=0.006)


def test_the_interval_agrees_with_the_chi_squared_form() -> None:
    chi2 = pytest.importorskip("scipy.stats").chi2
    for count in (2, 7, 63, 1500):
        expected = (chi2.ppf(0.025, 2 * count) / 2, chi2.ppf(0.975, 2 * count + 2) / 2)
        assert Frequency(count, 1.0).interval() == pytest.approx(expected, abs=0.006)


def test_no_time_has_no_frequency() -> None:
    assert Frequency(0, 0.0).per_hour is None and Frequency(0, 0.0).interval() is None
    assert Frequency(3, 0.5).per_hour == 6.0
