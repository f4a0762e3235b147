"""Experiments on the same units: do their assignments go together, and does one's effect depend on the other?"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from steelyard.analysis.critical import UNPLANNED
from steelyard.analysis.health_check import check
from steelyard.analysis.insight import Row, insight, metrics_once
from steelyard.analysis.log_counts import LogCounts
from steelyard.analysis.means import means_of
from steelyard.analysis.results import Analysis, FloatArray, TestedMetric
from steelyard.analysis.shared_units import SharedUnits
from steelyard.compile.shared_units import is_looked_at
from steelyard.spec.experiment import Experiment
from steelyard.spec.project import Health
from steelyard.stats import always_valid
from steelyard.stats.contrast import Contrast
from steelyard.stats.interaction import combine_interactions, interaction_effects, overlap_check
from steelyard.stats.moments import Moments
from steelyard.stats.reasons import NO_DATA

SMALLEST_CELL = always_valid.BURN_IN
"""Units of the smallest of four cells below which no interaction is tested: its mean is not near enough to normal."""

TOO_FEW = "fewer_than_100_units_in_a_cell"
QUANTILE = "quantiles_do_not_add_up"
CLUSTERS = "clusters_are_not_crossed"
ADAPTED = "shares_follow_outcomes"
_DESIGNS = {"cluster": CLUSTERS, "bandit": ADAPTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """How an effect differs between the variants of another experiment; NaN where ``reason`` says why.

    Attributes:
        one: The metric.
        variant: The treatment whose effect it is.
        other: The other experiment.
        other_variant: The other's treatment, beside its control.
        estimate: The effect among the other's treated units less that among its control's.
        std_error: Its standard error.
        half_width: Half the width of its interval.
        statistic: Estimate by standard error.
        p_value: Of this comparison alone.
        smallest: Units of the smallest of the four cells.
        reason: Why values are unknown.
    """

    one: TestedMetric
    variant: str
    other: Experiment
    other_variant: str
    estimate: float = np.nan
    std_error: float = np.nan
    half_width: float = np.nan
    statistic: float = np.nan
    p_value: float = np.nan
    smallest: float = 0.0
    reason: str = ""


def overlaps(analysis: Analysis, counts: LogCounts, thresholds: Health) -> Iterator[Row]:
    """Yield the experiment of the run whose variants the shared units follow most, Bonferroni over experiments.

    The shares are those of the shared units themselves, so that neither experiment's own imbalance counts; that makes
    the check more cautious, never less. Where an allocation changes over time each epoch has its own shares, and the
    evidence of the epochs multiplies.
    """
    if counts.not_shared:
        yield check(
            "overlap",
            "warn",
            f"The experiments of the log have {counts.not_shared:,} units together, so those that they share were not"
            " looked at, neither for overlap nor for interaction. Raise health.shared_units_limit to look at them; 0"
            " asks for neither.",
        )
    found = []
    for other, shared in sorted(counts.shared.items()):
        evidence, excess, is_testable = 0.0, 0.0, False
        for table in shared.counts:
            first, second = table.sum(axis=1), table.sum(axis=0)
            if min(np.count_nonzero(first), np.count_nonzero(second)) < 2:
                continue
            kept = table[np.ix_(first > 0, second > 0)]
            result = overlap_check(kept, first[first > 0], second[second > 0])
            evidence, is_testable = evidence + float(result.log_e_value), True
            excess = max(excess, float(np.abs(result.excess).max()))
        if is_testable:
            p = float(np.exp(-max(evidence, 0.0)))
            found.append((p, excess, other, float(shared.counts.sum())))
    if not found:
        return
    p, excess, other, units = min(found, key=lambda one: (one[0], -one[1]))
    adjusted = min(1.0, p * len(found))
    yield check(
        "overlap",
        "warn" if adjusted < thresholds.srm_alpha else "pass",
        f"Of {len(found)} experiments with shared units the variants of {other} go together with these most: a cell of"
        f" {units:,.0f} shared units differs from independence by {excess:.2%} of them.",
        statistic=excess,
        p_value=adjusted,
        threshold=thresholds.srm_alpha,
    )


def interactions(analysis: Analysis, counts: LogCounts) -> list[Interaction]:
    """Return how each effect differs between the variants of each experiment with shared units, in order.

    A fixed test has none until it is stopped, and one p-value then. Under a sequential test p-values and intervals are
    always valid. Where an allocation changes over time each pair of epochs is compared within itself.
    """
    experiment = analysis.calendar.experiment
    if experiment.analysis.test == "fixed" and not analysis.calendar.is_stopped:
        return []
    return [
        found
        for one in metrics_once(analysis)
        for _, shared in sorted(counts.shared.items())
        for found in _of_pair(one, analysis, shared)
    ]


def _of_pair(one: TestedMetric, analysis: Analysis, shared: SharedUnits) -> Iterator[Interaction]:
    if not is_looked_at(one.test.use, shared.metrics):
        return
    experiment, other = analysis.calendar.experiment, shared.other
    blank = [
        Interaction(one=one, variant=variant.name, other=other, other_variant=beside.name)
        for variant in experiment.treatments
        for beside in other.treatments
    ]
    measure = one.test.measure
    why = QUANTILE if measure.is_quantile else _DESIGNS.get(experiment.design, "")
    if not why and measure.name not in shared.moments:
        # State knows no unit that has become a shared one later than the lateness; what is computed in full does.
        why = NO_DATA
    if why:
        yield from (replace(found, reason=why) for found in blank)
        return
    cells = shared.moments[measure.name]
    sizes = (len(experiment.variants), len(other.variants))
    controls = (_control(experiment), _control(other))
    alpha = experiment.analysis.alpha
    means = means_of(cells, measure, analysis.moments)
    combined = _first(interaction_effects(means, sizes, controls=controls, alpha=alpha), alpha)
    units, smallest = _sizes(cells, sizes, controls)
    p, half = combined.p_value, combined.ci_upper - combined.estimate
    if experiment.analysis.test != "fixed":
        p, half = _at_any_time(analysis, combined, units, smallest)
    for k, found in enumerate(blank):
        reason = str(combined.reason[k])
        is_tested = not reason and smallest[k] >= SMALLEST_CELL
        yield replace(
            found,
            estimate=float(combined.estimate[k]),
            std_error=float(combined.std_error[k]),
            half_width=float(half[k]) if is_tested else np.nan,
            statistic=float(combined.statistic[k]),
            p_value=float(p[k]) if is_tested else np.nan,
            smallest=float(smallest[k]),
            reason=reason or ("" if is_tested else TOO_FEW),
        )


def _first(found: Contrast, alpha: float) -> Contrast:
    """Return the contrasts of epochs as one; those of the only epoch as they are."""
    if found.estimate.shape[0] > 1:
        return combine_interactions(found, alpha=alpha)
    return Contrast(**{field.name: getattr(found, field.name)[0] for field in fields(found)})


def _sizes(
    cells: Moments, sizes: tuple[int, int], controls: tuple[int, int]
) -> tuple[FloatArray, FloatArray]:
    """Return the units of four even cells that would tell as much of each contrast, and those of its smallest cell.

    The cells' shares change as experiments begin and allocations change; such units grow like the information, as
    always-valid tests need them to.
    """
    table = cells.n.reshape(-1, *sizes)
    a0, b0 = controls
    fours = np.array(
        [
            [table[:, a, b], table[:, a, b0], table[:, a0, b], table[:, a0, b0]]
            for a in range(sizes[0])
            if a != a0
            for b in range(sizes[1])
            if b != b0
        ]
    )
    with np.errstate(divide="ignore"):
        even = 16.0 / (1.0 / fours).sum(axis=1)
    return even.sum(axis=1), fours.sum(axis=2).min(axis=1)


def _at_any_time(
    analysis: Analysis, found: Contrast, units: FloatArray, smallest: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return always-valid p-values, and half the widths of the intervals."""
    experiment = analysis.calendar.experiment
    target = experiment.duration.target_sample_size_per_variant or UNPLANNED
    tuning = float(always_valid.optimal_tuning(2.0 * target))
    p = always_valid.p_value(found.statistic, units, tuning, smallest_n=smallest)
    reach = always_valid.critical_value(units, tuning, alpha=experiment.analysis.alpha, smallest_n=smallest)
    return p, reach * found.std_error


