"""Run the benchmark: every way in a process of its own, one after the other, and one table.

python -m benchmarks                           # 10 million events, 3 rounds, into benchmarks/README.md
python -m benchmarks --peers venv/bin/python   # with tea-tasting, from an environment that has it
python -m benchmarks --scale 100m              # 100 million events within 8 GB
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from subprocess import run

from benchmarks.agreement import agreement
from benchmarks.measured import Measured, Way, measure_all
from benchmarks.readme import command, machine, publish
from benchmarks.targets import lines

HERE = Path(__file__).parent
SCALES = {"1m": (100_000, 1_000_000), "10m": (1_000_000, 10_000_000), "100m": (10_000_000, 100_000_000)}
OURS = {"experiments": 1, "more_metrics": [], "is_cohort": False, "is_series": True, "is_every_day": False}


def ways(*, peers: str | None, is_full: bool) -> Iterator[Way]:
    """Yield what is measured, in order."""
    look = {**OURS, "is_series": False}
    yield Way(
        name="scan", words="scan floor: count(*), sum(value)", module="floor", settings={"query": "scan"}
    )
    yield Way(name="group", words="scan floor: one sum by user", module="floor", settings={"query": "group"})
    yield Way(name="hand", words="hand-written SQL, one look", module="hand")
    yield Way(name="per_metric", words="one query per metric, one look", module="per_metric")
    if peers is not None:
        words = "tea-tasting on a table of users by hand-written SQL, one look"
        yield Way(name="tea", words=words, module="tea", python=peers)
    yield Way(name="look", words="Steelyard, one look", module="ours", settings=look)
    yield Way(name="series", words="Steelyard, the series of 14 days", module="ours", settings=OURS)
    if not is_full:
        return
    cohort = {**OURS, "is_cohort": True}
    words = "Steelyard, the series of 7-day cohorts, group sequential"
    yield Way(name="cohort", words=words, module="ours", settings=cohort)
    every = {**look, "is_every_day": True}
    yield Way(
        name="looks", words="Steelyard, one look on each of 14 days", module="ours", settings=every, rounds=3
    )
    in_time = {**OURS, "events": "events_in_time"}
    continued = {**in_time, "is_continued": True, "keeps_state": True}
    for day in (8, 15):
        words = f"Steelyard, day {day} from the state of the days before"
        yield Way(name=f"day_{day}", words=words, module="increment", settings={**continued, "day": day})
    whole = {**in_time, "is_continued": False, "keeps_state": False, "day": 15}
    yield Way(
        name="days_1_15", words="Steelyard, days 1-15 without state", module="increment", settings=whole
    )
    more = {"more_metrics": ["adds_to_cart"]}
    yield Way(name="look_more", words="", module="ours", settings={**look, **more})
    yield Way(name="series_more", words="", module="ours", settings={**OURS, **more})
    for name, settings in (("look", look), ("series", OURS)):
        kind = "one look" if name == "look" else "the series"
        for count in (1, 10, 100):
            several = {**settings, "experiments": count, "exposures": "exposures_100", "memory": "16GB"}
            words = f"Steelyard, {kind}, {count} of 100 experiments on a tenth of the units each"
            rounds = {1: 5, 10: 3, 100: 1}[count]
            yield Way(name=f"{name}_{count}", words=words, module="ours", settings=several, rounds=rounds)
    yield Way(name="python_part", words="", module="python_part", settings=OURS)
    yield Way(name="import", words="", module="imports", settings={"module": "steelyard"})
    yield Way(name="import_run", words="", module="imports", settings={"module": "steelyard.run"})
    yield Way(name="bounds", words="", module="many_comparisons", settings={"comparisons": 10_000})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", choices=SCALES, default="10m")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="6GB", help="DuckDB's memory_limit")
    parser.add_argument("--peers", help="an interpreter with tea-tasting and ibis-framework[duckdb]")
    parser.add_argument("--only", nargs="*", help="names of ways; then nothing is written")
    arguments = parser.parse_args()
    data = data_folder(arguments.scale)
    if arguments.peers is None:
        say("no --peers: tea-tasting is left out")
    chosen = list(ways(peers=arguments.peers, is_full=arguments.scale != "100m"))
    if arguments.only:
        chosen = [way for way in chosen if way.name in arguments.only]
    with tempfile.TemporaryDirectory(prefix="steelyard-bench-") as spill:
        settings = {
            "data": str(data),
            "events": "events",
            "exposures": "exposures",
            "threads": arguments.threads,
            "memory": arguments.memory,
            "spill": spill,
        }
        measured = measure_all(chosen, settings, rounds=arguments.rounds, progress=say)
    report(measured, arguments)


def report(measured: dict[str, Measured], arguments: argparse.Namespace) -> None:
    """Print the table, and write it unless only some of the ways were measured."""
    notes = list(agreement(measured))
    if arguments.only or arguments.scale == "1m":
        for one in measured.values():
            say(
                f"{one.way.name}: {one.median():.2f} CPU-s (least {one.least():.2f}), {one.most('peak_mb'):.0f} MB"
            )
        say("\n".join(notes))
        return
    told = command("benchmarks", sys.argv[1:], arguments.peers)
    head = f"{date.today()}, {machine()}; `{told}`, {arguments.rounds} rounds, {arguments.threads} threads"
    table = list(lines(measured))
    publish(HERE / "README.md", arguments.scale, head, table, notes)
    print((HERE / "README.md").read_text())


def data_folder(scale: str) -> Path:
    """Return the folder with the data, made by a process of its own when it is not there."""
    folder = HERE / "data" if scale == "10m" else HERE / "data" / scale
    last = "exposures.parquet" if scale == "100m" else "events_in_time.parquet"
    if not (folder / last).exists():
        units, events = SCALES[scale]
        say(f"making {events:,} events in {folder}")
        command = [sys.executable, str(HERE / "generate.py"), "--units", str(units), "--events", str(events)]
        run([*command, "--folder", str(folder), *(["--one"] if scale == "100m" else [])], check=True)
    return folder


def say(text: str) -> None:
    """Print progress, not the answer."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
