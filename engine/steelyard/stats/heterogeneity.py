"""Do segments differ in their effect, and what is each one's, given all of them?"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from steelyard.stats.arrays import ArrayLike, FloatArray, TextArray, divide, together
from steelyard.stats.reasons import INSUFFICIENT_SEGMENTS, choose


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heterogeneity:
    """Segments' effects together; NaN only where ``reason`` is not '', or for a segment without an effect.

    Attributes:
        effect: Precision-weighted mean effect, shape ``(...)``.
        std_error: Its standard error if segments did not differ.
        statistic: Cochran's Q.
        df: Its degrees of freedom, segments less one.
        p_value: Of the hypothesis that all segments have the same effect.
        tau_squared: Variance of true effects between segments, DerSimonian and Laird's estimate.
        shrunken: Segments' effects drawn towards the mean by their uncertainty, shape ``(..., S)``.
        reason: Why there is no test.
    """

    effect: FloatArray
    std_error: FloatArray
    statistic: FloatArray
    df: FloatArray
    p_value: FloatArray
    tau_squared: FloatArray
    shrunken: FloatArray
    reason: TextArray


def heterogeneity(effects: ArrayLike, std_errors: ArrayLike) -> Heterogeneity:
    """Test whether effects differ between segments, and shrink each towards the mean.

    Args:
        effects: One effect per segment, shape ``(..., S)``; NaN segments are left out.
        std_errors: Their standard errors, same shape.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Cochran (1954), Biometrics 10; DerSimonian & Laird (1986), Controlled Clinical Trials 7.

    Examples:
        >>> result = heterogeneity([0.1, 0.3, 0.5], [0.1, 0.1, 0.1])
        >>> round(float(result.statistic), 4), round(float(result.p_value), 4)
        (8.0, 0.0183)
    """
    value, error = together(effects, std_errors)
    usable = np.isfinite(value) & np.isfinite(error) & (error > 0)
    weight = np.where(usable, divide(1.0, error**2), 0.0)
    filled = np.where(usable, value, 0.0)
    total = weight.sum(axis=-1)
    mean = divide((weight * filled).sum(axis=-1), total)
    gap = np.where(usable, filled - mean[..., None], 0.0)
    df = usable.sum(axis=-1) - 1.0
    reason = choose(df.shape, (df < 1, INSUFFICIENT_SEGMENTS))
    statistic = np.where(reason == "", (weight * gap**2).sum(axis=-1), np.nan)
    scale = total - divide((weight**2).sum(axis=-1), total)
    tau_squared = np.maximum(divide(statistic - df, scale), 0.0)
    trust = divide(tau_squared[..., None], tau_squared[..., None] + np.where(usable, error, np.nan) ** 2)
    return Heterogeneity(
        effect=mean,
        std_error=np.sqrt(divide(1.0, total)),
        statistic=statistic,
        df=df,
        p_value=special.chdtrc(df, statistic),
        tau_squared=tau_squared,
        shrunken=mean[..., None] + trust * gap,
        reason=reason,
    )
