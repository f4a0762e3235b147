"""Units' first exposures as a table keeps them, and as later ones are merged into them."""

from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from steelyard.compile.exposure_sql import first_row, firsts
from steelyard.compile.values import column
from steelyard.dialects.ranking import first_row_part, flatten_first_row
from steelyard.dialects.registry import DIALECTS


def stored_firsts(dimensions: Sequence[str], *, variants: int, dialect: str) -> list[str]:
    """Return the columns that a table of seen units has for what `firsts` computes.

    Examples:
        >>> stored_firsts(["a"], variants=2, dialect="duckdb")
        ['first_row']
        >>> stored_firsts(["a"], variants=2, dialect="postgres")
        ['first_row__exposed_at', 'first_row__variant_no', 'first_row__dim_a']
    """
    if not dimensions or not _is_flat(dialect):
        return [one["name"] for one in firsts(dimensions, variants=variants)]
    return [first_row_part(name) for name in _parts(dimensions)]


def merged_firsts(dimensions: Sequence[str], *, variants: int, dialect: str) -> list[dict[str, Any]]:
    """Return the columns that tell the first exposure of units of which a table of seen units has several rows."""
    if not dimensions or not _is_flat(dialect):
        names = stored_firsts(dimensions, variants=variants, dialect=dialect)
        return [{"name": name, "tree": exp.Min(this=column(name))} for name in names]
    stored = [
        exp.PropertyEQ(this=exp.to_identifier(name), expression=column(first_row_part(name)))
        for name in _parts(dimensions)
    ]
    (row,) = firsts(dimensions, variants=variants)
    return [{**row, "tree": exp.Min(this=exp.Struct(expressions=stored))}]


def _is_flat(dialect: str) -> bool:
    return flatten_first_row in DIALECTS[dialect].rewrites


def _parts(dimensions: Sequence[str]) -> list[str]:
    return [part.name for part in first_row(dimensions).expressions]
