"""Two experiments on the same units: are they assigned independently, and do their effects interact?"""

from dataclasses import dataclass

import numpy as np

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray, as_floats, divide
from steelyard.stats.contrast import Contrast, contrast
from steelyard.stats.means import VariantMeans, satterthwaite
from steelyard.stats.significance import critical_value, p_value
from steelyard.stats.srm import CONCENTRATION, log_e_value


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OverlapCheck:
    """Whether units in two experiments are spread as independent assignments would; shapes ``(...)``.

    Attributes:
        log_e_value: Natural logarithm of the evidence against independence and the planned shares.
        p_value: Always valid: ``exp(-log_e_value)``, at most 1. Over several looks, take the smallest.
        excess: Observed share of the units in each cell less its planned one, shape ``(..., A, B)``.
    """

    log_e_value: FloatArray
    p_value: FloatArray
    excess: FloatArray


def overlap_check(
    counts: ArrayLike,
    shares_first: ArrayLike,
    shares_second: ArrayLike,
    *,
    concentration: float = CONCENTRATION,
) -> OverlapCheck:
    """Test whether two experiments assign the units that they share independently of each other.

    Args:
        counts: Units in both experiments by variant of the first and of the second, shape ``(..., A, B)``.
        shares_first: The first experiment's allocation, shape ``(A,)``.
        shares_second: The second's, shape ``(B,)``.
        concentration: See `steelyard.stats.srm.log_e_value`.

    Raises:
        StatisticsError: The table does not fit the shares, or as in `steelyard.stats.srm.log_e_value`.

    References:
        Lindon & Malek (2022), "Anytime-Valid Inference for Multinomial Count Data", NeurIPS.

    Examples:
        >>> check = overlap_check([[5200, 4800], [4800, 5200]], [0.5, 0.5], [0.5, 0.5])
        >>> f"{float(check.p_value):.1e}"
        '2.3e-05'
    """
    table, first, second = as_floats(counts), as_floats(shares_first), as_floats(shares_second)
    if table.shape[-2:] != (*first.shape, *second.shape):
        raise StatisticsError(
            f"counts {table.shape[-2:]} do not fit {first.size} and {second.size} variants",
            hint="one row per variant of the first experiment, one column per variant of the second",
        )
    expected = np.outer(first / first.sum(), second / second.sum())
    flat = table.reshape(*table.shape[:-2], -1)
    evidence = log_e_value(flat, expected.ravel(), concentration=concentration)
    total = flat.sum(axis=-1)[..., None, None]
    return OverlapCheck(
        log_e_value=evidence,
        p_value=np.exp(-np.maximum(evidence, 0.0)),
        excess=table / np.where(total > 0, total, 1.0) - expected,
    )


def interaction_effects(
    cells: VariantMeans, variants: tuple[int, int], *, controls: tuple[int, int] = (0, 0), alpha: float = 0.05
) -> Contrast:
    """Estimate how one experiment's treatment changes the effect of the other's.

    Args:
        cells: Means of the units in both experiments, shape ``(..., A * B)``: the first experiment's
            control with each variant of the second, then its next variant, and so on.
        variants: Numbers of variants A and B.
        controls: Positions of the two controls.
        alpha: Level of each test, not corrected for their number.

    Returns:
        For each treatment of the first and of the second: ``(ab - a0) - (0b - 00)``, shape
        ``(..., (A - 1) * (B - 1))``.

    Raises:
        StatisticsError: The number of cells does not fit.

    References:
        Scheffé (1959), The Analysis of Variance, chapter 4.

    Examples:
        >>> cells = VariantMeans.independent(n=[100] * 4, mean=[1.0, 1.1, 1.2, 1.5], variance=[0.01] * 4)
        >>> result = interaction_effects(cells, (2, 2))
        >>> result.estimate.round(3).tolist(), result.std_error.round(3).tolist()
        ([0.2], [0.2])
    """
    if len(variants) != 2:
        raise StatisticsError(f"an interaction is of two experiments, not {len(variants)}")
    many, other = variants
    if cells.n.shape[-1] != many * other:
        raise StatisticsError(
            f"{cells.n.shape[-1]} cells do not fit {many} x {other} variants", hint="one mean per cell"
        )
    a0, b0 = controls
    found = []
    for a in (k for k in range(many) if k != a0):
        for b in (k for k in range(other) if k != b0):
            weights = np.zeros((many, other))
            weights[a, b], weights[a0, b0], weights[a, b0], weights[a0, b] = 1.0, 1.0, -1.0, -1.0
            found.append(contrast(cells, weights.ravel(), alpha=alpha))
    return Contrast(
        **{
            name: np.stack([getattr(one, name) for one in found], axis=-1)
            for name in Contrast.__dataclass_fields__
        }
    )


def combine_interactions(found: Contrast, *, alpha: float = 0.05) -> Contrast:
    """Combine interactions that were estimated apart, such as those of epochs with different shares.

    Args:
        found: Shape ``(..., E, T)``: epochs, then contrasts. Epochs without a standard error do not count.
        alpha: Level of the intervals.

    Returns:
        Shape ``(..., T)``: weighted by the inverse variance, which has the most power where the interaction does not
        change. Where no epoch has an effect the reason is that of the first one.

    Raises:
        StatisticsError: ``alpha`` lies outside (0, 1).

    References:
        Cochran (1954), "The Combination of Estimates from Different Experiments", Biometrics 10, 101-129.

    Examples:
        >>> cells = VariantMeans.independent(
        ...     n=[[100] * 4] * 2, mean=[[1.0, 1.1, 1.2, 1.5], [2.0, 2.0, 2.0, 2.1]], variance=[[0.01] * 4, [0.04] * 4])
        >>> combined = combine_interactions(interaction_effects(cells, (2, 2)))
        >>> combined.estimate.round(3).tolist(), combined.std_error.round(3).tolist()
        ([0.18], [0.179])
    """
    known = np.isfinite(found.std_error) & (found.std_error > 0)
    variance = np.where(known, found.std_error, 1.0) ** 2
    raw = np.where(known, 1.0 / variance, 0.0)
    total = raw.sum(axis=-2, keepdims=True)
    share = raw / np.where(total > 0, total, 1.0)
    missing = total[..., 0, :] == 0
    pieces = np.moveaxis(share**2 * np.where(known, variance, 0.0), -2, -1)
    freedom = np.moveaxis(np.where(known, found.df, np.inf), -2, -1)
    estimate = np.where(missing, np.nan, np.where(known, share * found.estimate, 0.0).sum(axis=-2))
    error = np.where(missing, np.nan, np.sqrt(pieces.sum(axis=-1)))
    df = np.where(missing, np.nan, satterthwaite(pieces, freedom))
    statistic, reach = divide(estimate, error), critical_value(alpha, df) * error
    return Contrast(
        estimate=estimate,
        std_error=error,
        df=df,
        statistic=statistic,
        p_value=p_value(statistic, df),
        ci_lower=estimate - reach,
        ci_upper=estimate + reach,
        reason=np.where(missing, found.reason[..., 0, :], ""),
    )
