"""Error rates of the sequential methods, with negative controls that must fail.

Each check runs with a fixed seed. The acceptance bands are the target plus or minus three Monte-Carlo
standard errors, and an allowance where a method is only asymptotically exact. What was measured is printed
(``pytest -s``).
"""

from functools import cache

import numpy as np
import pytest
from scipy import stats

from steelyard.stats import always_valid
from steelyard.stats.adjustment import full
from steelyard.stats.group_sequential import bounds, bounds_batch
from steelyard.stats.gst_classical import classical_bounds
from steelyard.stats.gst_exit import exit_probabilities, required_drift
from steelyard.stats.moments import Moments
from steelyard.stats.stagewise import stagewise_tail

DAYS = 14
FIXED = stats.norm.isf(0.025)


def adjusted_series(replicates, seed, days=DAYS, units_per_day=250, chunk=200):
    """Return effects and standard errors of an A/A test at each day, with slopes that differ by variant.

    The covariate is skewed, its slope is 0.5 in the control and 1.5 in the treatment, and the treatment gets
    40 % of the units, 100 a day: normal bounds need that many. Both variants have the same mean.
    """
    rng = np.random.default_rng(seed)
    sizes = np.array([int(0.6 * units_per_day), units_per_day - int(0.6 * units_per_day)])
    effects, errors = [], []
    for start in range(0, replicates, chunk):
        count = min(chunk, replicates - start)
        cells = []
        for slope, size in zip((0.5, 1.5), sizes, strict=True):
            x = rng.standard_exponential((count, days, size))
            y = slope * (x - 1.0) + rng.standard_normal(x.shape)
            rows = np.stack([y, x], axis=-1)
            sums = rows.sum(axis=2).cumsum(axis=1)
            products = np.matmul(np.swapaxes(rows, -1, -2), rows).cumsum(axis=1)
            n = np.broadcast_to(size * np.arange(1, days + 1), (count, days))
            cells.append(Moments.from_sums(n=n, sums=sums, products=products))
        pairs = full(Moments.stack(cells)).pairs()
        effects.append(pairs.effect[..., 0])
        errors.append(pairs.std_error[..., 0])
    return np.vstack(effects), np.vstack(errors)


@cache
def two_weeks(replicates):
    return adjusted_series(replicates, seed=3)


def as_array(looks):
    return np.array([np.inf if look.bound is None else look.bound for look in looks])


def ever(statistic, bound):
    return float(np.mean(np.any(np.abs(statistic) >= bound, axis=1)))


def band(target, replicates, allowance=0.0):
    """Return an approx of three Monte-Carlo standard errors plus an allowance."""
    return pytest.approx(target, abs=3.0 * np.sqrt(target * (1.0 - target) / replicates) + allowance)


quick_and_full = pytest.mark.parametrize(
    "replicates", [pytest.param(4_000, id="quick"), pytest.param(20_000, id="full")]
)


@pytest.mark.slow
@quick_and_full
@pytest.mark.parametrize("spending", ["power", "obrien_fleming", "pocock"])
def test_s03_daily_looks_at_an_adjusted_effect_keep_the_level(spending, replicates):
    effect, error = two_weeks(replicates)
    shares = [day / DAYS for day in range(1, DAYS + 1)]
    rate = ever(effect / error, as_array(bounds(shares, shares, spending=spending)))
    print(f"s03 {spending}: {rate:.4f}")
    # Observed information in the correlations does no harm either: most designs differ a little.
    observed = bounds_batch(np.tile(shares, (replicates, 1)), error**-2, spending=spending)
    own = ever(effect / error, observed.bound)
    print(f"s03 {spending}, observed information: {own:.4f}")
    assert rate == band(0.05, replicates, 0.001)
    assert own == band(0.05, replicates, 0.001)


@pytest.mark.slow
@quick_and_full
def test_s03b_daily_peeking_with_the_fixed_bound_is_caught(replicates):
    effect, error = two_weeks(replicates)
    rate = ever(effect / error, FIXED)
    print(f"s03b naive: {rate:.4f}")
    assert 0.19 < rate < 0.25


@pytest.mark.slow
@quick_and_full
def test_s03c_planned_sample_has_its_power(replicates):
    effect, error = two_weeks(replicates)
    shares = [day / DAYS for day in range(1, DAYS + 1)]
    bound = as_array(bounds(shares, shares))
    truth = required_drift(bound.tolist(), shares, power=0.8) * np.std(effect[:, -1])
    rate = float(np.mean(np.any((effect + truth) / error >= bound, axis=1)))
    print(f"s03c power: {rate:.4f}")
    assert rate == band(0.8, replicates, 0.003)


