"""One measured way: runs in a process of its own and prints what it cost and what it found, as JSON."""

import json
import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

Found = Mapping[str, Any]
Way = Callable[[Mapping[str, Any]], Found]


def measure(way: Way, *, prepare: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict) -> None:
    """Run a way with the settings of the command line.

    Args:
        way: What is measured.
        prepare: What comes before it and is not measured, like the imports.
    """
    settings = prepare(json.loads(sys.argv[1]))
    imports = cpu_seconds()
    started = perf_counter()
    found = way(settings)
    wall = perf_counter() - started
    figures = {"cpu": cpu_seconds() - imports, "wall": wall, "import_cpu": imports, "peak_mb": peak_mb()}
    print(json.dumps({"figures": figures, "found": dict(found)}))


def cpu_seconds() -> float:
    """Return user and system seconds of this process, all threads together."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_mb() -> float:
    """Return the most memory that this program held; what ``getrusage`` says is also of the one that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return int(lines["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
