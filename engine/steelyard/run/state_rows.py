"""Rows of moment queries as JSON and back."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from steelyard.analysis.increment import Row
from steelyard.compile.group import MomentQuery
from steelyard.compile.state_plan import StatePlan
from steelyard.errors import StatisticsError


def to_json(plan: StatePlan, query: MomentQuery, rows: Sequence[Row]) -> dict[str, Any]:
    """Return rows as JSON, with the names of their sums."""
    days = range(0) if query.by_day else range(2, 2 + len(plan.day_columns))
    return {
        "terms": query.terms,
        "rows": [[value.isoformat() if i in days else value for i, value in enumerate(row)] for row in rows],
    }


def from_json(plan: StatePlan, query: MomentQuery, content: Mapping[str, Any]) -> list[Row]:
    """Return the rows of a query in a state.

    Raises:
        StatisticsError: The state has other sums.
    """
    stored = content.get(query.name)
    if stored is None or stored["terms"] != query.terms:
        raise StatisticsError(f"the state has other sums than {query.name}", hint="run with --full-refresh")
    days = range(0) if query.by_day else range(2, 2 + len(plan.day_columns))
    return [
        tuple(date.fromisoformat(value) if i in days else value for i, value in enumerate(row))
        for row in stored["rows"]
    ]
