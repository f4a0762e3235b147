"""PostgreSQL 13 and newer."""

from collections.abc import Sequence

from sqlglot import exp

from steelyard.dialects.allowed import FUNCTIONS, PORTABLE_CLAUSES, SYNTAX
from steelyard.dialects.dialect import Dialect
from steelyard.dialects.hints import HINTS
from steelyard.dialects.lengths import POSTGRES_BYTES, shorten_names
from steelyard.dialects.numbers import (
    average_doubles,
    compare_with_largest,
    count_conditions,
    divide_doubles,
    divide_integers,
    number_conditions,
    sum_doubles,
)
from steelyard.dialects.patterns import PATTERN_TRAPS, match_similar, own_patterns
from steelyard.dialects.ranking import (
    count_to_quantile,
    flatten_first_row,
    latest_of_array,
    order_text_by_bytes,
)
from steelyard.dialects.refusals import COMMON
from steelyard.dialects.tables import materialize_shared, quote_names
from steelyard.dialects.texts import compare_bytes, double_backslashes
from steelyard.dialects.windows import drop_frames_of_ranking

_OWN = frozenset(
    {
        exp.ArrayAgg,
        exp.Collate,
        exp.Concat,
        exp.Day,
        exp.Extract,
        exp.LogicalAnd,
        exp.LogicalOr,
        exp.Median,
        exp.Month,
        exp.PercentileCont,
        exp.TimeToUnix,
        exp.TimestampTrunc,
        exp.Year,
    }
)


def hash_row(columns: Sequence[exp.Expr]) -> exp.Expr:
    """Return a number of a row, through its text: not every type can be hashed."""
    row = exp.cast(exp.Anonymous(this="row", expressions=list(columns)), "text")
    return exp.Anonymous(this="hashtextextended", expressions=[row, exp.Literal.number(0)])


DIALECT = Dialect(
    name="postgres",
    functions=FUNCTIONS | _OWN,
    names=frozenset({"hashtextextended", "row"}),
    syntax=SYNTAX
    | {
        exp.AtTimeZone,
        exp.Bracket,
        exp.Filter,
        exp.ILike,
        exp.Limit,
        exp.NullSafeEQ,
        exp.NullSafeNEQ,
        exp.Offset,
        exp.SimilarTo,
        exp.Values,
    },
    clauses=PORTABLE_CLAUSES | {"a WINDOW clause", "DISTINCT ON", "MATERIALIZED"},
    hints=HINTS,
    traps=(*COMMON, *PATTERN_TRAPS, own_patterns),
    rewrites=(
        flatten_first_row,
        count_to_quantile,
        latest_of_array,
        divide_doubles,
        divide_integers,
        average_doubles,
        sum_doubles,
        number_conditions,
        count_conditions,
        match_similar,
        double_backslashes,
        compare_bytes,
        compare_with_largest,
        drop_frames_of_ranking,
        order_text_by_bytes("C"),
        materialize_shared,
        shorten_names(POSTGRES_BYTES),
        quote_names,
    ),
    row_hash=hash_row,
)
