"""Loading a folder of files as tables."""

from pathlib import Path

from steelyard.errors import WarehouseError
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.names import require_safe

FILE_TYPES = (".csv", ".parquet")


def find_files(folder: Path) -> dict[str, Path]:
    """Return the CSV and Parquet files under a folder by the names of their tables.

    Raises:
        WarehouseError: No such folder, no such files, a name that is no table's, or two files with one name.
    """
    if not folder.is_dir():
        raise WarehouseError("no such folder", where=str(folder), hint="name the folder that holds the files")
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        within = path.relative_to(folder)
        if path.suffix.lower() not in FILE_TYPES or any(part.startswith(".") for part in within.parts):
            continue
        name = require_safe(path.stem, "a table", where=str(within))
        # Warehouses fold case, so two names that differ by it alone are one table.
        twin = next((other for other in found if other.lower() == name.lower()), None)
        if twin is not None:
            raise WarehouseError(
                f"{found[twin].relative_to(folder)} and {within} are one table",
                where=str(folder),
                hint="rename one of them",
            )
        found[name] = path
    if not found:
        raise WarehouseError(
            "no CSV or Parquet files", where=str(folder), hint="each file becomes a table of its name"
        )
    return found


def seed(warehouse: Warehouse, folder: Path, *, schema: str | None = None) -> dict[str, int]:
    """Load every CSV and Parquet file under a folder into the table of its name: all of them, or none.

    Args:
        warehouse: Where; tables of these names are replaced.
        folder: The folder.
        schema: Schema of the tables; None for the session's own.

    Returns:
        Number of rows of each table.

    Raises:
        WarehouseError: As `find_files`, or a file that cannot be read.
    """
    files = find_files(folder)
    with warehouse.transaction():
        return {name: warehouse.load_file(name, path, schema) for name, path in files.items()}
