"""docs/tables.md says what the tables are, from the same data that creates them."""

from collections.abc import Iterator
from pathlib import Path

from steelyard.warehouse.tables import TABLES, Table

PAGE = Path(__file__).parents[1] / "docs" / "tables.md"
REPLACED = {
    "day": "A run replaces the rows of its experiment and day.",
    "days": "A run replaces the rows of its experiment and of the days that it computes.",
    "never": "A run adds rows and changes none; `--full-refresh` replays them.",
    "key": "A run replaces the rows with its keys.",
    "programme": "`steelyard allocation publish` replaces the rows of a programme whose log has grown.",
}
HEAD = """# Tables

What a run leaves in the target schema (`steelyard`, unless the profile names another). Columns are added, never
removed, and none changes its meaning. Key columns are **bold**; together they name one row. `json` is text that holds
JSON."""


def page() -> Iterator[str]:
    yield HEAD
    for table in TABLES.values():
        yield from section(table)


def section(table: Table) -> Iterator[str]:
    yield f"\n## `{table.name}`\n\n{table.comment} {REPLACED[table.replaced]}\n"
    yield "| column | type | holds |\n|---|---|---|"
    for column in table.columns:
        name = f"**`{column.name}`**" if column.is_key else f"`{column.name}`"
        yield f"| {name} | {column.kind} | {column.comment} |"


def test_the_page_of_tables_is_in_step(update_golden: bool) -> None:
    expected = "\n".join(page()) + "\n"
    if update_golden:
        PAGE.write_text(expected, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == expected, "pytest tests/test_docs.py --update-golden"
