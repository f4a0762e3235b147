"""Pre-exposure balance: variants must not differ in what happened before anyone was exposed."""

from dataclasses import dataclass

import numpy as np

from steelyard.stats.adjustment import unadjusted
from steelyard.stats.always_valid import BURN_IN, p_value, running_p
from steelyard.stats.arrays import FloatArray, TextArray, divide
from steelyard.stats.moments import Moments

TUNING = 5000.0
"""Units at which the check is about as sharp as it gets: the first days of most experiments."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BalanceSeries:
    """A sequential check, valid at every look at once; shapes ``(..., looks, treatments)``.

    Attributes:
        statistic: Difference before the exposure in standard errors; NaN where ``reason`` says why.
        p_value: Always-valid p-value, the smallest so far; 1 before the burn-in.
        reason: Why there is no statistic.
    """

    statistic: FloatArray
    p_value: FloatArray
    reason: TextArray


def sequential_balance(
    moments: Moments, *, control: int = 0, tuning: float = TUNING, burn_in: float = BURN_IN
) -> BalanceSeries:
    """Test at every look whether a covariate's means differ between variants.

    A difference cannot be an effect: it points to a broken assignment, carry-over from an earlier experiment,
    or units that go missing after the exposure.

    Args:
        moments: Cumulative moments of the covariate, shape ``(..., looks, K)``; its column is the first.
        control: Position of the control.
        tuning: Tuning parameter of the normal mixture, in units.
        burn_in: Least number of units of the smaller variant.

    Raises:
        StatisticsError: ``tuning`` is not positive.

    References:
        Howard, Ramdas, McAuliffe & Sekhon (2021), Annals of Statistics 49.

    Examples:
        >>> looks = Moments.from_variances(
        ...     n=[[100, 100], [1000, 1000]], mean=[[1.0, 1.1], [1.0, 1.3]], variance=1.0)
        >>> sequential_balance(looks).p_value[:, 0].round(6).tolist()
        [1.0, 0.001911]
    """
    pair = unadjusted(moments).pairs(control)
    statistic = divide(pair.effect, pair.std_error)
    p = p_value(
        np.where(np.isnan(statistic), 0.0, statistic),
        pair.n_control + pair.n_treatment,
        tuning,
        smallest_n=np.minimum(pair.n_control, pair.n_treatment),
        burn_in=burn_in,
    )
    running = np.moveaxis(running_p(np.moveaxis(p, -2, -1)), -1, -2)
    return BalanceSeries(statistic=statistic, p_value=running, reason=pair.reason)
