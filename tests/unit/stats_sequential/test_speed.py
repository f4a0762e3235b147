"""What a run may cost on one core. The limits leave room for a busy machine."""

from time import perf_counter

import numpy as np
import pytest

from steelyard.stats.always_valid import critical_value, p_value
from steelyard.stats.group_sequential import bounds, bounds_batch
from steelyard.stats.sequential_p import sequential_p

pytestmark = pytest.mark.slow


def designs(count, looks=14, seed=0):
    information = np.cumsum(np.random.default_rng(seed).uniform(0.5, 1.5, (count, looks)), axis=1)
    return information / information[:, -1:], information


def seconds(action):
    start = perf_counter()
    action()
    return perf_counter() - start


@pytest.mark.parametrize("spending", ["power", "obrien_fleming", "pocock"])
def test_a_thousand_different_designs_of_14_looks(spending):
    fractions, information = designs(1_000)
    assert seconds(lambda: bounds_batch(fractions, information, spending=spending)) < 5.0


def test_ten_thousand_comparisons_that_share_designs():
    pick = np.random.default_rng(1).integers(0, 20, 10_000)
    fractions, information = (array[pick] for array in designs(20))
    assert seconds(lambda: bounds_batch(fractions, information)) < 2.0


@pytest.mark.parametrize("alpha", [0.05, 1e-6])
@pytest.mark.parametrize("sides", [1, 2])
def test_a_year_of_daily_looks(sides, alpha):
    shares = [day / 365 for day in range(1, 366)]
    assert seconds(lambda: bounds(shares, shares, sides=sides, alpha=alpha)) < 2.0


def test_sequential_p_values_of_a_new_look():
    fractions, information = designs(1_000)
    z = np.random.default_rng(2).standard_normal(information.shape).cumsum(axis=1) / np.sqrt(np.arange(1, 15))
    p = sequential_p(z[:, :-1], fractions[:, :-1], information[:, :-1])
    assert seconds(lambda: sequential_p(z, fractions, information, persisted_p=p)) < 10.0


@pytest.mark.parametrize("sides", [1, 2])
def test_a_million_always_valid_cells(sides):
    rng = np.random.default_rng(3)
    n, z = rng.integers(200, 10**6, 10**6).astype(float), rng.standard_normal(10**6)

    def work():
        critical_value(n, 5000.0, sides=sides)
        p_value(z, n, 5000.0, sides=sides)

    assert seconds(work) < 1.0
