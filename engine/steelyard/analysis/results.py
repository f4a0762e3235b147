"""Every test of an experiment on every day, with its bounds and its corrections."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from steelyard.analysis.calendar import Calendar
from steelyard.analysis.critical import Critical, Evidence, always, fixed, tuning_of
from steelyard.analysis.hypotheses import Test, design_tests
from steelyard.analysis.look_series import sequential
from steelyard.analysis.means import MetricMeans, estimate_means
from steelyard.analysis.moments import ExperimentMoments
from steelyard.analysis.planned_n import PlannedSize, planned_size
from steelyard.stats import always_valid
from steelyard.stats.comparison import Comparison, deterioration, non_inferiority, superiority
from steelyard.stats.decision import DecisionDesign
from steelyard.stats.means import MeanPair
from steelyard.stats.multiplicity import benjamini_hochberg, e_benjamini_hochberg, holm
from steelyard.stats.significance import critical_value

FloatArray = npt.NDArray[np.float64]
Looks = Mapping[tuple[str, str, int], Sequence[Mapping[str, Any]]]
_Adjust = Callable[[FloatArray, FloatArray | None], FloatArray]
_ADJUST: Mapping[str, _Adjust] = MappingProxyType(
    {"holm": holm, "bh": benjamini_hochberg, "e_bh": e_benjamini_hochberg}
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TestedMetric:
    """One test with everything that is known of it.

    Attributes:
        test: The test.
        means: The metric's means.
        comparison: On all segments, days and treatments: shape (segments, days, treatments).
        critical: Bounds on everyone: shape (days, treatments).
        p_value: To show: under a sequential test valid however often one looks; same shape.
        adjusted_p: P-values of segments, corrected for all segments, metrics and treatments; NaN for everyone.
        significant: Same shape.
        decisive: What the decision rule takes for significant on everyone: shape (days, treatments).
        size: Planned sample size.
    """

    __test__ = False

    test: Test
    means: MetricMeans
    comparison: Comparison
    critical: Critical
    p_value: FloatArray
    adjusted_p: FloatArray
    significant: npt.NDArray[np.bool_]
    decisive: npt.NDArray[np.bool_]
    size: PlannedSize


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Analysis:
    """An experiment, analysed.

    Attributes:
        moments: What it was analysed from.
        calendar: Its looks.
        tests: All tests.
        design: Levels.
    """

    moments: ExperimentMoments
    calendar: Calendar
    tests: list[TestedMetric]
    design: DecisionDesign


def analyse(moments: ExperimentMoments, *, looks: Looks) -> Analysis:
    """Test every metric of an experiment on every day.

    Args:
        moments: The experiment's moments.
        looks: Looks on record by (metric, hypothesis, treatment), in order.
    """
    tests, design = design_tests(moments)
    calendar = Calendar(moments)
    means = {test.measure.name: estimate_means(moments, test.measure) for test in tests}
    pairs = {name: one.pairs for name, one in means.items()}
    evidences = [(test, _evidence(test, means[test.measure.name])) for test in tests]
    kind = calendar.experiment.analysis.test
    if kind == "group_sequential":
        bounds = sequential(evidences, calendar, looks)
    else:
        method = fixed if kind == "fixed" else always
        bounds = [method(evidence, test, calendar) for test, evidence in evidences]
    tested = [
        _tested(test, means[test.measure.name], pairs[test.measure.name], critical, calendar)
        for (test, _), critical in zip(evidences, bounds, strict=True)
    ]
    tested = _explored(_corrected(tested, calendar), calendar)
    return Analysis(moments=moments, calendar=calendar, tests=tested, design=design)


def _evidence(test: Test, means: MetricMeans) -> Evidence:
    """Return the evidence of a test on everyone."""
    pairs = means.pairs
    compared = compare(test, pairs, critical=1.0)
    signed = compared.statistic[0] if test.sides == 2 else compared.evidence[0]
    return Evidence.of(_everyone(pairs), signed, _variance(test, pairs)[0], means.units[0])


def _variance(test: Test, pairs: MeanPair) -> FloatArray:
    """Return the variance of the contrast that is tested: with a relative margin, of a share of the control's mean."""
    margin = test.use.margin
    if test.hypothesis != "non_inferiority" or margin is None or margin.kind == "absolute":
        return pairs.variance
    share = 1 - test.direction * margin.value
    spread = pairs.var_treatment + share**2 * pairs.var_control - 2 * share * pairs.covariance
    return np.where(pairs.reason == "", spread, np.nan)


def _everyone(pairs: MeanPair) -> MeanPair:
    arrays = {name: getattr(pairs, name)[0] for name in MeanPair.__dataclass_fields__ if name != "notes"}
    return MeanPair(**arrays, notes={})


def compare(test: Test, pairs: MeanPair, *, critical: Any) -> Comparison:
    """Return the comparison that a test makes of pairs of means, at given critical values."""
    if test.hypothesis == "non_inferiority":
        assert test.use.margin is not None
        return non_inferiority(
            pairs,
            margin=test.use.margin.value,
            direction=test.direction,
            relative=test.use.margin.kind == "relative",
            critical=critical,
        )
    if test.hypothesis == "deterioration":
        return deterioration(pairs, direction=test.direction, critical=critical)
    return superiority(pairs, alternative=test.alternative, critical=critical)


