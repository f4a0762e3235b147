"""A metric's query, read: what is taken apart, what runs as written, what is refused."""

import pytest

from steelyard.compile.canonical import text
from steelyard.compile.metric_query import MetricQuery, read_query
from steelyard.compile.metric_source import render_metric
from steelyard.compile.relations import RelationNames
from steelyard.errors import CompileError

UNITS = {"user": "user_id"}


def read(sql: str, *, units: dict[str, str] | None = None, dialect: str = "duckdb") -> MetricQuery:
    source = render_metric("m", sql, where="metrics/m.sql", relations=RelationNames(), variables={})
    return read_query(source, units=units or UNITS, dialect=dialect)


def metric(value: str, rest: str = "from t where ts >= :start and ts < :end group by user_id") -> MetricQuery:
    return read(f"select user_id, {value} as v {rest}")


def parts(query: MetricQuery) -> tuple[str, list[str]]:
    value = query.values[0]
    return text(value.final), [partial.key for partial in value.partials]


def test_the_checkout_rate_of_the_design_is_two_counts_and_a_division_in_doubles() -> None:
    final, partials = parts(
        metric("count_if(kind = 'completed')::float / nullif(count_if(kind = 'started'), 0)")
    )
    assert final == "CAST(COALESCE($p0, 0) AS DOUBLE) / NULLIF(COALESCE($p1, 0), 0)"
    assert partials == ["add COUNT(*) where kind = 'completed'", "add COUNT(*) where kind = 'started'"]


@pytest.mark.parametrize(
    ("value", "final", "partials"),
    [
        ("sum(x)", "$p0", ["add SUM(x)"]),
        ("count(*)", "COALESCE($p0, 0)", ["add COUNT(*)"]),
        ("count(x)", "COALESCE($p0, 0)", ["add COUNT(x)"]),
        ("min(x)", "$p0", ["min MIN(x)"]),
        ("bool_or(x > 1)", "($p0 = 1)", ["max MAX(CASE WHEN x > 1 THEN 1 WHEN NOT (x > 1) THEN 0 END)"]),
        ("count(distinct x)", "COALESCE($p0, 0)", ["distinct COUNT(DISTINCT x)"]),
        ("sum(x) filter (where y > 1)", "$p0", ["add SUM(x) where y > 1"]),
        ("sum(case when y > 1 then x end)", "$p0", ["add SUM(CASE WHEN y > 1 THEN x END)"]),
        ("case when sum(x) > 3 then 1 else 0 end", "CASE WHEN $p0 > 3 THEN 1 ELSE 0 END", ["add SUM(x)"]),
        ("coalesce(sum(x), 0) + sum(x) * 2", "COALESCE($p0, 0) + $p0 * 2", ["add SUM(x)"]),
        ("median(x)", "$p0", ["recompute MEDIAN(x)"]),
    ],
)
def test_aggregates_become_partials_and_an_expression_over_them(
    value: str, final: str, partials: list[str]
) -> None:
    assert parts(metric(value)) == (final, partials)


def test_the_where_of_a_metric_becomes_the_condition_of_its_aggregates() -> None:
    query = metric("sum(x)", "from t where kind = 'a' and ts >= :start and ts < :end and y > 1 group by 1")
    assert parts(query)[1] == ["add SUM(x) where kind = 'a' AND y > 1"]
    assert text(query.time.tree) == "ts"


def test_having_leaves_units_out() -> None:
    query = metric("sum(x)", "from t where ts between :start and :end group by all having count(*) > 2")
    assert parts(query)[0] == "CASE WHEN COALESCE($p0, 0) > 2 THEN $p1 END"


@pytest.mark.parametrize(
    ("predicate", "kind", "is_certain"),
    [
        ("ts >= :start and ts < :end", "timestamp", False),
        ("day between :start_date and :end_date", "date", False),
        (":start <= ts and :end > ts", "timestamp", False),
        ("ts::date between :start and :end", "date", True),
        ("cast(ts as timestamp) >= :start and cast(ts as timestamp) < :end", "timestamp", True),
    ],
)
def test_a_window_is_read_in_every_form(predicate: str, kind: str, is_certain: bool) -> None:
    time = metric("sum(x)", f"from t where {predicate} group by user_id").time
    assert (time.kind, time.is_certain) == (kind, is_certain)


def test_a_query_in_another_dialect_is_read_in_it() -> None:
    query = read(
        "{{ config(dialect='bigquery') }} select user_id, countif(x = \"a\") as v "
        "from `p.d.events` where ts >= @start and ts < @end group by 1"
    )
    assert parts(query)[1] == ["add COUNT(*) where x = 'a'"]
    assert text(query.relation) == 'SELECT FROM "p"."d"."events"'


def test_quoted_and_mixed_case_identifiers_are_kept() -> None:
    query = read(
        'select "User Id", sum("Net Amount") as v from "My Table" as t '
        'where t.TS >= :start and t.TS < :end group by "User Id"',
        units={"user": "User Id"},
    )
    assert text(query.unit) == '"User Id"'
    assert parts(query)[1] == ['add SUM("Net Amount")']


def test_joins_ctes_and_subqueries_are_part_of_the_relation() -> None:
    sql = (
        "with a as (select * from e where z = 1) select a.user_id, sum(a.x) as v from a "
        "join d using (k) where a.ts >= :start and a.ts < :end group by a.user_id"
    )
    assert text(read(sql).relation).startswith("WITH a AS (SELECT * FROM e WHERE z = 1) SELECT FROM a JOIN d")