def _control(experiment: Experiment) -> int:
    return [variant.name for variant in experiment.variants].index(experiment.control)


def interaction_check(analysis: Analysis, counts: LogCounts, thresholds: Health) -> Iterator[Row]:
    """Yield the effect that depends most on another experiment, Bonferroni over experiments, metrics and variants."""
    found = interactions(analysis, counts)
    if not found:
        return
    tested = [one for one in found if not one.reason]
    named = Counter(one.reason for one in found if one.reason)
    why = ", ".join(f"{n} {reason}" for reason, n in sorted(named.items()))
    untested = f" Not tested: {why}." if why else ""
    if not tested:
        yield check(
            "interaction", "pass", f"No effect could be compared between the variants of others.{untested}"
        )
        return
    worst = min(tested, key=lambda one: (one.p_value, -abs(one.statistic)))
    p = min(1.0, worst.p_value * len(tested))
    is_found = p < thresholds.interaction_alpha
    hint = (
        f" Read the effect in each variant of {worst.other.name} (insights: experiment_interaction) before shipping"
        " both, and keep such experiments apart: one after the other, or exclusive in a programme."
    )
    yield check(
        "interaction",
        "warn" if is_found else "pass",
        f"Of {len(tested)} comparisons with {len({one.other.name for one in tested})} experiments with shared units"
        f" the effect of {worst.variant} on {worst.one.test.label} depends most on {worst.other.name}: among units of"
        f" its {worst.other_variant} it is {worst.estimate:+.4g} (standard error {worst.std_error:.2g}) from that"
        f" among those of its {worst.other.control}.{untested}{hint if is_found else ''}",
        statistic=worst.statistic,
        p_value=p,
        threshold=thresholds.interaction_alpha,
        metric=worst.one.test.label,
        variant=worst.variant,
    )


def interaction_rows(analysis: Analysis, counts: LogCounts, *, minimum_units: int) -> Iterator[Row]:
    """Yield every interaction with another experiment, its p-value corrected for all of them.

    Args:
        analysis: The experiment.
        counts: What its log holds, shared units among it.
        minimum_units: Cells with fewer units are not shown.
    """
    found = interactions(analysis, counts)
    tests = sum(1 for one in found if not one.reason)
    for one in found:
        if one.smallest < minimum_units:
            continue
        yield insight(
            "experiment_interaction",
            one.one,
            one.variant,
            dimension=one.other.name,
            segment=one.other_variant,
            estimate=one.estimate,
            std_error=one.std_error,
            ci_lower=one.estimate - one.half_width,
            ci_upper=one.estimate + one.half_width,
            statistic=one.statistic,
            p_value=min(1.0, one.p_value * tests) if not one.reason else None,
            detail=f"The effect among units of {one.other_variant} in {one.other.name} less that among those of its"
            f" {one.other.control}; the smallest cell has {one.smallest:,.0f} units.",
            reason=one.reason or None,
        )
