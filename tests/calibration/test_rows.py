"""Coverage and error rates from rows: DuckDB, the engine's SQL, moments, result."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from tests.calibration.real_path import World, replicate_means, replicate_moments, run

from steelyard.analysis.effect_over_time import halfway, split
from steelyard.stats.adjustment import full, pooled, unadjusted
from steelyard.stats.comparison import superiority
from steelyard.stats.group_sequential import bounds
from steelyard.stats.means import VariantMeans
from steelyard.stats.moments import Moments
from steelyard.stats.novelty import change_of_effect
from steelyard.stats.relative import fieller

pytestmark = pytest.mark.slow
Z = stats.norm.isf(0.025)
ROWS = "rows"


def batches(total, size):
    return [min(size, total - start) for start in range(0, total, size)]


def covers(lower, upper, truth):
    return float(np.mean((lower <= truth) & (truth <= upper)))


def skewed_world(replicates, rng):
    """Slopes 2 and 1 on an exponential covariate, 400 against 1600 units, means 10 and 13."""
    sizes, slopes, levels = (400, 1600), (2.0, 1.0), (10.0, 13.0)
    treated = np.tile(np.repeat([0, 1], sizes), replicates)
    x = rng.standard_exponential(len(treated))
    slope, level = np.take(slopes, treated), np.take(levels, treated)
    y = level + slope * (x - 1.0) + 0.8 * rng.standard_normal(len(treated))
    return World(
        replicate=np.repeat(np.arange(replicates), sum(sizes)),
        treated=treated,
        day=np.zeros(len(treated), dtype=np.int64),
        unit=np.arange(len(treated)),
        value=y,
        before=x,
    )


def test_s02_full_adjustment_covers_with_slopes_that_differ(calibrate):
    seed, total = 2, calibrate.replicates(4_000, 20_000)
    rng = np.random.default_rng(seed)
    effect, error, found = [], [], {name: [] for name in ("full", "fixed x", "common", "lift", "independent")}
    effect_common, effect_raw = [], []
    for size in batches(total, 500):
        moments = run("mean", skewed_world(size, rng))
        means = _last(replicate_means(moments))
        reduced = replicate_moments(moments)[:, -1]
        pair = means.pairs()
        compared = superiority(pair)
        found["full"].append(covers(compared.ci_lower, compared.ci_upper, 3.0) * size)
        fixed = np.sqrt(means.residual.sum(axis=-1))
        found["fixed x"].append(np.sum(np.abs(pair.effect[:, 0] - 3.0) <= Z * fixed))
        common = pooled(reduced).pairs()
        found["common"].append(np.sum(np.abs(common.effect - 3.0) <= Z * common.std_error))
        found["lift"].append(covers(compared.relative_ci_lower, compared.relative_ci_upper, 0.3) * size)
        apart = fieller(pair.mean_treatment, pair.var_treatment, pair.mean_control, pair.var_control)
        found["independent"].append(covers(apart.ci_lower, apart.ci_upper, 0.3) * size)
        effect.append(pair.effect[:, 0])
        error.append(pair.std_error[:, 0])
        effect_common.append(common.effect[:, 0])
        effect_raw.append(unadjusted(reduced).pairs().effect[:, 0])
    rate = {name: float(np.sum(counts)) / total for name, counts in found.items()}
    spread = np.std(np.concatenate(effect))
    common_ratio = float(spread / np.std(np.concatenate(effect_common)))

    def check(*arguments, **band):
        calibrate.check(*arguments, replicates=total, seed=seed, path=ROWS, **band)

    check("s02", "full adjustment, 95 % coverage", rate["full"], low=0.938, high=0.960)
    check(
        "s02",
        "mean standard error / empirical",
        float(np.mean(np.concatenate(error)) / spread),
        low=0.96,
        high=1.04,
    )
    check("s02b", "negative control: covariate mean as fixed", rate["fixed x"], high=0.935)
    check("s02c", "common slope, 95 % coverage", rate["common"], low=0.938, high=0.960)
    check("s02c", "standard deviation, full / common slope", common_ratio, high=0.95)
    check("s02d", "relative effect, 95 % coverage", rate["lift"], low=0.938, high=0.960)
    check("s02e", "negative control: adjusted means as independent", rate["independent"], low=0.985)
    assert spread < np.std(np.concatenate(effect_raw))


def _last(means: VariantMeans) -> VariantMeans:
    fields = {
        name: getattr(means, name)[:, -1]
        for name in means.__dataclass_fields__
        if name not in ("notes", "method")
    }
    return VariantMeans(**fields, notes={k: v[:, -1] for k, v in means.notes.items()}, method=means.method)


def daily_world(replicates, rng, days=14, sizes=(150, 100)):
    """Units that enter over two weeks; slopes 0.5 and 1.5, no effect."""
    a_day = np.repeat([0, 1], sizes)
    treated = np.tile(a_day, replicates * days)
    x = rng.standard_exponential(len(treated))
    y = np.where(treated, 1.5, 0.5) * (x - 1.0) + rng.standard_normal(len(treated))
    return World(
        replicate=np.repeat(np.arange(replicates), days * len(a_day)),
        treated=treated,
        day=np.tile(np.repeat(np.arange(days), len(a_day)), replicates),
        unit=np.arange(len(treated)),
        value=y,
        before=x,
    )


def test_s03_daily_looks_keep_the_level_from_rows(calibrate):
    seed, total, days = 303, calibrate.replicates(4_000, 8_000), 14
    rng = np.random.default_rng(seed)
    z = []
    for size in batches(total, 250):
        pair = replicate_means(run("mean", daily_world(size, rng))).pairs()
        z.append(pair.effect[..., 0] / pair.std_error[..., 0])
    statistic = np.abs(np.vstack(z))
    assert statistic.shape == (total, days)
    clock = [day / days for day in range(1, days + 1)]
    for spending in ("power", "obrien_fleming", "pocock"):
        bound = np.array(
            [np.inf if look.bound is None else look.bound for look in bounds(clock, clock, spending=spending)]
        )
        rate = float(np.mean((statistic >= bound).any(axis=1)))
        calibrate.check(
            "s03",
            f"14 daily looks, {spending}",
            rate,
            low=0.040,
            high=0.060,
            replicates=total,
            seed=seed,
            path=ROWS,
        )
    naive = float(np.mean((statistic >= Z).any(axis=1)))
    calibrate.check(
        "s03b",
        "negative control: daily peeking",
        naive,
        low=0.19,
        high=0.25,
        replicates=total,
        seed=seed,
        path=ROWS,
    )


def test_s12_ratio_covers_with_heavy_denominators(calibrate):
    seed, total, units = 12, calibrate.replicates(3_000, 10_000), 400
    rng = np.random.default_rng(seed)
    covered, iid = 0.0, 0
    for size in batches(total, 500):
        n = size * 2 * units
        treated = np.tile(np.repeat([0, 1], units), size)
        d = np.ceil(rng.lognormal(1.0, 1.0, n))
        # Each unit has a rate of its own, so that its events depend on each other.
        y = d * (1.0 + 0.5 * rng.standard_normal(n)) + np.sqrt(d) * rng.standard_normal(n)
        replicate = np.repeat(np.arange(size), 2 * units)
        world = World(
            replicate=replicate, treated=treated, day=np.zeros(n, int), unit=np.arange(n), value=y, size=d
        )
        compared = superiority(replicate_means(run("ratio", world)).pairs())
        covered += covers(compared.ci_lower[:, -1], compared.ci_upper[:, -1], 0.0) * size
        events = d.reshape(size, 2, units).sum(axis=-1)
        noise = np.sqrt((1.25 / events).sum(axis=-1))  # an event's variance is 0.25 + 1
        iid += np.sum(np.abs(compared.effect[:, -1, 0]) <= Z * noise)
    calibrate.check(
        "s12",
        "ratio, 95 % coverage, 400 units",
        covered / total,
        low=0.938,
        high=0.962,
        replicates=total,
        seed=seed,
        path=ROWS,
    )
    calibrate.check(
        "s12",
        "negative control: events as independent",
        iid / total,
        high=0.85,
        replicates=total,
        seed=seed,
        path=ROWS,
    )


def test_s13_quantile_of_clustered_events_covers(calibrate):
    seed, total, units = 13, calibrate.replicates(1_000, 3_000), 400
    rng = np.random.default_rng(seed)
    truth = float(np.exp(stats.norm.ppf(0.9)))
    single, pairs, iid = 0.0, 0.0, 0
    for size in batches(total, 100):
        n = size * 2 * units
        events = 1 + rng.poisson(5, n)
        unit = np.repeat(np.arange(n), events)
        # ln value is standard normal over events; 40 % of its variance is the unit's.
        value = np.exp(
            np.sqrt(0.4) * rng.standard_normal(n)[unit] + np.sqrt(0.6) * rng.standard_normal(len(unit))
        )
        world = World(
            replicate=np.repeat(np.arange(size), 2 * units),
            treated=np.tile(np.repeat([0, 1], units), size),
            day=np.zeros(n, int),
            unit=unit,
            value=value,
        )
        means = _last(replicate_means(run("quantile", world)))
        reach = Z * np.sqrt(means.residual[:, 0])
        single += covers(means.mean[:, 0] - reach, means.mean[:, 0] + reach, truth) * size
        compared = superiority(means.pairs())
        pairs += covers(compared.ci_lower, compared.ci_upper, 0.0) * size
        cell = np.repeat(np.arange(2 * size), events.reshape(2 * size, units).sum(axis=1))
        for k in range(size):
            mine = np.sort(value[cell == 2 * k])
            half = Z * np.sqrt(len(mine) * 0.09)
            low, high = mine[int(0.9 * len(mine) - half) - 1], mine[int(np.ceil(0.9 * len(mine) + half))]
            iid += low <= truth <= high
    band = {"replicates": total, "seed": seed, "path": ROWS}
    calibrate.check(
        "s13", "90 % quantile of clustered rows, 95 % coverage", single / total, low=0.929, high=0.971, **band
    )
    calibrate.check(
        "s13", "difference of quantiles, 95 % coverage", pairs / total, low=0.929, high=0.971, **band
    )
    calibrate.check("s13", "negative control: rows as independent", iid / total, high=0.90, **band)


def test_an_effect_that_does_not_change_is_seldom_said_to(calibrate):
    """Units of two halves of the time, adjusted, with an effect that is the same in both."""
    seed, total = 2201, calibrate.replicates(4_000, 8_000)
    rng = np.random.default_rng(seed)
    p, known = [], []
    for size in batches(total, 250):
        world = daily_world(size, rng)
        shifted = replace(world, value=world.value + 0.3 * world.treated)
        moments = replicate_moments(run("mean", shifted))
        cells = Moments(
            n=np.moveaxis(moments.n, 1, 0),
            mean=np.moveaxis(moments.mean, 1, 0),
            m2=np.moveaxis(moments.m2, 1, 0),
        )
        early, late = (full(part).pairs() for part in split(cells, halfway(cells[:, 0])))
        change = change_of_effect(early, late)
        assert (change.reason == "").all()
        p.append(change.p_value[:, 0])
        known.append(np.abs(change.change / late.std_error)[:, 0])
    rate = float(np.mean(np.concatenate(p) <= 0.05))
    calibrate.near(
        "cohort",
        "change of an effect between halves of the units",
        rate,
        target=0.05,
        allowance=0.004,
        replicates=total,
        seed=seed,
        path=ROWS,
    )
    calibrate.check(
        "cohort",
        "negative control: the earlier effect as known",
        float(np.mean(np.concatenate(known) >= Z)),
        low=0.12,
        replicates=total,
        seed=seed,
        path=ROWS,
    )
