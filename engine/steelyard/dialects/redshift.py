"""Amazon Redshift."""

from sqlglot import exp

from steelyard.dialects.allowed import FUNCTIONS, PORTABLE_CLAUSES, SYNTAX
from steelyard.dialects.dialect import Dialect
from steelyard.dialects.hints import HINTS
from steelyard.dialects.numbers import (
    average_doubles,
    compare_with_largest,
    count_conditions,
    divide_doubles,
    divide_integers,
    number_conditions,
    sum_doubles,
)
from steelyard.dialects.patterns import (
    PATTERN_TRAPS,
    compare_beginnings,
    match_similar,
    own_patterns,
)
from steelyard.dialects.ranking import count_to_quantile, flatten_first_row, latest_by_place
from steelyard.dialects.refusals import COMMON, fraction_to_whole
from steelyard.dialects.tables import (
    conditions_into_cases,
    quote_names,
    text_of_any_length,
    values_as_selects,
)
from steelyard.dialects.texts import double_backslashes
from steelyard.dialects.times import count_boundaries, count_days, count_microseconds, name_parts
from steelyard.dialects.windows import drop_frames_of_ranking, inline_windows, number_within_key

DIALECT = Dialect(
    name="redshift",
    functions=FUNCTIONS
    | {
        exp.Concat,
        exp.Day,
        exp.Extract,
        exp.Left,
        exp.LogicalAnd,
        exp.LogicalOr,
        exp.Month,
        exp.TimestampTrunc,
        exp.Year,
    },
    syntax=SYNTAX | {exp.AtTimeZone, exp.ILike, exp.Limit, exp.SimilarTo},
    clauses=PORTABLE_CLAUSES,
    hints=HINTS,
    traps=(*COMMON, *PATTERN_TRAPS, own_patterns, fraction_to_whole),
    rewrites=(
        values_as_selects,
        flatten_first_row,
        count_to_quantile,
        latest_by_place,
        divide_doubles,
        divide_integers,
        average_doubles,
        sum_doubles,
        number_conditions,
        count_conditions,
        match_similar,
        compare_beginnings,
        double_backslashes,
        conditions_into_cases,
        compare_with_largest,
        count_days,
        count_microseconds,
        count_boundaries,
        name_parts,
        text_of_any_length,
        drop_frames_of_ranking,
        inline_windows,
        number_within_key,
        quote_names,
    ),
)
