"""False ships and power of the decision rule, and error rates over many metrics, with negative controls."""

import numpy as np
import pytest
from scipy import stats

from steelyard.stats.adjustment import full
from steelyard.stats.comparison import non_inferiority, superiority
from steelyard.stats.decision import TestResult, decide, decision_design
from steelyard.stats.group_sequential import bounds
from steelyard.stats.moments import Moments
from steelyard.stats.multiplicity import benjamini_hochberg, holm
from steelyard.stats.power_plan import PlannedMetric, plan_experiment

pytestmark = pytest.mark.slow


def correlated(rng, shape, rho):
    """Return standard normal values, correlated within the last axis."""
    shared = rng.normal(size=(*shape[:-1], 1))
    return np.sqrt(rho) * shared + np.sqrt(1 - rho) * rng.normal(size=shape)


def shipped(success, guardrail, harm, design):
    """Apply the rule to z statistics: two-sided success tests, one-sided others."""
    ship = np.ones(len(guardrail), dtype=bool)
    if design.alpha_success is not None and success.shape[1]:
        bound = stats.norm.isf(design.alpha_success / 2)
        ship &= (success >= bound).any(axis=1) & ~(success <= -bound).any(axis=1)
    ship &= (guardrail >= stats.norm.isf(design.alpha_guardrail)).all(axis=1)
    if harm.shape[1]:
        ship &= ~(harm >= stats.norm.isf(design.alpha_harm)).any(axis=1)
    return ship


def nothing(total):
    return np.zeros((total, 0))


def test_vectorised_rule_is_that_of_the_engine():
    rng = np.random.default_rng(0)
    design = decision_design(success=2, guardrails=2, deterioration=1, alpha_harm=0.05)
    z = rng.normal(loc=1.5, scale=1.5, size=(400, 5))
    fast = shipped(z[:, :2], z[:, 2:4], -z[:, 4:], design)
    for row, expected in zip(z, fast, strict=True):
        success = stats.norm.isf(design.alpha_success / 2)
        tests = [
            TestResult(
                metric=f"s{k}", role="success", significant=bool(abs(v) >= success), improved=bool(v > 0)
            )
            for k, v in enumerate(row[:2])
        ]
        guardrail = stats.norm.isf(design.alpha_guardrail)
        tests += [
            TestResult(metric=f"g{k}", role="guardrail", significant=bool(v >= guardrail))
            for k, v in enumerate(row[2:4])
        ]
        harm = bool(-row[4] >= stats.norm.isf(design.alpha_harm))
        tests.append(TestResult(metric="d", role="deterioration", significant=harm))
        assert (decide(tests).decision == "ship") == expected


@pytest.mark.parametrize("rho", [0.0, 0.5])
@pytest.mark.parametrize(("success", "guardrails"), [(1, 0), (2, 3), (3, 5)])
def test_s08_false_ships_stay_below_alpha(success, guardrails, rho, calibrate):
    seed, total = 800 + 10 * success + guardrails, calibrate.replicates(50_000, 200_000)
    rng = np.random.default_rng(seed)
    design = decision_design(success=success, guardrails=guardrails)
    z = correlated(rng, (total, success), rho)
    ship = shipped(z, np.full((total, guardrails), 10.0), nothing(total), design).mean()
    # Two-sided success tests ship on the good side only, so half of alpha is the most there is.
    name = f"false ship, {success} success, {guardrails} guardrails, correlation {rho}"
    calibrate.check("s08", name, ship, high=0.0530, replicates=total, seed=seed)
    one_sided = (z >= stats.norm.isf(design.alpha_success)).any(axis=1).mean()
    calibrate.check("s08", f"{name}, one-sided tests", one_sided, high=0.0530, replicates=total, seed=seed)


@pytest.mark.parametrize("guardrails", [1, 3])
def test_s08b_one_guardrail_at_its_margin_ships_at_alpha(guardrails, calibrate):
    seed, total = 820 + guardrails, calibrate.replicates(50_000, 200_000)
    rng = np.random.default_rng(seed)
    design = decision_design(success=1, guardrails=guardrails)
    guardrail = rng.normal(size=(total, guardrails)) + np.array([0.0] + [10.0] * (guardrails - 1))
    ship = shipped(np.full((total, 1), 10.0), guardrail, nothing(total), design).mean()
    name = f"false ship, 1 of {guardrails} guardrails at its margin"
    calibrate.check("s08b", name, ship, low=0.047, high=0.053, replicates=total, seed=seed)


@pytest.mark.parametrize(
    ("success", "guardrails", "rho"),
    [(1, 0, 0.0), (1, 2, 0.0), (1, 3, 0.0), (2, 3, 0.0), (1, 5, 0.0), (1, 3, 0.5)],
)
def test_s08c_planned_samples_ship_with_their_power(success, guardrails, rho, calibrate):
    seed, total = 840 + 10 * success + guardrails, calibrate.replicates(50_000, 200_000)
    rng = np.random.default_rng(seed)
    design = decision_design(success=success, guardrails=guardrails)

    def power(beta):
        # Only one of the success metrics has an effect: the worst case for the plan.
        drift = stats.norm.isf(design.alpha_success / 2) + stats.norm.isf(beta)
        z = correlated(rng, (total, success + guardrails), rho)
        z[:, 0] += drift
        z[:, success:] += stats.norm.isf(design.alpha_guardrail) + stats.norm.isf(beta)
        return shipped(z[:, :success], z[:, success:], nothing(total), design).mean()

    name = f"{success} success, {guardrails} guardrails, correlation {rho}"
    calibrate.check("s08c", f"power, {name}", power(design.beta), low=0.797, replicates=total, seed=seed)
    if guardrails > 1 and rho == 0.0:
        naive = power(0.2)
        calibrate.check(
            "s08d", f"negative control: no correction, {name}", naive, high=0.60, replicates=total, seed=seed
        )


