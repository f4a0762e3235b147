"""How the tests of a whole run are shared among workers: what can share goes to one of them, the longest first."""

import pytest

# The longest parts of a run. One that began last would be waited for while other workers stand idle.
LONGEST = (
    "spark",
    "killed on postgres",
    "killed on duckdb",
    "warehouses/test_demo",
    "storefront",
    "e2e/test_not_to_be_broken",
    "analysis/test_matrix",
    "cli/test_commands",
    "warehouses/test_traps",
    "dialects/test_golden_running",
)


def share(items: list[pytest.Item]) -> None:
    """Give every test the group that one worker runs, its module where it names none, and begin with what is long."""
    groups = {id(item): _group(item) for item in items}
    long = {groups[id(item)] for item in items if item.get_closest_marker("long")}
    for item in items:
        item.add_marker(pytest.mark.xdist_group(groups[id(item)]))
    items.sort(key=lambda item: _rank(groups[id(item)], is_long=groups[id(item)] in long))


def _group(item: pytest.Item) -> str:
    named = item.get_closest_marker("xdist_group")
    if named:
        return str(named.args[0])
    # Generated and run once per worker, for the tests of several modules.
    if "storefront" in getattr(item, "fixturenames", ()):
        return "storefront"
    return f"{item.path.parent.name}/{item.path.stem}"


def _rank(group: str, *, is_long: bool) -> int:
    if group in LONGEST:
        return LONGEST.index(group)
    return len(LONGEST) + (0 if is_long else 1)