def _tested(
    test: Test, means: MetricMeans, pairs: MeanPair, critical: Critical, calendar: Calendar
) -> TestedMetric:
    shape = pairs.effect.shape
    values = np.concatenate([critical.interval[None], _segment_levels(test, means, calendar)[1:]])
    significant = np.concatenate([critical.crossed[None], np.zeros((shape[0] - 1, *shape[1:]), dtype=bool)])
    comparison = compare(test, pairs, critical=values)
    return TestedMetric(
        test=test,
        means=means,
        comparison=comparison,
        critical=critical,
        p_value=np.concatenate(
            [critical.p_value[None], _segment_p(test, comparison, means.units, calendar)[1:]]
        ),
        adjusted_p=np.full(shape, np.nan),
        significant=significant,
        decisive=critical.crossed.copy(),
        size=planned_size(test, means, _variance(test, pairs), calendar),
    )


def _segment_levels(test: Test, means: MetricMeans, calendar: Calendar) -> FloatArray:
    """Return the critical values of segments: of a single look under a fixed test, else valid at every look.

    Segments have no plan of their own that alpha could be spent by.
    """
    pairs = means.pairs
    if calendar.experiment.analysis.test == "fixed":
        df = np.where(np.isnan(pairs.df), np.inf, pairs.df)
        return critical_value(test.alpha, df, "two-sided" if test.sides == 2 else "greater")
    return always_valid.critical_value(
        means.units,
        tuning_of(test, calendar),
        alpha=test.alpha,
        sides=test.sides,
        smallest_n=np.minimum(pairs.n_control, pairs.n_treatment),
    )


def _segment_p(test: Test, compared: Comparison, units: FloatArray, calendar: Calendar) -> FloatArray:
    """Return the p-values that go with `_segment_levels`."""
    if calendar.experiment.analysis.test == "fixed":
        # Days before the last are not for testing.
        shown = np.full(compared.p_value.shape, np.nan)
        shown[:, -1] = compared.p_value[:, -1]
        return shown
    each = always_valid.p_value(
        compared.statistic if test.sides == 2 else compared.evidence,
        units,
        tuning_of(test, calendar),
        sides=test.sides,
        smallest_n=np.minimum(compared.n_control, compared.n_treatment),
    )
    return np.moveaxis(always_valid.running_p(np.moveaxis(each, 1, -1)), -1, 1)


def _corrected(tested: list[TestedMetric], calendar: Calendar) -> list[TestedMetric]:
    """Apply Holm's, Benjamini and Hochberg's or the e-BH correction to the success metrics and treatments.

    Holm's bounds the chance of any false ship like Bonferroni's does, so that decisions may rest on it. The two others
    bound the false discovery rate: they are for reading, and decisions rest on Bonferroni's levels. What e-BH finds is
    that day's, because the largest of several days' e-values is none.
    """
    correction = calendar.experiment.analysis.correction
    chosen = [one for one in tested if one.test.decides_as == "success"]
    if correction not in _ADJUST or not chosen:
        return tested
    weighed = [one.critical.p_value if correction != "e_bh" else one.critical.e_value for one in chosen]
    weights = np.array([one.test.weight for one in chosen])
    adjusted = _adjusted(np.stack(weighed), _ADJUST[correction], weights)
    rejected = adjusted <= calendar.experiment.analysis.alpha
    if calendar.experiment.analysis.test == "fixed":
        rejected &= calendar.is_stopped
    for one, found in zip(chosen, rejected, strict=True):
        one.significant[0] = found
        if correction == "holm":
            one.decisive[:] = found
    return tested


def _explored(tested: list[TestedMetric], calendar: Calendar) -> list[TestedMetric]:
    """Call segments significant by Benjamini and Hochberg's procedure over segments, metrics and treatments.

    The tests of one part of the decision rule are a family, at the level that they share.
    """
    settings = calendar.experiment.analysis
    if settings.test == "fixed" and not calendar.is_stopped:
        return tested
    for part in sorted({one.test.decides_as for one in tested}):
        family = [one for one in tested if one.test.decides_as == part]
        alpha = settings.alpha if part in ("success", "guardrail") else settings.deterioration_alpha
        weights = np.concatenate([np.full(len(one.p_value) - 1, one.test.weight) for one in family])
        adjusted = _adjusted(np.concatenate([one.p_value[1:] for one in family]), benjamini_hochberg, weights)
        ends = np.cumsum([len(one.significant) - 1 for one in family])[:-1]
        for one, found in zip(family, np.split(adjusted, ends), strict=True):
            one.adjusted_p[1:], one.significant[1:] = found, found <= alpha
    return tested


def _adjusted(p: FloatArray, adjust: _Adjust, weights: FloatArray) -> FloatArray:
    """Adjust p-values of shape (tests, days, treatments) over tests and treatments, day by day; NaN is left out."""
    adjusted = np.full(p.shape, np.nan)
    share = np.broadcast_to(weights[:, None], (p.shape[0], p.shape[2]))
    is_even = bool((weights == weights[:1]).all())
    for day in range(p.shape[1]):
        known = ~np.isnan(p[:, day])
        if known.any():
            parts = None if is_even else share[known] / share[known].sum()
            adjusted[:, day][known] = adjust(p[:, day][known], parts)
    return adjusted
