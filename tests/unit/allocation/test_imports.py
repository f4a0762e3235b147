"""What reads and replays logs starts without the heavy libraries."""

import subprocess
import sys

HEAVY = ("duckdb", "numpy", "scipy", "sqlglot", "pandas", "pyarrow")


def test_logs_are_read_without_the_heavy_libraries() -> None:
    code = (
        "import sys, steelyard.assign.allocation.programmes, steelyard.assign.allocation.history;"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"
