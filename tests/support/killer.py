"""Runs of a project in processes that can be killed at any moment.

A server process imports the engine once and opens no database itself; each run is a fork of it, so that a run costs
no import, and no lock or thread of a database is carried over.
"""

import itertools
import json
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from steelyard.errors import EngineError
from steelyard.run import Project, RunOptions
from steelyard.run import project as project_module
from steelyard.warehouse.clickhouse import ClickHouseWarehouse
from steelyard.warehouse.duckdb_warehouse import DuckDBWarehouse
from steelyard.warehouse.postgres import PostgresWarehouse


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run's process ended.

    Attributes:
        was_killed: Whether it was killed before it had ended by itself.
        code: Its exit code otherwise; 1 for an error of the engine, 2 for anything else.
        seconds: How long it ran.
        error: The engine's error.
    """

    was_killed: bool
    code: int
    seconds: float
    error: str


class Killer:
    """The server, as a context manager."""

    def __enter__(self) -> Self:
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait(timeout=60)
        self._server.stdout.close()

    def run(
        self,
        root: Path,
        as_of: str,
        *,
        kill_after: float | None = None,
        file_limit: int | None = None,
        die_at: int | None = None,
        target: str = "",
    ) -> Ended:
        """Run a project up to a day.

        Args:
            root: Its folder.
            as_of: The day.
            kill_after: Seconds after which the process is killed; None lets it end.
            file_limit: Size in bytes beyond which no file can grow, as on a disk that is full.
            die_at: Number of the change to tables of a state after which the process kills itself.
            target: Target of the profile; its default otherwise.
        """
        self.order(root, as_of, kill_after=kill_after, file_limit=file_limit, die_at=die_at, target=target)
        return self.ended()

    def order(self, root: Path, as_of: str, **how: Any) -> None:
        """Start a run as `run` does, without waiting for its end."""
        assert self._server.stdin is not None
        order = {"root": str(root), "as_of": as_of, **how}
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()

    def ended(self) -> Ended:
        """Wait for the end of the run that was ordered."""
        assert self._server.stdout is not None
        return Ended(**json.loads(self._server.stdout.readline()))


def _serve() -> None:
    for line in sys.stdin:
        print(json.dumps(_obey(json.loads(line))), flush=True)


def _obey(order: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    started = time.perf_counter()
    process = os.fork()
    if process == 0:
        os.close(reading)
        os._exit(_run(order, writing))
    os.close(writing)
    if order.get("kill_after") is not None:
        time.sleep(order.get("kill_after"))
        os.kill(process, signal.SIGKILL)
    status = os.waitpid(process, 0)[1]
    with os.fdopen(reading) as told:
        error = told.read()
    return {
        "was_killed": os.WIFSIGNALED(status),
        "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1,
        "seconds": time.perf_counter() - started,
        "error": error,
    }


def _run(order: dict[str, Any], told: int) -> int:
    if order.get("file_limit") is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.get("file_limit"), order.get("file_limit")))
    if order.get("die_at") is not None:
        _die_at(order.get("die_at"))
    if order.get("wait_seconds") is not None:
        project_module.WAIT_SECONDS = order["wait_seconds"]
    try:
        project = Project.load(order["root"], target=order.get("target") or None)
        result = project.run(RunOptions(as_of=date.fromisoformat(order["as_of"])))
    except EngineError as error:
        os.write(told, str(error).encode())
        return 1
    except BaseException:
        traceback.print_exc()
        return 2
    os.write(told, "\n".join(result.failures.values()).encode())
    return 1 if result.failures else 0


def _die_at(number: int) -> None:
    """Kill this process after one of the changes that it makes to the tables of a state."""
    made = itertools.count(1)

    def dying(change: Callable[..., None]) -> Callable[..., None]:
        def changed(*arguments: Any) -> None:
            change(*arguments)
            if next(made) == number:
                os.kill(os.getpid(), signal.SIGKILL)

        return changed

    for kind in (DuckDBWarehouse, PostgresWarehouse, ClickHouseWarehouse):
        for name in ("create_table_as", "insert_query", "delete_rows", "drop_table"):
            setattr(kind, name, dying(getattr(kind, name)))


if __name__ == "__main__":
    _serve()
