"""Segments that only some metrics of an experiment know, since its log has changed later than the lateness."""

import numpy as np

from steelyard.analysis.moments import EVERYONE, ExperimentMoments
from steelyard.stats.means import VariantMeans
from steelyard.stats.moments import Moments
from steelyard.stats.quantile import quantile_means
from steelyard.stats.reasons import NO_DATA, choose


def fill_segments(moments: ExperimentMoments) -> None:
    """Give every metric all segments of the exposed units; where it knows of none of them, it has no units there.

    Metrics that continue from state keep the segments that the log had in time; those that are computed in full have
    the ones that it has now.
    """
    beside = (metric for several in moments.other_caps.values() for metric in several)
    for metric in (*moments.metrics.values(), *beside):
        nobody = _no_units(metric.cells[EVERYONE])
        metric.cells.update({one: nobody for one in moments.exposed if one not in metric.cells})
    for cells in moments.quantiles.values():
        nothing = _no_means(cells[EVERYONE])
        cells.update({one: nothing for one in moments.exposed if one not in cells})


def _no_units(like: Moments) -> Moments:
    return Moments(n=np.zeros_like(like.n), mean=np.zeros_like(like.mean), m2=np.zeros_like(like.m2))


def _no_means(like: VariantMeans) -> VariantMeans:
    unknown = np.full(like.mean.shape, np.nan)
    return quantile_means(
        n=np.zeros_like(like.n),
        estimate=unknown,
        lower=unknown,
        upper=unknown,
        reason=choose(like.mean.shape, (True, NO_DATA)),
    )
