"""Which methods compose with which: a table, in which what is not declared is refused."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType

from steelyard.analysis.design_capabilities import design_lines
from steelyard.compile.measure import Measure
from steelyard.compile.quantile_sql import is_per_unit
from steelyard.errors import SpecError
from steelyard.spec.experiment import Experiment
from steelyard.spec.experiment_metrics import MetricUse
from steelyard.stats.spending import SPENDING

AXES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "metric": ("mean", "proportion", "ratio", "quantile", "windowed", "capped", "clustered"),
        "adjustment": ("none", "cuped", "post_stratify"),
        "test": ("fixed", "group_sequential", "always_valid"),
        "hypothesis": (
            "superiority two-sided",
            "superiority one-sided",
            "non-inferiority relative",
            "non-inferiority absolute",
            "deterioration",
        ),
        "correction": ("none", "bonferroni", "holm", "bh", "e_bh"),
    }
)
"""What may be combined. A clustered metric is a ratio or a quantile of rows whose unit is the cluster."""

EVERYWHERE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "spending": tuple(SPENDING),
        "weights": ("equal", "of each metric"),
        "scale": ("absolute", "relative (Fieller)"),
        "sample size": ("for a planned effect or a margin; deterioration has no planned power",),
    }
)
"""What goes with every combination that is supported: spending functions with every group sequential test."""

Pair = tuple[str, str]

REFUSED: Mapping[frozenset[str], str] = MappingProxyType(
    {
        frozenset({"metric: quantile", "adjustment: post_stratify"}): (
            "a quantile is no mean of its strata's quantiles; use adjustment: none"
        ),
        frozenset({"correction: e_bh", "test: fixed"}): (
            "e-BH needs e-values, which only test: always_valid has; use correction: bh"
        ),
        frozenset({"correction: e_bh", "test: group_sequential"}): (
            "e-BH needs e-values, which only test: always_valid has; use correction: bh"
        ),
    }
)
"""Pairs that do not go together, and why. A quantile has no covariate, so CUPED leaves it as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One combination.

    Attributes:
        metric, adjustment, test, hypothesis, correction: A value of each axis.
        reason: Why it is refused; '' where it is supported.
    """

    metric: str
    adjustment: str
    test: str
    hypothesis: str
    correction: str
    reason: str

    @property
    def is_supported(self) -> bool:
        """Whether the combination can be analysed."""
        return self.reason == ""


def cells() -> Iterator[Cell]:
    """Yield every combination of the axes."""
    for values in product(*AXES.values()):
        chosen = dict(zip(AXES, values, strict=True))
        yield Cell(**chosen, reason=why_not(chosen))


def why_not(chosen: Mapping[str, str]) -> str:
    """Return why a combination is refused, or '' where it is supported.

    Args:
        chosen: A value for some of the axes.

    Examples:
        >>> why_not({"metric": "ratio", "adjustment": "cuped", "test": "group_sequential"})
        ''
        >>> why_not({"metric": "quantile", "adjustment": "post_stratify"})
        "a quantile is no mean of its strata's quantiles; use adjustment: none"
        >>> why_not({"metric": "funnel"})
        "metric 'funnel' is not declared"
    """
    for axis, value in chosen.items():
        if value not in AXES.get(axis, ()):
            return f"{axis} {value!r} is not declared"
    words = {f"{axis}: {value}" for axis, value in chosen.items()}
    return next((reason for pair, reason in REFUSED.items() if pair <= words), "")


def require_supported(experiment: Experiment, measures: Sequence[tuple[MetricUse, Measure]]) -> None:
    """Raise where an experiment asks for what cannot be analysed.

    Raises:
        SpecError: The first combination that is refused, with the reason.
    """
    where = f"experiment {experiment.name}"
    hint = "steelyard capabilities shows what goes together"
    for use, measure in measures:
        config = measure.query.source.config
        for reason in refusals(experiment, use, measure):
            raise SpecError(reason, where=where, hint=hint)
        # An A/A tests every metric in both directions.
        if config.direction == "none" and use.role in ("success", "guardrail") and experiment.design != "aa":
            raise SpecError(
                f"{measure.key.name} is a {use.role} metric without a direction",
                where=where,
                hint=f"add direction='increase' or 'decrease' to {measure.query.source.where}",
            )
    plan = experiment.duration.target_sample_size_per_variant or experiment.end
    if experiment.analysis.test == "group_sequential" and plan is None:
        raise SpecError(
            "a group sequential test needs to know how far it has come",
            where=where,
            hint="add duration: {target_sample_size_per_variant: 5000}, or an end, or test: always_valid",
        )


def refusals(experiment: Experiment, use: MetricUse, measure: Measure) -> Iterator[str]:
    """Yield why an experiment's use of a metric cannot be analysed."""
    settings, config = experiment.analysis, measure.query.source.config
    kinds: list[str] = [config.type]
    kinds += ["windowed"] if config.window is not None else []
    kinds += ["capped"] if config.winsorize is not None else []
    kinds += ["clustered"] if experiment.design == "cluster" else []
    for kind in kinds:
        chosen = {
            "metric": kind,
            "adjustment": settings.adjustment,
            "test": settings.test,
            "hypothesis": hypothesis_of(use),
            "correction": settings.correction,
        }
        reason = why_not(chosen)
        if reason:
            yield f"{use.metric.name}: {reason}"
    if settings.adjustment == "post_stratify" and not settings.dimensions:
        yield "post_stratify needs a dimension to stratify by; add dimensions: [platform]"
    if experiment.design == "cluster" and not _is_of_members(measure):
        yield (
            f"{use.metric.name}: a cluster's metric is a ratio, its sum over the cluster's units by their number,"
            " or a quantile of rows"
        )
    retention = experiment.retention
    if retention is not None and retention.name == use.metric.name and config.type != "proportion":
        yield f"{use.metric.name}: a retention is a proportion of units that are still there; add type='proportion'"
    if experiment.design == "switchback" and config.type == "quantile":
        yield f"{use.metric.name}: a block of a switchback has a mean or a ratio, no quantile"
    if config.cluster is not None:
        yield f"{use.metric.name}: cluster is not analysed; make the cluster the unit, and the metric a ratio"


