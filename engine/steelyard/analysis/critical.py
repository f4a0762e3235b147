"""What each test's statistic must reach on each day: of a single look, or at all looks together."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from steelyard.analysis.calendar import Calendar
from steelyard.analysis.hypotheses import Test
from steelyard.stats import always_valid
from steelyard.stats.means import MeanPair
from steelyard.stats.reasons import TOO_EARLY
from steelyard.stats.significance import critical_value, p_value

FloatArray = npt.NDArray[np.float64]
NOT_STOPPED = "fixed_test_not_stopped"
LAST_DAY_DECIDES = "fixed_test_reads_its_last_day"
UNPLANNED = 10_000
"""Units per variant at which always-valid bounds are tightest where the experiment plans none."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Critical:
    """Bounds of one test; arrays of shape (days, treatments).

    Attributes:
        value: What the evidence must reach: infinite where it cannot.
        interval: Half width of the intervals in standard errors: the bound of the latest look that had one.
        p_value: p-value to show: that of the whole sequence of looks.
        crossed: Whether it has been reached on this day or an earlier look.
        side: Sign of the statistic where it was first reached; 0 before.
        is_final: Whether nothing that comes later can change `crossed`.
        reason: Why there is no test on a day, '' where there is one.
        looks: Rows of the table ``looks`` that are new.
        record: All looks up to the last day, those on record and the new ones, in order of treatment and look.
        look_number: Number of the look on a day; 0 without one.
        e_value: Evidence of the day alone, on average at most 1 without an effect; NaN where the test has none.
    """

    value: FloatArray
    interval: FloatArray
    p_value: FloatArray
    crossed: npt.NDArray[np.bool_]
    side: FloatArray
    is_final: npt.NDArray[np.bool_]
    reason: npt.NDArray[np.object_]
    looks: list[dict[str, Any]]
    record: list[dict[str, Any]]
    look_number: npt.NDArray[np.int64]
    e_value: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """A test's statistics on everyone, as the bounds see them; shape (days, treatments).

    Attributes:
        statistic: Evidence against the null hypothesis, as a t statistic.
        df: Degrees of freedom.
        information: 1 / variance of the estimate.
        n: Units of treatment and control together.
        units: The same, as `MetricMeans.units` counts them.
        smallest_n: Units of the smaller of the two.
    """

    statistic: FloatArray
    df: FloatArray
    information: FloatArray
    n: FloatArray
    units: FloatArray
    smallest_n: FloatArray

    @classmethod
    def of(cls, pair: MeanPair, signed: FloatArray, variance: FloatArray, units: FloatArray) -> "Evidence":
        """Collect the evidence of a test from its pair of means."""
        with np.errstate(divide="ignore", invalid="ignore"):
            information = np.where(variance > 0, 1 / variance, 0.0)
        return cls(
            statistic=signed,
            df=pair.df,
            information=np.nan_to_num(information, nan=0.0, posinf=0.0),
            n=pair.n_control + pair.n_treatment,
            units=units,
            smallest_n=np.minimum(pair.n_control, pair.n_treatment),
        )


def fixed(evidence: Evidence, test: Test, calendar: Calendar) -> Critical:
    """Bounds of a fixed test: one look, on its last day, once the experiment is stopped."""
    shape = evidence.statistic.shape
    value = critical_value(test.alpha, np.nan_to_num(evidence.df, nan=1.0, posinf=np.inf), _word(test))
    p = p_value(evidence.statistic, evidence.df, "two-sided" if test.sides == 2 else "greater")
    reason = np.full(shape, LAST_DAY_DECIDES if calendar.is_stopped else NOT_STOPPED, dtype=object)
    is_read = np.zeros(shape, dtype=bool)
    if calendar.is_stopped:
        is_read[-1], reason[-1] = True, ""
    with np.errstate(invalid="ignore"):
        crossed = (reached(evidence.statistic, test) >= value) & is_read
    return Critical(
        value=value,
        interval=value,
        p_value=np.where(is_read, p, np.nan),
        crossed=crossed,
        side=np.where(crossed, np.sign(evidence.statistic), 0.0),
        is_final=np.full(shape, calendar.is_finished),
        reason=reason,
        looks=[],
        record=[],
        look_number=np.zeros(shape, dtype=np.int64),
        e_value=np.full(shape, np.nan),
    )


def always(evidence: Evidence, test: Test, calendar: Calendar) -> Critical:
    """Bounds of an always-valid test: a look on every day."""
    tuning = tuning_of(test, calendar)
    value = always_valid.critical_value(
        evidence.units, tuning, alpha=test.alpha, sides=test.sides, smallest_n=evidence.smallest_n
    )
    each = always_valid.p_value(
        evidence.statistic, evidence.units, tuning, sides=test.sides, smallest_n=evidence.smallest_n
    )
    with np.errstate(invalid="ignore"):
        hit = reached(evidence.statistic, test) >= value
    crossed = np.logical_or.accumulate(hit, axis=0)
    return Critical(
        value=value,
        interval=value,
        p_value=always_valid.running_p(each.T).T,
        crossed=crossed,
        side=first_side(hit, evidence.statistic),
        is_final=np.zeros(crossed.shape, dtype=bool),
        reason=np.where(np.isfinite(value), "", TOO_EARLY).astype(object),
        looks=[],
        record=[],
        look_number=np.broadcast_to(np.arange(1, len(value) + 1)[:, None], value.shape),
        e_value=_e_value(evidence, test, tuning),
    )


def _e_value(evidence: Evidence, test: Test, tuning: float) -> FloatArray:
    """Return the e-values of an always-valid test: 1, no evidence, before the burn-in, and at most 1e300."""
    log_e = always_valid.log_e_value(evidence.statistic, evidence.units, tuning, sides=test.sides)
    large_enough = evidence.smallest_n >= always_valid.BURN_IN
    return np.exp(np.minimum(np.where(large_enough, log_e, 0.0), 690.0))


def tuning_of(test: Test, calendar: Calendar) -> float:
    """Return the tuning of always-valid bounds: tightest at the planned number of units, valid at any."""
    target = calendar.experiment.duration.target_sample_size_per_variant or UNPLANNED
    return float(always_valid.optimal_tuning(2.0 * target, alpha=test.alpha, sides=test.sides))


def first_side(hit: npt.NDArray[np.bool_], statistic: FloatArray) -> FloatArray:
    """Return from each day's first hit on the sign that the statistic had there; days are the first axis."""
    position = hit.argmax(axis=0)
    sign = np.sign(np.nan_to_num(np.take_along_axis(statistic, position[None], axis=0)))
    return np.where(np.logical_or.accumulate(hit, axis=0), sign, 0.0)


def reached(statistic: FloatArray, test: Test) -> FloatArray:
    """Return what is held against the bound."""
    return np.abs(statistic) if test.sides == 2 else statistic


def _word(test: Test) -> str:
    return "two-sided" if test.sides == 2 else "greater"
