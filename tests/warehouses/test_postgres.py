"""What is PostgreSQL's own, on a real server."""

from time import perf_counter
from typing import Any

import pytest
from tests.support.engines import Engines

from steelyard.errors import WarehouseError
from steelyard.spec.outputs import Postgres
from steelyard.spec.profile import Profile
from steelyard.warehouse.registry import connect


def profile_of(output: dict[str, Any], **settings: Any) -> Profile:
    postgres = Postgres.model_validate({**output, **settings})
    return Profile(name="shop", target="prod", output=postgres, target_schema="steelyard")


def test_a_statement_that_runs_too_long_is_cancelled_and_the_next_is_not(engines: Engines) -> None:
    started = perf_counter()
    with connect(profile_of(engines.new("postgres"), statement_timeout_seconds=1)) as warehouse:
        with pytest.raises(
            WarehouseError,
            match=r"ran longer than statement_timeout_seconds\n  hint: raise statement_timeout_seconds",
        ):
            warehouse.query("select pg_sleep(60)")
        assert warehouse.query("select 1").values == [(1,)]
    assert perf_counter() - started < 30


def test_a_schema_that_is_there_needs_no_right_to_create_one(engines: Engines) -> None:
    output = engines.new("postgres")
    role = f"owner_in_{output['dbname']}"
    with connect(profile_of(output)) as warehouse:
        warehouse.execute(f"create role {role}")
        warehouse.execute(f"create schema steelyard authorization {role}")
    with connect(profile_of(output, role=role)) as warehouse:
        warehouse.execute(warehouse.schema_statement("steelyard"))
        with pytest.raises(WarehouseError, match="permission denied for database"):
            warehouse.execute(warehouse.schema_statement("other"))
