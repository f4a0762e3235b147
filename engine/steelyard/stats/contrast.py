"""Linear contrasts of variants' means, as in factorial experiments."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray, TextArray, as_floats, divide, root
from steelyard.stats.means import VariantMeans, satterthwaite
from steelyard.stats.reasons import ZERO_VARIANCE, choose, first
from steelyard.stats.significance import critical_value, p_value


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contrast:
    """A weighted sum of means with its test against zero, shapes ``(...)``; NaN where ``reason`` says why.

    Attributes:
        estimate: The weighted sum, in the metric's unit.
        std_error: Its standard error.
        df: Degrees of freedom; infinite where it is treated as normal.
        statistic: Estimate over standard error.
        p_value: Two-sided.
        ci_lower, ci_upper: Interval at level 1 - alpha.
        reason: Why a number is absent, '' where all are known.
    """

    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    reason: TextArray


def contrast(
    means: VariantMeans, weights: Sequence[float] | ArrayLike, *, alpha: ArrayLike = 0.05
) -> Contrast:
    """Estimate and test a contrast, two-sided.

    Args:
        means: Variants' means, adjusted or not.
        weights: One per variant, summing to zero.
        alpha: Level of the test and of the interval.

    Raises:
        StatisticsError: Weights do not sum to zero, or are all zero, or their number does not fit.

    References:
        Satterthwaite (1946), Biometrics Bulletin 2, for the degrees of freedom.

    Examples:
        >>> cells = VariantMeans.independent(
        ...     n=[100] * 4, mean=[1.0, 1.1, 1.2, 1.5], variance=[0.01, 0.012, 0.011, 0.013], df=[99] * 4)
        >>> result = contrast(cells, interaction_weights(2))
        >>> [round(float(value), 4) for value in (result.estimate, result.std_error, result.df)]
        [0.2, 0.2145, 392.2921]
    """
    c = as_floats(weights)
    if c.shape[-1] != means.n.shape[-1]:
        raise StatisticsError(
            f"{c.shape[-1]} weights do not fit {means.n.shape[-1]} variants", hint="one weight per variant"
        )
    if not np.allclose(c.sum(axis=-1), 0.0, atol=1e-9) or not np.all(np.any(c != 0, axis=-1)):
        raise StatisticsError(
            "the weights of a contrast must sum to zero, and one must not be zero", hint="such as -1 and 1"
        )
    part = c != 0
    reason = choose(means.n.shape[:-1])
    for variant in range(c.shape[-1]):
        reason = first(reason, np.where(part[..., variant], means.reason[..., variant], ""))
    pieces = np.where(part, c**2 * means.residual, 0.0)
    reason = first(reason, choose(reason.shape, (pieces.sum(axis=-1) == 0, ZERO_VARIANCE)))
    estimate = np.where(part, c * means.mean, 0.0).sum(axis=-1)
    both = part[..., :, None] & part[..., None, :]
    variance = np.where(both, c[..., :, None] * means.cov * c[..., None, :], 0.0).sum(axis=(-2, -1))
    error = root(np.where(reason == "", variance, np.nan))
    df = satterthwaite(pieces, np.where(part, means.df, np.inf))
    df = np.where(reason == "", df, np.nan)
    statistic, reach = divide(estimate, error), critical_value(alpha, df) * error
    return Contrast(
        estimate=estimate,
        std_error=error,
        df=df,
        statistic=statistic,
        p_value=p_value(statistic, df),
        ci_lower=estimate - reach,
        ci_upper=estimate + reach,
        reason=reason,
    )


def main_effect_weights(
    factors: int, factor: int, *, cell_weights: Sequence[float] | None = None
) -> FloatArray:
    """Weights of one two-level factor's effect, averaged over the other factors.

    Args:
        factors: Number of factors; cells are ordered 0…00, 0…01, 0…10, and so on.
        factor: Which one, counted from 0 at the left.
        cell_weights: Weight of each combination of the other factors, in the same order; equal if not given.

    Raises:
        StatisticsError: There is no such factor, or the weights do not fit.

    References:
        Yates (1937), The Design and Analysis of Factorial Experiments.

    Examples:
        >>> main_effect_weights(2, 0).tolist()
        [-0.5, -0.5, 0.5, 0.5]
    """
    if not 0 <= factor < factors:
        raise StatisticsError(f"there is no factor {factor} among {factors}", hint="count from 0")
    others = list(product((0, 1), repeat=factors - 1))
    shares = [1.0] * len(others) if cell_weights is None else [float(share) for share in cell_weights]
    if len(shares) != len(others) or min(shares) < 0 or sum(shares) <= 0:
        raise StatisticsError(
            f"{factors} factors need {len(others)} weights that are not negative",
            hint="one for each combination of the other factors",
        )
    share_of = dict(zip(others, shares, strict=True))
    cells = product((0, 1), repeat=factors)
    signed = [
        (1 if cell[factor] else -1) * share_of[cell[:factor] + cell[factor + 1 :]] / sum(shares)
        for cell in cells
    ]
    return as_floats(signed)


def interaction_weights(factors: int) -> FloatArray:
    """Weights of the highest interaction of two-level factors, cells ordered as in `main_effect_weights`.

    Args:
        factors: Number of factors, two or more.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Yates (1937), The Design and Analysis of Factorial Experiments.

    Examples:
        >>> interaction_weights(2).tolist()
        [1.0, -1.0, -1.0, 1.0]
    """
    return as_floats([(-1) ** (factors - sum(cell)) for cell in product((0, 1), repeat=factors)])