@pytest.mark.parametrize(
    "sql",
    [
        "with e as (select * from t where z = 1 and ts >= :start and ts < :end) "
        "select user_id, sum(x) as v from e group by user_id",
        "select user_id, sum(x) as v from (select user_id, x from t where ts between :start and :end) as e group by 1",
        "select e.user_id, sum(x) as v from d join (select user_id, x, k from t where ts >= :start and ts < :end) as e "
        "using (k) group by 1",
    ],
)
def test_a_time_predicate_in_a_plain_subquery_is_lifted(sql: str) -> None:
    query = read(sql)
    assert (query.shape, query.why_opaque) == ("aggregate", "")
    assert text(query.time.tree) == "e.sy_event_time"
    assert "ts AS sy_event_time" in text(query.relation)
    assert "$start" not in text(query.relation)


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        (
            "select user_id, avg(g) as v from (select user_id, s, sum(x) as g from t "
            "where ts >= :start and ts < :end group by 1, 2) group by 1",
            "its time predicate is not in the outer select",
        ),
        (
            "select user_id, max(x - lag(x) over (partition by user_id order by ts)) as v from t "
            "where ts >= :start and ts < :end group by 1",
            "it uses a window function",
        ),
    ],
)
def test_a_query_that_cannot_be_taken_apart_runs_as_written_and_says_why(sql: str, why: str) -> None:
    query = read(sql)
    assert (query.shape, query.why_opaque) == ("opaque", why)


def test_a_quantile_without_group_by_takes_rows() -> None:
    query = read(
        "{{ config(type='quantile', quantile=0.9) }} select user_id, ms from t where ts >= :start and ts < :end"
    )
    assert query.shape == "rows"


def test_a_ratio_takes_its_columns_by_name_in_either_order() -> None:
    query = read(
        "{{ config(type='ratio') }} select user_id, count(*) as denominator, sum(x) as numerator from t "
        "where ts >= :start and ts < :end group by 1"
    )
    assert [text(value.final) for value in query.values] == ["$p0", "COALESCE($p0, 0)"]


WHERE = "where ts >= :start and ts < :end"


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("", "there is no query"),
        (f"select user_id, sum(x) as v from t {WHERE} group by 1; select 2", "there are 2 statements"),
        ("drop table t", "DROP is not a query"),
        ("insert into t select 1", "INSERT is not a query"),
        (f"select user_id, sum(x as v from t {WHERE} group by 1", "metrics/m.sql:1: the SQL does not parse"),
        (f"select * from t {WHERE}", r"select \* does not say what the value is"),
        (
            f"select sum(x) as v from t {WHERE} group by user_id",
            "the first column is 'v', not the unit's key",
        ),
        (f"select user_id from t {WHERE} group by 1", "0 columns stand after the unit's key"),
        (f"select user_id, sum(x) as a, sum(y) as b from t {WHERE} group by 1", "2 columns stand after"),
        ("select user_id, sum(x) as v from t group by 1", "there is no time predicate"),
        ("select user_id, sum(x) as v from t where ts >= :start group by 1", "there is no :end"),
        (
            "select user_id, sum(x) as v from t where ts >= :begin and ts < :end group by 1",
            "unknown placeholder ':begin'",
        ),
        (
            "select user_id, sum(x) as v from t where a >= :start and b < :end group by 1",
            "more than one column",
        ),
        (
            "select user_id, sum(x) as v from t where ts + 1 <> :start and ts < :end group by 1",
            "is not a window in time",
        ),
        (f"select user_id, sum(x) as v from t {WHERE}", "there is no group by"),
        (f"select user_id, sum(x) as v from t {WHERE} group by user_id, day", "more than one row per unit"),
        (f"select user_id, x as v from t {WHERE} group by user_id", "is not an aggregate"),
        (
            f"select user_id, sum(x) + y as v from t {WHERE} group by user_id",
            "the column y stands outside any aggregate",
        ),
        (
            f"select user_id, sum(x) as v from t {WHERE} group by 1 union select 1, 2",
            "one select, not a union",
        ),
        (
            f"select user_id, sum(x) as v from read_csv('a.csv') {WHERE} group by 1",
            "reads from the function read_csv",
        ),
        (f"select user_id, sum(x) as v from 'a.parquet' {WHERE} group by 1", "reads the file 'a.parquet'"),
        (f"select user_id, sum(froob(x)) as v from t {WHERE} group by 1", "unknown function 'froob'"),
        (
            f"select user_id, sum(x) as v from t {WHERE} and ts < now() group by 1",
            "gives another value on every run",
        ),
        (f"select user_id, sum(random()) as v from t {WHERE} group by 1", "gives another value on every run"),
        (
            f"select user_id, sum(x) as v from t {WHERE} and d < current_date group by 1",
            "another value on every run",
        ),
        (f"select user_id, sum(getenv('HOME')) as v from t {WHERE} group by 1", "unknown function 'getenv'"),
    ],
)
def test_what_is_no_metric_is_refused(sql: str, words: str) -> None:
    with pytest.raises(CompileError, match=words) as caught:
        read(sql)
    assert caught.value.where.startswith("metrics/m.sql")


def test_a_metric_must_name_its_unit_where_the_project_has_several() -> None:
    with pytest.raises(CompileError, match="several units, and the metric names none"):
        read(
            f"select user_id, sum(x) as v from t {WHERE} group by 1",
            units={"user": "user_id", "team": "team_id"},
        )
    with pytest.raises(CompileError, match="unknown unit 'usr'"):
        read(f"{{{{ config(unit='usr') }}}} select user_id, sum(x) as v from t {WHERE} group by 1")
