"""What a unit without rows is worth."""

import pytest
from sqlglot import parse_one

from steelyard.compile.aggregates import take_apart
from steelyard.compile.emptiness import UNKNOWN, default_fill, needs_presence, value_without_rows


def value_of(sql: str) -> object:
    return take_apart(parse_one(sql, read="duckdb"), [], where="m")


@pytest.mark.parametrize(
    ("sql", "empty", "fill", "presence"),
    [
        ("sum(x)", None, 0.0, False),
        ("count(*)", 0.0, 0.0, False),
        ("sum(x) - 2 * count(*)", None, 0.0, False),
        ("count(*) * 2 + 1", 1.0, 0.0, True),
        ("sum(x) / nullif(count(y), 0)", None, None, False),
        ("avg(x)", None, None, False),
        ("max(x)", None, None, False),
        ("coalesce(sum(x), 5)", 5.0, None, True),
        ("count(*) > 3", 0.0, None, True),
        ("case when count(*) > 3 then 1 else 0 end", UNKNOWN, None, True),
    ],
)
def test_the_value_over_nothing_decides_fill_and_presence(
    sql: str, empty: object, fill: float | None, presence: bool
) -> None:
    value = value_of(sql)
    assert value_without_rows(value.final) == empty  # type: ignore[attr-defined]
    assert default_fill(value, is_proportion=False) == fill  # type: ignore[arg-type]
    assert needs_presence(value, fill) is presence  # type: ignore[arg-type]


def test_a_proportion_without_rows_counts_as_zero() -> None:
    assert default_fill(value_of("bool_or(x)"), is_proportion=True) == 0.0  # type: ignore[arg-type]
