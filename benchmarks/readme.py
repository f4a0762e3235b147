"""The table in ``benchmarks/README.md``, between markers."""

import os
import platform
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.targets import Line

HEAD = ("what", "target", "CPU-s", "ratio", "verdict")


def machine() -> str:
    """Return what the figures depend on."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*:\s*(.*)", info.read_text()) if info.exists() else []
    model = names[0] if names else platform.processor()
    return (
        f"{os.cpu_count()} cores of {model}, DuckDB {version('duckdb')}, Python {platform.python_version()}"
    )


def command(module: str, arguments: Sequence[str], peers: str | None) -> str:
    """Return the command of a table; where the peers' environment lies is of no interest to others."""
    words = ["venv/bin/python" if word == peers else word for word in arguments]
    return " ".join(["python -m", module, *words])


def publish(path: Path, scale: str, head: str, table: Sequence[Line], notes: Sequence[str]) -> None:
    """Replace the table of a scale."""
    text = markdown([HEAD, *(line.cells() for line in table)])
    replace(path, scale, f"{head}.\n\n{text}\n\n{' '.join(notes)}")


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return a table of Markdown; the first row is its head."""
    lines = [rows[0], ("---",) * len(rows[0]), *rows[1:]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def between(path: Path, name: str) -> str:
    """Return what stands between the markers of a name."""
    rest = path.read_text(encoding="utf-8").split(f"<!-- measured {name} -->", 1)[1]
    return rest.split(f"<!-- end of {name} -->", 1)[0]


def replace(path: Path, name: str, text: str) -> None:
    """Replace what stands between the markers of a name."""
    begin, end = f"<!-- measured {name} -->", f"<!-- end of {name} -->"
    before, rest = path.read_text(encoding="utf-8").split(begin, 1)
    after = rest.split(end, 1)[1]
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
