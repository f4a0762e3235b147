"""What bad input gets: a message that says where, what and what to do, or a null with a reason; never a traceback."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

AS_OF = ("--as-of", "2026-04-05")
WINDOW = "where ordered_at >= :start and ordered_at < :end"
PER_USER = "group by user_id"
ORDERS = f"select user_id, count(*) as n from orders {WINDOW} {PER_USER}"
Shop = Any


def refused(shop: Shop, where: str, what: str, hint: str, *, command: str = "check") -> None:
    """Assert that a command ends with the message and its hint, and nothing on stdout."""
    result = shop.steelyard(command, *(AS_OF if command == "run" else ()))
    assert result.exit_code == 1
    assert result.stdout == ""
    message = result.stderr if command == "check" else failure(shop, result.stderr)
    assert f"{where}: {what}" in message
    assert f"hint: {hint}" in message
    assert "Traceback" not in message


def failure(shop: Shop, stderr: str) -> str:
    """Return the error on record for the one experiment, which stderr repeats."""
    ((failures, status),) = shop.rows("select failures, status from steelyard.runs")
    assert status == "error"
    assert "failed one-page-checkout: " in stderr
    assert shop.rows("select count(*) from steelyard.results") == [(0,)]
    assert shop.rows("select count(*) from steelyard.timeseries") == [(0,)]
    return str(failures).replace("\\n", "\n").replace('\\"', '"')


def runs(shop: Shop, *, code: int = 0) -> str:
    """Run and return the decision."""
    result = shop.steelyard("run", *AS_OF)
    assert result.exit_code == code, result.stderr
    ((decision,),) = shop.rows("select decision from steelyard.decisions")
    return str(decision)


QUERIES = {
    "two statements": (
        f"{ORDERS}; select 1",
        "metrics/m.sql: there are 2 statements",
        "a file holds one select and nothing else",
    ),
    "ddl": (
        "drop table orders",
        "metrics/m.sql: DROP is not a query",
        "only a single select over tables is run",
    ),
    "dml": (
        "delete from orders",
        "metrics/m.sql: DELETE is not a query",
        "only a single select over tables is run",
    ),
    "select star": (
        f"select * from orders {WINDOW} {PER_USER}",
        "metrics/m.sql: select * does not say what the value is",
        "name the columns",
    ),
    "no unit key": (
        f"select platform, count(*) as n from orders {WINDOW} group by platform",
        "metrics/m.sql: the first column is 'platform', not the unit's key 'user_id'",
        "select user_id, then the value",
    ),
    "no time predicate": (
        f"select user_id, count(*) as n from orders {PER_USER}",
        "metrics/m.sql: there is no time predicate",
        "add where ts >= :start and ts < :end; the engine binds them for each unit",
    ),
    "unknown function": (
        f"select user_id, summ(revenue) as n from orders {WINDOW} {PER_USER}",
        "metrics/m.sql: unknown function 'summ'",
        "did you mean 'sum'?",
    ),
    "a function that reads files": (
        f"select user_id, count(*) as n from read_csv('/etc/passwd') {WINDOW} {PER_USER}",
        "metrics/m.sql: the query reads from the function read_csv",
        "only tables and views are read",
    ),
    "a Jinja name": (
        f"select user_id,\n {{{{ nothing }}}} as n from orders {WINDOW} {PER_USER}",
        "metrics/m.sql:3: Jinja: 'nothing' is undefined",
        "a metric may use config, ref, source and var",
    ),
    "a Jinja variable": (
        f"select user_id,\n sum({{{{ var('rate') }}}}) as n from orders {WINDOW} {PER_USER}",
        "metrics/m.sql:3: unknown variable 'rate'",
        "add it under vars in steelyard.yml",
    ),
}


@pytest.mark.parametrize(("sql", "message", "hint"), QUERIES.values(), ids=QUERIES)
def test_a_query_that_is_no_metric_is_refused_without_a_warehouse(
    shop: Shop, sql: str, message: str, hint: str
) -> None:
    shop.metric(sql)
    before = shop.database.read_bytes()
    where, _, what = message.partition(": ")
    refused(shop, where, what, hint)
    result = shop.steelyard("run", *AS_OF)
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr
    assert shop.database.read_bytes() == before
    assert not (shop.root / "metrics.lock").exists()


def test_jinja_that_does_not_parse_is_refused_with_its_line(shop: Shop) -> None:
    shop.metric(f"select user_id,\n\n {{{{ 1 + }}}} as n from orders {WINDOW} {PER_USER}")
    result = shop.steelyard("check")
    assert result.exit_code == 1
    assert "metrics/m.sql:4: Jinja: unexpected 'end of print statement'" in result.stderr


MISSING = {
    "table": (
        f"select user_id, count(*) as n from order_lines {WINDOW} {PER_USER}",
        "Table with name order_lines does not exist!",
        "",
    ),
    "column": (
        f"select user_id, sum(pric) as n from orders {WINDOW} {PER_USER}",
        'Referenced column "pric" not found in FROM clause!',
        'Candidate bindings: "revenue"',
    ),
    "time column": (
        f"select user_id, count(*) as n from orders where placed_at >= :start and placed_at < :end {PER_USER}",
        'Referenced column "placed_at" not found in FROM clause!',
        'Candidate bindings: "ordered_at"',
    ),
    "numbers": (
        f"select user_id, max(user_id) as n from orders {WINDOW} {PER_USER}",
        "the value 'n' is of type varchar, not a number",
        "count it, or cast it to a number",
    ),
    "function": (
        f"select user_id, avg(revenue > 1) as n from orders {WINDOW} {PER_USER}",
        "No function matches the given name and argument types",
        "DuckDB has no such function for these types: cast the arguments",
    ),
    "moments": (
        f"select user_id, count(*) as n from orders where user_id >= :start and user_id < :end {PER_USER}",
        "the time column is of type varchar",
        "cast it to a date or a timestamp in the query",
    ),
}


@pytest.mark.parametrize(("sql", "what", "hint"), MISSING.values(), ids=MISSING)
def test_a_metric_that_does_not_fit_its_tables_names_its_file(
    shop: Shop, sql: str, what: str, hint: str
) -> None:
    shop.metric(sql)
    refused(shop, "metrics/m.sql", what, hint, command="run")


@pytest.mark.long
@pytest.mark.parametrize(
    ("value", "what", "hint"),
    [
        (
            "cast(user_id as integer)",
            "a value of user_id cannot be read as INT32",
            "write try_cast where a value may not be one",
        ),
        ("9000000000000000000 * cast(10 as bigint)", "a number is too large for its type", "cast to double"),
    ],
    ids=["unreadable", "overflow"],
)
def test_a_metric_that_fails_on_a_row_names_its_file_but_not_the_row(
    shop: Shop, value: str, what: str, hint: str
) -> None:
    shop.metric(f"select user_id, sum({value}) as n from orders {WINDOW} {PER_USER}")
    files = "metrics/m.sql, metrics/average_order_value.sql, metrics/revenue_per_user.sql"
    refused(shop, f"target dev, reading for {files}", what, hint, command="run")
    assert "user_0" not in failure(shop, "failed one-page-checkout: ")


@pytest.mark.long
def test_values_whose_squares_overflow_are_refused(shop: Shop) -> None:
    shop.metric(f"select user_id, sum(revenue * 1e200) as n from orders {WINDOW} {PER_USER}")
    refused(
        shop,
        "one of m@1 (7d), average_order_value@1 (7d), revenue_per_user@1 (7d)",
        "the values are too large for their squares to be added up",
        "leave out or cap values beyond 1e150",
        command="run",
    )


@pytest.mark.long
def test_a_key_of_another_type_names_the_metrics_and_says_to_cast(shop: Shop) -> None:
    shop.execute(
        "create or replace table orders as select hash(user_id) as user_id, ordered_at, revenue from orders"
    )
    files = "metrics/orders_per_user.sql, metrics/average_order_value.sql, metrics/revenue_per_user.sql"
    refused(shop, f"target dev, reading for {files}", "a value of", "write try_cast", command="run")


@pytest.mark.long
def test_a_log_of_exposures_that_is_not_there_says_to_seed(shop: Shop) -> None:
    shop.execute("drop table exposures")
    where, what = "steelyard.yml: exposures.app", "Table with name exposures does not exist!"
    refused(shop, where, what, "check the name", command="run")
    assert "or run steelyard seed" in failure(shop, "failed one-page-checkout: ")
    for command in (("run",), ("debug",)):
        result = shop.steelyard(*command)
        assert result.exit_code == 1
        assert "exposures.app: Table with name exposures does not exist!" in result.output


def test_a_log_without_a_column_names_the_log(shop: Shop) -> None:
    shop.execute("alter table exposures drop column variant")
    refused(
        shop,
        "steelyard.yml: exposures.app",
        'Referenced column "variant" not found in FROM clause!',
        "Candidate bindings",
        command="run",
    )


@pytest.mark.long
def test_no_exposures_give_no_result_with_the_reason(shop: Shop) -> None:
    shop.execute("delete from exposures")
    assert runs(shop) == "keep_running"
    assert shop.health("srm") == ("warn", "No unit has been exposed.")
    row = shop.results("orders_per_user")
    assert (row["n_control"], row["n_variant"], row["effect"], row["p_value"]) == (0, 0, None, None)
    assert row["reason"] == "no_data"
    without_day = shop.steelyard("run")
    assert without_day.exit_code == 1
    assert (
        "steelyard.yml: exposures: no exposures are logged\n  hint: run steelyard seed" in without_day.stderr
    )


@pytest.mark.long
def test_one_variant_only_is_invalid(shop: Shop) -> None:
    shop.execute("delete from exposures where variant = 'treatment'")
    assert runs(shop, code=3) == "invalid"
    assert shop.health("srm")[0] == "fail"
    row = shop.results("orders_per_user")
    assert (row["n_variant"], row["effect"], row["reason"]) == (0, None, "no_data")


def test_an_experiment_of_one_variant_is_refused(shop: Shop) -> None:
    shop.change(shop.experiment, "  - {name: treatment, allocation: 50%}\n", "")
    refused(
        shop,
        "experiments/one-page-checkout.yml:8",
        "variants: an experiment needs at least two variants",
        "name a control and a treatment",
    )


def test_an_unknown_variant_is_counted_and_left_out(shop: Shop) -> None:
    shop.execute("update exposures set variant = 'blue' where hash(user_id) % 20 = 0")
    (blue,) = shop.rows("select count(*) from exposures where variant = 'blue'")[0]
    assert blue > 0
    runs(shop)
    assert shop.health("unknown_variant") == (
        "warn",
        f"Exposures of variants that the experiment does not declare are left out: 'blue' {blue}.",
    )


@pytest.mark.long
def test_units_without_an_id_are_counted_and_left_out(shop: Shop) -> None:
    shop.execute(
        "update exposures set user_id = null where hash(user_id) % 20 = 0",
        "update exposures set user_id = '' where hash(user_id) % 20 = 1",
        "update orders set user_id = null where hash(user_id) % 20 = 2",
    )
    (lost,) = shop.rows("select count(*) from exposures where coalesce(user_id, '') = ''")[0]
    (kept,) = shop.rows("select count(*) from exposures where user_id <> ''")[0]
    runs(shop)
    assert shop.health("exposures_without_unit") == (
        "warn",
        f"{lost} exposures have no unit id (NULL or '') and are left out.",
    )
    assert (
        sum(int(n) for n in shop.health("srm")[1].split(",")[0].removeprefix("Units ").split(" : ")) == kept
    )


# The rows of a day are replaced together, and a statistic that is summed up again differs in its last digits.
HEALTH = "select check_name, status, dimension, segment, round(statistic, 9), detail from steelyard.health order by all"


@pytest.mark.long
def test_rows_before_the_project_and_in_the_future_change_nothing_but_are_told(shop: Shop) -> None:
    runs(shop)
    expected = shop.dump()
    health = shop.rows(HEALTH)
    shop.execute(
        "insert into orders select user_id, ordered_at - interval 100 year, revenue from orders",
        "insert into orders select user_id, ordered_at + interval 200 year, revenue from orders",
        "insert into exposures select experiment_id, user_id, variant, exposed_at + interval 100 year, platform "
        "from exposures",
        "insert into exposures select experiment_id, user_id || 'x', variant, exposed_at - interval 200 year, platform "
        "from exposures",
    )
    runs(shop)
    found = {**shop.dump(), "health": expected["health"]}
    assert found == expected
    told = [row for row in shop.rows(HEALTH) if row not in health]
    assert [row[:2] for row in told] == [("exposures_in_future", "warn")]
    assert set(health) < set(shop.rows(HEALTH))


@pytest.mark.long
def test_exposures_in_the_future_do_not_move_the_last_day_past_yesterday(shop: Shop) -> None:
    shop.execute(
        "update exposures set exposed_at = exposed_at + interval 500 year where hash(user_id) % 2 = 0"
    )
    result = shop.steelyard("run")
    assert result.exit_code in (0, 3)
    assert shop.rows("select max(as_of) < current_date from steelyard.results") == [(True,)]


@pytest.mark.long
@pytest.mark.parametrize("value", ["null", "0"], ids=["all null", "zero variance"])
def test_values_without_variance_give_no_result_with_the_reason(shop: Shop, value: str) -> None:
    shop.execute(f"update orders set revenue = {value}")
    runs(shop)
    for metric in ("revenue_per_user", "average_order_value"):
        row = shop.results(metric, "deterioration")
        assert (row["p_value"], row["significant"], row["reason"]) == (None, None, "zero_variance")
        assert row["n_control"] > 0
    assert shop.results("orders_per_user")["p_value"] is not None


@pytest.mark.long
def test_nan_and_infinity_are_left_out_and_counted(shop: Shop) -> None:
    shop.execute(
        "update orders set revenue = 'NaN' where hash(user_id) % 50 = 0",
        "update orders set revenue = 'Infinity' where hash(user_id) % 50 = 1",
        "update orders set revenue = '-Infinity' where hash(user_id) % 50 = 2",
    )
    # Outcomes of 7 days, once they have closed, and covariates of 14.
    (bad,) = shop.rows(
        "select count(*) from orders join exposures using (user_id) where not isfinite(revenue) "
        "and ordered_at >= exposed_at - interval 14 day and ordered_at < exposed_at + interval 7 day "
        "and ordered_at < timestamp '2026-04-06'"
    )[0]
    assert bad > 10
    runs(shop)
    assert shop.health("quality") == (
        "warn",
        f"{bad} rows hold a value that is NaN or infinite; it counts as missing.",
    )
    with_bad = shop.results("revenue_per_user", "deterioration")
    shop.execute("update orders set revenue = null where not isfinite(revenue)")
    runs(shop)
    assert shop.rows("select count(*) from steelyard.health where check_name = 'quality'") == [(0,)]
    assert shop.results("revenue_per_user", "deterioration") == with_bad


@pytest.mark.long
def test_a_quantile_counts_its_nan_too(shop: Shop) -> None:
    shop.metric(
        "select user_id, revenue from orders where ordered_at >= :start and ordered_at < :end",
        type="'quantile'",
        quantile="0.5",
    )
    shop.execute("update orders set revenue = 'NaN' where hash(user_id) % 5 = 0")
    runs(shop)
    assert shop.health("quality")[0] == "warn"


@pytest.mark.long
@pytest.mark.parametrize(
    ("revenue", "reason"),
    [("-revenue", "control_mean_not_positive"), ("revenue - 45", None)],
    ids=["negative", "near zero"],
)
def test_a_control_mean_that_is_not_positive_gives_no_relative_effect(
    shop: Shop, revenue: str, reason: str | None
) -> None:
    shop.execute(f"update orders set revenue = {revenue}")
    runs(shop)
    row = shop.results("revenue_per_user", "deterioration")
    assert row["effect"] is not None
    assert row["relative_effect_ci_lower"] is None
    assert row["reason"].startswith("relative_effect")
    if reason is not None:
        assert row["relative_effect"] is None
        assert row["reason"] == f"relative_effect: {reason}"


def test_a_metric_that_stands_twice_names_both_files(shop: Shop) -> None:
    shop.write("metrics/sub/orders_per_user.sql", "{{ config(version=1, direction='increase') }}\n" + ORDERS)
    refused(
        shop,
        "metrics/sub/orders_per_user.sql",
        "the metric orders_per_user@1 stands twice",
        "it is first in metrics/orders_per_user.sql",
    )


def test_an_experiment_that_stands_twice_names_both_files(shop: Shop) -> None:
    shop.write("experiments/twin.yml", (shop.root / shop.experiment).read_text(encoding="utf-8"))
    refused(
        shop,
        "experiments/twin.yml:1",
        "the experiment name 'one-page-checkout' is taken",
        "it is first in experiments/one-page-checkout.yml:1",
    )


def test_a_metric_that_an_experiment_misspells_gets_the_closest_name(shop: Shop) -> None:
    shop.change(shop.experiment, "metric: orders_per_user,", "metric: order_per_user,")
    result = shop.steelyard("check")
    assert result.exit_code == 1
    assert "did you mean 'orders_per_user'?" in result.stderr


@pytest.mark.long
def test_a_target_for_reading_only_is_not_run_but_is_reported(shop: Shop) -> None:
    runs(shop)
    shop.change("profiles.yml", "path: shop.duckdb", "path: shop.duckdb\n      read_only: true")
    report = shop.steelyard("report")
    assert report.exit_code == 0
    before = shop.database.read_bytes()
    for command in ("run", "seed"):
        result = shop.steelyard(command)
        assert result.exit_code == 1
        assert result.stderr.startswith("error: target dev: ")
        assert "the database is open for reading only\n" in result.stderr
        assert "hint: set read_only: false in profiles.yml" in result.stderr
    assert shop.database.read_bytes() == before


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (
        lambda root: (root / "profiles.yml").write_text(
            (root / "profiles.yml").read_text().replace("path: shop", "path: nowhere/shop")
        ),
        "no such file or directory\n  hint: create the folder, or correct the path in profiles.yml",
    ),
    "no database": (
        lambda root: (root / "shop.duckdb").write_bytes(b"this is a text, and no database " * 999),
        "is no DuckDB database\n  hint: correct the path in profiles.yml",
    ),
    "no profile": (lambda root: (root / "profiles.yml").unlink(), "no profiles.yml in "),
}


@pytest.mark.parametrize(("break_it", "message"), BROKEN.values(), ids=BROKEN)
def test_a_target_that_cannot_be_opened_says_why(
    shop: Shop, break_it: Callable[[Path], object], message: str
) -> None:
    break_it(shop.root)
    for command in ("run", "seed", "report"):
        result = shop.steelyard(command)
        assert result.exit_code == 1
        assert message in result.stderr
    assert shop.steelyard("check").exit_code == 0


@pytest.mark.long
def test_truth_values_are_added_up_as_numbers(shop: Shop) -> None:
    shop.execute("alter table orders add column paid boolean", "update orders set paid = revenue > 30")
    shop.metric(f"select user_id, sum(paid) as n from orders {WINDOW} {PER_USER}")
    runs(shop)
    as_truth = shop.results("m")
    shop.execute("alter table orders alter column paid type integer")
    runs(shop)
    as_numbers = shop.results("m")
    assert as_truth["mean_control"] > 0.1
    for name in ("mean_control", "mean_variant", "effect", "std_error"):
        assert as_truth[name] == pytest.approx(as_numbers[name], rel=1e-12), name
