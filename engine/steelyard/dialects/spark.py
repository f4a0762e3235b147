"""Apache Spark 3.4 and newer, with ANSI mode on or off."""

from sqlglot import exp

from steelyard.dialects.allowed import FUNCTIONS, PORTABLE_CLAUSES, SYNTAX
from steelyard.dialects.dialect import Dialect
from steelyard.dialects.hints import HINTS
from steelyard.dialects.numbers import (
    average_doubles,
    compare_with_largest,
    count_conditions,
    divide_doubles,
    number_conditions,
    sum_doubles,
)
from steelyard.dialects.patterns import PATTERN_TRAPS, match_by
from steelyard.dialects.ranking import count_to_quantile, latest_of_present
from steelyard.dialects.refusals import COMMON, complete_units, fraction_to_whole
from steelyard.dialects.tables import leave_common_tables, quote_names
from steelyard.dialects.texts import double_backslashes
from steelyard.dialects.times import (
    count_days,
    count_microseconds,
    count_midnights,
    moments_of_zone,
    name_parts,
    zoneless,
)
from steelyard.dialects.windows import drop_frames_of_ranking, number_within_key, order_absent_once

FUNCTIONS_HERE = FUNCTIONS | {
    exp.ArgMax,
    exp.ArgMin,
    exp.Concat,
    exp.Day,
    exp.LogicalAnd,
    exp.LogicalOr,
    exp.Month,
    exp.Struct,
    exp.TimestampDiff,
    exp.TimestampTrunc,
    exp.Year,
}
SYNTAX_HERE = SYNTAX | {exp.Dot, exp.Filter, exp.ILike, exp.IntDiv, exp.Limit, exp.PropertyEQ, exp.Values}
CLAUSES_HERE = PORTABLE_CLAUSES | {"a WINDOW clause"}
NAMES_HERE = frozenset({"convert_timezone", "regexp_like"})
TRAPS = (*COMMON, *PATTERN_TRAPS, fraction_to_whole, complete_units)


def _to_utc(moment: exp.Expr) -> exp.Expr:
    # FROM_UTC_TIMESTAMP would give a moment of the session's zone; this gives one without zone.
    return exp.Anonymous(this="CONVERT_TIMEZONE", expressions=[exp.Literal.string("UTC"), moment])


REWRITES = (
    count_to_quantile,
    order_absent_once,
    latest_of_present,
    divide_doubles,
    average_doubles,
    sum_doubles,
    number_conditions,
    count_conditions,
    match_by("REGEXP_LIKE", r"\z"),
    double_backslashes,
    compare_with_largest,
    count_midnights,
    count_days,
    count_microseconds,
    name_parts,
    moments_of_zone(_to_utc),
    zoneless("TIMESTAMP_NTZ", "spark"),
    drop_frames_of_ranking,
    number_within_key,
    quote_names,
    leave_common_tables,
)

DIALECT = Dialect(
    name="spark",
    functions=FUNCTIONS_HERE,
    names=NAMES_HERE,
    syntax=SYNTAX_HERE,
    clauses=CLAUSES_HERE,
    hints=HINTS,
    traps=TRAPS,
    rewrites=REWRITES,
)
