"""Changes of moments by day: values that grow day by day, moved only by the units that are active."""

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from steelyard.compile.measure import Measure
from steelyard.compile.moment_sql import (
    Columns,
    Layout,
    Terms,
    caps_context,
    caps_of,
    shift,
    shifted,
    total,
)
from steelyard.compile.scan import Scan, ScanPartial
from steelyard.compile.unit_values import TABLE, UnitValues, unit_table
from steelyard.compile.values import capped, column, filled, measured, number

_RUNNING = {"add": exp.Sum, "distinct": exp.Sum, "min": exp.Min, "max": exp.Max}


class DayMoments:
    """Builds one query over a scan's active days.

    Args:
        scan: A scan with a row per unit and day.
        units: Values of units, the covariates among them.
        experiments: Whose caps count for which units, as in `Group.capped_like`.
    """

    def __init__(self, scan: Scan, *, units: UnitValues, experiments: Mapping[int, int]) -> None:
        self.scan, self.units, self.experiments = scan, units, experiments
        self.values, self.changes, self.terms = Columns(prefix="d"), Columns(prefix="v"), Terms()
        self._centers = Columns(prefix="c")
        self.layouts: list[Layout] = []
        self._has_covariates = False
        self._read: dict[tuple[str, str], list[str]] = {}

    def add(self, measure: Measure) -> Layout:
        """Add a measure's changes."""
        now = self._outcomes(measure, "now")
        before = self._outcomes(measure, "before")
        covariates = self._covariates(measure)
        pairs = [self._changed(measure, index, now[index], before[index]) for index in range(len(now))]
        entered = self._entered(measure)
        layout = self._layout(measure, pairs, covariates, entered)
        self.layouts.append(layout)
        return layout

    def context(self) -> dict[str, Any]:
        """Return the values of the template ``day_moments.sql``."""
        return {
            "table": unit_table(self.scan),
            "since": None,
            "columns": self._columns(),
            "values": self.values.trees,
            "changes": self.changes.trees,
            "known_caps": caps_context((value["tree"] for value in self.changes.trees), self.experiments),
            "terms": self.terms.trees,
            "has_covariates": self._has_covariates,
        }

    def _columns(self) -> list[dict[str, Any]]:
        if self.scan.kind == "opaque":
            names = ["v1", "v2"][: len(self.scan.query.value_names)]
            return [_state(name) for name in names]
        if self.scan.has_states:
            return [_state(partial.name) for partial in self.scan.partials]
        smooth = _smooth_columns(self.scan)
        return [_running(partial, is_smooth=partial.name in smooth) for partial in self.scan.partials]

    def _outcomes(self, measure: Measure, when: str) -> list[str]:
        """Return the columns of a measure's values on a day, or before it."""
        key = (measure.name, when)
        if key not in self._read:

            def read(name: str) -> exp.Expr:
                return column(name if when == "now" else f"{name}_before", "running")

            self._read[key] = [
                self.values.add(filled(measured(self.scan, measure, index, read), fill))
                for index, fill in enumerate(measure.fills)
            ]
        return self._read[key]

    def _changed(self, measure: Measure, index: int, now: str, before: str) -> tuple[str, str]:
        """Return the columns of a value on a day and before it; its shift where it does not count.

        About the shift such a value is 0 and adds nothing to any moment.
        """
        caps = caps_of(measure, index, is_covariate=False, experiments=self.experiments)
        center = shift(self._center(measure, index, now))
        after = _or(capped(column(now), caps), center, self._counts(measure, now_is=True))
        first = exp.EQ(this=column("active_day"), expression=exp.Literal.number(1))
        earlier = _or(capped(column(before), caps), center, self._counts(measure, now_is=False))
        earlier = exp.Case(ifs=[exp.If(this=first, true=center.copy())], default=earlier)
        return self.changes.add(after), self.changes.add(earlier)

    def _center(self, measure: Measure, index: int, now: str) -> str:
        """Return the name of the constant that a value is taken about: values under other caps have others."""
        tree = capped(column(now), caps_of(measure, index, is_covariate=False, experiments=self.experiments))
        return now if tree == column(now) else self._centers.add(tree)

    def _counts(self, measure: Measure, *, now_is: bool) -> exp.Expr | None:
        names = self._outcomes(measure, "now" if now_is else "before")
        nullable = [name for name, fill in zip(names, measure.fills, strict=True) if fill is None]
        if not nullable:
            return None
        return exp.and_(
            *(exp.Not(this=exp.Is(this=column(name), expression=exp.null())) for name in nullable)
        )

    def _entered(self, measure: Measure) -> str:
        """Return the column that is 1 where a unit begins to count and -1 where it ceases to."""
        is_first = exp.EQ(this=column("active_day"), expression=exp.Literal.number(1))
        counts_now, counts_before = self._counts(measure, now_is=True), self._counts(measure, now_is=False)
        if counts_now is None or counts_before is None:
            return self.changes.add(
                exp.Case(ifs=[exp.If(this=is_first, true=number(1.0))], default=number(0.0))
            )
        is_in = exp.Case(ifs=[exp.If(this=counts_now, true=number(1.0))], default=number(0.0))
        was_in = exp.and_(exp.Not(this=exp.paren(is_first)), counts_before)
        was = exp.Case(ifs=[exp.If(this=was_in, true=number(1.0))], default=number(0.0))
        return self.changes.add(exp.Sub(this=is_in, expression=was))

    def _covariates(self, measure: Measure) -> list[str]:
        names = []
        for raw, owner, index in self.units.covariates(measure):
            self._has_covariates = True
            here = self.values.add(self._covariate(raw))
            caps = (
                None
                if owner is None
                else caps_of(owner, index, is_covariate=True, experiments=self.experiments)
            )
            names.append(self.changes.add(column(here) if caps is None else capped(column(here), caps)))
        return names

    def _covariate(self, raw: str) -> exp.Expr:
        """Return the tree that reads a covariate, by its column of the table of units' values."""
        return column(raw, TABLE)

    def _layout(
        self, measure: Measure, pairs: list[tuple[str, str]], covariates: list[str], entered: str
    ) -> Layout:
        names = [self._center(measure, k, now) for k, now in enumerate(self._outcomes(measure, "now"))]
        centers = [shift(name) for name in names]
        count = len(pairs)
        gain = [exp.paren(exp.Sub(this=column(now), expression=column(before))) for now, before in pairs]
        sums: list[str | None] = [self.terms.add(total(part.unnest())) for part in gain]
        products: dict[tuple[int, int], str] = {}
        for i in range(count):
            for j in range(i, count):
                products[(i, j)] = self.terms.add(
                    total(_gained_product(pairs[i], pairs[j], centers[i], centers[j]))
                )
            for k, name in enumerate(covariates):
                products[(i, count + k)] = self.terms.add(
                    total(exp.Mul(this=gain[i].copy(), expression=shifted(name)))
                )
        for k, name in enumerate(covariates):
            sums.append(self.terms.add(total(exp.Mul(this=column(entered), expression=shifted(name)))))
            for other in range(k, len(covariates)) if not measure.is_always_counted else ():
                pair = exp.Mul(this=shifted(name), expression=shifted(covariates[other]))
                products[(count + k, count + other)] = self.terms.add(
                    total(exp.Mul(this=column(entered), expression=pair))
                )
        return Layout(
            measure=measure.name,
            vector=(*names, *covariates),
            outcomes=count,
            n=self.terms.add(total(column(entered))),
            sums=tuple(sums),
            products=products,
            entry="",
        )


