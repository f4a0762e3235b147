"""Rows of moment queries, and names of tables, as JSON and back."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from steelyard.analysis.increment import Row
from steelyard.compile.group import MomentQuery
from steelyard.compile.state_plan import StatePlan
from steelyard.compile.state_tables import Copy, StateTables
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


def copies_to_json(tables: StateTables) -> dict[str, list[list[Any]]] | None:
    """Return the copies that a state's tables consist of; None where they change in place."""
    if tables.copies is None:
        return None
    return {what: [[one.name, one.through] for one in copies] for what, copies in tables.copies.items()}


def copies_from_json(content: Mapping[str, Sequence[Sequence[Any]]] | None) -> dict[str, list[Copy]] | None:
    """Return the copies that a state's tables consist of; None where they change in place."""
    if content is None:
        return None
    return {
        what: [Copy(name=name, through=through) for name, through in copies]
        for what, copies in content.items()
    }
