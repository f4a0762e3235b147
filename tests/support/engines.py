"""The warehouses that tests execute on, as data: one more is one entry here."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

Output = dict[str, Any]
Open = Callable[[Path], AbstractContextManager[Callable[[], Output]]]
# Between them two have proportions, a ratio, a quantile, a mean capped at a quantile and a mean of some units, three
# variants, a dimension, targeting and looks of each day and week. Spark starts jobs for each table of each experiment,
# however few its rows are.
SELECTION = ("checkout-progress-bar", "free-shipping-threshold")
# Starting a server takes longer than a quick test may.
QUICK = "duckdb"


class MissingEngineError(Exception):
    """An engine that is not installed here; says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A warehouse.

    Attributes:
        name: Its name, and its type in ``profiles.yml``.
        open: Starts what has to run, with an empty folder for its files, and gives a function: each call returns the
            output of a profile that leads to a database with nothing in it. Raises `MissingEngineError`.
        select: The demo's experiments that are compared on it; empty for all.
    """

    name: str
    open: Open
    select: tuple[str, ...] = ()


@contextmanager
def _duckdb(folder: Path) -> Iterator[Callable[[], Output]]:
    databases: list[Path] = []

    def new() -> Output:
        databases.append(folder / f"{len(databases)}.duckdb")
        return {"type": "duckdb", "path": str(databases[-1]), "schema": "steelyard"}

    yield new


@contextmanager
def _postgres(folder: Path) -> Iterator[Callable[[], Output]]:
    if find_spec("psycopg") is None:
        raise MissingEngineError("no driver: pip install 'steelyard[postgres]'")
    postgres = import_module("tests.support.postgres_server")
    try:
        server = postgres.PostgresServer()
    except postgres.MissingServerError as error:
        raise MissingEngineError(str(error)) from error
    with server:
        yield lambda: server.output(server.new_database())


@contextmanager
def _clickhouse(folder: Path) -> Iterator[Callable[[], Output]]:
    if find_spec("chdb") is None:
        raise MissingEngineError("no driver: pip install 'steelyard[clickhouse]'")
    databases: list[Path] = []

    def new() -> Output:
        databases.append(folder / f"{len(databases)}.clickhouse")
        return {"type": "clickhouse", "driver": "chdb", "path": str(databases[-1]), "schema": "steelyard"}

    yield new


@contextmanager
def _spark(folder: Path) -> Iterator[Callable[[], Output]]:
    if find_spec("pyspark") is None:
        raise MissingEngineError("no driver: pip install 'steelyard[spark]'")
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        raise MissingEngineError("no Java: install Java 17 or newer, or set JAVA_HOME")
    spark = import_module("tests.support.spark_cluster")
    with spark.SparkCluster(folder) as cluster:
        yield cluster.new_output


def marks_of(engine: Engine) -> list[pytest.MarkDecorator]:
    """Return the marks of a test that needs an engine."""
    return [pytest.mark.long] if engine.name != QUICK else []


ENGINES = (
    Engine(name="duckdb", open=_duckdb),
    Engine(name="postgres", open=_postgres),
    Engine(name="clickhouse", open=_clickhouse),
    Engine(name="spark", open=_spark, select=SELECTION),
)
NAMES = tuple(pytest.param(engine.name, marks=marks_of(engine)) for engine in ENGINES)


class Engines:
    """Opens each engine once, when it is first asked for: one server per process of the test run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._opened: dict[str, Callable[[], Output]] = {}
        self._missing: dict[str, str] = {}

    def new(self, name: str) -> Output:
        """Return the output of a profile that leads to a new database; skip the test where there is no such engine.

        In CI, where the environment has ``CI``, every engine has to be there.
        """
        if name not in self._opened and name not in self._missing:
            self._open(next(engine for engine in ENGINES if engine.name == name))
        if name in self._missing:
            if os.environ.get("CI"):
                pytest.fail(f"{name} is missing: {self._missing[name]}")
            pytest.skip(f"{name} is missing: {self._missing[name]}")
        return self._opened[name]()

    def _open(self, engine: Engine) -> None:
        folder = self._folder / engine.name
        folder.mkdir()
        try:
            self._opened[engine.name] = self._stack.enter_context(engine.open(folder))
        except MissingEngineError as error:
            self._missing[engine.name] = str(error)

    def close(self) -> None:
        """Stop what was started."""
        self._stack.close()
