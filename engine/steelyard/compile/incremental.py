"""What of an experiment can be computed day by day from state, and what must be computed in full."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from steelyard.compile.canonical import text
from steelyard.compile.exposure_sql import NumberedExperiment
from steelyard.compile.group import Group, PlannedExperiment, fuse_group
from steelyard.compile.measure import Measure
from steelyard.compile.metric_query import MetricQuery
from steelyard.compile.moment_sql import cap_name
from steelyard.spec.loader import ProjectFiles

_MERGING = ("add", "min", "max")


def why_not_incremental(measure: Measure) -> str:
    """Return why a measure cannot be continued from the day before; '' where it can.

    Percentile caps stand aside: whether they are on record is known only in the warehouse.
    """
    if measure.is_quantile:
        return "a quantile needs all rows"
    why = _why_no_merge(measure.query)
    if why:
        return why
    for covariate in measure.covariates:
        if covariate.measure is None:
            return f"the levels of its covariate {covariate.dimension} are ranked anew by every run"
        why = _why_no_merge(covariate.measure.query)
        if why:
            return f"its covariate {covariate.measure.key.name}: {why}"
    return ""


def _why_no_merge(query: MetricQuery) -> str:
    if query.shape != "aggregate":
        return query.why_opaque or "it has no aggregates"
    calls = {text(p.call) for value in query.values for p in value.partials if p.merge not in _MERGING}
    return f"{', '.join(sorted(calls))} does not merge over days" if calls else ""


def cap_names(measure: Measure) -> Iterator[str]:
    """Yield the names of the percentile caps that a measure is computed with."""
    before = [one.measure for one in measure.covariates if one.measure is not None]
    for owner, is_covariate in ((measure, False), *((one, True) for one in before)):
        for side, _ in owner.percentile_caps:
            for index in range(len(owner.fills)):
                yield cap_name(owner, index, side, None, is_covariate=is_covariate)


def some_measures(planned: PlannedExperiment, names: Collection[str]) -> PlannedExperiment:
    """Return an experiment with some of its measures; its series stays as long as with all of them."""
    ends = [measure.end for _, measure in planned.measures if measure.end is not None]
    return replace(
        planned,
        measures=tuple(one for one in planned.measures if one[1].name in names),
        other_caps={name: others for name, others in planned.other_caps.items() if name in names},
        halves={name: measure for name, measure in planned.halves.items() if name in names},
        longest=planned.longest or max(ends, default=timedelta(0)),
    )


def in_order(planned: PlannedExperiment) -> PlannedExperiment:
    """Return an experiment with its measures by name: columns are numbered in their order, and have to stay theirs."""
    return replace(
        planned,
        measures=tuple(sorted(planned.measures, key=lambda one: one[1].name)),
        other_caps=dict(sorted(planned.other_caps.items())),
        halves=dict(sorted(planned.halves.items())),
    )


def numbered_group(exposures: str, experiments: Iterable[PlannedExperiment], files: ProjectFiles) -> Group:
    """Return a group whose experiments are numbered in the order given, as its state numbers them."""
    numbered = [
        replace(one, numbered=_with_number(one.numbered, number))
        for number, one in enumerate(experiments, start=1)
    ]
    group = fuse_group(exposures, numbered, files, is_series=True)
    for scan in group.scans:
        # State has a row per unit and day, whether the series needs it or only the value at the end.
        scan.grain = "day"
    return group


def _with_number(numbered: NumberedExperiment, number: int) -> NumberedExperiment:
    return replace(numbered, number=number)
