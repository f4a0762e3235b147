"""A Spark of one's own: a driver and two executors as processes of this machine, gone when its owner is."""

import os
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from subprocess import TimeoutExpired
from types import TracebackType
from typing import Any, Self

from pyspark import SparkContext

from steelyard.spec.outputs import Spark
from steelyard.warehouse.spark_session import Started, start

MASTER = "local-cluster[2,1,1024]"
STOP_SECONDS = 30.0
# Most of a test's time Java would spend on compiling well what runs once, and Spark on planning again what is small.
_JAVA = "-XX:TieredStopAtLevel=1"
_DEFAULTS = f"""\
spark.executor.extraJavaOptions {_JAVA}
spark.sql.adaptive.enabled false
"""


class SparkCluster:
    """One session that stays open, so that each connection joins its cluster: starting one takes seconds.

    Args:
        folder: Of the tables and the metastore.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._schemas = 0
        self._started: Started | None = None

    def __enter__(self) -> Self:
        settings = self._folder / "conf"
        settings.mkdir()
        (settings / "spark-defaults.conf").write_text(_DEFAULTS, encoding="utf-8")
        home = _home(self._folder / "home")
        given = {"SPARK_CONF_DIR": str(settings), "SPARK_HOME": str(home), "SPARK_SUBMIT_OPTS": _JAVA}
        before = {name: os.environ.get(name) for name in given}
        os.environ.update(given)
        try:
            self._started = start(Spark.model_validate(self.new_output()), where="tests")
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._started is not None
        self._started.session.stop()
        _stop_java()

    def new_output(self) -> dict[str, Any]:
        """Return the output of a profile that leads to a schema and a database with nothing in them."""
        self._schemas += 1
        return {
            "type": "spark",
            "master": MASTER,
            "path": str(self._folder / "spark"),
            "database": f"storefront_{self._schemas}",
            "schema": f"steelyard_{self._schemas}",
            "server_side_parameters": {"spark.sql.shuffle.partitions": 2},
            # State takes more jobs than it saves where rows are few.
            "incremental": False,
        }


def _home(folder: Path) -> Path:
    """Return a home of Spark that is pyspark's, but for the folder in which the executors of a cluster leave theirs."""
    folder.mkdir()
    for part in Path(str(import_module("pyspark").__file__)).parent.iterdir():
        if part.name != "work":
            (folder / part.name).symlink_to(part)
    return folder


def _stop_java() -> None:
    """End the process of Java, which outlives its sessions, and forget it, so that another one can be started."""
    gateway = SparkContext._gateway
    if gateway is None:
        return
    SparkContext._gateway = SparkContext._jvm = None
    process = gateway.proc
    with suppress(OSError):
        gateway.shutdown()
    process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except TimeoutExpired:
        process.kill()
        process.wait()