def _gained_product(
    left: tuple[str, str], right: tuple[str, str], center: exp.Expr, other: exp.Expr
) -> exp.Expr:
    """Return (a - c)(b - d) on a day less the same before it; a square as (a - a')((a - c) + (a' - c))."""
    now, before = left
    if left == right:
        both = exp.Add(
            this=exp.paren(exp.Sub(this=column(now), expression=center.copy())),
            expression=exp.paren(exp.Sub(this=column(before), expression=center.copy())),
        )
        gained = exp.paren(exp.Sub(this=column(now), expression=column(before)))
        return exp.Mul(this=gained, expression=exp.paren(both))
    parts = [
        exp.Mul(
            this=exp.paren(exp.Sub(this=column(one), expression=center.copy())),
            expression=exp.paren(exp.Sub(this=column(two), expression=other.copy())),
        )
        for one, two in zip(left, right, strict=True)
    ]
    return exp.Sub(this=parts[0], expression=parts[1])


def _or(value: exp.Expr, center: exp.Expr, counts: exp.Expr | None) -> exp.Expr:
    return value if counts is None else exp.Case(ifs=[exp.If(this=counts, true=value)], default=center.copy())


def _state(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "before_name": f"{name}_before",
        "now": column(name),
        "before": _over(exp.Lag(this=column(name))),
    }


def _running(partial: ScanPartial, *, is_smooth: bool) -> dict[str, Any]:
    """Return a partial's value so far, and before the day.

    Before the day is the value so far less the day's own where that is exact or harmless, which spares a window
    function; otherwise the aggregate over the rows before.
    """
    aggregate = _RUNNING[partial.partial.merge]
    now = _over(aggregate(this=column(partial.name)))
    if is_smooth:
        own = exp.Coalesce(this=column(partial.name), expressions=[number(0.0)])
        before: exp.Expr = exp.Sub(this=now.copy(), expression=own)
    else:
        before = _over(aggregate(this=column(partial.name)), is_before=True)
    return {"name": partial.name, "before_name": f"{partial.name}_before", "now": now, "before": before}


def _over(call: exp.Expr, *, is_before: bool = False) -> exp.Expr:
    if not is_before:
        return exp.Window(this=call, alias=exp.to_identifier("active_days"))
    spec = exp.WindowSpec(
        kind="ROWS",
        start="UNBOUNDED",
        start_side="PRECEDING",
        end=exp.Literal.number(1),
        end_side="PRECEDING",
    )
    order = exp.Order(expressions=[exp.Ordered(this=column("day"))])
    return exp.Window(this=call, partition_by=[column("unit_key")], order=order, spec=spec)


def _smooth_columns(scan: Scan) -> set[str]:
    """Return the partials whose value before a day may be had by subtraction.

    Counts are exact. A sum may carry a rounding error, which is harmless where it is used as it is and not where it is
    compared or divided by. Before its first row the difference is 0, not NULL, so the fill must be 0 as well.
    """
    smooth = {partial.name for partial in scan.partials if partial.partial.is_count}
    rough: set[str] = set()
    for measure in scan.outcomes:
        for index, value in enumerate(measure.query.values):
            names = scan.columns[(measure.name, index)]
            is_smooth = isinstance(value.final, exp.Placeholder) and measure.fills[index] == 0
            for name in names:
                (smooth if is_smooth else rough).add(name)
    counts = {partial.name for partial in scan.partials if partial.partial.is_count}
    added = {partial.name for partial in scan.partials if partial.partial.merge in ("add", "distinct")}
    return (smooth - (rough - counts)) & added
