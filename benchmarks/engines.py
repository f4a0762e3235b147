"""Compare the engine's SQL with hand-written SQL for the same moments on PostgreSQL and on Spark.

python -m benchmarks.engines                     # 1 million events, 3 rounds, into benchmarks/README.md
python -m benchmarks.engines --scale 10m --only postgres
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from psycopg import sql
from pyspark import SparkContext
from pyspark.sql import SparkSession
from tests.support.postgres_server import USER, PostgresServer

from benchmarks.__main__ import SCALES, data_folder, say
from benchmarks.processes import tree_cpu_seconds
from benchmarks.readme import between, command, machine, markdown, replace
from benchmarks.ways import ours
from benchmarks.ways.cuped import estimates
from benchmarks.ways.data import open_views
from benchmarks.ways.task import POSTGRES, SPARK, Query, Words, one_look
from steelyard.run import Project, RunOptions

HERE = Path(__file__).parent
LIMIT = 1.3
# What a server of this size would be given: two processes per query, and memory for a million groups.
SETTINGS = ("max_parallel_workers_per_gather=1", "work_mem=512MB", "shared_buffers=512MB", "max_wal_size=4GB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A warehouse with the data in it.

    Attributes:
        name: Target of the benchmark's profile.
        words: How a person writes SQL for it.
        query: Runs one statement of a person's.
        clean: Drops what a person's statements have made.
        cpu_seconds: Of its processes.
    """

    name: str
    words: Words
    query: Query
    clean: Callable[[], None]
    cpu_seconds: Callable[[], float]


@contextmanager
def postgres(data: Path) -> Iterator[Engine]:
    """Start a server and load the data."""
    with PostgresServer(settings=SETTINGS) as server:
        database = server.new_database()
        os.environ.update(
            BENCH_PORT=str(server.port),
            BENCH_USER=USER,
            BENCH_PASSWORD=server.output(database)["password"],
            BENCH_DATABASE=database,
        )
        with server.connect(database) as connection:
            _load(connection, data)

            def query(statement: str) -> Sequence[Sequence[Any]]:
                cursor = connection.execute(statement)
                return cursor.fetchall() if cursor.description else []

            def clean() -> None:
                connection.execute("drop table if exists units, users")

            yield Engine(
                name="postgres",
                words=POSTGRES,
                query=query,
                clean=clean,
                cpu_seconds=lambda: tree_cpu_seconds(server.process_id()),
            )


def _load(connection: Any, data: Path) -> None:
    source = open_views(
        {
            "data": data,
            "events": "events",
            "exposures": "exposures",
            "threads": 2,
            "memory": "4GB",
            "spill": data,
        }
    )
    types = {"BIGINT": "bigint", "DOUBLE": "double precision", "TIMESTAMP": "timestamp", "VARCHAR": "text"}
    for table in ("events", "exposures"):
        columns = source.execute(f"describe {table}").fetchall()
        kept = [(name, types[kind]) for name, kind, *_ in columns if kind in types]
        listed = ", ".join(f"{name} {kind}" for name, kind in kept)
        connection.execute(f"create table {table} ({listed})")
        with tempfile.NamedTemporaryFile(suffix=".csv") as file:
            names = ", ".join(name for name, _ in kept)
            source.execute(f"copy (select {names} from {table}) to '{file.name}' (format csv, header false)")
            into = sql.SQL("copy {} from stdin (format csv)").format(sql.Identifier(table))
            with connection.cursor().copy(into) as copy, Path(file.name).open("rb") as rows:
                while block := rows.read(1 << 20):
                    copy.write(block)
        connection.execute(f"vacuum (analyze) {table}")


