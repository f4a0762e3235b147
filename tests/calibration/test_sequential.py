"""Error rates of the sequential methods, with negative controls that must fail.

Each check runs with a fixed seed; the table of what was measured stands at the end of the test run.
"""

from functools import cache

import numpy as np
import pytest
from scipy import stats

from steelyard.stats import always_valid
from steelyard.stats.adjustment import full
from steelyard.stats.comparison import superiority
from steelyard.stats.group_sequential import bounds, bounds_batch
from steelyard.stats.gst_classical import classical_bounds
from steelyard.stats.gst_exit import exit_probabilities, required_drift
from steelyard.stats.means import VariantMeans
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


@pytest.mark.slow
@pytest.mark.parametrize("spending", ["power", "obrien_fleming", "pocock"])
def test_s03_daily_looks_at_an_adjusted_effect_keep_the_level(spending, calibrate):
    replicates = calibrate.replicates(4_000, 20_000)
    effect, error = two_weeks(replicates)
    shares = [day / DAYS for day in range(1, DAYS + 1)]
    rate = ever(effect / error, as_array(bounds(shares, shares, spending=spending)))
    # Observed information in the correlations does no harm either: most designs differ a little.
    observed = bounds_batch(np.tile(shares, (replicates, 1)), error**-2, spending=spending)
    own = ever(effect / error, observed.bound)
    near = {"target": 0.05, "allowance": 0.001, "replicates": replicates, "seed": 3}
    calibrate.near("s03", f"14 daily looks, {spending}", rate, **near)
    calibrate.near("s03", f"14 daily looks, {spending}, observed information", own, **near)


@pytest.mark.slow
def test_s03b_daily_peeking_with_the_fixed_bound_is_caught(calibrate):
    replicates = calibrate.replicates(4_000, 20_000)
    effect, error = two_weeks(replicates)
    rate = ever(effect / error, FIXED)
    calibrate.check(
        "s03b", "negative control: daily peeking", rate, low=0.19, high=0.25, replicates=replicates, seed=3
    )


@pytest.mark.slow
def test_s03c_planned_sample_has_its_power(calibrate):
    replicates = calibrate.replicates(4_000, 20_000)
    effect, error = two_weeks(replicates)
    shares = [day / DAYS for day in range(1, DAYS + 1)]
    bound = as_array(bounds(shares, shares))
    truth = required_drift(bound.tolist(), shares, power=0.8) * np.std(effect[:, -1])
    rate = float(np.mean(np.any((effect + truth) / error >= bound, axis=1)))
    calibrate.check(
        "s03c", "power .8 at the planned sample", rate, low=0.780, high=0.820, replicates=replicates, seed=3
    )


@pytest.mark.slow
@pytest.mark.parametrize("drift", [0.0, 2.8])
def test_s03d_repeated_intervals_cover_at_all_looks_together(drift, calibrate):
    replicates = calibrate.replicates(4_000, 20_000)
    effect, error = two_weeks(replicates)
    shares = [day / DAYS for day in range(1, DAYS + 1)]
    truth = drift * np.std(effect[:, -1])
    pair = VariantMeans.independent(
        n=np.full((*effect.shape, 2), 10**6),
        mean=np.stack([np.zeros_like(effect), effect + truth], axis=-1),
        variance=np.stack([np.zeros_like(error), error**2], axis=-1),
    ).pairs()
    shown = superiority(pair, critical=as_array(bounds(shares, shares))[:, None])
    inside = (shown.ci_lower <= truth) & (truth <= shown.ci_upper)
    name = f"repeated intervals, all looks, {'no effect' if drift == 0 else 'an effect'}"
    rate = inside[..., 0].all(axis=1).mean()
    calibrate.check("s03d", name, rate, low=0.940, high=0.960, replicates=replicates, seed=3)


