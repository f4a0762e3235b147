"""Measure buckets of a million units on one core, in Python and in DuckDB, and write the table.

python -m benchmarks.buckets                           # ours, and the bare digests
python -m benchmarks.buckets --peers venv/bin/python   # with mmh3, from an environment that has it
"""

import argparse
import hashlib
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from subprocess import run

import duckdb
import pyarrow as pa

from benchmarks.readme import command, machine, replace
from steelyard.hashing import SCHEMES
from steelyard.hashing.batch import batch
from steelyard.hashing.sql import bucket_sql

HERE = Path(__file__).parent
UNITS = 1_000_000
ROUNDS = 7
SALT = "exp_checkout"
MMH3 = f"""
import time, mmh3
keys = [f"{SALT}:user_{{k:07d}}" for k in range({UNITS})]
best = 1e9
for _ in range({ROUNDS}):
    began = time.process_time()
    [mmh3.hash(key, 0, False) % 10_000 for key in keys]
    best = min(best, time.process_time() - began)
print(best)
"""


def best(work: Callable[[], object]) -> float:
    """The least seconds of processor time."""
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def measure(peers: str | None) -> dict[str, float]:
    """Seconds of each way."""
    units = [f"user_{k:07d}" for k in range(UNITS)]
    column, keys = pa.array(units), [f"{SALT}:{unit}".encode() for unit in units]
    found = {
        "`hashlib.sha256(key).digest()` alone": best(lambda: [hashlib.sha256(k).digest() for k in keys]),
        "batch, `sha256`, Arrow in and out": best(lambda: batch(SCHEMES["sha256"], SALT, column)),
        "batch, `sha256-60`, Arrow in and out": best(lambda: batch(SCHEMES["sha256-60"], SALT, column)),
    }
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        connection.register("units", pa.table({"u": column}))
        connection.execute("create table t as from units")
        sqls = {
            "DuckDB, `sha256(key)` alone": f"count(sha256('{SALT}:' || u))",
            **{
                f"DuckDB, `{name}` expression": f"count({bucket_sql(SCHEMES[name], 'duckdb', SALT, 'u').sql('duckdb')})"
                for name in ("sha256", "sha256-60")
            },
        }
        for name, sql in sqls.items():
            query = f"select {sql} from t"
            found[name] = best(lambda query=query: connection.execute(query).fetchall())
    if peers is not None:
        done = run([peers, "-c", MMH3], check=True, capture_output=True, text=True)
        found["`mmh3.hash(key) % 10000` (MurmurHash3, in C)"] = float(done.stdout)
    return found


def table(found: dict[str, float]) -> list[str]:
    """The table, and what became of the goals."""
    rates = {name: UNITS / seconds / 1e6 for name, seconds in found.items()}
    lines = ["| way | million units per second |", "|---|---|"]
    lines += [f"| {name} | {rate:.2f} |" for name, rate in rates.items()]
    ratio = found["DuckDB, `sha256-60` expression"] / found["DuckDB, `sha256(key)` alone"]
    full, short = (rates[f"batch, `{name}`, Arrow in and out"] for name in ("sha256", "sha256-60"))
    verdicts = (
        ("`sha256` above 2 M/s", f"{full:.2f}", full > 2),
        ("`sha256-60` above 4 M/s", f"{short:.2f}", short > 4),
        ("`sha256-60` in DuckDB at most 1.3 × the bare digest", f"{ratio:.2f} ×", ratio <= 1.3),
    )
    lines += ["", "| goal | measured | verdict |", "|---|---|---|"]
    return lines + [
        f"| {goal} | {value} | {'holds' if holds else '**missed**'} |" for goal, value, holds in verdicts
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", help="an interpreter with mmh3")
    arguments = parser.parse_args()
    head = f"{date.today()}, {machine()}; `{command('benchmarks.buckets', sys.argv[1:], arguments.peers)}`."
    text = "\n".join([head, "", *table(measure(arguments.peers))])
    print(text)
    replace(HERE / "README.md", "buckets", text)


if __name__ == "__main__":
    main()
