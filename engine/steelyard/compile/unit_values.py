"""Values of units: one table with a row per exposed unit, read by everything that asks for what a unit has once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from steelyard.compile.exposure_sql import UNITS_PER_CELL
from steelyard.compile.measure import Measure
from steelyard.compile.moment_sql import Columns, covariate_trees
from steelyard.compile.scan import Scan, ScanPartial
from steelyard.compile.values import Read, column, filled, measured, reader

TABLE = "unit_values"
# From a scan to the relation with its columns before and after the exposure: one row per unit.
Relation = Callable[[Scan], exp.Expr]
_MERGED = {"add": exp.Sum, "min": exp.Min, "max": exp.Max}


def unit_table(scan: Scan) -> str:
    """Return the name of a scan's table per unit and day."""
    return f"unit_day_{scan.name}"


def per_unit(scan: Scan) -> str:
    """Return the name of a scan's relation with one row per unit."""
    return f"per_unit_{scan.name}"


def before_exposure(scan: Scan) -> str:
    """Return the name by which a scan's rows before the exposure are read."""
    return f"before_{scan.name}"


@dataclass(slots=True, kw_only=True)
class UnitValues:
    """Collects the values of units that a plan reads; equal ones are computed once.

    Attributes:
        outcome_scans: Scan of each measure's values after the exposure.
        covariate_scans: Scan of each measure's values before the exposure.
        levels: Levels of each dimension, the most frequent first.
        columns: The values, by the columns of the table.
    """

    outcome_scans: Mapping[str, Scan]
    covariate_scans: Mapping[str, Scan]
    levels: Mapping[str, Sequence[str]]
    columns: Columns = field(default_factory=lambda: Columns(prefix="raw"))
    _wide: dict[str, Scan] = field(default_factory=dict)
    _days: dict[str, dict[str, Any]] = field(default_factory=dict)
    _states: dict[str, Scan] = field(default_factory=dict)
    _needs_cells: bool = False

    def outcomes(self, measure: Measure, fills: Sequence[float | None]) -> list[str]:
        """Return the columns of a measure's values, filled and not capped."""
        scan = self.outcome_scans[measure.name]
        read = self._after(scan)
        return [
            self.columns.add(filled(measured(scan, measure, index, read), fill))
            for index, fill in enumerate(fills)
        ]

    def covariates(self, measure: Measure) -> list[tuple[str, Measure | None, int]]:
        """Return the columns of a measure's covariates, not capped, with the measure and value that caps them."""
        reads = {
            covariate.measure.name: (scan, self._before(scan))
            for covariate in measure.covariates
            if covariate.measure is not None
            for scan in [self.covariate_scans[covariate.measure.name]]
        }
        self._needs_cells |= any(covariate.measure is None for covariate in measure.covariates)
        return [
            (self.columns.add(tree), owner, index)
            for tree, owner, index in covariate_trees(measure, reads, self.levels)
        ]

    def scans(self) -> Iterator[Scan]:
        """Yield the scans whose relation with one row per unit is read."""
        yield from self._wide.values()

    def is_one_relation(self) -> bool:
        """Return whether one relation with one row per unit gives all values."""
        return len(self._wide) == 1 and not self._days

    def context(
        self, relation: Relation, *, sample: int | None = None, is_whole: bool = False
    ) -> dict[str, Any]:
        """Return the values of the template ``unit_values.sql``.

        Args:
            relation: What a scan's values are read from.
            sample: How many units of each cell at most; None for all.
            is_whole: Whether the only relation has a row for every exposed unit.
        """
        wide = [{"name": name, "relation": relation(scan), "day": None} for name, scan in self._wide.items()]
        return {
            "units_per_cell": UNITS_PER_CELL,
            "sample": sample,
            "states": [
                {"name": name, "table": unit_table(scan), "columns": _state_columns(scan)}
                for name, scan in self._states.items()
            ],
            "base": wide[0] if is_whole else {"name": "units", "relation": exp.to_table("exposed_units")},
            "joins": [] if is_whole else [*wide, *self._days.values()],
            "values": self.columns.trees,
            "needs_cells": self._needs_cells,
        }

    def totals(self, scan: Scan) -> list[dict[str, Any]]:
        """Return the columns of a scan per unit and day, those that are read, added up over the days."""
        read = {
            one.name
            for value in self.columns.trees
            for one in value["tree"].find_all(exp.Column)
            if one.table == per_unit(scan)
        }
        return [
            {"name": f"after_{partial.name}", "tree": total_over_days(partial)}
            for partial in scan.partials
            if f"after_{partial.name}" in read
        ]

    def _before(self, scan: Scan) -> Read:
        if scan.kind == "additive" and scan.grain == "unit":
            return self._read_wide(scan, "before")
        return self._read_day(scan, before_exposure(scan), 0)

    def _after(self, scan: Scan) -> Read:
        if scan.kind in ("additive", "distinct"):
            return self._read_wide(scan, "after")
        if scan.grain == "unit":
            return self._read_day(scan, f"after_{scan.name}", 1)
        name = f"last_{scan.name}"
        self._states[name] = scan
        self._days[name] = {"name": name, "relation": exp.to_table(name), "day": None}
        return reader(name)

    def _read_wide(self, scan: Scan, side: str) -> Read:
        self._wide[per_unit(scan)] = scan
        return lambda name: column(f"{side}_{name}", per_unit(scan))

    def _read_day(self, scan: Scan, name: str, day: int) -> Read:
        self._days[name] = {"name": name, "relation": exp.to_table(unit_table(scan)), "day": day}
        return reader(name)


def total_over_days(partial: ScanPartial) -> exp.Expr:
    """Return how a column per unit and day becomes one per unit."""
    return _MERGED.get(partial.partial.merge, exp.Sum)(this=column(partial.name))


def _state_columns(scan: Scan) -> list[str]:
    return [partial.name for partial in scan.partials] or ["v1", "v2"][: len(scan.query.value_names)]
