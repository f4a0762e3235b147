"""What compiling says of statements that a dialect cannot say."""

from pathlib import Path

import pytest
from tests.support.golden_project import PROJECT, compiled, refusals


@pytest.mark.long
def test_a_refusal_names_only_the_metric_whose_words_are_refused_and_the_rest_is_written(
    tmp_path: Path,
) -> None:
    compiled(PROJECT, "duckdb", tmp_path)
    root = tmp_path / PROJECT.name
    metric = root / "metrics/orders_capped.sql"
    sql = metric.read_text(encoding="utf-8").replace("count(*)", 'sum(round("Amount"))')
    metric.write_text(sql, encoding="utf-8")
    _, before = compiled(PROJECT, "duckdb", tmp_path)
    result, found = compiled(PROJECT, "snowflake", tmp_path)
    said = refusals(result)
    assert result.exit_code == 1
    assert (
        "error: metrics/orders_capped.sql: statement unit_day_web_orders: snowflake has no translation"
        in said
    )
    assert "  hint: halves are rounded to even here" in said
    assert set(before) - set(found) == {"05_unit_day_web_orders.sql"}


@pytest.mark.long
def test_the_file_of_a_statement_that_is_refused_now_does_not_stay(tmp_path: Path) -> None:
    _, before = compiled(PROJECT, "snowflake", tmp_path)
    metric = tmp_path / PROJECT.name / "metrics/slow_loads.sql"
    sql = metric.read_text(encoding="utf-8").replace("milliseconds", "round(milliseconds) as milliseconds")
    metric.write_text(sql, encoding="utf-8")
    _, found = compiled(PROJECT, "snowflake", tmp_path)
    assert set(before) - set(found) == {"09_unit_day_loads.sql"}


def test_trinos_hint_on_moments_compiles(tmp_path: Path) -> None:
    compiled(PROJECT, "duckdb", tmp_path)
    metric = tmp_path / PROJECT.name / "metrics/gap.sql"
    sql = metric.read_text(encoding="utf-8")
    start, end = sql.index("epoch("), sql.index(" / 86400")
    place = 'lag("orderedAt") over (partition by user_id order by "orderedAt")'
    written = f"{sql[:start]}date_diff('millisecond', {place}, \"orderedAt\") / 1000.0{sql[end:]}"
    metric.write_text(written.replace("version=1", "version=1, dialect='trino'"), encoding="utf-8")
    result, found = compiled(PROJECT, "trino", tmp_path)
    assert result.exit_code == 0, result.stderr
    text = " ".join(found["08_unit_day_web_orders__3.sql"].split())
    assert "DATE_DIFF( 'MILLISECOND', LAG(" in text
    assert ") / 1000.0 / 86400 AS gap" in text
