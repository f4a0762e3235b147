"""How far the published tables of two warehouses are apart.

Nothing of the engine compares here but the description of its tables, so that the two can disagree.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.read import read_rows
from steelyard.warehouse.tables import STATE, TABLES, Table

Published = Mapping[str, Sequence[Mapping[str, Any]]]
# What belongs to a run and not to what it found.
_OF_THE_RUN = frozenset(
    {
        "run_id",
        "started",
        "ended",
        "git_commit",
        "sql_hash",
        "rows_read",
        "bytes_read",
        "stage_seconds",
        "target",
    }
)
# Text that rounds numbers which are compared themselves. Where one lies between two roundings, or is zero of either
# sign, a difference in its last digit is another text.
_ROUNDED = frozenset({"label"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How far two values are apart.

    Attributes:
        table: The table.
        where: The row's key, and the column.
        size: Relative difference of two numbers; infinite where anything else differs.
        values: The two values.
    """

    table: str
    where: str
    size: float
    values: tuple[Any, Any]

    def __str__(self) -> str:
        return f"{self.table} {self.where}: {self.values[0]!r} and {self.values[1]!r} ({self.size:.1e})"


def read_published(warehouse: Warehouse, schema: str = "steelyard") -> Published:
    """Return the rows of every result table."""
    return {name: read_rows(warehouse, schema, name) for name in TABLES if name != STATE.name}


def differences(one: Published, two: Published) -> Iterator[Difference]:
    """Yield every difference between two published sets of tables.

    Numbers are compared relative to the larger one, or where a column's numbers are differences of almost equal
    numbers, to the size that its description names; moments to the standard deviations of their values.
    """
    for name, table in TABLES.items():
        if name == STATE.name:
            continue  # what a run continues from is no result
        if table.replaced == "key" and name == "runs":
            yield from _rows(table, _only(one[name]), _only(two[name]), keys=("as_of",))
        else:
            yield from _rows(table, one[name], two[name], keys=table.keys)


def largest(found: Iterable[Difference]) -> dict[str, Difference]:
    """Return the largest difference of each table that has any."""
    worst: dict[str, Difference] = {}
    for difference in found:
        if difference.table not in worst or difference.size > worst[difference.table].size:
            worst[difference.table] = difference
    return worst


def beyond(found: Iterable[Difference], limit: float) -> list[str]:
    """Return the differences that are larger than a limit, the largest first."""
    return [str(one) for one in sorted(found, key=lambda one: -one.size) if not one.size <= limit]


def _only(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the last run of each day, by which the day is known: names of runs differ."""
    return list({row["as_of"]: row for row in rows}.values())


def _rows(
    table: Table,
    one: Sequence[Mapping[str, Any]],
    two: Sequence[Mapping[str, Any]],
    *,
    keys: Sequence[str],
) -> Iterator[Difference]:
    ours, theirs = ({tuple(row[key] for key in keys): row for row in rows} for rows in (one, two))
    for key in sorted(ours.keys() ^ theirs.keys(), key=str):
        yield _different(table, key, "is there", key in ours, key in theirs)
    for key in ours.keys() & theirs.keys():
        a, b = ours[key], theirs[key]
        for column in table.columns:
            if column.name in _OF_THE_RUN | _ROUNDED:
                continue
            if table.name == "moments" and column.name in ("means", "m2"):
                continue
            scale = a.get(column.scale) if isinstance(column.scale, str) else column.scale
            size = _apart(a[column.name], b[column.name], scale or 0.0)
            if size:
                yield Difference(
                    table=table.name,
                    where=f"{_named(key)} {column.name}",
                    size=size,
                    values=(a[column.name], b[column.name]),
                )
        if table.name == "moments":
            yield from _vectors(table, key, a, b)


def _vectors(
    table: Table, key: tuple[Any, ...], a: Mapping[str, Any], b: Mapping[str, Any]
) -> Iterator[Difference]:
    """Yield differences of means and of sums of products, each relative to the spread of its values."""
    if len(a["means"]) != len(b["means"]):
        yield _different(table, key, "means", a["means"], b["means"])
        return
    spread = [math.sqrt(row[i] or 0.0) for i, row in enumerate(a["m2"])]
    cells = [(f"means[{i}]", x, y, spread[i] / math.sqrt(a["n"] or 1)) for i, (x, y) in _pairs(a, b, "means")]
    for i, (row, other) in _pairs(a, b, "m2"):
        cells += [
            (f"m2[{i}][{j}]", x, y, spread[i] * spread[j])
            for j, (x, y) in enumerate(zip(row, other, strict=True))
        ]
    for name, x, y, scale in cells:
        size = _apart(x, y, scale)
        if size:
            yield Difference(table=table.name, where=f"{_named(key)} {name}", size=size, values=(x, y))


def _pairs(a: Mapping[str, Any], b: Mapping[str, Any], name: str) -> Iterator[tuple[int, tuple[Any, Any]]]:
    yield from enumerate(zip(a[name], b[name], strict=True))


def _apart(a: Any, b: Any, scale: float) -> float:
    """Return the relative difference of two numbers, or of the numbers in two lists; infinite for anything else."""
    if a == b:
        return 0.0
    if isinstance(a, float | int) and isinstance(b, float | int) and bool not in (type(a), type(b)):
        if isinstance(a, int) and isinstance(b, int):
            return math.inf
        return abs(a - b) / max(abs(a), abs(b), scale)
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return max((_apart(x, y, scale) for x, y in zip(a, b, strict=True)), default=0.0)
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return max((_apart(a[name], b[name], scale) for name in a), default=0.0)
    return math.inf


def _different(table: Table, key: tuple[Any, ...], what: str, a: Any, b: Any) -> Difference:
    return Difference(table=table.name, where=f"{_named(key)} {what}", size=math.inf, values=(a, b))


def _named(key: tuple[Any, ...]) -> str:
    return " ".join(str(part) for part in key if part != "")
