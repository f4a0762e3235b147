"""The rows of the table ``health``: whether the experiment's data can be trusted."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from steelyard.analysis.attrition import attrition
from steelyard.analysis.between_experiments import interaction_check, overlaps
from steelyard.analysis.critical import UNPLANNED
from steelyard.analysis.health_check import check
from steelyard.analysis.health_log import (
    few_clusters,
    log_quality,
    small_batches,
    srm_by_day,
    trigger_rate,
)
from steelyard.analysis.log_counts import LogCounts
from steelyard.analysis.moments import EVERYONE, ExperimentMoments, MetricMoments
from steelyard.analysis.results import Analysis
from steelyard.analysis.shares import arrivals_p, split_by_shares
from steelyard.spec.design import EPOCH
from steelyard.spec.project import Health
from steelyard.stats.adjustment import unadjusted
from steelyard.stats.always_valid import optimal_tuning, p_value, running_p
from steelyard.stats.arrays import FloatArray
from steelyard.stats.comparison import superiority
from steelyard.stats.means import MeanPair
from steelyard.stats.moments import Moments
from steelyard.stats.multiplicity import benjamini_hochberg
from steelyard.stats.rollout import combine_epochs, even_units
from steelyard.stats.srm import chi_square


def health_rows(analysis: Analysis, counts: LogCounts, thresholds: Health) -> list[dict[str, Any]]:
    """Return all checks of an experiment at its last day."""
    rows = [
        *_srm(analysis, thresholds),
        *srm_by_day(analysis, thresholds),
        *trigger_rate(analysis, counts, thresholds),
        *few_clusters(analysis),
        *small_batches(analysis),
        *attrition(analysis, thresholds),
        *overlaps(analysis, counts, thresholds),
        *interaction_check(analysis, counts, thresholds),
        *_multiple_exposure(analysis, counts, thresholds),
        *_pre_exposure(analysis, thresholds),
        *log_quality(counts),
        *_quality_metrics(analysis),
    ]
    return [{"experiment_id": analysis.calendar.experiment.name, **row} for row in rows]


def _srm(analysis: Analysis, thresholds: Health) -> Iterator[dict[str, Any]]:
    """Yield the sample-ratio check on everyone, and for diagnosis on each segment.

    The p-value holds on every day together; once a fixed test is stopped it is the chi-square's. Segments warn by
    Benjamini and Hochberg's procedure over all of them.
    """
    experiment, exposed = analysis.calendar.experiment, analysis.moments.exposed
    is_single_look = experiment.analysis.test == "fixed" and analysis.calendar.is_stopped
    if not exposed[EVERYONE].sum():
        yield check("srm", "warn", "No unit has been exposed.")
        return
    wanted = set(experiment.analysis.dimensions)
    segments = [EVERYONE, *sorted(one for one in exposed if one[0] in wanted and exposed[one].sum())]
    totals = [exposed[segment].sum(axis=0) for segment in segments]
    parts = [split_by_shares(analysis, segment) for segment in segments]
    expected = [sum(part.expected.sum(axis=0) for part in own) for own in parts]
    tests = [chi_square(total, units) for total, units in zip(totals, expected, strict=True)]
    daily = [arrivals_p(own) for own in parts]
    p = np.array([float(test.p_value) for test in tests] if is_single_look else daily)
    adjusted = np.concatenate([p[:1], benjamini_hochberg(p[1:]) if len(p) > 1 else p[1:]])
    planned = " : ".join(f"{share:.4g}" for share in expected[0] / expected[0].sum())
    for k, (dimension, level) in enumerate(segments):
        status = "pass" if adjusted[k] >= thresholds.srm_alpha else "warn" if k else "fail"
        split = " : ".join(f"{int(n):,}" for n in totals[k])
        yield check(
            "srm",
            status,
            f"Units {split}, planned {planned}; chi-square p = {float(tests[k].p_value):.3g}.",
            dimension=dimension,
            segment=level,
            statistic=float(tests[k].statistic),
            p_value=float(p[k]),
            threshold=thresholds.srm_alpha,
        )


def _multiple_exposure(analysis: Analysis, counts: LogCounts, thresholds: Health) -> Iterator[dict[str, Any]]:
    """Yield how many units were seen in several variants, and whether leaving them out biases the comparison."""
    experiment = analysis.calendar.experiment
    by_variant = [counts.multiple.get(number, 0) for number in range(len(experiment.variants))]
    multiple, kept = sum(by_variant), float(analysis.moments.exposed[EVERYONE].sum())
    if not multiple + kept:
        return
    share = multiple / (multiple + kept)
    named = ", ".join(
        f"{variant.name} {n:,}" for variant, n in zip(experiment.variants, by_variant, strict=True)
    )
    detail = f"{multiple:,} units ({share:.2%}) were seen in several variants and are left out; first seen in: {named}."
    p = None
    if multiple and not experiment.epochs:
        p = float(chi_square(by_variant, [float(variant.share) for variant in experiment.variants]).p_value)
        if p < thresholds.srm_alpha:
            detail += " They do not follow the allocation, so leaving them out may bias the comparison."
    is_biased = p is not None and p < thresholds.srm_alpha
    yield check(
        "multiple_exposure",
        "warn" if share > thresholds.multiple_exposure_share or is_biased else "pass",
        detail,
        statistic=share,
        p_value=p,
        threshold=thresholds.multiple_exposure_share,
    )


def _pre_exposure(analysis: Analysis, thresholds: Health) -> Iterator[dict[str, Any]]:
    """Yield whether the variants differed before the exposure: all metrics' own covariates, Bonferroni.

    The p-values hold on every day together; once a fixed test is stopped they are Welch's.
    """
    found = [
        (p, statistic, metric.measure.key.name, variant.name)
        for _, metric in sorted(analysis.moments.metrics.items())
        for variant, p, statistic in zip(
            analysis.calendar.experiment.treatments, *_before(analysis, metric), strict=False
        )
        if np.isfinite(p) and np.isfinite(statistic)
    ]
    if not found:
        return
    p, statistic, name, treated = min(found)
    adjusted = min(1.0, p * len(found))
    failed = adjusted < thresholds.pre_exposure_alpha
    yield check(
        "pre_exposure",
        "fail" if failed else "pass",
        f"Of {len(found)} comparisons before the exposure the largest difference is in {name}, {treated}.",
        statistic=statistic,
        p_value=adjusted,
        threshold=thresholds.pre_exposure_alpha,
    )


def _before(analysis: Analysis, metric: MetricMoments) -> tuple[list[float], list[float]]:
    """Return p-value and statistic of each treatment for a metric's own covariate; nothing where it has none."""
    outcomes, moments = len(metric.measure.fills), metric.cells[EVERYONE]
    own = [c for c in metric.measure.covariates if c.measure and c.measure.key == metric.measure.key]
    if not own or moments.mean.shape[-1] <= outcomes:
        return [], []
    pairs, n = _pairs_before(analysis, metric, outcomes)
    compared = superiority(pairs)
    p, statistic = compared.p_value, compared.statistic
    if analysis.calendar.experiment.analysis.test != "fixed" or not analysis.calendar.is_stopped:
        target = analysis.calendar.experiment.duration.target_sample_size_per_variant or UNPLANNED
        tuning = float(optimal_tuning(2.0 * target))
        fewest = np.minimum(compared.n_control, compared.n_treatment)
        p = running_p(p_value(statistic, n, tuning, smallest_n=fewest).T).T
    return p[-1].tolist(), statistic[-1].tolist()


