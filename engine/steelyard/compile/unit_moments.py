"""Moments of values that a unit has once: cohort metrics, a single look, and covariates on entry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from steelyard.compile.exposure_sql import UNITS_PER_CELL
from steelyard.compile.measure import Measure
from steelyard.compile.moment_sql import (
    Columns,
    Layout,
    Terms,
    Vector,
    add_direct_terms,
    caps_context,
    caps_of,
    covariate_trees,
)
from steelyard.compile.scan import Scan
from steelyard.compile.values import Read, capped, column, filled, measured, reader

_MERGED = {"add": exp.Sum, "min": exp.Min, "max": exp.Max}


@dataclass(slots=True, kw_only=True)
class Joins:
    """Tables that give a unit's values: one row per unit each."""

    tables: list[dict[str, Any]] = field(default_factory=list)
    totals: list[dict[str, Any]] = field(default_factory=list)

    def before(self, scan: Scan) -> Read:
        """Return how columns before the exposure are read."""
        return self._join(f"before_{scan.name}", scan.name, 0)

    def after(self, scan: Scan) -> Read:
        """Return how columns of the whole window after the exposure are read."""
        if scan.grain == "unit":
            return self._join(f"after_{scan.name}", scan.name, 1)
        name = f"total_{scan.name}"
        if all(total["name"] != name for total in self.totals):
            total = {"name": name, "table": unit_table(scan), "columns": _merged(scan)}
            self.totals.append({**total, "is_state": scan.has_states})
        return self._join(f"after_{scan.name}", name, None, is_table=True)

    def _join(self, name: str, table: str, day: int | None, *, is_table: bool = False) -> Read:
        if all(join["name"] != name for join in self.tables):
            self.tables.append(
                {"name": name, "table": table if is_table else f"unit_day_{table}", "day": day}
            )
        return reader(name)


def unit_table(scan: Scan) -> str:
    """Return the name of a scan's table per unit and day."""
    return f"unit_day_{scan.name}"


def _merged(scan: Scan) -> list[dict[str, Any]]:
    if scan.has_states:
        names = [partial.name for partial in scan.partials] or ["v1", "v2"][: len(scan.query.value_names)]
        return [{"name": name, "merged": column(name)} for name in names]
    return [
        {
            "name": partial.name,
            "merged": _MERGED.get(partial.partial.merge, exp.Sum)(this=column(partial.name)),
        }
        for partial in scan.partials
    ]


class UnitMoments:
    """Builds one query over exposed units for many measures.

    Args:
        scans: All scans of the run, by name of the measures whose values they give.
        levels: Levels of each dimension, the most frequent first.
        experiments: Numbers of the experiments, for caps that differ.
    """

    def __init__(
        self,
        *,
        outcome_scans: Mapping[str, Scan],
        covariate_scans: Mapping[str, Scan],
        levels: Mapping[str, Sequence[str]],
        experiments: Sequence[int],
    ) -> None:
        self.outcome_scans, self.covariate_scans = outcome_scans, covariate_scans
        self.levels, self.experiments = levels, experiments
        self.joins = Joins()
        self.raw, self.capped, self.terms = Columns(prefix="raw"), Columns(prefix="v"), Terms()
        self.layouts: list[Layout] = []
        self._needs_cells = False

    def add(self, measure: Measure, *, entry: str, with_outcomes: bool) -> Layout:
        """Add a measure's moments; without outcomes only those of its covariates, on entry."""
        vector = self._vector(measure, with_outcomes=with_outcomes)
        n, sums, products = add_direct_terms(vector, self.terms, with_outcomes=with_outcomes)
        layout = Layout(
            measure=measure.name,
            vector=(*vector.outcomes, *vector.covariates),
            outcomes=len(measure.fills),
            n=n,
            sums=tuple(sums),
            products=products,
            entry=entry,
        )
        self.layouts.append(layout)
        return layout

    def context(self) -> dict[str, Any]:
        """Return the values of the template ``unit_moments.sql``."""
        return {
            "units_per_cell": UNITS_PER_CELL,
            "totals": [self._read_columns(total) for total in self.joins.totals],
            "joins": self.joins.tables,
            "values": self.raw.trees,
            "capped": self.capped.trees,
            "known_caps": caps_context((value["tree"] for value in self.capped.trees), self.experiments),
            "terms": self.terms.trees,
            "needs_cells": self._needs_cells,
        }

    def _read_columns(self, total: dict[str, Any]) -> dict[str, Any]:
        """Return a total with those of its columns that some value reads."""
        table = total["name"].replace("total_", "after_", 1)
        trees = [value["tree"] for value in self.raw.trees]
        read = {one.name for tree in trees for one in tree.find_all(exp.Column) if one.table == table}
        return {**total, "columns": [one for one in total["columns"] if one["name"] in read]}

    def _vector(self, measure: Measure, *, with_outcomes: bool) -> Vector:
        covariates = self._covariates(measure)
        if not with_outcomes:
            return Vector(outcomes=("",) * len(measure.fills), covariates=covariates, is_counted=None)
        raws = self.outcome_columns(measure)
        counted = [
            exp.Not(this=exp.Is(this=column(name), expression=exp.null()))
            for name, fill in zip(raws, measure.fills, strict=True)
            if fill is None
        ]
        is_counted = exp.and_(*counted) if counted else None
        outcomes = []
        for index, name in enumerate(raws):
            caps = caps_of(measure, index, is_covariate=False, experiments=self.experiments)
            outcomes.append(self.capped.add(capped(column(name), caps)))
        if is_counted is not None:
            is_counted = exp.and_(
                *(exp.Not(this=exp.Is(this=column(name), expression=exp.null())) for name in outcomes)
            )
        return Vector(outcomes=tuple(outcomes), covariates=covariates, is_counted=is_counted)

    def outcome_columns(self, measure: Measure) -> list[str]:
        """Return the columns of a measure's values, filled and not capped."""
        scan = self.outcome_scans[measure.name]
        read = self.joins.after(scan)
        return [
            self.raw.add(filled(measured(scan, measure, index, read), fill))
            for index, fill in enumerate(measure.fills)
        ]

    def raw_covariates(self, measure: Measure) -> list[tuple[str, Measure | None, int]]:
        """Return the columns of a measure's covariates, not capped, with the measure and value that caps them."""
        reads = {
            covariate.measure.name: (scan, self.joins.before(scan))
            for covariate in measure.covariates
            if covariate.measure is not None
            for scan in [self.covariate_scans[covariate.measure.name]]
        }
        self._needs_cells |= any(covariate.measure is None for covariate in measure.covariates)
        return [
            (self.raw.add(tree), owner, index)
            for tree, owner, index in covariate_trees(measure, reads, self.levels)
        ]

    def _covariates(self, measure: Measure) -> tuple[str, ...]:
        names = []
        for raw, owner, index in self.raw_covariates(measure):
            tree: exp.Expr = column(raw)
            if owner is not None:
                tree = capped(tree, caps_of(owner, index, is_covariate=True, experiments=self.experiments))
            names.append(self.capped.add(tree))
        return tuple(names)
