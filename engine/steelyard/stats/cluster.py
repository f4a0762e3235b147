"""Experiments that randomise clusters of units, such as cities or teams."""

from dataclasses import replace

import numpy as np

from steelyard.stats.adjustment import full, unadjusted
from steelyard.stats.means import MeanPair
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
    means = (full if adjusted else unadjusted)(linear, reason=reason)
    pair = means.pairs(control)
    treated = [k for k in range(means.n.shape[-1]) if k != control]
    used = means.rank[..., treated] + means.rank[..., [control]]
    df = pair.n_treatment + pair.n_control - 2 - used
    few = np.minimum(pair.n_treatment, pair.n_control) < ENOUGH_CLUSTERS
    return replace(
        pair,
        df=np.where(pair.reason == "", df, np.nan),
        notes={**pair.notes, FEW_CLUSTERS: few & (pair.reason == "")},
    )