def test_s04_information_clock_keeps_the_level(calibrate):
    replicates = calibrate.replicates(1_000, 3_000)
    effect, error = adjusted_series(replicates, seed=4, days=7)
    information = error**-2
    fractions = information / np.median(information[:, -1])
    fractions[:, -1] = 1.0
    looks = bounds_batch(fractions, information)
    rate = ever(effect / error, looks.bound)
    naive = ever(effect / error, FIXED)
    record = {"replicates": replicates, "seed": 4}
    calibrate.check("s04", "7 looks on the information clock", rate, low=0.030, high=0.072, **record)
    calibrate.check("s04", "negative control: fixed bound", naive, low=0.12, **record)


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
def test_s06_always_valid_tests_keep_the_level_over_200_looks(calibrate):
    replicates = calibrate.replicates(1_000, 4_000)
    z, n = exponential_looks(replicates, seed=6)
    two = ever(z, always_valid.critical_value(n, 5000.0, smallest_n=n / 2))
    one = float(np.mean(np.any(z >= always_valid.critical_value(n, 5000.0, sides=1), axis=1)))
    naive = ever(z, FIXED)
    record = {"replicates": replicates, "seed": 6}
    calibrate.check("s06", "always valid, 200 looks, two-sided", two, high=0.07, **record)
    calibrate.check("s06", "always valid, 200 looks, one-sided", one, high=0.07, **record)
    calibrate.check("s06", "negative control: fixed bound", naive, low=0.4, **record)
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


@pytest.mark.parametrize("drift", [0.0, 2.8])
def test_s16b_stagewise_p_at_the_true_effect_is_uniform(drift, calibrate):
    replicates = calibrate.replicates(3_000, 20_000)
    upper, information, last, z = stopped(replicates, drift, seed=16)
    p = stagewise_tail(upper, information, z, stopped=last, effect=drift)
    record = {"replicates": replicates, "seed": 16}
    covered = np.mean((p > 0.025) & (p < 0.975))
    calibrate.check("s16b", f"stage-wise coverage, drift {drift}", covered, low=0.938, high=0.962, **record)
    calibrate.check("s16b", f"median, drift {drift}", np.median(p), low=0.473, high=0.527, **record)
    uniform = stats.kstest(p, "uniform").pvalue
    calibrate.check("s16b", f"Kolmogorov-Smirnov p, drift {drift}", uniform, low=0.001, **record)


def test_s16b_p_value_that_ignores_the_stopping_is_caught(calibrate):
    _, information, last, z = stopped(20_000, 2.8, seed=16)
    naive = stats.norm.sf(z - 2.8 * np.sqrt(information[last]))
    p = stats.kstest(naive, "uniform").pvalue
    calibrate.check(
        "s16b",
        "negative control: stopping ignored, Kolmogorov-Smirnov p",
        p,
        high=1e-6,
        replicates=20_000,
        seed=16,
    )


@pytest.mark.parametrize(("looks", "measured"), [(7, 0.064), (14, 0.072), (28, 0.078)])
def test_s22_obrien_fleming_shape_with_the_fixed_constant_is_caught(looks, measured, calibrate):
    rng = np.random.default_rng(22)
    k = np.arange(1, looks + 1)
    z = rng.standard_normal((100_000, looks)).cumsum(axis=1) / np.sqrt(k)
    shape = np.sqrt(looks / k)
    wrong, right = ever(z, FIXED * shape), ever(z, classical_bounds(looks))
    above, below = exit_probabilities(FIXED * shape, k, lower=-FIXED * shape)
    assert float((above + below).sum()) == pytest.approx(measured, abs=0.001)
    near = {"replicates": 100_000, "seed": 22}
    name = f"O'Brien-Fleming shape, {looks} looks"
    calibrate.near(
        "s22", f"negative control: constant 1.96, {name}", wrong, target=measured, allowance=0.0005, **near
    )
    calibrate.near("s22", f"true constant, {name}", right, target=0.05, **near)
    assert wrong > 0.06
