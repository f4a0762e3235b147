"""Snowflake."""

from sqlglot import exp

from steelyard.dialects.allowed import FUNCTIONS, PORTABLE_CLAUSES, SYNTAX
from steelyard.dialects.dialect import Dialect
from steelyard.dialects.hints import HINTS
from steelyard.dialects.numbers import (
    average_doubles,
    compare_with_largest,
    count_conditions,
    divide_doubles,
    divide_remainder_off,
    number_conditions,
)
from steelyard.dialects.patterns import PATTERN_TRAPS, match_with_end
from steelyard.dialects.ranking import count_to_quantile, flatten_first_row, latest_of_present
from steelyard.dialects.refusals import COMMON, fraction_to_whole
from steelyard.dialects.tables import quote_names
from steelyard.dialects.times import count_days, count_microseconds, moments_of_zone, name_parts, zoneless
from steelyard.dialects.windows import drop_frames_of_ranking, inline_windows, number_within_key


def _to_utc(moment: exp.Expr) -> exp.Expr:
    # CONVERT_TIMEZONE of a moment with a zone keeps one; the cast takes it off.
    converted = exp.Anonymous(this="CONVERT_TIMEZONE", expressions=[exp.Literal.string("UTC"), moment])
    return exp.cast(converted, exp.DataType.build("TIMESTAMPNTZ"))


DIALECT = Dialect(
    name="snowflake",
    functions=FUNCTIONS
    | {
        exp.ArgMax,
        exp.ArgMin,
        exp.Concat,
        exp.Day,
        exp.LogicalAnd,
        exp.LogicalOr,
        exp.Month,
        exp.TimestampDiff,
        exp.TimestampTrunc,
        exp.Year,
    },
    names=frozenset({"convert_timezone", "mod", "regexp_like"}),
    syntax=SYNTAX | {exp.ILike, exp.Limit, exp.Qualify, exp.Values},
    clauses=PORTABLE_CLAUSES,
    hints=HINTS,
    traps=(*COMMON, *PATTERN_TRAPS, fraction_to_whole),
    rewrites=(
        flatten_first_row,
        count_to_quantile,
        latest_of_present,
        divide_doubles,
        divide_remainder_off,
        average_doubles,
        number_conditions,
        count_conditions,
        match_with_end,
        compare_with_largest,
        count_days,
        count_microseconds,
        name_parts,
        moments_of_zone(_to_utc),
        zoneless("TIMESTAMPNTZ", "snowflake"),
        drop_frames_of_ranking,
        inline_windows,
        number_within_key,
        quote_names,
    ),
)
