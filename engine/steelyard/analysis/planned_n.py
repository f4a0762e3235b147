"""The sample size that each test needs, from the running experiment's own variance and never its effect."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from steelyard.analysis.calendar import Calendar
from steelyard.analysis.critical import tuning_of
from steelyard.analysis.hypotheses import Test
from steelyard.analysis.means import MetricMeans
from steelyard.stats import always_valid
from steelyard.stats.group_sequential import bounds
from steelyard.stats.gst_exit import exit_probabilities
from steelyard.stats.means import MeanPair
from steelyard.stats.significance import critical_value

FloatArray = npt.NDArray[np.float64]
LARGEST = 1e15
"""A required number of units above this is not shown."""
LARGEST_LOG = 35.0
"""Log of the largest factor between the units that there are and those that are needed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlannedSize:
    """Planned size of a test; shapes (segments, days, treatments).

    Attributes:
        required_n: Units per variant at which the test has its power; NaN where no effect is planned.
        powered: Whether the standard error is as small as that.
    """

    required_n: FloatArray
    powered: npt.NDArray[np.bool_]


def planned_size(test: Test, means: MetricMeans, variance: FloatArray, calendar: Calendar) -> PlannedSize:
    """Return the planned size of a test.

    The distance to detect is the minimum detectable effect of a success metric or the margin of a guardrail; a success
    metric without one counts as powered once the planned number of units is complete.

    Args:
        test: The test.
        means: Treatments and control.
        variance: Of the contrast that is tested, shape as the pairs.
        calendar: The experiment's looks.
    """
    pairs = means.pairs
    shape = pairs.effect.shape
    if test.beta is None:
        return PlannedSize(required_n=np.full(shape, np.nan), powered=np.zeros(shape, dtype=bool))
    distance = _distance(test, pairs)
    if distance is None:
        return _at_planned_units(test, calendar, shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        if calendar.experiment.analysis.test == "always_valid":
            share = _share_always_valid(test, means, variance / distance**2, calendar)
        else:
            share = variance * (drift(test, calendar) / distance) ** 2
        required = np.ceil(np.minimum(pairs.n_control, pairs.n_treatment) * share)
        is_known = np.isfinite(required) & (required < LARGEST) & (variance > 0)
        return PlannedSize(
            required_n=np.where(is_known, required, np.nan), powered=np.where(is_known, share <= 1, False)
        )


def _at_planned_units(test: Test, calendar: Calendar, shape: tuple[int, ...]) -> PlannedSize:
    """Return the size of a test that has only its number of units to go by; segments have none."""
    target = calendar.experiment.duration.target_sample_size_per_variant
    required, powered = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    if target is not None:
        required[0] = target
        powered[0] = (calendar.complete(test).min(axis=1) >= target)[:, None]
    return PlannedSize(required_n=required, powered=powered)


def _share_always_valid(test: Test, means: MetricMeans, noise: FloatArray, calendar: Calendar) -> FloatArray:
    """Return the units that an always-valid test needs, as a share of those that there are.

    Its bound falls as units come in, so the units are those at which the bound of as many is far enough below the
    planned effect. Only that look counts, so that the power over all looks is a little higher. The answer is found by
    halving an interval, as the share at which a difference that rises with it changes its sign.

    Args:
        test: The test.
        means: Treatments and control.
        noise: Variance of the contrast over the squared planned effect.
        calendar: The experiment's looks.
    """
    assert test.beta is not None
    power, tuning = critical_value(test.beta, np.inf, "greater"), tuning_of(test, calendar)
    pairs, units = means.pairs, means.units
    low, high = np.full(units.shape, -LARGEST_LOG), np.full(units.shape, LARGEST_LOG)
    for _ in range(44):
        middle = (low + high) / 2
        bound = always_valid.critical_value(
            units * np.exp(middle), tuning, alpha=test.alpha, sides=test.sides
        )
        is_enough = np.exp(middle / 2) >= (bound + power) * np.sqrt(noise)
        low, high = np.where(is_enough, low, middle), np.where(is_enough, middle, high)
    first = always_valid.BURN_IN / np.minimum(pairs.n_control, pairs.n_treatment)
    return np.asarray(np.where(np.isnan(noise), np.nan, np.maximum(np.exp(high), first)))


def drift(test: Test, calendar: Calendar) -> FloatArray:
    """Return how many standard errors off the null hypothesis the planned effect must be for the planned power.

    Under a group sequential test that is at its last look, counting the chance to stop before.
    """
    assert test.beta is not None
    settings = calendar.experiment.analysis
    word = "two-sided" if test.sides == 2 else "greater"
    power = critical_value(test.beta, np.inf, "greater")
    if settings.test == "fixed":
        return np.asarray(critical_value(test.alpha, np.inf, word) + power)
    return np.asarray(
        sequential_drift(
            calendar.planned_looks(test),
            alpha=test.alpha,
            beta=test.beta,
            sides=test.sides,
            spending=settings.spending,
            parameter=settings.spending_parameter,
        )
    )


@lru_cache(maxsize=1024)
def sequential_drift(
    looks: int, *, alpha: float, beta: float, sides: int, spending: str, parameter: float | None
) -> float:
    """Return the drift at the last of equally spaced looks at which a group sequential test has its power.

    Read off a curve of power over drift, all of whose points are computed together: `gst_exit.required_drift` solves
    for the same number point by point.

    Args:
        looks: Number of planned looks.
        alpha: Level, all looks and both sides together.
        beta: 1 less the power.
        sides: 2 or 1.
        spending: Spending function.
        parameter: Its parameter.

    Examples:
        >>> round(sequential_drift(5, alpha=0.05, beta=0.2, sides=2, spending="obrien_fleming", parameter=None), 3)
        2.836
    """
    times = [(k + 1) / looks for k in range(looks)]
    plan = bounds(times, times, alpha=alpha, sides=sides, spending=spending, parameter=parameter)
    tested = [look for look in plan if look.bound is not None]
    least = float(critical_value(alpha / sides, np.inf, "greater") + critical_value(beta, np.inf, "greater"))
    drifts = least + np.linspace(0.0, 0.8, 8)
    upper = np.array([look.bound or np.inf for look in tested])
    above, _ = exit_probabilities(
        upper,
        np.array([[look.information for look in tested]]),
        lower=-upper if sides == 2 else None,
        effect=drifts,
    )
    reached = -critical_value(above.sum(axis=1), np.inf, "greater")
    wanted = critical_value(beta, np.inf, "greater")
    curve = np.polynomial.Polynomial.fit(reached, drifts, 5)
    return float(curve(wanted))


def _distance(test: Test, pairs: MeanPair) -> FloatArray | None:
    """Return the planned distance from the null hypothesis, in the metric's unit; None where there is no plan."""
    base = np.where(pairs.mean_control > 0, pairs.mean_control, np.nan)
    if test.hypothesis == "non_inferiority" and test.use.margin is not None:
        margin = test.use.margin
        return base * margin.value if margin.kind == "relative" else np.full(base.shape, margin.value)
    if test.use.mde is not None:
        return base * test.use.mde
    return None
