"""How answers are printed: rows as text, JSON or CSV on stdout, the rest on stderr."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import click


def note(text: str) -> None:
    """Print a remark that is not part of the answer."""
    click.echo(text, err=True)


def print_rows(rows: Sequence[Mapping[str, Any]], *, style: str) -> None:
    """Print rows as JSON or CSV."""
    click.echo(to_json(rows) if style == "json" else to_csv(rows), nl=style == "json")


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
