"""Quantile metrics as SQL: rows in narrow bins, with the sums that tell how the units spread."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlglot import exp

from steelyard.compile.clock import date_literal
from steelyard.compile.exposure_sql import UNITS_PER_CELL
from steelyard.compile.measure import Measure
from steelyard.compile.scan import Scan
from steelyard.compile.unit_values import UnitValues, unit_table
from steelyard.compile.values import column
from steelyard.errors import CompileError

RELATIVE_WIDTH = 0.002
"""Width of a bin as a share of its values; whole numbers below 500 are further apart than that."""

# ln(|x|) / ln(1.002) is above -373,000 for every double: the number of a bin has the sign of its values.
_ZERO_OFFSET = 400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileQuery:
    """A query for one quantile metric's bins.

    Its columns are experiment_no, variant_no, day, the dimensions, bin, smallest, largest, row_count,
    unit_count, squares, products; a row speaks of one level of one dimension, the others are NULL.

    Attributes:
        name: Its name.
        measure: The metric.
        tree: The query.
        is_last_day_only: Whether all rows stand on the last day, because values grow from day to day.
        is_per_unit: Whether a unit has one value, not rows.
    """

    name: str
    measure: Measure
    tree: exp.Expr
    is_last_day_only: bool
    is_per_unit: bool


def bins_context(
    measure: Measure, scan: Scan, units: UnitValues, *, entry: str, last_day: date, dimensions: Sequence[str]
) -> dict[str, Any]:
    """Return the values of the template ``quantile_bins.sql``.

    Args:
        measure: The metric.
        scan: The scan that gives its rows, or the partials of its units' values.
        units: Values of units; a metric with one value per unit adds its own.
        entry: Column of the cells with the day from which on a unit counts.
        last_day: The last day of the run.
        dimensions: Columns of the cells that are dimensions.

    Raises:
        CompileError: A fill for a metric whose units have rows, not a value.
    """
    fill = measure.query.source.config.fill
    explicit = None if fill == "auto" else fill
    value = None
    if is_per_unit(measure):
        (value,) = units.outcomes(measure, [explicit])
    elif explicit is not None:
        raise CompileError(
            "a quantile of rows has no fill: a unit without rows has no part in it",
            where=measure.query.source.where,
            hint="remove fill, or give each unit one value with group by",
        )
    last = date_literal(last_day)
    return {
        "value": value,
        "units_per_cell": UNITS_PER_CELL,
        "row_value": "v1" if scan.kind == "opaque" else "value",
        "table": unit_table(scan),
        "day": last if is_last_day_only(measure) else column(entry, "cells"),
        "entry": entry,
        "last_day": last.copy(),
        "dimensions": dimensions,
        "zero_offset": _ZERO_OFFSET,
        "log_width": math.log1p(RELATIVE_WIDTH),
    }


def is_per_unit(measure: Measure) -> bool:
    """Return whether the query gives each unit one value, from a scan's partials."""
    return measure.query.shape == "aggregate"


def is_last_day_only(measure: Measure) -> bool:
    """Return whether a unit's rows grow from day to day, which changes their ranks."""
    return measure.entry == "exposed"
