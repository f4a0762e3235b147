"""How answers are printed: rows as text, JSON or CSV on stdout, the rest on stderr."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import click

from steelyard.report.numbers import aligned


def note(text: str) -> None:
    """Print a remark that is not part of the answer."""
    click.echo(text, err=True)


def print_rows(rows: Sequence[Mapping[str, Any]], *, style: str) -> None:
    """Print rows as JSON or CSV."""
    click.echo(to_json(rows) if style == "json" else to_csv(rows), nl=style == "json")


def print_table(rows: Sequence[Mapping[str, Any]], *, style: str) -> None:
    """Print rows as an aligned table, JSON or CSV."""
    if style == "text":
        click.echo(to_table(rows), nl=False)
    else:
        print_rows(rows, style=style)


def to_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as a table for people: numbers to the right, shares in percent, columns without a value left out.

    Examples:
        >>> print(to_table([{"owner": "a", "share": 0.05, "buckets": 500}, {"owner": "bc", "buckets": 20}]))
        owner  share  buckets
        a      5.00%      500
        bc                 20
    """
    names = [
        name for name in (rows[0] if rows else ()) if any(row.get(name) not in (None, "") for row in rows)
    ]
    cells = [names, *([_cell(name, row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    right = [any(isinstance(row.get(name), int | float) for row in rows) for name in names]
    lines = (
        "  ".join(
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in cells
    )
    return "".join(f"{line}\n" for line in lines) if names else ""


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, float):
        return f"{value:.2%}" if name.endswith("share") else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def print_pages(pages: Iterable[Sequence[Mapping[str, Any]]], *, style: str) -> None:
    """Print pages of rows with the same columns as one answer, with one page in memory at a time."""
    is_first = True
    for page in pages:
        if not page:
            continue
        if style == "json":
            text = "".join(f",\n  {_json(row)}" for row in page)
            click.echo(f"[{text[1:]}" if is_first else text, nl=False)
        elif style == "csv":
            text = to_csv(page)
            click.echo(text if is_first else text.partition("\n")[2], nl=False)
        else:
            cells = [["" if value is None else str(value) for value in row.values()] for row in page]
            for line in list(aligned([list(page[0]), *cells], left={0, 2, 3}))[0 if is_first else 2 :]:
                click.echo(line)
        is_first = False
    if style == "json":
        click.echo("[]" if is_first else "\n]")


def _json(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False, default=_text)


def to_json(value: Any) -> str:
    """Return a value as JSON; days and moments as ISO text."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=_text)


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as CSV with a header."""
    if not rows:
        return ""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _text(value: Any) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON")
