"""What is tried again, how often, and what is not; what runs too long is cancelled."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import duckdb
import pytest

from steelyard.errors import WarehouseError
from steelyard.spec.profile import Profile
from steelyard.warehouse.duckdb_errors import translate
from steelyard.warehouse.postgres_errors import translate as translate_postgres
from steelyard.warehouse.registry import connect
from steelyard.warehouse.retry import with_retries

CONFLICT = WarehouseError("another run changed the same rows", is_transient=True)


class Failing:
    """Fails a number of times, then answers."""

    def __init__(self, times: int, error: WarehouseError = CONFLICT) -> None:
        self.left, self.calls, self.error = times, 0, error

    def __call__(self) -> str:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise self.error
        return "done"


def test_a_transient_failure_is_tried_again_after_growing_pauses() -> None:
    action, waited, told = Failing(2), [], []
    assert with_retries(action, pauses=(1.0, 4.0), sleep=waited.append, tell=told.append) == "done"
    assert action.calls == 3
    assert 1.0 <= waited[0] <= 1.5
    assert 4.0 <= waited[1] <= 6.0
    assert told == [
        "another run changed the same rows; trying again in 1 s",
        "another run changed the same rows; trying again in 4 s",
    ]


def test_the_last_failure_is_raised() -> None:
    action = Failing(9)
    with pytest.raises(WarehouseError, match="another run changed the same rows"):
        with_retries(action, pauses=(0.0, 0.0), sleep=lambda _: None)
    assert action.calls == 3


def test_what_does_not_pass_by_itself_is_not_tried_again() -> None:
    action = Failing(1, WarehouseError("no such table"))
    with pytest.raises(WarehouseError, match="no such table"):
        with_retries(action, sleep=lambda _: pytest.fail("it waited"))
    assert action.calls == 1


@pytest.mark.parametrize(
    ("error", "is_transient"),
    [
        (duckdb.TransactionException("TransactionContext Error: Conflict on update!"), True),
        (duckdb.CatalogException("Catalog Error: Table with name x does not exist!"), False),
        (duckdb.IOException("IO Error: No space left on device"), False),
    ],
)
def test_duckdb_says_what_is_transient(error: Exception, is_transient: bool) -> None:
    assert translate(error).is_transient is is_transient


@pytest.mark.parametrize(
    ("state", "is_transient"),
    [("40001", True), ("40P01", True), ("55P03", True), ("57P03", True), ("42P01", False), ("08006", False)],
)
def test_postgres_says_what_is_transient(state: str, is_transient: bool) -> None:
    class RefusedError(Exception):
        sqlstate = state

    assert translate_postgres(RefusedError("refused")).is_transient is is_transient


def test_a_statement_that_runs_too_long_is_cancelled(profile_of: Callable[..., Profile]) -> None:
    endless = "select count(*) from range(1000000) as a, range(1000000) as b where a.range * b.range % 7 = 3"
    started = perf_counter()
    with connect(profile_of(statement_timeout_seconds=1)) as warehouse:
        with pytest.raises(WarehouseError, match="ran longer than statement_timeout_seconds"):
            warehouse.query(endless)
        assert warehouse.query("select 1").values == [(1,)]
    assert perf_counter() - started < 30


def test_a_statement_in_time_is_left_alone(profile_of: Callable[..., Profile]) -> None:
    with connect(profile_of(statement_timeout_seconds=1)) as warehouse:
        values: list[Any] = warehouse.query("select sum(range) from range(10)").values
    assert values == [(45,)]
