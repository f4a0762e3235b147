"""The warehouses whose drivers are played, as data: one more is one entry here."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.support.drivers import bigquery, databricks, redshift, snowflake, trino
from tests.support.drivers.server import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A warehouse.

    Attributes:
        name: Its name, and its type in ``profiles.yml``.
        modules: Makes the driver's modules for a server.
        settings: The rest of the profile's output.
        schema: Schema of tables that are named without one, where the settings do not name it.
        server: How its server differs.
    """

    name: str
    modules: Callable[[Server], dict[str, ModuleType]]
    settings: dict[str, Any]
    schema: str
    server: dict[str, Any] = field(default_factory=dict)

    def output(self, **more: Any) -> dict[str, Any]:
        """Return an output of a profile."""
        return {"type": self.name, "schema": "steelyard", **self.settings, **more}


PLAYED = (
    Played(
        name="snowflake",
        modules=snowflake.modules,
        settings={"account": "a", "user": "U", "password": "tops3cret", "warehouse": "W", "database": "D"},
        schema="PUBLIC",
        server={"folds": True, "commits_ddl": True},
    ),
    Played(
        name="bigquery",
        modules=bigquery.modules,
        settings={"project": "p", "search_path": "raw", "location": "EU"},
        schema="raw",
    ),
    Played(
        name="databricks",
        modules=databricks.modules,
        settings={"host": "h", "http_path": "/sql", "token": "tops3cret", "catalog": "c"},
        schema="default",
    ),
    Played(
        name="redshift",
        modules=redshift.modules,
        settings={"host": "h", "user": "u", "password": "tops3cret", "dbname": "d"},
        schema="public",
    ),
    Played(
        name="trino",
        modules=trino.modules,
        settings={"host": "h", "user": "u", "catalog": "c"},
        schema="default",
    ),
)


@contextmanager
def playing(played: Played, folder: Path) -> Iterator[Server]:
    """Put a driver's fake in the driver's place, and give the server behind it."""
    server = Server(played.name, folder=folder, schema=played.schema, **played.server)
    with pytest.MonkeyPatch.context() as patch:
        for name, module in played.modules(server).items():
            patch.setitem(sys.modules, name, module)
        yield server
