"""Why the plan is as it is: which metrics share a scan, and what keeps the others apart."""

from collections.abc import Iterator

from steelyard.compile.canonical import text
from steelyard.compile.group import Group
from steelyard.compile.incremental import why_not_incremental
from steelyard.compile.measure import Measure
from steelyard.compile.plan import GroupPlan
from steelyard.compile.scan import Scan

_KINDS = {
    "additive": "partial aggregates that merge over days",
    "distinct": "distinct values, each counted on the first day it was seen",
    "recompute": "aggregates that do not merge: computed again for every active day",
    "opaque": "the query as written, run for each unit and day",
    "rows": "one row per event, for a quantile",
}


def explain(plan: GroupPlan) -> Iterator[str]:
    """Yield the lines of an explanation."""
    group = plan.group
    experiments = ", ".join(one.spec.name for one in plan.numbered)
    yield f"exposures {group.exposures}: {len(plan.numbered)} experiments, one scan ({experiments})"
    for scan in group.scans:
        yield from _scan(plan, scan)
    yield from _apart(group)


def _scan(plan: GroupPlan, scan: Scan) -> Iterator[str]:
    is_date, is_zoned = plan.fact_type(scan)
    kind = "date" if is_date else "timestamp with time zone" if is_zoned else "timestamp"
    assumed = (
        ""
        if scan.query.time.is_certain or scan.name in plan.types.facts
        else ", assumed from the bounds' names"
    )
    yield ""
    yield f"scan {scan.name}: {_KINDS[scan.kind]}"
    yield f"  from {text(scan.query.relation).removeprefix('SELECT ').removeprefix('FROM ')}"
    yield f"  unit {text(scan.query.unit)}, time {text(scan.query.time.tree)} ({kind}{assumed})"
    grain = "one row per unit and day" if scan.grain == "day" else "one row per unit"
    yield f"  {grain}; {'days merge' if _merges(scan) else _why_not(scan)}"
    shared = len(scan.outcomes) > 1
    for measure in scan.outcomes:
        others = [other.name for other in scan.outcomes if other is not measure]
        fused = f"shares the scan with {', '.join(others)}" if shared else "has the scan to itself"
        yield f"  metric {measure.name}: {fused}"
        yield from (f"    {note}" for note in _notes(measure))
        if any(measure.name in one.diluted for one in plan.group.experiments):
            yield "    not incremental under a trigger: the units that never met it are read, too, by every run"
    for measure in scan.covariates:
        yield f"  covariate {measure.name}: read in the same pass"


def _merges(scan: Scan) -> bool:
    return scan.kind == "additive" and all(
        partial.partial.merge in ("add", "min", "max") for partial in scan.partials
    )


def _why_not(scan: Scan) -> str:
    if scan.kind == "opaque":
        return scan.query.why_opaque
    if scan.kind == "rows":
        return "a quantile needs all rows"
    calls = sorted(
        {text(p.partial.call) for p in scan.partials if p.partial.merge in ("distinct", "recompute")}
    )
    return f"{', '.join(calls)} does not merge over days"


def _notes(measure: Measure) -> Iterator[str]:
    query = measure.query
    why = why_not_incremental(measure)
    if why:
        yield f"not incremental, in full by every run: {why}"
    elif measure.percentile_caps:
        yield "incremental, once its percentile cap is on record"
    else:
        yield "incremental: a run reads the days that are open and continues from state"
    if query.why_opaque:
        yield f"runs as written: {query.why_opaque}"
    if "float" in query.source.sql.lower() or "real" in query.source.sql.lower():
        yield "casts to a 32-bit float are widened to double, so that every warehouse gives the same number"
    if measure.entry == "matured" and query.source.config.window is None:
        yield f"cohort metric: {measure.end} after the exposure, once the window has closed (defaults.window)"
    fills = ", ".join("left out" if fill is None else f"counts as {fill:g}" for fill in measure.fills)
    yield f"a unit without rows: {fills}"


def _apart(group: Group) -> Iterator[str]:
    """Yield why scans of the same table are not one."""
    by_table: dict[str, list[Scan]] = {}
    for scan in group.scans:
        by_table.setdefault(scan.name.split("__")[0], []).append(scan)
    for table, scans in by_table.items():
        for other in scans[1:]:
            yield ""
            yield f"{table} is scanned again by {other.name}: {_reason(scans[0], other)}"


def _reason(first: Scan, other: Scan) -> str:
    if other.kind != first.kind:
        return _KINDS[other.kind]
    if text(other.query.time.tree) != text(first.query.time.tree):
        return f"another time column ({text(other.query.time.tree)}, not {text(first.query.time.tree)})"
    if text(other.query.relation) != text(first.query.relation):
        return "another relation (joins, CTEs or tables differ)"
    if text(other.query.unit) != text(first.query.unit):
        return "another unit key"
    return "aggregates that need one row per unit"
