"""What a run costs beside its warehouse: compile, assemble, analyse and prepare rows, on a handful of units."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from time import process_time, thread_time
from typing import Any, TypeVar

import duckdb

from benchmarks.child import measure
from benchmarks.ways.ours import LAST
from benchmarks.ways.ours import prepare as prepare_project
from steelyard.run import Project, RunOptions
from steelyard.warehouse.duckdb_warehouse import DuckDBWarehouse

T = TypeVar("T")
UNITS = 5_000


def prepare(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a few units into the database, so that the warehouse has next to nothing to do."""
    prepared = prepare_project(settings)
    with duckdb.connect(str(prepared["folder"] / "bench.duckdb")) as connection:
        for view in ("events", "exposures"):
            connection.execute(f"create table few as select * from {view} where user_id < {UNITS}")
            connection.execute(f"drop view {view}")
            connection.execute(f"alter table few rename to {view}")
    return prepared


def run(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Run once in a fresh process, as a scheduler does; what the warehouse takes is taken off."""
    busy = 0.0
    original = DuckDBWarehouse._run

    def timed(self: DuckDBWarehouse, action: Callable[[], T]) -> T:
        nonlocal busy
        started = thread_time()
        try:
            return original(self, action)
        finally:
            busy += thread_time() - started

    DuckDBWarehouse._run = timed  # type: ignore[method-assign]
    started, process = thread_time(), process_time()
    Project.load(settings["folder"]).run(RunOptions(as_of=LAST))
    return {"python": thread_time() - started - busy, "all": process_time() - process}


if __name__ == "__main__":
    try:
        measure(run, prepare=prepare)
    finally:
        shutil.rmtree(Path(os.environ["BENCH_DATABASE"]).parent, ignore_errors=True)
