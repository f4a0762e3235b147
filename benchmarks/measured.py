"""Rounds of measured processes, one after the other."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to do the task.

    Attributes:
        name: Its name.
        words: What it is, for readers.
        module: Module of `benchmarks.ways`.
        settings: What differs from the other ways.
        rounds: How often at most; None for as often as asked.
        python: The interpreter.
    """

    name: str
    words: str
    module: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    rounds: int | None = None
    python: str = sys.executable


@dataclass(slots=True, kw_only=True)
class Measured:
    """The rounds of one way.

    Attributes:
        way: The way.
        figures: cpu, wall, import_cpu and peak_mb of each round.
        found: What its last round returned.
    """

    way: Way
    figures: list[dict[str, float]] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)

    def median(self, name: str = "cpu") -> float:
        """Return the median of a figure."""
        return median(one[name] for one in self.figures)

    def least(self, name: str = "cpu") -> float:
        """Return the smallest of a figure."""
        return min(one[name] for one in self.figures)

    def most(self, name: str) -> float:
        """Return the largest of a figure."""
        return max(one[name] for one in self.figures)


def measure_all(
    ways: list[Way], settings: Mapping[str, Any], *, rounds: int, progress: Progress
) -> dict[str, Measured]:
    """Measure every way once per round, in turn, so that a busy minute falls on all alike."""
    measured = {way.name: Measured(way=way) for way in ways}
    for number in range(1, rounds + 1):
        for way in ways:
            if way.rounds is not None and number > way.rounds:
                continue
            one = measured[way.name]
            answer = _once(way, {**settings, **way.settings})
            one.figures.append(answer["figures"])
            one.found = answer["found"]
            figures = answer["figures"]
            progress(
                f"{number}/{rounds} {way.name}: {figures['cpu']:.2f} CPU-s, {figures['wall']:.2f} s,"
                f" {figures['peak_mb']:.0f} MB"
            )
    return measured


def _once(way: Way, settings: Mapping[str, Any]) -> dict[str, Any]:
    command = [way.python, "-m", f"benchmarks.ways.{way.module}", json.dumps(settings)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise SystemExit(f"{way.name} failed:\n{finished.stderr}")
    answer: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return answer