def _is_of_members(measure: Measure) -> bool:
    """Return whether a metric of clusters is one of their members, in which large clusters count for more."""
    return measure.query.source.config.type == "ratio" or (measure.is_quantile and not is_per_unit(measure))


def hypothesis_of(use: MetricUse) -> str:
    """Return the hypothesis that a metric is used for, as `AXES` names it."""
    if use.margin is not None:
        return f"non-inferiority {use.margin.kind}"
    if use.role == "success":
        return "superiority two-sided" if use.alternative == "two-sided" else "superiority one-sided"
    return "deterioration" if use.role == "guardrail" else "superiority two-sided"


def capability_lines() -> Iterator[str]:
    """Yield the matrix for people: metric types by adjustment, then what composes with all of it."""
    adjustments = AXES["adjustment"]
    yield f"{'metric':12}" + "".join(f"{name:16}" for name in adjustments)
    for metric in AXES["metric"]:
        marks = ["no" if why_not({"metric": metric, "adjustment": name}) else "yes" for name in adjustments]
        yield f"{metric:12}" + "".join(f"{mark:16}" for mark in marks)
    yield ""
    yield "each with every one of, but for what is refused below"
    for axis in ("test", "hypothesis", "correction"):
        yield f"  {axis}: {', '.join(AXES[axis])}"
    for axis, values in EVERYWHERE.items():
        yield f"  {axis}: {', '.join(values)}"
    yield ""
    yield "refused"
    for pair, reason in REFUSED.items():
        yield f"  {' with '.join(sorted(pair))}: {reason}"
    yield ""
    yield from design_lines()
    every = list(cells())
    supported = sum(cell.is_supported for cell in every)
    yield ""
    yield f"{supported} combinations supported, {len(every) - supported} refused; what is not listed is refused"
