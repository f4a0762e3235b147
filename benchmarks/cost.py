"""Measure what a run costs against the data and against the metrics, as a table and a plot.

python -m benchmarks.cost                 # 1, 10 and 100 million events; 1, 10 and 50 metrics of 10 million
python -m benchmarks.cost --rounds 1
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path

import altair

from benchmarks.__main__ import OURS, SCALES, data_folder, say
from benchmarks.measured import Measured, Way, measure_all
from benchmarks.readme import command, machine, markdown, replace

HERE = Path(__file__).parent
PLOT = HERE / "cost.svg"
METRICS = (1, 10, 50)
KINDS = {"look": "one look", "series": "series of 14 days"}
# Figures of one size differ by some per cent between rounds, so that a straight line would be called a bend.
NOISE = 1.1


def ways() -> Iterator[Way]:
    """Yield what is measured: each kind at each size."""
    for kind in KINDS:
        settings = {**OURS, "is_series": kind == "series"}
        for scale in SCALES:
            told = {"data": str(data_folder(scale)), **settings}
            yield Way(name=f"{kind} {scale}", words="", module="ours", settings=told)
        for count in METRICS:
            told = {**settings, "generated_metrics": count}
            yield Way(name=f"{kind} {count} metrics", words="", module="ours", settings=told)


def points(measured: Mapping[str, Measured]) -> Iterator[dict[str, str | float]]:
    """Yield the figures: what grows, its size, the kind of run, CPU seconds."""
    for kind, words in KINDS.items():
        for scale, (_, events) in SCALES.items():
            spent = measured[f"{kind} {scale}"].median()
            yield {"grows": "million events", "size": events / 1e6, "run": words, "CPU seconds": spent}
        for count in METRICS:
            spent = measured[f"{kind} {count} metrics"].median()
            yield {"grows": "metrics", "size": float(count), "run": words, "CPU seconds": spent}


def table(found: list[dict[str, str | float]]) -> str:
    """Return the table; *growth* is the growth of the cost by the growth of the size, 1 when both are alike."""
    rows = [("what grows", "run", *("CPU-s",) * 3, "growth of cost / of size", "goal", "")]
    for grows in ("million events", "metrics"):
        for run in KINDS.values():
            line = [one for one in found if one["grows"] == grows and one["run"] == run]
            costs = [f"{one['CPU seconds']:.2f} ({one['size']:g})" for one in line]
            steps = [
                (float(b["CPU seconds"]) / float(a["CPU seconds"])) / (float(b["size"]) / float(a["size"]))
                for a, b in pairwise(line)
            ]
            verdict = "holds" if max(steps) <= NOISE else "**missed**"
            growth = ", ".join(f"{step:.2f}" for step in steps)
            rows.append((grows, run, *costs, growth, "at most 1", verdict))
    return markdown(rows)


def draw(found: list[dict[str, str | float]]) -> None:
    """Draw both lines of each size on axes of powers, where what is linear rises by 45 degrees."""
    charts = []
    for grows in ("million events", "metrics"):
        rows = [one for one in found if one["grows"] == grows]
        sizes = sorted({one["size"] for one in rows})
        charts.append(
            altair.Chart(altair.Data(values=rows))
            .mark_line(point=True)
            .encode(
                x=altair.X("size:Q", title=grows, scale=altair.Scale(type="log")).axis(
                    values=sizes, grid=False
                ),
                y=altair.Y("CPU seconds:Q", scale=altair.Scale(type="log")),
                color=altair.Color("run:N", title=None),
            )
            .properties(width=260, height=220)
        )
    altair.hconcat(*charts).save(PLOT)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="6GB", help="DuckDB's memory_limit")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="steelyard-bench-") as spill:
        settings = {
            "data": str(data_folder("10m")),
            "events": "events",
            "exposures": "exposures",
            "threads": arguments.threads,
            "memory": arguments.memory,
            "spill": spill,
        }
        measured = measure_all(list(ways()), settings, rounds=arguments.rounds, progress=say)
    found = list(points(measured))
    told = command("benchmarks.cost", sys.argv[1:], None)
    text = f"{date.today()}, {machine()}; `{told}`, medians of {arguments.rounds}.\n\n{table(found)}"
    draw(found)
    replace(HERE / "README.md", "cost", text)
    print(text)


if __name__ == "__main__":
    main()
