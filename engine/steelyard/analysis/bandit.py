"""A bandit's batches: which shares the next one should have, and the effect with each batch weighted by its shares."""

from collections.abc import Iterator

import numpy as np

from steelyard.analysis.insight import Row, insight, metrics_once
from steelyard.analysis.means import epochs_of
from steelyard.analysis.moments import EVERYONE
from steelyard.analysis.results import Analysis, FloatArray, TestedMetric
from steelyard.metric_types.registry import METRIC_TYPES
from steelyard.stats.adjustment import unadjusted
from steelyard.stats.bandit import prob_best, thompson_shares, top_two_shares
from steelyard.stats.bandit_inference import adaptive_means
from steelyard.stats.comparison import superiority
from steelyard.stats.moments import Moments
from steelyard.stats.reasons import INSUFFICIENT_N

FLOOR = 0.05
"""Least share of a variant in the next batch, before shares are scaled to add up to 1."""


def bandit_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield the next batch's shares by the first primary metric, and once stopped each metric's weighted effect."""
    experiment = analysis.calendar.experiment
    if experiment.design != "bandit":
        return
    tested = [one for one in metrics_once(analysis) if not one.test.measure.is_quantile]
    steering = next((one for one in tested if one.test.use.tier == "primary" and one.test.direction), None)
    if steering is not None:
        yield from _next_shares(steering, analysis)
    if analysis.calendar.is_stopped:
        for one in tested:
            yield from _weighted(one, analysis)


def _next_shares(one: TestedMetric, analysis: Analysis) -> Iterator[Row]:
    """Yield each variant's chance to be the best by all units so far, and its share by two rules.

    The means of all units are biased a little by the shares so far, which is why effects rest on batches.
    """
    variants = analysis.calendar.experiment.variants
    reduced = METRIC_TYPES[one.test.measure.query.source.config.type].reduce(
        analysis.moments.metrics[one.test.measure.name].cells[EVERYONE][-1]
    )
    means = unadjusted(reduced.moments, reason=reduced.reason)
    error = np.sqrt(np.diagonal(means.cov, axis1=-2, axis2=-1))
    if not (np.all(means.reason == "") and np.all(error > 0)):
        for variant in variants:
            yield insight("chance_best", one, variant.name, reason=INSUFFICIENT_N)
        return
    chance = prob_best(means.mean, error, direction=one.test.direction)
    floor = min(FLOOR, 1 / len(variants))
    told: tuple[tuple[str, FloatArray, str], ...] = (
        ("chance_best", chance, "Probability that the variant is the best, by all units so far."),
        (
            "thompson_share",
            thompson_shares(chance, floor=floor),
            f"Share of the next batch by Thompson sampling, with a floor of {floor:.0%}.",
        ),
        (
            "top_two_share",
            thompson_shares(top_two_shares(chance), floor=floor),
            f"Share of the next batch by top-two sampling, with a floor of {floor:.0%}.",
        ),
    )
    for kind, values, detail in told:
        for variant, value in zip(variants, values, strict=True):
            yield insight(kind, one, variant.name, estimate=value, detail=detail)


def _weighted(one: TestedMetric, analysis: Analysis) -> Iterator[Row]:
    """Yield the effect by adaptively weighted propensities, with the shares as they were logged."""
    experiment, metric = analysis.calendar.experiment, analysis.moments.metrics[one.test.measure.name]
    epochs = epochs_of(analysis.moments, EVERYONE)
    kind = METRIC_TYPES[one.test.measure.query.source.config.type]
    stacked = Moments.stack([metric.cells[epoch][-1] for epoch in epochs], axis=-2)
    shares = {
        epoch.start.isoformat(): [float(share) for share in epoch.shares] for epoch in experiment.epochs
    }
    # A ratio is linearised about that of all batches, so that batches of a ratio add up as means do.
    reduced = kind.reduce(stacked, about=stacked.pool(-2)[..., None, :])
    means = adaptive_means(reduced.moments, [shares[label] for _, label in epochs])
    compared = superiority(means.pairs(one.means.control), alpha=one.test.alpha)
    for treatment, variant in enumerate(experiment.treatments):
        yield insight(
            "weighted_effect",
            one,
            variant.name,
            estimate=compared.effect[treatment],
            std_error=compared.std_error[treatment],
            ci_lower=compared.ci_lower[treatment],
            ci_upper=compared.ci_upper[treatment],
            statistic=compared.statistic[treatment],
            p_value=compared.p_value[treatment],
            detail="Batches weighted by their shares, for a metric without a trend over time.",
            reason=str(compared.reason[treatment]) or None,
        )