@pytest.mark.parametrize(
    "replicates", [pytest.param(1_000, id="quick"), pytest.param(3_000, id="full", marks=pytest.mark.slow)]
)
def test_s04_information_clock_keeps_the_level(replicates):
    effect, error = adjusted_series(replicates, seed=4, days=7)
    information = error**-2
    fractions = information / np.median(information[:, -1])
    fractions[:, -1] = 1.0
    looks = bounds_batch(fractions, information)
    rate = ever(effect / error, looks.bound)
    print(f"s04: {rate:.4f}")
    assert rate == band(0.05, replicates)
    assert ever(effect / error, FIXED) > 0.12


def exponential_looks(replicates, seed, looks=200, batch=100, chunk=50):
    """Return Z of the difference of two means at n = 100, 200, … units per variant."""
    rng = np.random.default_rng(seed)
    n = batch * np.arange(1, looks + 1)
    found = []
    for start in range(0, replicates, chunk):
        values = rng.standard_exponential((2, min(chunk, replicates - start), looks, batch))
        sums = values.sum(axis=-1).cumsum(axis=-1)
        squares = np.einsum("vrlb,vrlb->vrl", values, values).cumsum(axis=-1)
        means = sums / n
        variances = (squares - n * means**2) / (n - 1)
        found.append((means[1] - means[0]) / np.sqrt(variances.sum(axis=0) / n))
    return np.vstack(found), 2 * n


@pytest.mark.slow
@pytest.mark.parametrize("replicates", [pytest.param(1_000, id="quick"), pytest.param(4_000, id="full")])
def test_s06_always_valid_tests_keep_the_level_over_200_looks(replicates):
    z, n = exponential_looks(replicates, seed=6)
    two = ever(z, always_valid.critical_value(n, 5000.0, smallest_n=n / 2))
    one = float(np.mean(np.any(z >= always_valid.critical_value(n, 5000.0, sides=1), axis=1)))
    naive = ever(z, FIXED)
    print(f"s06 two-sided {two:.4f}, one-sided {one:.4f}, naive {naive:.4f}")
    assert two <= 0.07
    assert one <= 0.07
    assert naive > 0.4
    running = always_valid.running_p(always_valid.p_value(z, n, 5000.0))
    assert np.mean(running[:, -1] <= 0.05) == pytest.approx(two)


def stopped(replicates, drift, seed):
    """Return the look and the statistic at which a four-look design stops."""
    rng = np.random.default_rng(seed)
    information = np.array([0.25, 0.5, 0.75, 1.0])
    upper = as_array(bounds(information.tolist(), information.tolist(), spending="obrien_fleming"))
    steps = rng.standard_normal((replicates, 4)) * 0.5 + 0.25 * drift
    z = steps.cumsum(axis=1) / np.sqrt(information)
    last = np.where(np.abs(z) >= upper, np.arange(4), 3).min(axis=1)
    return upper, information, last, z[np.arange(replicates), last]


@pytest.mark.parametrize(
    "replicates", [pytest.param(3_000, id="quick"), pytest.param(20_000, id="full", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("drift", [0.0, 2.8])
def test_s16b_stagewise_p_at_the_true_effect_is_uniform(drift, replicates):
    upper, information, last, z = stopped(replicates, drift, seed=16)
    p = stagewise_tail(upper, information, z, stopped=last, effect=drift)
    covered, median = float(np.mean((p > 0.025) & (p < 0.975))), float(np.median(p))
    print(f"s16b drift {drift}: coverage {covered:.4f}, median {median:.4f}")
    assert covered == band(0.95, replicates)
    assert median == pytest.approx(0.5, abs=1.5 / np.sqrt(replicates))
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_s16b_p_value_that_ignores_the_stopping_is_caught():
    _, information, last, z = stopped(20_000, 2.8, seed=16)
    naive = stats.norm.sf(z - 2.8 * np.sqrt(information[last]))
    assert stats.kstest(naive, "uniform").pvalue < 1e-6


@pytest.mark.parametrize(("looks", "measured"), [(7, 0.064), (14, 0.072), (28, 0.078)])
def test_s22_obrien_fleming_shape_with_the_fixed_constant_is_caught(looks, measured):
    rng = np.random.default_rng(22)
    k = np.arange(1, looks + 1)
    z = rng.standard_normal((100_000, looks)).cumsum(axis=1) / np.sqrt(k)
    shape = np.sqrt(looks / k)
    wrong, right = ever(z, FIXED * shape), ever(z, classical_bounds(looks))
    above, below = exit_probabilities(FIXED * shape, k, lower=-FIXED * shape)
    print(f"s22 {looks} looks: fixed constant {wrong:.4f}, true constant {right:.4f}")
    assert float((above + below).sum()) == pytest.approx(measured, abs=0.001)
    assert wrong == band(measured, 100_000, 0.0005)
    assert wrong > 0.06
    assert right == band(0.05, 100_000)
