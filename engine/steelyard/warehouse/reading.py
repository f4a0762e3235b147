"""How much a query would read, added up over the scans of a warehouse's own plan."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

# Bytes of a value by canonical type; a text is taken to have sixteen, as short ids and names do.
_WIDTHS: Mapping[str, int] = MappingProxyType(
    {
        "boolean": 1,
        "tinyint": 1,
        "smallint": 2,
        "integer": 4,
        "float": 4,
        "date": 4,
        "hugeint": 16,
        "decimal": 16,
        "varchar": 16,
    }
)
_WIDTH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a query would read.

    Attributes:
        rows: Number of rows; None where the warehouse counts bytes alone.
        size: Bytes.

    Examples:
        >>> Reading(rows=2, size=16) + Reading(rows=1, size=8)
        Reading(rows=3, size=24)
        >>> Reading(rows=None, size=16) + Reading(rows=1, size=8)
        Reading(rows=None, size=24)
    """

    rows: int | None = 0
    size: int = 0

    def __add__(self, other: "Reading") -> "Reading":
        rows = None if self.rows is None or other.rows is None else self.rows + other.rows
        return Reading(rows=rows, size=self.size + other.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """A scan of a plan.

    Attributes:
        table: Name of the table, without its schema; '' for files and functions.
        columns: Names of the columns that are read.
        rows: The plan's own estimate, which filters have lowered already.
    """

    table: str
    columns: tuple[str, ...]
    rows: int


def duckdb_scans(node: Mapping[str, Any]) -> Iterator[Scanned]:
    """Yield the scans of a node of DuckDB's plan and of all below it.

    Args:
        node: As ``explain (format json)`` gives it.
    """
    info = node.get("extra_info") or {}
    if node["name"].strip() in _DUCKDB_SCANS or node["name"].strip().startswith("READ_"):
        columns = info.get("Projections") or ()
        yield Scanned(
            table=str(info.get("Table", "")).rsplit(".", 1)[-1],
            columns=(columns,) if isinstance(columns, str) else tuple(columns),
            rows=int(info.get("Estimated Cardinality") or 0),
        )
    for child in node.get("children", ()):
        yield from duckdb_scans(child)


_DUCKDB_SCANS = frozenset({"SEQ_SCAN", "TABLE_SCAN", "INDEX_SCAN"})


def reading_of(scan: Scanned, *, rows: int | None, types: Mapping[str, str]) -> Reading:
    """Return what a scan reads at most.

    Args:
        scan: The scan.
        rows: Rows of its table, since a filter is no promise to read less; None takes the plan's estimate.
        types: Canonical types of the table's columns.

    Examples:
        >>> scan = Scanned(table="events", columns=("user_id", "kind"), rows=3)
        >>> reading_of(scan, rows=10, types={"user_id": "bigint", "kind": "varchar"})
        Reading(rows=10, size=240)
    """
    count = scan.rows if rows is None else rows
    return Reading(rows=count, size=count * sum(_width(types.get(name, "")) for name in scan.columns))


def _width(kind: str) -> int:
    return _WIDTHS.get(kind, _WIDTH)


def postgres_scans(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the nodes of PostgreSQL's plan that read a relation.

    Args:
        node: ``Plan`` of ``explain (format json)``.
    """
    if "Relation Name" in node:
        yield node
    for child in node.get("Plans", ()):
        yield from postgres_scans(child)


def total(readings: Sequence[Reading]) -> Reading:
    """Return the sum.

    Examples:
        >>> total([])
        Reading(rows=0, size=0)
    """
    return sum(readings, Reading())
