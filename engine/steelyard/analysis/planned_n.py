"""The sample size that each test needs, from the running experiment's own variance and never its effect."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from steelyard.analysis.critical import Calendar
from steelyard.analysis.hypotheses import Test
from steelyard.stats.means import MeanPair
from steelyard.stats.power import is_powered, quantile_sum

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlannedSize:
    """Planned size of a test; shapes (segments, days, treatments).

    Attributes:
        required_n: Units per variant at which the test has its power; NaN where no effect is planned.
        powered: Whether the standard error is as small as that.
    """

    required_n: FloatArray
    powered: npt.NDArray[np.bool_]


def planned_size(test: Test, pairs: MeanPair, calendar: Calendar) -> PlannedSize:
    """Return the planned size of a test.

    The distance to detect is the minimum detectable effect of a success metric or the margin of a guardrail; a success
    metric without one counts as powered at the planned number of units.
    """
    shape = pairs.effect.shape
    distance = _distance(test, pairs)
    if test.beta is None:
        return PlannedSize(required_n=np.full(shape, np.nan), powered=np.zeros(shape, dtype=bool))
    smaller = np.minimum(pairs.n_control, pairs.n_treatment)
    if distance is None:
        target = calendar.experiment.duration.target_sample_size_per_variant
        reached = np.zeros(shape, dtype=bool) if target is None else _exposed(calendar, shape) >= target
        return PlannedSize(required_n=np.full(shape, np.nan if target is None else target), powered=reached)
    alternative = "two-sided" if test.sides == 2 else "greater"
    power = 1 - test.beta
    z = quantile_sum(test.alpha, power, alternative)  # type: ignore[arg-type]
    with np.errstate(divide="ignore", invalid="ignore"):
        required = smaller * (pairs.std_error * z / np.abs(distance)) ** 2
    required = np.where(np.isfinite(required) & (required < 1e15), np.ceil(required), np.nan)
    powered = is_powered(pairs.std_error, distance, alpha=test.alpha, power=power, alternative=alternative)  # type: ignore[arg-type]
    return PlannedSize(required_n=required, powered=powered & np.isfinite(required))


def _distance(test: Test, pairs: MeanPair) -> FloatArray | None:
    """Return the planned distance from the null hypothesis, in the metric's unit; None where there is no plan."""
    base = np.where(pairs.mean_control > 0, pairs.mean_control, np.nan)
    if test.hypothesis == "non_inferiority" and test.use.margin is not None:
        margin = test.use.margin
        return base * margin.value if margin.kind == "relative" else np.full(base.shape, margin.value)
    if test.use.mde is not None:
        return base * test.use.mde
    return None


def _exposed(calendar: Calendar, shape: tuple[int, ...]) -> FloatArray:
    """Return the smaller variant's exposed units per day."""
    units = np.cumsum(calendar.moments.exposed[("", "")], axis=0).min(axis=1)
    return np.broadcast_to(units[None, :, None], shape)
