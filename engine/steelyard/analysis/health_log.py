"""Health checks for diagnosis: days, triggers, and what the log of exposures holds."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np

from steelyard.analysis.health_check import check
from steelyard.analysis.log_counts import LogCounts
from steelyard.analysis.moments import EVERYONE
from steelyard.analysis.results import Analysis
from steelyard.analysis.shares import split_by_shares
from steelyard.spec.project import Health
from steelyard.stats.bandit_inference import ENOUGH_PER_BATCH
from steelyard.stats.cluster import ENOUGH_CLUSTERS
from steelyard.stats.holdback import attrition_test
from steelyard.stats.multiplicity import benjamini_hochberg
from steelyard.stats.srm import chi_square


def srm_by_day(analysis: Analysis, thresholds: Health) -> Iterator[dict[str, Any]]:
    """Yield the day on which new units fit the allocation worst, by Benjamini and Hochberg's procedure over days."""
    daily = analysis.moments.exposed[EVERYONE]
    days = np.flatnonzero(daily.sum(axis=1) > 0)
    if not len(days):
        return
    expected = np.sum([part.expected for part in split_by_shares(analysis, EVERYONE)], axis=0)
    tests = chi_square(daily[days], expected[days])
    adjusted = benjamini_hochberg(tests.p_value)
    worst = int(np.nanargmin(tests.p_value))
    day = analysis.calendar.days[days[worst]]
    split = " : ".join(f"{int(n):,}" for n in daily[days[worst]])
    p = float(adjusted[worst])
    yield check(
        "srm_by_day",
        "warn" if p < thresholds.srm_alpha else "pass",
        f"Of {len(days)} days new units fit the allocation worst on {day}: {split}.",
        statistic=float(tests.statistic[worst]),
        p_value=p,
        threshold=thresholds.srm_alpha,
    )


def trigger_rate(analysis: Analysis, counts: LogCounts, thresholds: Health) -> Iterator[dict[str, Any]]:
    """Yield whether all variants' units met the trigger alike, as they must where it is logged alike.

    Where the allocation changes, units of its epochs have had different times to meet it; the sample-ratio check of
    the units that did, epoch by epoch, stands in for this one.
    """
    experiment = analysis.calendar.experiment
    if experiment.analysis.trigger is None or not counts.assigned or experiment.epochs:
        return
    assigned = np.array([counts.assigned.get(k, 0) for k in range(len(experiment.variants))], dtype=float)
    met = np.minimum(analysis.moments.exposed[EVERYONE].sum(axis=0), assigned)
    test = attrition_test(assigned, met)
    if test.reason != "":
        return
    rates = ", ".join(
        f"{variant.name} {n / total:.2%}"
        for variant, n, total in zip(experiment.variants, met, assigned, strict=True)
        if total
    )
    p = float(test.p_value)
    yield check(
        "trigger_rate",
        "warn" if p < thresholds.srm_alpha else "pass",
        f"Share of exposed units that met the trigger: {rates}.",
        statistic=float(test.statistic),
        p_value=p,
        threshold=thresholds.srm_alpha,
    )


def few_clusters(analysis: Analysis) -> Iterator[dict[str, Any]]:
    """Yield a warning where clusters are so few that their variance is hardly known."""
    fewest = float(analysis.moments.exposed[EVERYONE].sum(axis=0).min())
    if analysis.calendar.experiment.design == "cluster" and fewest < ENOUGH_CLUSTERS:
        yield check(
            "few_clusters",
            "warn",
            f"A variant has {fewest:.0f} clusters: with fewer than {ENOUGH_CLUSTERS} errors are more frequent than"
            " they should be.",
            statistic=fewest,
            threshold=float(ENOUGH_CLUSTERS),
        )


def small_batches(analysis: Analysis) -> Iterator[dict[str, Any]]:
    """Yield a warning where a bandit's batches are so small that the sum of their statistics is hardly normal."""
    experiment = analysis.calendar.experiment
    if experiment.design != "bandit":
        return
    begun = [part.units.sum(axis=0) for part in split_by_shares(analysis, EVERYONE) if part.units.any()]
    fewest = min((float(units.min()) for units in begun), default=0.0)
    if fewest < ENOUGH_PER_BATCH:
        yield check(
            "small_batches",
            "warn",
            f"A variant has {fewest:.0f} units in a batch: with fewer than {ENOUGH_PER_BATCH} errors are more frequent"
            " than they should be.",
            statistic=fewest,
            threshold=float(ENOUGH_PER_BATCH),
        )


def log_quality(counts: LogCounts) -> Iterator[dict[str, Any]]:
    """Yield what the log of exposures holds that was left out."""
    if counts.without_unit:
        yield check(
            "exposures_without_unit",
            "warn",
            f"{counts.without_unit:,} exposures have no unit id (NULL or '') and are left out.",
            statistic=float(counts.without_unit),
        )
    if counts.unknown:
        named = ", ".join(f"{variant!r} {n:,}" for variant, n in sorted(counts.unknown.items()))
        yield check(
            "unknown_variant",
            "warn",
            f"Exposures of variants that the experiment does not declare are left out: {named}.",
            statistic=float(sum(counts.unknown.values())),
        )
    if counts.late:
        yield check(
            "data_late",
            "warn",
            f"Rows came or went after their days were closed, and do not count: {'; '.join(counts.late)}."
            " Run once with --full-refresh, or raise the lateness of the exposures.",
            statistic=float(sum(counts.late.values())),
        )
    if counts.not_finite:
        yield check(
            "quality",
            "warn",
            f"{counts.not_finite:,} rows hold a value that is NaN or infinite; it counts as missing.",
            statistic=float(counts.not_finite),
        )
    if counts.before_start:
        yield check(
            "exposures_before_start",
            "warn",
            f"{counts.before_start:,} exposures lie before the start and are left out. Units that met the change before"
            " it count as new.",
            statistic=float(counts.before_start),
        )
    if counts.after_end:
        yield check(
            "exposures_after_end",
            "warn",
            f"{counts.after_end:,} exposures lie after the end and are left out: is it still running?",
            statistic=float(counts.after_end),
        )
    if counts.last_moment is not None and counts.last_moment > datetime.now(UTC):
        yield check(
            "exposures_in_future",
            "warn",
            f"Exposures are dated in the future, up to {counts.last_moment:%Y-%m-%d %H:%M}: check clock and zone.",
        )
