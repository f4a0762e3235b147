"""A rule means the same in Python and in the warehouse."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from steelyard.compile.targeting_sql import Attribute, Kind, rule_sql
from steelyard.dialects.registry import DIALECTS
from steelyard.errors import CompileError
from steelyard.targeting import matcher, parse_rule, rule_json
from steelyard.targeting.moments import moment_of
from steelyard.targeting.semver import version_key

# Properties of drawn worlds, broad beside the examples of the unit tests.
pytestmark = pytest.mark.long

TEXTS = [
    "",
    "a",
    "A",
    "ab",
    "é",
    "e\u0301",
    "日本",
    "日本語",
    "😀",
    "😀x",
    " a",
    "a ",
    "'",
    "\\",
    "%_",
    "a\nb",
]
NUMBERS = [0, 1, -1, 0.1, 0.5, 1.5, 2**53, 2**53 + 1, -(2**62), 1e300, -0.0, 5e-324]
VERSIONS = [
    *(
        "0",
        "1",
        "1.0",
        "1.0.0",
        "1.0.1",
        "1.9.0",
        "1.10.0",
        "10.0.0",
        "01.0.0",
        "v1.0.0",
        "1.0.0.0",
        "1..0",
        "1.",
        "",
    ),
    *(
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-alpha-1",
        "1.0.0-Alpha",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
    ),
    *(
        "1.0.0-0",
        "1.0.0-00",
        "1.0.0-0a",
        "1.0.0-1.2.3.4",
        "1.0.0-rc.1+b.1",
        "1.0.0+b",
        "1.0.0+b-1.2",
        "1.0.0-",
        "1.0.0-a..b",
    ),
    *(
        "1.0-rc",
        "2-x",
        "99999999999999999999.0.0",
        "1.0.0-99999999999999999999",
        "1.0.0-9",
        " 1.0.0",
        "1.0.0\n",
        "１.0.0",
    ),
]
MOMENTS = [
    *(
        "2026-04-01",
        "2026-03-31T23:59:59.999999",
        "2026-04-01T00:00:00Z",
        "2026-04-01 00:00:00",
        "2026-04-01T01:00:00+01:00",
    ),
    *(
        "2026-04-01T02:00:00+14:59",
        "2026-04-01T00:00:00-14:00",
        "2026-02-29",
        "2024-02-29",
        "2026-13-01",
        "0999-01-01",
    ),
    *(
        "2026-04-01T24:00:00",
        "2026-04-01T00:00:60",
        "2026-04-01T00:00",
        "2026-04-01T00:00:00.1",
        "1999-12-31",
        "2999-12-31",
        "",
    ),
    *(
        "1000-01-01T00:00:00+14:59",
        "2026-04-01T00:00:00.1234567",
        "2026-04-01t00:00:00z",
        "april",
        "2026-04-01\n",
    ),
]
ZONES = [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=8))]
COLUMNS: dict[str, tuple[Kind, str, st.SearchStrategy[Any]]] = {
    "text": ("text", "VARCHAR", st.sampled_from(TEXTS)),
    "version": ("text", "VARCHAR", st.sampled_from(VERSIONS)),
    "moment": ("text", "VARCHAR", st.sampled_from(MOMENTS)),
    "double": (
        "number",
        "DOUBLE",
        st.sampled_from([*map(float, NUMBERS), float("nan"), float("inf"), float("-inf")]),
    ),
    "whole": ("number", "BIGINT", st.sampled_from([one for one in NUMBERS if isinstance(one, int)])),
    "flag": ("boolean", "BOOLEAN", st.booleans()),
    "day": (
        "date",
        "DATE",
        st.sampled_from([date(2026, 3, 31), date(2026, 4, 1), date(1000, 1, 1), date(9999, 12, 31)]),
    ),
    "naive": ("timestamp", "TIMESTAMP", st.datetimes(datetime(2026, 3, 31, 20), datetime(2026, 4, 1, 4))),
    "zoned": (
        "timestamptz",
        "TIMESTAMPTZ",
        st.datetimes(datetime(2026, 3, 31, 10), datetime(2026, 4, 1, 14), timezones=st.sampled_from(ZONES)),
    ),
}
ROW = st.fixed_dictionaries({name: st.none() | values for name, (_, _, values) in COLUMNS.items()})
GOOD_VERSIONS = [text for text in VERSIONS if version_key(text) is not None]
GOOD_MOMENTS = [
    "2026-04-01",
    "2026-04-01T00:00:00Z",
    "2026-03-31T23:59:59.999999",
    "2026-04-01T05:30:00+05:30",
    "1000-01-01",
]
SCALAR = st.sampled_from([*TEXTS, *NUMBERS, True, False])


def _comparison() -> st.SearchStrategy[tuple[str, Any]]:
    same_kind = st.sampled_from([TEXTS, NUMBERS, [True, False]])
    return st.one_of(
        st.tuples(st.just("equals"), SCALAR),
        st.tuples(
            st.just("in"),
            same_kind.flatmap(lambda pool: st.lists(st.sampled_from(pool), min_size=1, max_size=3)),
        ),
        st.tuples(st.sampled_from(["below", "at_most", "above", "at_least"]), st.sampled_from(NUMBERS)),
        st.tuples(st.just("prefix"), st.sampled_from([text for text in TEXTS if text])),
        st.tuples(st.just("exists"), st.just(True)),
        st.tuples(
            st.sampled_from(
                [f"version_{name}" for name in ("equals", "below", "at_most", "above", "at_least")]
            ),
            st.sampled_from(GOOD_VERSIONS),
        ),
        st.tuples(st.sampled_from(["before", "until", "after", "since"]), st.sampled_from(GOOD_MOMENTS)),
    )


TEST = st.builds(
    lambda name, comparison: {"attribute": name, comparison[0]: comparison[1]},
    st.sampled_from(list(COLUMNS)),
    _comparison(),
)
RULE = st.recursive(
    TEST,
    lambda inner: st.one_of(
        st.builds(lambda rules: {"all": rules}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda rules: {"any": rules}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda rule: {"not": rule}, inner),
    ),
    max_leaves=6,
)
ATTRIBUTES = {name: Attribute(exp.column(name), kind) for name, (kind, _, _) in COLUMNS.items()}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database whose session is in another zone than UTC."""
    with duckdb.connect() as found:
        found.execute("set timezone = 'Asia/Singapore'")
        columns = ", ".join(f"{name} {sql}" for name, (_, sql, _) in COLUMNS.items())
        found.execute(f"create table rows (number integer, {columns})")
        yield found


