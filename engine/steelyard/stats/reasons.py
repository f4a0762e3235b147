"""Why a number is absent, and what a reader should know beside one that is present."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from steelyard.stats.arrays import ArrayLike, BoolArray, TextArray

FINE: Final = ""
NO_DATA: Final = "no_data"
INSUFFICIENT_N: Final = "insufficient_n"
ZERO_VARIANCE: Final = "zero_variance"
ZERO_DENOMINATOR: Final = "zero_denominator"
INCONSISTENT_AGGREGATES: Final = "inconsistent_aggregates"
CONTROL_MEAN_NOT_POSITIVE: Final = "control_mean_not_positive"
RELATIVE_EFFECT_NOT_IDENTIFIED: Final = "relative_effect_not_identified"
QUANTILE_COLLAPSED: Final = "quantile_collapsed"
QUANTILE_NOT_ATTAINABLE: Final = "quantile_not_attainable"
ONLY_LAST_DAY: Final = "only_last_day"
TOO_EARLY: Final = "too_early"
INSUFFICIENT_VARIANTS: Final = "insufficient_variants"
INSUFFICIENT_SEGMENTS: Final = "insufficient_segments"

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        NO_DATA: "No unit has a value yet.",
        INSUFFICIENT_N: "A variant has fewer than two units, so nothing is known about its spread.",
        ZERO_VARIANCE: "All units have the same value (or one that the covariates explain exactly), "
        "so the uncertainty cannot be computed.",
        ZERO_DENOMINATOR: "The mean of the denominator is zero or negative.",
        INCONSISTENT_AGGREGATES: "The sums cannot come from real rows: a variance is negative "
        "or a sum is not finite.",
        CONTROL_MEAN_NOT_POSITIVE: "The control's mean is not positive, so nothing can be relative to it.",
        RELATIVE_EFFECT_NOT_IDENTIFIED: "The control's mean is too uncertain to divide by.",
        QUANTILE_COLLAPSED: "Many equal values sit at the quantile, so its uncertainty cannot be computed.",
        QUANTILE_NOT_ATTAINABLE: "There are too few values to bound this quantile.",
        ONLY_LAST_DAY: "The values' ranks change from day to day, so only the last day has a quantile.",
        INSUFFICIENT_VARIANTS: "Fewer than two variants have a share, so there is nothing to compare.",
        INSUFFICIENT_SEGMENTS: "Fewer than two segments have an effect, so there is nothing to compare.",
        TOO_EARLY: "The test spends no error probability at this look: it is too early for an interval.",
    }
)

TOO_FEW_UNITS_FOR_COVARIATES: Final = "too_few_units_for_covariates"
COVARIATE_MISSING: Final = "covariate_missing"
COVARIATE_COLLINEAR: Final = "covariate_collinear"
ZERO_VARIANCE_IN_ONE_VARIANT: Final = "zero_variance_in_one_variant"
SMALL_COUNTS: Final = "small_counts"
SKEWED_SMALL_SAMPLE: Final = "skewed_small_sample"
NOISY_DENOMINATOR: Final = "noisy_denominator"
VALUES_NOT_BINARY: Final = "values_not_binary"
STRATA_MERGED: Final = "strata_merged"
FEW_CLUSTERS: Final = "few_clusters"

NOTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        TOO_FEW_UNITS_FOR_COVARIATES: "Some covariates were left out: a variant has fewer than 20 units "
        "per coefficient.",
        COVARIATE_MISSING: "A covariate was left out: a variant has no value of it.",
        COVARIATE_COLLINEAR: "A covariate is constant or repeats the others, and adds nothing.",
        ZERO_VARIANCE_IN_ONE_VARIANT: "All units of one variant have the same value.",
        SMALL_COUNTS: "Fewer than ten successes or failures in a variant: the interval is approximate.",
        SKEWED_SMALL_SAMPLE: "The values are skewed and the units few: one end of the interval is too near.",
        NOISY_DENOMINATOR: "The denominator's mean is uncertain: the ratio is biased by a noticeable amount.",
        VALUES_NOT_BINARY: "A proportion's values are not all 0 or 1; it was analysed as a mean.",
        FEW_CLUSTERS: "A variant has fewer than 15 clusters: prefer a randomisation test.",
        STRATA_MERGED: "Strata with fewer than two units in a variant were merged.",
    }
)


def choose(shape: tuple[int, ...], *cases: tuple[ArrayLike, str]) -> TextArray:
    """Return for each cell the reason of the first case that holds, or ''.

    Args:
        shape: Shape of the answer.
        cases: Pairs of a condition, broadcast to ``shape``, and a reason; the first has precedence.
    """
    reasons = np.full(shape, FINE, dtype=object)
    for condition, reason in reversed(cases):
        reasons[np.broadcast_to(np.asarray(condition, dtype=bool), shape)] = reason
    return reasons


def first(*reasons: TextArray) -> TextArray:
    """Return for each cell the first reason that is not ''."""
    answer = np.asarray(reasons[0], dtype=object)
    for other in reasons[1:]:
        answer = np.where(fine(answer), other, answer)
    return answer


def fine(reasons: ArrayLike) -> BoolArray:
    """Tell which cells have no reason, and so have their numbers."""
    return np.asarray(np.asarray(reasons, dtype=object) == FINE, dtype=np.bool_)
