"""BigQuery."""

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
    skip_null_in_least,
)
from steelyard.dialects.patterns import PATTERN_TRAPS, extract_parts, match_by
from steelyard.dialects.ranking import count_to_quantile, flatten_first_row, latest_of_present
from steelyard.dialects.refusals import COMMON, complete_units, fraction_to_whole
from steelyard.dialects.tables import quote_names, values_as_selects
from steelyard.dialects.texts import double_backslashes
from steelyard.dialects.times import (
    count_days,
    count_microseconds,
    moments_of_zone,
    name_parts,
    whole_intervals,
)
from steelyard.dialects.windows import (
    drop_frames_of_ranking,
    inline_windows,
    number_within_key,
    order_absent_last,
)


def _to_utc(moment: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="DATETIME", expressions=[moment, exp.Literal.string("UTC")])


DIALECT = Dialect(
    name="bigquery",
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
        exp.Year,
    },
    names=frozenset({"datetime", "regexp_contains", "regexp_extract"}),
    syntax=SYNTAX | {exp.IntDiv, exp.Limit, exp.Qualify},
    clauses=PORTABLE_CLAUSES,
    hints=HINTS,
    traps=(*COMMON, *PATTERN_TRAPS, fraction_to_whole, complete_units),
    rewrites=(
        values_as_selects,
        flatten_first_row,
        count_to_quantile,
        latest_of_present,
        divide_doubles,
        average_doubles,
        number_conditions,
        match_by("REGEXP_CONTAINS", "$"),
        extract_parts("REGEXP_EXTRACT"),
        double_backslashes,
        count_conditions,
        skip_null_in_least,
        compare_with_largest,
        count_days,
        count_microseconds,
        name_parts,
        moments_of_zone(_to_utc),
        whole_intervals,
        drop_frames_of_ranking,
        inline_windows,
        order_absent_last,
        number_within_key,
        quote_names,
    ),
)
