"""DuckDB: the canonical dialect, in which templates are written."""

from collections.abc import Sequence

from sqlglot import exp

from steelyard.dialects.allowed import CLAUSES, FUNCTIONS, SYNTAX
from steelyard.dialects.dialect import Dialect
from steelyard.dialects.duckdb_functions import PURE_CLASSES, PURE_FUNCTIONS
from steelyard.dialects.numbers import count_conditions, null_by_zero
from steelyard.dialects.tables import quote_names

# Syntax that other warehouses do not share.
_OWN = frozenset(
    {
        exp.AtTimeZone,
        exp.Bracket,
        exp.Dot,
        exp.Filter,
        exp.Glob,
        exp.HavingMax,
        exp.ILike,
        exp.IgnoreNulls,
        exp.IntDiv,
        exp.JSONPath,
        exp.Kwarg,
        exp.Lambda,
        exp.Lateral,
        exp.Limit,
        exp.NullSafeEQ,
        exp.NullSafeNEQ,
        exp.Offset,
        exp.PropertyEQ,
        exp.Qualify,
        exp.RespectNulls,
        exp.SimilarTo,
        exp.Slice,
        exp.Unnest,
        exp.Values,
        exp.WithinGroup,
    }
)


def hash_row(columns: Sequence[exp.Expr]) -> exp.Expr:
    """Return a number of a row."""
    return exp.Anonymous(this="hash", expressions=list(columns))


DIALECT = Dialect(
    name="duckdb",
    functions=FUNCTIONS | PURE_CLASSES,
    names=PURE_FUNCTIONS | {"hash"},
    syntax=SYNTAX
    | _OWN
    | frozenset(
        kind
        for kind in vars(exp).values()
        if isinstance(kind, type) and issubclass(kind, exp.Binary | exp.JSONPathPart)
    ),
    clauses=frozenset(words for *_, words in CLAUSES),
    rewrites=(null_by_zero, count_conditions, quote_names),
    row_hash=hash_row,
)
