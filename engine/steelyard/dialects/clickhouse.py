"""ClickHouse 24.8 and newer."""

from functools import partial

from sqlglot import exp

from steelyard.dialects.allowed import FUNCTIONS, PORTABLE_CLAUSES, SYNTAX
from steelyard.dialects.dialect import Dialect
from steelyard.dialects.hints import HINTS
from steelyard.dialects.numbers import (
    average_doubles,
    count_conditions,
    cut_remainder,
    divide_by_function,
    divide_doubles,
    logical_as_extremes,
    rename_isfinite,
    skip_null_in_least,
    sum_doubles,
)
from steelyard.dialects.patterns import PATTERN_TRAPS, extract_parts, match_by
from steelyard.dialects.ranking import count_to_quantile, flatten_first_row
from steelyard.dialects.refusals import COMMON, absent_in_lists, fraction_to_whole
from steelyard.dialects.tables import name_columns, quote_names, values_as_selects
from steelyard.dialects.texts import double_backslashes, name_characters
from steelyard.dialects.times import (
    count_boundaries,
    count_days,
    count_microseconds,
    moments_of_zone,
    name_parts,
    wide_dates,
    zoneless,
)
from steelyard.dialects.trees import replace_each
from steelyard.dialects.windows import drop_frames_of_ranking, respect_absent

# ClickHouse's own defaults: absent columns of an outer join and of a grouping set are 0 or '', the sum of no rows is 0
# and their maximum 1970, an alias hides the column of its name, days begin in the server's zone.
_SETTINGS = {
    "join_use_nulls": "1",
    "group_by_use_nulls": "1",
    "aggregate_functions_null_for_empty": "1",
    "prefer_column_name_to_alias": "1",
    "session_timezone": "'UTC'",
}


def with_settings(tree: exp.Expr) -> exp.Expr:
    """Ask for the meaning that SQL has elsewhere, in the query itself.

    Examples:
        >>> from sqlglot import parse_one
        >>> with_settings(parse_one("select 1 as x")).sql("clickhouse").split(", prefer")[0]
        'SELECT 1 AS x SETTINGS join_use_nulls = 1, group_by_use_nulls = 1, aggregate_functions_null_for_empty = 1'
    """
    if isinstance(tree, exp.Query):
        last = tree.expression if isinstance(tree, exp.Union) else tree
        values = [
            exp.EQ(this=exp.column(name), expression=exp.maybe_parse(value))
            for name, value in _SETTINGS.items()
        ]
        last.set("settings", values)
    return tree


def type_parameters(tree: exp.Expr) -> exp.Expr:
    """Give named parameters their type, without which ClickHouse has none.

    Examples:
        >>> from sqlglot import parse_one
        >>> type_parameters(parse_one("select x - :shift as y", read="duckdb")).sql("clickhouse")
        'SELECT x - {shift: Nullable(Float64)} AS y'
    """

    def change(node: exp.Expr) -> exp.Expr:
        kind = exp.DataType.build("Nullable(Float64)", dialect="clickhouse")
        return exp.Placeholder(this=node.this, kind=kind)

    return replace_each(tree, exp.Placeholder, change)


def _to_utc(moment: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="toTimeZone", expressions=[moment, exp.Literal.string("UTC")])


DIALECT = Dialect(
    name="clickhouse",
    functions=FUNCTIONS
    | {exp.ArgMax, exp.ArgMin, exp.Concat, exp.Day, exp.Month, exp.TimestampTrunc, exp.Year},
    names=frozenset(
        {
            "intdiv",
            "isfinite",
            "lowerutf8",
            "match",
            "regexpextract",
            "substringutf8",
            "totimezone",
            "upperutf8",
        }
    ),
    syntax=SYNTAX | {exp.Filter, exp.ILike, exp.IgnoreNulls, exp.Limit, exp.RespectNulls},
    clauses=PORTABLE_CLAUSES | {"a WINDOW clause", "SETTINGS"},
    hints=HINTS,
    traps=(*COMMON, *PATTERN_TRAPS, fraction_to_whole, absent_in_lists),
    rewrites=(
        values_as_selects,
        flatten_first_row,
        count_to_quantile,
        divide_doubles,
        partial(divide_by_function, "intDiv"),
        partial(cut_remainder, "intDiv"),
        average_doubles,
        sum_doubles,
        count_conditions,
        logical_as_extremes,
        skip_null_in_least,
        partial(rename_isfinite, "isFinite"),
        count_days,
        count_microseconds,
        count_boundaries,
        name_parts,
        moments_of_zone(_to_utc),
        zoneless("Nullable(DateTime64(6))", "clickhouse"),
        wide_dates("Nullable(Date32)", "clickhouse"),
        match_by("match", "$"),
        extract_parts("regexpExtract", exp.Literal.number(1)),
        double_backslashes,
        name_characters,
        drop_frames_of_ranking,
        respect_absent,
        name_columns,
        quote_names,
        type_parameters,
        with_settings,
    ),
)