def in_sql(
    connection: duckdb.DuckDBPyConnection, rules: list[Any], rows: list[dict[str, Any]]
) -> list[tuple[Any, ...]]:
    connection.execute("truncate rows")
    values = [value for number, row in enumerate(rows) for value in (number, *map(row.get, COLUMNS))]
    marks = ", ".join(f"({', '.join('?' * (len(COLUMNS) + 1))})" for _ in rows)
    connection.execute(f"insert into rows values {marks}", values)
    conditions = [rule_sql(parse_rule(rule), ATTRIBUTES).sql("duckdb") for rule in rules]
    return connection.execute(f"select {', '.join(conditions)} from rows order by number").fetchall()


@settings(max_examples=25, deadline=None)
@given(rules=st.lists(RULE, min_size=1, max_size=8), rows=st.lists(ROW, min_size=1, max_size=8))
def test_python_and_duckdb_agree_on_every_rule_and_row(
    connection: duckdb.DuckDBPyConnection, rules: list[Any], rows: list[dict[str, Any]]
) -> None:
    matchers = [matcher(parse_rule(rule)) for rule in rules]
    expected = [tuple(one(row) for one in matchers) for row in rows]
    assert in_sql(connection, rules, rows) == expected


@pytest.mark.long
@pytest.mark.parametrize(
    "op", ["version_equals", "version_below", "version_at_most", "version_above", "version_at_least"]
)
def test_python_and_duckdb_agree_on_every_pair_of_versions(
    connection: duckdb.DuckDBPyConnection, op: str
) -> None:
    rules = [{"attribute": "version", op: text} for text in [*GOOD_VERSIONS[::3], "1.0.0--a"]]
    rows = [dict.fromkeys(COLUMNS) | {"version": text} for text in [*VERSIONS, None]]
    expected = [tuple(matcher(parse_rule(rule))(row) for rule in rules) for row in rows]
    assert in_sql(connection, rules, rows) == expected
    assert any(any(row) for row in expected)


@pytest.mark.parametrize("op", ["before", "until", "after", "since"])
def test_python_and_duckdb_agree_on_every_pair_of_moments(
    connection: duckdb.DuckDBPyConnection, op: str
) -> None:
    rules = [{"attribute": "moment", op: text} for text in GOOD_MOMENTS]
    rows = [dict.fromkeys(COLUMNS) | {"moment": text} for text in [*MOMENTS, None]]
    expected = [tuple(matcher(parse_rule(rule))(row) for rule in rules) for row in rows]
    assert in_sql(connection, rules, rows) == expected
    assert any(any(row) for row in expected)


@given(rule=RULE)
def test_a_rule_is_read_as_it_was_written(rule: Any) -> None:
    parsed = parse_rule(rule)
    assert parse_rule(rule_json(parsed)) == parsed


def test_a_rule_on_an_attribute_without_a_column_is_refused() -> None:
    moment = parse_rule({"attribute": "moment", "since": "2026-04-01"})
    with pytest.raises(CompileError, match="the rule tests 'moment', which no column holds"):
        rule_sql(moment, {})


def said(rule: Any, dialect: str) -> str:
    return DIALECTS[dialect].generate(rule_sql(parse_rule(rule), ATTRIBUTES))


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("postgres", "COALESCE(STARTS_WITH(text, 'a'), FALSE)"),
        ("redshift", "COALESCE((LEFT(text, 1) || '!') = 'a!', FALSE)"),
        ("bigquery", "COALESCE(STARTS_WITH(text, 'a'), FALSE)"),
        ("spark", "COALESCE(STARTSWITH(text, 'a'), FALSE)"),
        ("clickhouse", "COALESCE(startsWith(text, 'a'), FALSE)"),
    ],
)
def test_a_prefix_in_other_dialects(dialect: str, expected: str) -> None:
    found = " ".join(said({"attribute": "text", "prefix": "a"}, dialect).split())
    assert found.replace("( ", "(").replace(" )", ")") == expected


def test_versions_are_in_the_order_of_bytes_on_postgres() -> None:
    for identifier in ("alpha", "--", "1-2"):
        found = said({"attribute": "version", "version_below": f"1.0.0-{identifier}"}, "postgres")
        assert f" COLLATE \"C\" < '{identifier}'" in " ".join(found.split())


def test_every_day_that_is_one_is_a_moment() -> None:
    for year in (999, 1000, 1600, 1700, 1900, 2000, 2023, 2024, 2100, 2400, 2999, 3000):
        for month in range(14):
            for day in range(33):
                try:
                    date(year, month, day)
                    is_day = 1000 <= year <= 2999
                except ValueError:
                    is_day = False
                assert (moment_of(f"{year:04}-{month:02}-{day:02}") is not None) is is_day
