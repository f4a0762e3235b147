"""Experiments that randomise clusters of units, such as cities or teams."""

from dataclasses import replace

import numpy as np

from steelyard.stats.adjustment import full, unadjusted
from steelyard.stats.means import MeanPair, VariantMeans
from steelyard.stats.moments import Moments
from steelyard.stats.ratio import linearise
from steelyard.stats.reasons import FEW_CLUSTERS

ENOUGH_CLUSTERS = 15


def cluster_pairs(moments: Moments, *, control: int = 0, adjusted: bool = False) -> MeanPair:
    """Compare means per unit where clusters were randomised.

    The mean per unit is the ratio of two cluster totals, with a variance over clusters (cluster-robust, CR0
    times G/(G - 1) per variant) and as many degrees of freedom as clusters less two.

    Args:
        moments: Shape ``(..., K)``, over clusters: ``n`` counts clusters; columns are the cluster's sum of
            the outcome, its number of units, and cluster-level covariates.
        control: Position of the control.
        adjusted: Whether to adjust for the covariates.

    Returns:
        Pairs of means per unit, shape ``(..., K - 1)``, for `steelyard.stats.comparison`.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Checked against R ``sandwich::vcovCL``.

    Examples:
        >>> clusters = Moments(
        ...     n=[20, 20], mean=[[50.0, 25.0], [60.0, 25.0]], m2=19 * np.array([[[90.0, 30.0], [30.0, 25.0]]] * 2))
        >>> pair = cluster_pairs(clusters)
        >>> pair.effect.round(2).tolist(), pair.std_error.round(4).tolist(), pair.df.tolist()
        ([0.4], [0.1131], [38.0])
    """
    linear, reason = linearise(moments)
    return compare_clusters((full if adjusted else unadjusted)(linear, reason=reason), control=control)


def compare_clusters(means: VariantMeans, *, control: int = 0) -> MeanPair:
    """Pair means whose variances are over clusters, with as many degrees of freedom as clusters leave.

    Args:
        means: Shape ``(..., K)``; ``n`` counts clusters. Means of ratios, or quantiles of rows that are clustered.
        control: Position of the control.

    Returns:
        Pairs, shape ``(..., K - 1)``: clusters less two, less one for each coefficient of an adjustment. After
        post-stratification, whose strata have few clusters each, the strata's own number where it is smaller.

    References:
        Donner & Klar (2000), Design and Analysis of Cluster Randomization Trials.

    Examples:
        >>> medians = VariantMeans.independent(n=[12, 20], mean=[4.0, 4.5], variance=[0.02, 0.03])
        >>> pair = compare_clusters(medians)
        >>> pair.df.tolist(), pair.notes["few_clusters"].tolist()
        ([30.0], [True])
    """
    pair = means.pairs(control)
    treated = [k for k in range(means.n.shape[-1]) if k != control]
    used = means.rank[..., treated] + means.rank[..., [control]]
    df = pair.n_treatment + pair.n_control - 2 - used
    if means.method == "post_stratify":
        df = np.fmin(df, pair.df)
    few = np.minimum(pair.n_treatment, pair.n_control) < ENOUGH_CLUSTERS
    return replace(
        pair,
        df=np.where(pair.reason == "", df, np.nan),
        notes={**pair.notes, FEW_CLUSTERS: few & (pair.reason == "")},
    )
