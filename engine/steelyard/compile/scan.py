"""Fusing: measures on the same relation, unit key and time column share one scan of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal

from sqlglot import exp

from steelyard.compile.aggregates import Partial
from steelyard.compile.canonical import text
from steelyard.compile.measure import Measure
from steelyard.compile.metric_query import MetricQuery

# additive: partial aggregates per unit and day · distinct: values counted on their first day · recompute: aggregates
# computed again for every day on which the unit was active · opaque: the query runs as written, per unit and day ·
# rows: one row per event, for quantiles.
ScanKind = Literal["additive", "distinct", "recompute", "opaque", "rows"]
Grain = Literal["unit", "day"]


@dataclass(slots=True, kw_only=True, eq=False)
class ScanPartial:
    """One column of a scan's table per unit and day.

    Attributes:
        name: The column.
        partial: What it aggregates.
        window: Start and end after the exposure; None where only the time before it is used.
        lookback: Span before the exposure; None where only the time after it is used.
        users: Names of the measures that need it.
    """

    name: str
    partial: Partial
    window: tuple[timedelta, timedelta | None] | None
    lookback: timedelta | None
    users: list[str] = field(default_factory=list)

    def accepts(self, window: tuple[timedelta, timedelta | None] | None, lookback: timedelta | None) -> bool:
        """Return whether another need can be met by the same column."""
        return (self.window is None or window is None or self.window == window) and (
            self.lookback is None or lookback is None or self.lookback == lookback
        )


@dataclass(slots=True, kw_only=True, eq=False)
class Scan:
    """One pass over one relation.

    Attributes:
        name: Name of its table per unit and day.
        kind: How its rows become values.
        grain: ``unit``: one row before and one after the exposure; ``day``: one per day after it.
        query: A query whose relation, unit key and time column are the scan's.
        partials: Its columns.
        outcomes: Measures whose values after the exposure it gives.
        covariates: Measures whose values before the exposure it gives.
        columns: For each value of each measure, the columns of its partials.
        presence: For measures that count their rows, the column of the count.
        experiments: Numbers of the experiments that use it; empty for all.
    """

    name: str
    kind: ScanKind
    grain: Grain
    query: MetricQuery
    partials: list[ScanPartial] = field(default_factory=list)
    outcomes: list[Measure] = field(default_factory=list)
    covariates: list[Measure] = field(default_factory=list)
    columns: dict[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)
    presence: dict[str, str] = field(default_factory=dict)
    experiments: frozenset[int] = frozenset()

    @property
    def has_states(self) -> bool:
        """Whether a row holds the value so far, and not what the day added."""
        return self.grain == "day" and self.kind in ("recompute", "opaque")

    @property
    def files(self) -> tuple[str, ...]:
        """Files of the metrics that it is for."""
        return tuple(dict.fromkeys(one.query.source.where for one in (*self.outcomes, *self.covariates)))

    @property
    def lookback(self) -> timedelta | None:
        """The longest span before the exposure, None without covariates."""
        return max((measure.lookback for measure in self.covariates if measure.lookback), default=None)


def fuse(outcomes: Iterable[tuple[Measure, bool]], *, is_series: bool) -> list[Scan]:
    """Group measures into scans.

    Args:
        outcomes: Each measure once, and whether it is adjusted by its covariates.
        is_series: Whether every day is wanted, not only the last.
    """
    fusion = _Fusion(is_series=is_series)
    for measure, is_adjusted in outcomes:
        fusion.add_outcome(measure)
        for covariate in measure.covariates if is_adjusted else ():
            if covariate.measure is not None:
                fusion.add_covariate(covariate.measure)
    return fusion.scans


class _Fusion:
    """Collects scans; a measure's place is decided by its relation and by how its aggregates merge."""

    def __init__(self, *, is_series: bool) -> None:
        self.is_series = is_series
        self.scans: list[Scan] = []
        self._by_key: dict[tuple[str, ...], Scan] = {}
        self._pre: dict[str, Measure] = {}

    def add_outcome(self, measure: Measure) -> None:
        kind = self._kind(measure)
        is_daily = self.is_series and measure.entry == "exposed" and not measure.is_quantile
        scan = self._scan(measure, kind, is_daily=is_daily)
        scan.outcomes.append(measure)
        self._add_columns(scan, measure, window=(measure.start, measure.end), lookback=None)

    def add_covariate(self, measure: Measure) -> None:
        """Find a scan for the values before the exposure, one that exists if possible."""
        kind = self._kind(replace(measure, entry="matured"))
        scan = self._outcome_scan(measure)
        if scan is None or (
            scan.kind in ("distinct", "opaque") and scan.lookback not in (None, measure.lookback)
        ):
            scan = self._scan(measure, kind, is_daily=False)
        if all(other.name != measure.name for other in scan.covariates):
            scan.covariates.append(measure)
            self._add_columns(scan, measure, window=None, lookback=measure.lookback)

    def _outcome_scan(self, measure: Measure) -> Scan | None:
        for scan in self.scans:
            if any(other.key == measure.key for other in scan.outcomes):
                return scan
        return None

    def _kind(self, measure: Measure) -> ScanKind:
        if measure.query.shape != "aggregate":
            return "rows" if measure.query.shape == "rows" else "opaque"
        if not self.is_series or measure.entry == "matured" or measure.is_quantile:
            return "additive"
        merges = [partial.merge for value in measure.query.values for partial in value.partials]
        if all(merge in ("add", "min", "max") for merge in merges):
            return "additive"
        distinct = {p.key for v in measure.query.values for p in v.partials}
        is_distinct = len(distinct) == 1 and merges[0] == "distinct" and not measure.presence
        return "distinct" if is_distinct else "recompute"

    def _scan(self, measure: Measure, kind: ScanKind, *, is_daily: bool) -> Scan:
        query = measure.query
        key = [kind, text(query.relation), text(query.unit), text(query.time.tree)]
        if kind == "distinct":
            key += [query.values[0].partials[0].key, str((measure.start, measure.end))]
        if kind in ("opaque", "rows"):
            key.append(measure.beside or measure.name)
        if kind == "additive" and not _merges_over_days(query):
            key.append("one row per unit")
        scan = self._by_key.get(tuple(key))
        if scan is None:
            scan = Scan(name=self._name(query), kind=kind, grain="unit", query=query)
            self._by_key[tuple(key)] = scan
            self.scans.append(scan)
        if is_daily:
            scan.grain = "day"
        return scan

    def _name(self, query: MetricQuery) -> str:
        table = query.tree.find(exp.Table)
        base = "".join(
            c if c.isalnum() else "_" for c in (table.name if table is not None else "rows").lower()
        )
        taken = sum(scan.name.rsplit("__", 1)[0] == base for scan in self.scans)
        return base if not taken else f"{base}__{taken + 1}"

    def _add_columns(
        self,
        scan: Scan,
        measure: Measure,
        *,
        window: tuple[timedelta, timedelta | None] | None,
        lookback: timedelta | None,
    ) -> None:
        if scan.kind in ("opaque", "rows"):
            return
        for index, value in enumerate(measure.query.values):
            own = measure.windows[index] if window is not None and measure.windows else window
            names = tuple(
                self._column(scan, partial, measure.name, own, lookback) for partial in value.partials
            )
            scan.columns[(measure.name, index)] = names
        if measure.presence:
            conditions: Sequence[exp.Expr] = measure.query.conditions
            partial = Partial(
                merge="add",
                call=exp.Count(this=exp.Star()),
                condition=exp.and_(*conditions) if conditions else None,
                is_count=True,
            )
            scan.presence[measure.name] = self._column(scan, partial, measure.name, window, lookback)

    def _column(
        self,
        scan: Scan,
        partial: Partial,
        user: str,
        window: tuple[timedelta, timedelta | None] | None,
        lookback: timedelta | None,
    ) -> str:
        for column in scan.partials:
            if column.partial.key == partial.key and column.accepts(window, lookback):
                column.window = column.window or window
                column.lookback = column.lookback or lookback
                break
        else:
            column = ScanPartial(
                name=f"p{len(scan.partials) + 1}", partial=partial, window=window, lookback=lookback
            )
            scan.partials.append(column)
        if user not in column.users:
            column.users.append(user)
        return column.name


def _merges_over_days(query: MetricQuery) -> bool:
    return all(partial.merge in ("add", "min", "max") for value in query.values for partial in value.partials)
