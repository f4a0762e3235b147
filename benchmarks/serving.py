"""Measure what an assignment costs in a request, beside the SDKs of others, and write the table.

python -m benchmarks.serving                           # ours alone
python -m benchmarks.serving --peers venv/bin/python   # an environment with growthbook, eppo-server-sdk, statsig, mmh3
"""

import argparse
import json
import os
import sys
import tempfile
from datetime import date
from pathlib import Path
from subprocess import run
from typing import Any

from benchmarks.readme import command, machine, replace

HERE = Path(__file__).parent
WAYS = {
    "steelyard": "Steelyard, `Evaluator`",
    "client": "Steelyard, `Client.variant`",
    "growthbook": "GrowthBook 4 (FNV-1a)",
    "eppo": "Eppo 4 (MD5, in Rust)",
    "statsig": "Statsig 0.72 (SHA-256)",
    "mmh3": "a bare `mmh3.hash`",
    "sha256": "a bare `hashlib.sha256`",
}
OURS = ("steelyard", "client", "sha256")
GOALS = (
    ("one_us", 2.0, "µs"),
    ("hundred_us", 100.0, "µs"),
    ("load_ms", 50.0, "ms"),
    ("import_ms", 50.0, "ms"),
)


def measure(way: str, python: str) -> dict[str, Any]:
    """Measure a way in a process of its own, once before for the compiled files."""
    with tempfile.TemporaryDirectory() as folder:
        engine = str(HERE.parent / "engine")
        environment = {**os.environ, "PYTHONPATH": engine if way in OURS else ""}
        environment |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": folder}
        command = [python, str(HERE / "serving_ways.py"), way, str(Path(folder) / "ruleset.json")]
        rounds = [_answer(command, environment) for _ in range(3)]
    found: dict[str, Any] = {}
    for key in rounds[0]:
        values = [one[key] for one in rounds if one[key] is not None]
        found[key] = min(values) if values else None
    return found


def _answer(command: list[str], environment: dict[str, str]) -> Any:
    """The last line that a way prints; some SDKs print as well."""
    done = run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def shown(value: float | None) -> str:
    """A figure in its cell."""
    return "" if value is None else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", help="an interpreter with growthbook, eppo-server-sdk, statsig and mmh3")
    arguments = parser.parse_args()
    measured = {
        way: measure(way, sys.executable if way in OURS else arguments.peers)
        for way in WAYS
        if way in OURS or arguments.peers
    }
    lines = [
        "| way | one experiment, µs | 100 experiments, µs | load 1,000, ms | import, ms |",
        "|---|---|---|---|---|",
    ]
    for way, found in measured.items():
        lines.append("| " + " | ".join([WAYS[way], *(shown(found[key]) for key, _, _ in GOALS)]) + " |")
    ours = measured["steelyard"]
    verdicts = [
        f"{'under' if ours[key] < goal else '**not** under'} {goal:g} {unit}" for key, goal, unit in GOALS
    ]
    lines.append("| goal | " + " | ".join(verdicts) + " |")
    head = f"{date.today()}, {machine()}; `{command('benchmarks.serving', sys.argv[1:], arguments.peers)}`."
    text = "\n".join([head, "", *lines])
    print(text)
    replace(HERE / "README.md", "serving", text)


if __name__ == "__main__":
    main()