@pytest.mark.parametrize("independent", [True, False])
def test_s08e_false_alarms_keep_their_budget_and_leave_the_power(independent, calibrate):
    seed, total = 880 + independent, calibrate.replicates(50_000, 200_000)
    rng = np.random.default_rng(seed)
    design = decision_design(
        success=1, guardrails=2, deterioration=5, quality=2, alpha_harm=0.05, independent_alarms=independent
    )
    drift = stats.norm.isf(design.beta)
    success = rng.normal(size=(total, 1)) + stats.norm.isf(design.alpha_success / 2) + drift
    guardrail = rng.normal(size=(total, 2)) + stats.norm.isf(design.alpha_guardrail) + drift
    harm = rng.normal(size=(total, 7))
    alarm = (harm >= stats.norm.isf(design.alpha_harm)).any(axis=1).mean()
    form = "independent" if independent else "union"
    ship = shipped(success, guardrail, harm, design).mean()
    calibrate.check("s08e", f"power with 7 alarms, {form} form", ship, low=0.797, replicates=total, seed=seed)
    calibrate.check("s08e", f"any false alarm, {form} form", alarm, high=0.053, replicates=total, seed=seed)


def test_s09_discoveries_are_seldom_false(calibrate):
    seed, total, m, effects = 9, calibrate.replicates(5_000, 20_000), 20, 6
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(total, m)) + np.where(np.arange(m) < effects, 3.0, 0.0)
    p = 2 * stats.norm.sf(np.abs(z))
    found = benjamini_hochberg(p) <= 0.1
    false = found[:, effects:].sum(axis=1) / np.maximum(found.sum(axis=1), 1)
    band = {"replicates": total, "seed": seed}
    calibrate.check(
        "s09", "Benjamini-Hochberg at .1, 6 of 20 effects", false.mean(), low=0.060, high=0.075, **band
    )
    family = (holm(p) <= 0.05)[:, effects:].any(axis=1).mean()
    calibrate.check("s09", "Holm at .05, any false rejection", family, high=0.0593, **band)
    naive = ((p <= 0.1)[:, effects:].sum(axis=1) / np.maximum((p <= 0.1).sum(axis=1), 1)).mean()
    calibrate.check(
        "s09", "negative control: uncorrected, share of false discoveries", naive, low=0.12, **band
    )


def daily_moments(rng, replicates, *, days, units, level, effect):
    """Return cumulative moments (replicates, days, 2) of an outcome and a covariate that explains half of it."""
    cells = []
    for variant in (0, 1):
        x = rng.standard_normal((replicates, days, units))
        y = level + variant * effect + np.sqrt(0.5) * (x + rng.standard_normal(x.shape))
        rows = np.stack([y - level, x], axis=-1)
        sums = rows.sum(axis=2).cumsum(axis=1)
        products = np.matmul(np.swapaxes(rows, -1, -2), rows).cumsum(axis=1)
        n = np.broadcast_to(units * np.arange(1.0, days + 1), sums.shape[:2])
        cells.append(Moments.from_sums(n=n, sums=sums, products=products, shift=[level, 0.0]))
    return Moments.stack(cells)


def bound_of(clock, **options):
    looks = bounds(clock, clock, **options)
    return np.array([np.inf if look.bound is None else look.bound for look in looks])[:, None]


def test_planned_sample_ships_with_its_power_under_daily_looks_and_adjustment(calibrate):
    seed, total, days, level, margin = 890, calibrate.replicates(4_000, 10_000), 14, 2.0, 0.05
    rng = np.random.default_rng(seed)
    metric = {"mean": level, "sd": 1.0, "r_squared": 0.5}
    guardrails = [
        PlannedMetric(name=f"guardrail {k}", role="guardrail", relative_effect=margin, **metric)
        for k in range(3)
    ]
    success = [
        PlannedMetric(name=f"success {k}", role="success", relative_effect=1.0, **metric) for k in range(2)
    ]
    plan = plan_experiment([*success, *guardrails], looks=days)
    design, clock, n = plan.design, [day / days for day in range(1, days + 1)], plan.n_control
    # The effect that is found with as many units, so that no metric has power to spare.
    effect = plan.metrics[0].detectable * level
    units = int(np.ceil(n / days))
    success_bound = bound_of(clock, alpha=design.alpha_success)
    guardrail_bound = bound_of(clock, alpha=design.alpha_guardrail, sides=1)
    shipped_in = []
    for start in range(0, total, 100):
        count = min(100, total - start)

        def pair(gain, count=count):
            return full(daily_moments(rng, count, days=days, units=units, level=level, effect=gain)).pairs()

        # One success metric has its effect and the other none: the worst case for the plan.
        tests = [superiority(pair(gain), critical=success_bound) for gain in (effect, 0.0)]
        won = np.logical_or.accumulate(sum(t.significant & (t.effect > 0) for t in tests) > 0, axis=1)
        lost = np.logical_or.accumulate(sum(t.significant & (t.effect < 0) for t in tests) > 0, axis=1)
        safe = np.ones_like(won)
        for _ in range(3):
            found = non_inferiority(pair(0.0), margin=margin, critical=guardrail_bound).significant
            safe &= np.logical_or.accumulate(found, axis=1)
        shipped_in.append((won & safe & ~lost).any(axis=1).mean() * count)
    rate = float(np.sum(shipped_in)) / total
    calibrate.check(
        "e2e",
        "power, 14 looks, adjusted, 2 success, 3 guardrails",
        rate,
        low=0.80,
        replicates=total,
        seed=seed,
    )
