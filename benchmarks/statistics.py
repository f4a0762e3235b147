"""Measure the statistics of a large programme on one core, against their goals, and write the table.

python -m benchmarks.statistics
"""

import os

# One core, whatever the linear algebra would take.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np

from benchmarks.readme import machine, replace
from steelyard.stats.adjustment import full
from steelyard.stats.always_valid import critical_value, p_value
from steelyard.stats.comparison import superiority
from steelyard.stats.group_sequential import bounds, bounds_batch
from steelyard.stats.moments import Moments
from steelyard.stats.sequential_p import sequential_p

PAGE = Path(__file__).parent / "README.md"
ROUNDS = 3
Work = Callable[[], Any]


def works() -> Iterator[tuple[str, float, Work]]:
    """Yield what is measured, the goal in CPU seconds, and the work."""
    for covariates, goal in ((1, 0.5), (3, 1.5)):
        moments = _moments(covariates)
        name = f"100,000 Welch comparisons, full adjustment by {covariates}, Fieller intervals"
        yield name, goal, lambda moments=moments: superiority(full(moments).pairs())
    fractions, information = _designs(1000)
    for spending in ("power", "obrien_fleming", "pocock"):
        yield (
            f"bounds of 1,000 different designs of 14 looks, {spending}",
            5.0,
            lambda spending=spending: bounds_batch(fractions, information, spending=spending),
        )
    year = [day / 365 for day in range(1, 366)]
    for sides, alpha in ((1, 0.05), (2, 0.05), (2, 1e-6)):
        yield (
            f"bounds of 365 daily looks, {sides}-sided, alpha {alpha:g}",
            2.0,
            lambda sides=sides, alpha=alpha: bounds(year, year, sides=sides, alpha=alpha),
        )
    z = np.random.default_rng(2).standard_normal(information.shape).cumsum(axis=1) / np.sqrt(np.arange(1, 15))
    known = sequential_p(z[:, :-1], fractions[:, :-1], information[:, :-1])
    yield (
        "sequential p-values of a new look of 1,000 designs",
        10.0,
        lambda: sequential_p(z, fractions, information, persisted_p=known),
    )
    rng = np.random.default_rng(3)
    n, cells = rng.integers(200, 10**6, 10**6).astype(float), rng.standard_normal(10**6)
    for sides in (1, 2):
        yield (
            f"always-valid bounds and p-values of 1,000,000 cells, {sides}-sided",
            1.0,
            lambda sides=sides: (
                critical_value(n, 5000.0, sides=sides),
                p_value(cells, n, 5000.0, sides=sides),
            ),
        )


def _moments(covariates: int) -> Moments:
    rng = np.random.default_rng(21)
    cells, k = 100_000, 1 + covariates
    n = rng.integers(500, 1_000_000, (cells, 2)).astype(float)
    factor = rng.normal(size=(cells, 2, k, k))
    m2 = (factor @ np.swapaxes(factor, -1, -2) + np.eye(k)) * n[..., None, None]
    return Moments(n=n, mean=rng.normal(5, 0.01, (cells, 2, k)), m2=m2)


def _designs(count: int) -> tuple[Any, Any]:
    information = np.cumsum(np.random.default_rng(0).uniform(0.5, 1.5, (count, 14)), axis=1)
    return information / information[:, -1:], information


def _seconds(work: Work) -> float:
    started = process_time()
    work()
    return process_time() - started


def main() -> None:
    lines = ["| what | goal, CPU-s | measured | |", "|---|---|---|---|"]
    for name, goal, work in works():
        found = median(_seconds(work) for _ in range(ROUNDS))
        lines.append(f"| {name} | {goal:g} | {found:.2f} | {'holds' if found <= goal else '**missed**'} |")
        print(lines[-1], file=sys.stderr)
    head = f"{date.today()}, {machine()}; `python -m benchmarks.statistics`, medians of {ROUNDS}."
    text = "\n".join([head, "", *lines])
    print(text)
    replace(PAGE, "statistics", text)


if __name__ == "__main__":
    main()
