"""A Spark session for a profile's output: one that runs already, or one that is started."""

import logging
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from steelyard.errors import WarehouseError
from steelyard.spec.outputs import Spark
from steelyard.warehouse.spark_errors import translate

# What does not change once Spark runs.
_STATIC = {
    "spark.app.name": "steelyard",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # Its log repeats values, which are data of single units.
    "spark.log.level": "OFF",
}
# A driver with executors plans their work and does none of it: compiling that well costs more than it saves in a run.
_COMPILED_QUICKLY = "-XX:TieredStopAtLevel=1"
_LOCAL = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
# What a statement means, and how it runs on one machine: tables of experiments are small.
_MEANING = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.storeAssignmentPolicy": "ANSI",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.caseSensitive": "false",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.sources.partitionOverwriteMode": "dynamic",
}
_SMALL = {"spark.sql.shuffle.partitions": "4"}
# For a handful of rows, compiling a plan to Java and planning it anew between its stages cost more than running it.
_FEW_ROWS = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
# Units of an experiment fit in the memory of those who join facts to them, up to a size that is known by then: sorting
# all facts first costs more.
_MANY_ROWS = {"spark.sql.adaptive.maxShuffledHashJoinLocalMapThreshold": "64m"}
_METASTORE = ("spark.sql.catalogImplementation", "spark.hadoop.hive.metastore.uris")


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A session.

    Attributes:
        session: pyspark's.
        is_own: Whether it was started here, so that it ends here.
        is_exclusive: Whether no other process can open its metastore.
    """

    session: Any
    is_own: bool
    is_exclusive: bool


def start(output: Spark, *, where: str) -> Started:
    """Return a session of the Spark that runs in this process, or start one.

    Args:
        output: A Spark with ``method: session``.
        where: The target, for messages.

    Raises:
        WarehouseError: pyspark or Java is not there, Spark does not start, or one with another warehouse runs.
    """
    try:
        with warnings.catch_warnings():
            # pyspark warns of versions of pandas that are not used here.
            warnings.simplefilter("ignore")
            sql = import_module("pyspark.sql")
    except ModuleNotFoundError as error:
        raise WarehouseError(
            "the driver pyspark is not installed", where=where, hint="pip install 'steelyard[spark]'"
        ) from error
    # So does pyspark's own, which writes every error to stderr although it is raised too.
    quiet = import_module("pyspark.logger").PySparkLogger.getLogger("SQLQueryContextLogger")
    quiet.setLevel(logging.CRITICAL + 1)
    running = sql.SparkSession.getActiveSession()
    if running is None:
        session = _prepared(_started(sql, output, where=where), output)
        return Started(session=session, is_own=True, is_exclusive=_is_embedded(output))
    _require_same(running, output, where=where)
    session = _prepared(running.newSession(), output)
    return Started(session=session, is_own=False, is_exclusive=_is_embedded(output))


def for_few_rows(session: Any) -> AbstractContextManager[None]:
    """Have a session interpret its plans as they are: for statements on rows of which there are never many."""
    return _set(session, _FEW_ROWS)


def for_many_rows(session: Any) -> AbstractContextManager[None]:
    """Have a session join without sorting where one side fits: for statements on all facts."""
    return _set(session, _MANY_ROWS)


@contextmanager
def _set(session: Any, settings: Mapping[str, str]) -> Iterator[None]:
    before = {name: session.conf.get(name) for name in settings}
    try:
        for name, value in settings.items():
            session.conf.set(name, value)
        yield
    finally:
        for name, value in before.items():
            session.conf.set(name, value)


def warehouse_folder(path: str) -> str:
    """Return the folder of the tables below the folder that a profile names."""
    return str(Path(path) / "tables")


def _started(sql: Any, output: Spark, *, where: str) -> Any:
    builder = sql.SparkSession.builder.master(output.master)
    for name, value in _settings(output).items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Exception as error:
        raise translate(error, where=where) from error


def _settings(output: Spark) -> dict[str, str]:
    given = {name: value.get_secret_value() for name, value in output.server_side_parameters.items()}
    settings = {**_STATIC, **(_LOCAL if output.master.startswith("local") else {})}
    # Executors that this process starts run the same Python, should one ever be asked for.
    settings["spark.pyspark.python"] = sys.executable
    java = [_COMPILED_QUICKLY] if _has_executors(output) else []
    if output.path is not None:
        settings["spark.sql.warehouse.dir"] = warehouse_folder(output.path)
        if _is_embedded(output):
            settings |= _embedded_metastore(output.path)
            # Else its log would lie in whatever folder the process runs in.
            java.append(f"-Dderby.stream.error.file={output.path}/derby.log")
    if java:
        settings["spark.driver.extraJavaOptions"] = " ".join(java)
    return settings | given


def _has_executors(output: Spark) -> bool:
    """Return whether other processes than the driver run the tasks."""
    return output.master.startswith("local-cluster") or not output.master.startswith("local")


def _is_embedded(output: Spark) -> bool:
    return output.path is not None and not any(name in output.server_side_parameters for name in _METASTORE)


def _embedded_metastore(path: str) -> dict[str, str]:
    """Return the settings of a metastore in a folder, which one process can open."""
    Path(path).mkdir(parents=True, exist_ok=True)
    return {
        "spark.sql.catalogImplementation": "hive",
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={path}/metastore;create=true",
    }


def _prepared(session: Any, output: Spark) -> Any:
    given = output.server_side_parameters
    settings = {**_MEANING, **(_SMALL if output.master.startswith("local") else {})}
    for name, value in settings.items():
        if name not in given:
            session.conf.set(name, value)
    return session


def _require_same(running: Any, output: Spark, *, where: str) -> None:
    if output.path is None:
        return
    wanted, found = warehouse_folder(output.path), str(running.conf.get("spark.sql.warehouse.dir"))
    if found.removeprefix("file:") != wanted:
        raise WarehouseError(
            f"Spark runs in this process with another warehouse directory, {found}",
            where=where,
            hint="stop that session first: one process runs one Spark",
        )
