"""The generated data as views of a DuckDB database."""

from collections.abc import Mapping
from typing import Any

import duckdb


def open_views(settings: Mapping[str, Any], path: str = ":memory:") -> duckdb.DuckDBPyConnection:
    """Return a connection with the views ``events`` and ``exposures``.

    Args:
        settings: ``data``: folder; ``events``, ``exposures``: names of files; ``threads``, ``memory``, ``spill``.
        path: Database.
    """
    connection = duckdb.connect(path)
    connection.execute(f"set threads = {int(settings['threads'])}")
    connection.execute(f"set memory_limit = '{settings['memory']}'")
    connection.execute(f"set temp_directory = '{settings['spill']}'")
    connection.execute("set timezone = 'UTC'")
    for view in ("events", "exposures"):
        path = f"{settings['data']}/{settings[view]}.parquet"
        connection.execute(f"create or replace view {view} as select * from '{path}'")
    return connection
