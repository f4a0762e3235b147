"""Sample-ratio mismatch: do the variants have the shares of units that the allocation says?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, BoolArray, FloatArray, TextArray, divide, together
from steelyard.stats.reasons import INSUFFICIENT_VARIANTS, NO_DATA, choose

CONCENTRATION = 1000.0
"""Sensitive to deviations of a few percent in 10,000 to a million units; 10,000 suits ten million and
more."""

CONCENTRATIONS = (100.0, CONCENTRATION)
"""Gross mismatches among a few hundred units, and slight ones among many; the mean of e-values is an e-value."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChiSquare:
    """A chi-square test of shares; NaN where ``reason`` is not ''."""

    statistic: FloatArray
    df: FloatArray
    p_value: FloatArray
    reason: TextArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SrmSeries:
    """A sequential test of shares, valid at every day at once; shapes ``(..., days)``.

    Attributes:
        log_e_value: Natural logarithm of the evidence against the allocation so far.
        p_value: Always-valid p-value, the smallest so far; a mismatch is found when it is at most alpha.
        stray: Whether a variant without a share received units on that day.
    """

    log_e_value: FloatArray
    p_value: FloatArray
    stray: BoolArray


def chi_square(counts: ArrayLike, shares: ArrayLike) -> ChiSquare:
    """Test once, at the end, whether counts fit the allocation.

    Args:
        counts: Units per variant, shape ``(..., K)``.
        shares: Positive or zero, scaled to sum to 1; broadcast to ``counts``. Variants with share 0 are left
            out.

    Raises:
        StatisticsError: A share is negative or all are zero, or a count is negative.

    References:
        Fabijan et al. (2019), KDD, for the threshold 0.001. Checked against R ``chisq.test``.

    Examples:
        >>> test = chi_square([821588, 815482], [0.5, 0.5])
        >>> f"{float(test.p_value):.2e}"
        '1.82e-06'
    """
    observed, share = _checked(counts, shares)
    active = share > 0
    observed = np.where(active, observed, 0.0)
    total = observed.sum(axis=-1, keepdims=True)
    expected = share * total
    statistic = np.where(active, divide((observed - expected) ** 2, expected), 0.0).sum(axis=-1)
    df = active.sum(axis=-1) - 1.0
    reason = choose(statistic.shape, (total[..., 0] == 0, NO_DATA), (df < 1, INSUFFICIENT_VARIANTS))
    statistic = np.where(reason == "", statistic, np.nan)
    return ChiSquare(statistic=statistic, df=df, p_value=special.chdtrc(df, statistic), reason=reason)


def log_e_value(counts: ArrayLike, shares: ArrayLike, *, concentration: float = CONCENTRATION) -> FloatArray:
    """Evidence against the allocation in cumulative counts, as the natural logarithm of an e-value.

    The alternative is a Dirichlet mixture centred on the allocation. The e-value may be looked at after
    every unit: under the allocation, the chance that it ever reaches 1/alpha is at most alpha.

    Args:
        counts: Units per variant, shape ``(..., K)``.
        shares: Positive or zero, scaled to sum to 1; broadcast to ``counts``. Variants with share 0 are left
            out.
        concentration: How near to the allocation the alternatives lie; about 1 / (4 deviation²).

    Returns:
        Logarithms, shape ``(...)``.

    Raises:
        StatisticsError: A share or count is negative, all shares are zero, or the concentration is not
        positive.

    References:
        Lindon & Malek (2022), "Anytime-Valid Inference for Multinomial Count Data", NeurIPS.

    Examples:
        >>> round(float(log_e_value([821588, 815482], [0.5, 0.5], concentration=1e4)), 4)
        8.766
    """
    if concentration <= 0:
        raise StatisticsError("the concentration must be positive", hint="1000 suits most experiments")
    observed, share = _checked(counts, shares)
    active = share > 0
    prior = np.where(active, concentration * share, 1.0)
    count = np.where(active, observed, 0.0)
    gain = special.gammaln(prior + count) - special.gammaln(prior)
    surprise = count * np.log(np.where(active, share, 1.0))
    total = special.gammaln(concentration + count.sum(axis=-1)) - special.gammaln(concentration)
    return np.asarray((gain - surprise).sum(axis=-1) - total)


def sequential(
    daily_counts: ArrayLike, shares: ArrayLike, *, concentration: float | Sequence[float] = CONCENTRATION
) -> SrmSeries:
    """Test every day whether the units that arrived so far fit the allocation.

    The test starts afresh where the allocation changes, and the evidence of the epochs multiplies.

    Args:
        daily_counts: New units per day and variant, shape ``(..., days, K)``.
        shares: The allocation, shape ``(K,)`` or, where it changes, ``(..., days, K)``.
        concentration: How near to the allocation the alternatives lie, about 1 / (4 deviation²); of several,
            the evidence is averaged.

    Raises:
        StatisticsError: A share or count is negative, all shares are zero, or the concentration is not
        positive.

    References:
        Lindon & Malek (2022), "Anytime-Valid Inference for Multinomial Count Data", NeurIPS.

    Examples:
        >>> series = sequential([[210, 98]], [0.5, 0.5], concentration=CONCENTRATIONS)
        >>> f"{float(series.p_value[-1]):.1e}"
        '6.7e-07'
    """
    counts, share = _checked(daily_counts, shares)
    days = counts.shape[-2]
    changed = np.zeros(counts.shape[:-1], dtype=bool)
    changed[..., 1:] = (share[..., 1:, :] != share[..., :-1, :]).any(axis=-1)
    start = np.maximum.accumulate(np.where(changed, np.arange(days), 0), axis=-1)
    running = np.cumsum(counts, axis=-2)
    before = np.take_along_axis(running - counts, start[..., None], axis=-2)
    tried = [concentration] if isinstance(concentration, float | int) else list(concentration)
    evidence = [log_e_value(running - before, share, concentration=one) for one in tried]
    epoch = np.logaddexp.reduce(evidence, axis=0) - np.log(len(tried))
    previous = np.concatenate([np.zeros_like(epoch[..., :1]), epoch[..., :-1]], axis=-1)
    log_e = epoch + np.cumsum(np.where(changed, previous, 0.0), axis=-1)
    highest = np.maximum.accumulate(np.maximum(log_e, 0.0), axis=-1)
    stray = ((share == 0) & (counts > 0)).any(axis=-1)
    return SrmSeries(log_e_value=log_e, p_value=np.exp(-highest), stray=stray)


def _checked(counts: ArrayLike, shares: ArrayLike) -> tuple[FloatArray, FloatArray]:
    observed, share = together(counts, shares)
    if not np.all(observed >= 0):
        raise StatisticsError("counts of units must not be negative", hint="pass counts, not differences")
    total = share.sum(axis=-1, keepdims=True)
    if not (np.all(share >= 0) and np.all(total > 0)):
        raise StatisticsError(
            "shares must not be negative, and one must be positive", hint="such as 0.5 and 0.5"
        )
    return observed, share / total
