"""How the tests of a whole run are shared among workers: what can share goes to one of them, the longest first."""

import re
from functools import cache

import pytest
from xdist.scheduler import LoadScopeScheduling

# Parts of the run that one worker does, and whose tests they are; the first that fits counts. They begin in this
# order: a long one that began last would be waited for while other workers stand idle.
PARTS = {
    # A cluster is several processes of Java.
    "spark": r"tests/warehouses/.*(test_spark_|\[(.*-)?spark)",
    "killed on postgres": r"tests/e2e/test_not_to_be_broken.*\[postgres",
    "killed on duckdb": r"tests/e2e/test_not_to_be_broken.*\[duckdb",
    "demo": r"tests/warehouses/test_demo",
    # Generated, seeded and run once for all of them.
    "storefront": r"tests/(e2e/test_(against_rows|audit|decisions|insights)|unit/fixtures/)",
    "broken": r"tests/e2e/test_not_to_be_broken",
    "commands": r"tests/unit/cli/test_(commands|incremental_runs)",
    "matrix": r"tests/unit/analysis/test_matrix",
    "traps": r"tests/warehouses/test_traps",
    "golden": r"tests/unit/dialects/test_golden_(running|executed)",
}
_RANKS = {name: rank for rank, name in enumerate(PARTS)}


@cache
def part_of(test: str) -> str:
    """Return the part of the run that a test belongs to: by itself, its module.

    Examples:
        >>> part_of("tests/warehouses/test_demo.py::test_the_demo_gives_the_same[spark]")
        'spark'
        >>> part_of("tests/unit/hashing/test_sql_text.py::test_hash_sql_is_golden[spark]")
        'tests/unit/hashing/test_sql_text.py'
    """
    return next((name for name, tests in PARTS.items() if re.match(tests, test)), test.partition("::")[0])


def begin_with_what_is_long(items: list[pytest.Item]) -> None:
    """Order tests by the parts of the run, then modules with tests that are long, then those without."""
    long = {part_of(item.nodeid) for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: _rank(part_of(item.nodeid), long))


def _rank(part: str, long: set[str]) -> int:
    return _RANKS.get(part, len(PARTS) + (part not in long))


class PartScheduling(LoadScopeScheduling):
    """Gives a worker one part after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return part_of(nodeid)
