"""Files of units, read and written piece by piece: CSV and Parquet, through Arrow."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from steelyard.errors import SpecError

PIECE = 1 << 16
"""Rows that are in memory at once."""

_READERS = (".csv", ".parquet")


def read_pieces(path: Path, unit: str, others: Sequence[str]) -> tuple[list[str], Iterator[Any]]:
    """Open a file of units.

    Args:
        path: A CSV or a Parquet file.
        unit: Column of the units; in CSV it is read as text, so that 007 stays 007.
        others: Further columns, taken where they are there.

    Returns:
        The columns that the file has, and its pieces as Arrow record batches.

    Raises:
        SpecError: It cannot be read, is of another kind, or has no such column.
    """
    if path.suffix.lower() not in _READERS:
        raise SpecError(f"{path.name!r} is neither .csv nor .parquet", where=str(path))
    arrow = import_arrow(path)
    try:
        names = _names(path)
        if unit not in names:
            raise SpecError(
                f"there is no column {unit!r}",
                where=str(path),
                hint=f"--column names one of {', '.join(names)}",
            )
        wanted = [unit, *(name for name in others if name in names and name != unit)]
        return names, _pieces(arrow, path, unit, wanted)
    except (OSError, arrow.ArrowException) as error:
        raise SpecError(f"it cannot be read: {error}", where=str(path)) from error


def _names(path: Path) -> list[str]:
    if path.suffix.lower() == ".csv":
        with import_module("pyarrow.csv").open_csv(path) as reader:
            return list(reader.schema.names)
    return list(import_module("pyarrow.parquet").ParquetFile(path).schema_arrow.names)


def _pieces(arrow: Any, path: Path, unit: str, wanted: list[str]) -> Iterator[Any]:
    try:
        if path.suffix.lower() == ".csv":
            csv = import_module("pyarrow.csv")
            options = csv.ConvertOptions(column_types={unit: arrow.string()}, include_columns=wanted)
            with csv.open_csv(path, convert_options=options) as reader:
                yield from reader
        else:
            file = import_module("pyarrow.parquet").ParquetFile(path)
            yield from file.iter_batches(batch_size=PIECE, columns=wanted)
    except arrow.ArrowException as error:
        raise SpecError(f"it cannot be read: {error}", where=str(path)) from error


@contextmanager
def writer(path: Path, unit_type: Any) -> Iterator[Callable[[Any], None]]:
    """Open a CSV or Parquet file, and give the function that appends an Arrow record batch to it.

    Args:
        path: The file; it appears once it is whole.
        unit_type: Arrow type of the units.

    Raises:
        SpecError: It is of another kind.
    """
    if path.suffix.lower() not in _READERS:
        raise SpecError(f"{path.name!r} is neither .csv nor .parquet", where="--output")
    arrow = import_arrow(path)
    schema = schema_of(arrow, unit_type)
    part = path.with_name(f"{path.name}.part")
    opened: AbstractContextManager[Any]
    if path.suffix.lower() == ".csv":
        opened = import_module("pyarrow.csv").CSVWriter(part, schema)
    else:
        opened = import_module("pyarrow.parquet").ParquetWriter(part, schema)
    try:
        with opened as file:
            yield file.write_batch
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def schema_of(arrow: Any, unit_type: Any) -> Any:
    """The columns of an answer."""
    text = arrow.string()
    return arrow.schema([("unit", unit_type), ("bucket", arrow.int64()), ("variant", text), ("reason", text)])


def import_arrow(where: Path | str) -> Any:
    """Return pyarrow.

    Raises:
        SpecError: It is not installed.
    """
    try:
        return import_module("pyarrow")
    except ImportError as error:
        raise SpecError(
            "files are read through Arrow", where=str(where), hint="pip install 'steelyard[arrow]'"
        ) from error