@contextmanager
def spark(data: Path) -> Iterator[Engine]:
    """Start a driver and two executors over the Parquet files."""
    with tempfile.TemporaryDirectory(prefix="steelyard-bench-") as folder:
        os.environ["BENCH_DATABASE"] = folder
        path = Path(folder) / "project"
        ours.write_project(_ONE, path)
        with Project.load(path, target="spark").connect():
            session = SparkSession.getActiveSession()
            assert session is not None
            for table in ("events", "exposures"):
                session.sql(f"create table {table} using parquet location '{data / table}.parquet'")

            def query(statement: str) -> Sequence[Sequence[Any]]:
                return [tuple(row) for row in session.sql(statement).collect()]

            def clean() -> None:
                for table in ("users", "units"):  # the one is made of the other
                    session.sql(f"uncache table if exists {table}")
                    session.catalog.dropTempView(table)

            gateway = SparkContext._gateway
            assert gateway is not None
            yield Engine(
                name="spark",
                words=SPARK,
                query=query,
                clean=clean,
                cpu_seconds=lambda: tree_cpu_seconds(gateway.proc.pid),
            )


_ONE = {"experiments": 1, "more_metrics": [], "is_cohort": False}
ENGINES = {"postgres": postgres, "spark": spark}


def compare(engine: Engine, *, rounds: int, folder: Path) -> dict[str, float]:
    """Return the median CPU seconds of the warehouse's processes for each way; one round before is not counted.

    Raises:
        SystemExit: The two do not agree.
    """
    spent: dict[str, list[float]] = {"hand": [], "look": [], "series": []}
    ours.write_project(_ONE, folder)
    for number in range(rounds + 1):
        for way, found in spent.items():
            before = engine.cpu_seconds()
            answer = _measured(way, engine, folder)
            cost = engine.cpu_seconds() - before
            say(f"{engine.name} {number}/{rounds} {way}: {cost:.2f} CPU-s of the warehouse")
            if number:
                found.append(cost)
            if way == "hand":
                by_hand = answer
                engine.clean()
            else:
                _require_same(by_hand, answer)
    return {way: median(found) for way, found in spent.items()}


def _measured(way: str, engine: Engine, path: Path) -> dict[str, tuple[float, float]]:
    if way == "hand":
        return estimates(one_look(engine.query, engine.words))["separate"]
    project = Project.load(path, target=engine.name)
    result = project.run(RunOptions(as_of=ours.LAST, is_series=way == "series", full_refresh=True))
    if result.failures:
        raise SystemExit(str(result.failures))
    return ours.estimates(project, result)


def _require_same(hand: dict[str, tuple[float, float]], found: dict[str, tuple[float, float]]) -> None:
    for metric, (effect, error) in found.items():
        if max(abs(effect - hand[metric][0]), abs(error - hand[metric][1])) > 1e-6 * error:
            raise SystemExit(f"{metric}: {(effect, error)} against {hand[metric]} by hand")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", choices=SCALES, default="1m")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=ENGINES, help="the others' figures stay")
    arguments = parser.parse_args()
    data = data_folder(arguments.scale)
    rows = _measured_before()
    for name in arguments.only or ENGINES:
        with tempfile.TemporaryDirectory(prefix="steelyard-bench-") as folder, ENGINES[name](data) as engine:
            found = compare(engine, rounds=arguments.rounds, folder=Path(folder))
        ratio = found["look"] / found["hand"]
        verdict = "holds" if ratio <= LIMIT else "**missed**"
        costs = [f"{found[way]:.2f}" for way in ("hand", "look", "series")]
        rows[name] = (name, *costs, f"{ratio:.2f} ×", f"at most {LIMIT} ×", verdict)
    head = ("warehouse", "by hand, one look, CPU-s", "ours, one look", "ours, series of 14 days", "one look")
    told = command("benchmarks.engines", sys.argv[1:], None)
    table = markdown([(*head, "goal", ""), *(rows[name] for name in ENGINES if name in rows)])
    others = ", ".join(name for name in rows if name not in (arguments.only or ENGINES))
    stays = f"; {others} as measured before" if others else ""
    text = f"{date.today()}, {machine()}; `{told}`, medians of {arguments.rounds}{stays}.\n\n{table}"
    print(text)
    replace(HERE / "README.md", "engines", text)


def _measured_before() -> dict[str, tuple[str, ...]]:
    """Return the rows of the table as it is, by warehouse."""
    text = between(HERE / "README.md", "engines")
    rows = [
        tuple(cell.strip() for cell in line.split("|")[1:-1]) for line in text.splitlines() if "|" in line
    ]
    return {row[0]: row for row in rows if row[0] in ENGINES}


if __name__ == "__main__":
    main()
