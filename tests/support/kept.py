"""Databases as they were: a copy of one costs less than the runs that lead to it."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql


class Kept:
    """What a database of DuckDB, PostgreSQL or embedded ClickHouse holds now.

    Args:
        output: Of a profile that leads to the database, to which nothing is connected.
    """

    def __init__(self, output: Mapping[str, Any]) -> None:
        self._output = output
        self._name = str(output["path"] if "path" in output else output["dbname"])
        self._kept = f"{self._name}_kept"
        self._put(self._name, self._kept)

    def restore(self) -> None:
        """Put everything back, whatever has been done to the database and whoever is connected."""
        Path(f"{self._name}.wal").unlink(missing_ok=True)
        self._put(self._kept, self._name)

    def _put(self, source: str, target: str) -> None:
        if self._output["type"] == "duckdb":
            shutil.copyfile(source, target)
        elif self._output["type"] == "clickhouse":
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, symlinks=True)
        else:
            self._copy(source, target)

    def _copy(self, source: str, target: str) -> None:
        place = {name: self._output[name] for name in ("host", "port", "user", "password")}
        with psycopg.connect(**place, dbname="postgres", autocommit=True) as connection:
            names = {"source": sql.Identifier(source), "target": sql.Identifier(target)}
            for statement in (
                "drop database if exists {target} with (force)",
                "create database {target} template {source}",
            ):
                connection.execute(sql.SQL(statement).format(**names))
