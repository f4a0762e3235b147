"""How DuckDB reads the files of a seed: strictly, so that no line is dropped without a word."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb

from steelyard.errors import WarehouseError
from steelyard.warehouse.duckdb_errors import translate
from steelyard.warehouse.names import literal, quoted

FILE_TYPES = (".csv", ".parquet")
Kinds = dict[str, str]
"""Canonical types of a file's columns by their names; those of decimals with precision and scale."""

_CHUNK = 20_000
_CANONICAL: Mapping[str, str] = MappingProxyType(
    {
        "TIMESTAMP WITH TIME ZONE": "timestamptz",
        "TIMESTAMP_S": "timestamp",
        "TIMESTAMP_MS": "timestamp",
        "TIMESTAMP_NS": "timestamp",
    }
)

# Without skip and comment DuckDB drops lines before those that look alike, the header among them.
_STRICT_CSV = (
    """header = true, delim = ',', quote = '"', escape = '"', comment = '', skip = 0, sample_size = -1"""
)


def reader(path: Path) -> str:
    """Return the table function that reads a file, whose path is its parameter.

    Raises:
        WarehouseError: No such file, neither CSV nor Parquet, or a CSV file without a proper header.
    """
    where = path.name
    if not path.is_file():
        raise WarehouseError("no such file", where=where, hint=f"looked in {path.parent}")
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return "read_parquet(?)"
    if suffix != ".csv":
        raise WarehouseError(
            "neither a CSV nor a Parquet file",
            where=where,
            hint=f"its name ends in {' or '.join(FILE_TYPES)}",
        )
    _check_header(path)
    return f"read_csv(?, {_STRICT_CSV})"


def _check_header(path: Path) -> None:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise WarehouseError(
            "no CSV in UTF-8", where=path.name, hint="save it as comma-separated values in UTF-8"
        ) from error
    names = [name.strip().lower() for name in header]
    if not names or not all(names):
        raise WarehouseError(
            "the first line does not name every column", where=path.name, hint="begin with a line of names"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise WarehouseError(
            f"two columns are named {twice[0]!r}", where=path.name, hint="rename one of them"
        )


def to_parquet(path: Path, to: Path) -> dict[str, str]:
    """Write a file's rows as Parquet, read as strictly as everywhere, and return the DuckDB types of its columns.

    Raises:
        WarehouseError: As `reader`, or a line that does not fit.
    """
    try:
        with duckdb.connect() as files:
            files.execute("set timezone = 'UTC'")
            files.execute(
                f"create view rows as select * from {reader(path).replace('?', literal(str(path)))}"
            )
            kinds = {name: str(kind) for name, kind, *_ in files.execute("describe rows").fetchall()}
            files.execute(f"copy rows to {literal(str(to))} (format parquet)")
    except duckdb.Error as error:
        raise translate(error, where=path.name) from error
    return kinds


@contextmanager
def file_rows(path: Path) -> Iterator[tuple[Kinds, Iterator[list[tuple[Any, ...]]]]]:
    """Open a file, and give the types of its columns and its rows, chunk by chunk.

    Raises:
        WarehouseError: As `reader`, or a line that does not fit.
    """
    try:
        with duckdb.connect() as files:
            files.execute("set timezone = 'UTC'")
            files.execute(
                f"create view rows as select * from {reader(path).replace('?', literal(str(path)))}"
            )
            described = files.execute("describe rows").fetchall()
            kinds = {name: _CANONICAL.get(str(kind), str(kind).lower()) for name, kind, *_ in described}
            zoned = [i for i, kind in enumerate(kinds.values()) if kind == "timestamptz"]
            # DuckDB makes Python values of moments with a zone only where pytz is installed.
            listed = [
                f"timezone('UTC', {quoted(name)})" if i in zoned else quoted(name)
                for i, name in enumerate(kinds)
            ]
            found = files.execute(f"select {', '.join(listed)} from rows")
            chunks = iter(lambda: found.fetchmany(_CHUNK), [])
            yield kinds, ([_in_utc(row, zoned) for row in chunk] for chunk in chunks)
    except duckdb.Error as error:
        raise translate(error, where=path.name) from error


def _in_utc(row: tuple[Any, ...], zoned: Sequence[int]) -> tuple[Any, ...]:
    if not zoned:
        return row
    return tuple(
        value.replace(tzinfo=UTC) if i in zoned and value is not None else value
        for i, value in enumerate(row)
    )


def to_csv(path: Path, to: Path, *, null: str) -> Kinds:
    """Write a file's rows as CSV with a header, and return the types of its columns.

    Args:
        path: The file.
        to: The file to write.
        null: What stands where there is no value.

    Raises:
        WarehouseError: As `file_rows`.
    """
    with file_rows(path) as (kinds, _):
        pass
    try:
        with duckdb.connect() as files:
            files.execute("set timezone = 'UTC'")
            source = reader(path).replace("?", literal(str(path)))
            files.execute(
                f"copy (select * from {source}) to {literal(str(to))} (format csv, header, nullstr {literal(null)})"
            )
    except duckdb.Error as error:
        raise translate(error, where=path.name) from error
    return kinds