def _pairs_before(analysis: Analysis, metric: MetricMoments, column: int) -> tuple[MeanPair, FloatArray]:
    """Return the pairs of a column's means, shape (days, treatments), and the units behind them.

    Epochs are compared each within itself, and count with the units of an even split.
    """
    control = _control(analysis.moments)
    epochs = [cell for (dimension, _), cell in sorted(metric.cells.items()) if dimension == EPOCH]
    if not analysis.calendar.experiment.epochs:
        pairs = unadjusted(metric.cells[EVERYONE].select([column])).pairs(control)
        return pairs, pairs.n_control + pairs.n_treatment
    stacked = Moments.stack([cell.select([column]) for cell in epochs], axis=-2)
    apart = unadjusted(stacked).pairs(control)
    n_control, n_treatment = (np.swapaxes(n, -1, -2) for n in (apart.n_control, apart.n_treatment))
    return combine_epochs(apart, weighting="information"), even_units(n_control, n_treatment)


def _control(moments: ExperimentMoments) -> int:
    spec = moments.planned.numbered.spec
    return [variant.name for variant in spec.variants].index(spec.control)


def _quality_metrics(analysis: Analysis) -> Iterator[dict[str, Any]]:
    """Yield a failed check for each metric of role quality that differs between variants."""
    for one in analysis.tests:
        if one.test.decides_as != "quality":
            continue
        for treatment, variant in enumerate(analysis.calendar.experiment.treatments):
            failed = bool(one.significant[0, -1, treatment])
            p = float(one.critical.p_value[-1, treatment])
            yield check(
                "quality",
                "fail" if failed else "pass",
                f"{one.test.label} {'differs' if failed else 'does not differ'} between {variant.name} and control.",
                metric=one.test.label,
                variant=variant.name,
                p_value=p if np.isfinite(p) else None,
                threshold=one.test.alpha,
            )
