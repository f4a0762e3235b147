"""Trino, and Athena's engine."""

from functools import partial
from types import MappingProxyType

from sqlglot import exp

from steelyard.dialects.allowed import FUNCTIONS, PORTABLE_CLAUSES, SYNTAX
from steelyard.dialects.dialect import Dialect
from steelyard.dialects.hints import HINTS
from steelyard.dialects.numbers import (
    average_doubles,
    count_conditions,
    divide_doubles,
    divide_integers,
    number_conditions,
    rename_isfinite,
    skip_null_in_least,
    sum_doubles,
)
from steelyard.dialects.patterns import PATTERN_TRAPS, fill_missing_parts, match_by
from steelyard.dialects.ranking import count_to_quantile, flatten_first_row, latest_of_present
from steelyard.dialects.refusals import COMMON, complete_units, fraction_to_whole
from steelyard.dialects.tables import quote_names
from steelyard.dialects.times import (
    count_days,
    last_millisecond_before,
    moments_of_zone,
    name_parts,
    zoneless,
)
from steelyard.dialects.windows import drop_frames_of_ranking, number_within_key


def _to_utc(moment: exp.Expr) -> exp.Expr:
    # AT_TIMEZONE keeps a zone; the cast takes it off.
    moved = exp.Anonymous(this="AT_TIMEZONE", expressions=[moment, exp.Literal.string("UTC")])
    return exp.cast(moved, exp.DataType.build("TIMESTAMP(6)", dialect="trino"))


DIALECT = Dialect(
    name="trino",
    functions=FUNCTIONS
    | {
        exp.ArgMax,
        exp.ArgMin,
        exp.Concat,
        exp.Day,
        exp.LogicalAnd,
        exp.LogicalOr,
        exp.Month,
        exp.TimestampTrunc,
        exp.Year,
    },
    names=frozenset({"at_timezone", "date_add", "date_trunc", "is_finite", "regexp_like"}),
    syntax=SYNTAX | {exp.Filter, exp.Limit, exp.Values},
    clauses=PORTABLE_CLAUSES | {"a WINDOW clause"},
    hints=MappingProxyType(
        {
            **HINTS,
            exp.TimeToUnix: "Trino counts no microseconds between moments: name the metric's dialect, and write"
            " date_diff('millisecond', earlier, later) / 1000.0",
        }
    ),
    traps=(*COMMON, *PATTERN_TRAPS, fraction_to_whole, complete_units),
    rewrites=(
        flatten_first_row,
        count_to_quantile,
        latest_of_present,
        divide_doubles,
        divide_integers,
        average_doubles,
        sum_doubles,
        number_conditions,
        count_conditions,
        skip_null_in_least,
        match_by("REGEXP_LIKE", r"\z"),
        fill_missing_parts,
        partial(rename_isfinite, "is_finite"),
        count_days,
        last_millisecond_before,
        name_parts,
        moments_of_zone(_to_utc),
        zoneless("TIMESTAMP(6)", "trino"),
        drop_frames_of_ranking,
        number_within_key,
        quote_names,
    ),
)
