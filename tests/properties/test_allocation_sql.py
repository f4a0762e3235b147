"""The SQL join with the table of allocations says what the replay of the log says, at any moment."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp
from tests.support.claims import opening
from tests.support.histories import Action, histories, play

from steelyard.assign.allocation.events import Open
from steelyard.assign.allocation.ledger import Ledger
from steelyard.assign.allocation.replay import replay
from steelyard.assign.allocation.rows import allocation_rows
from steelyard.hashing import scheme_named
from steelyard.hashing.sql import DIALECTS
from steelyard.hashing.sql.owners import owners_sql
from steelyard.spec.programme import MOST_LEVELS

OPENINGS = {
    "tags": opening(buckets=100, exclusive="tags"),
    "sha256": opening(buckets=100, scheme="sha256"),
    "machine": opening(buckets=100, strategy="salt_machine"),
}
UNITS = [*(f"user_{number}" for number in range(300)), "ünï", "用户 7", "O'Brien"]


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("set timezone = 'UTC'")
        opened.execute("create table units as select unnest(?::varchar[]) as user_id", [[*UNITS, "", None]])
        opened.execute(
            "create table allocation (programme varchar, bucket bigint, owner varchar, valid_from timestamptz,"
            " valid_to timestamptz, node varchar, kind varchar, seq bigint)"
        )
        yield opened


def fill(database: duckdb.DuckDBPyConnection, ledger: Ledger) -> None:
    database.execute("delete from allocation")
    names = ("programme", "bucket", "owner", "valid_from", "valid_to", "node", "kind", "seq")
    for row in grouped(ledger):
        database.execute(
            "insert into allocation select $1, unnest($2::bigint[]), $3, $4, $5, $6, $7, $8", row
        )
    (count,) = database.sql("select count(*) from allocation").fetchall()[0]
    rows = list(allocation_rows(ledger))
    assert count == len(rows)
    assert all(tuple(sorted(row)) == tuple(sorted(names)) for row in rows)


def grouped(ledger: Ledger) -> Iterator[list[object]]:
    """Yield the rows of `allocation_rows` with their buckets in lists: DuckDB is slow one by one."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for row in allocation_rows(ledger):
        rest = (row["owner"], row["valid_from"], row["valid_to"], row["node"], row["kind"], row["seq"])
        groups.setdefault(rest, []).append(row["bucket"])
    for rest, buckets in groups.items():
        yield [ledger.programme.programme, buckets, *rest]


def query(programme: Open, dialect: str, at: exp.Expr) -> str:
    return owners_sql(
        scheme_named(programme.scheme),
        dialect,
        programme=programme.programme,
        salt=programme.salt,
        buckets=programme.buckets,
        units=exp.to_table("units"),
        unit="user_id",
        allocation=exp.to_table("allocation"),
        at=at,
        levels=MOST_LEVELS if programme.strategy == "salt_machine" else 1,
    ).sql(dialect)


def joined(database: duckdb.DuckDBPyConnection, programme: Open, at: datetime) -> dict[str, set[str]]:
    moment = exp.cast(exp.Literal.string(at.isoformat()), exp.DataType.Type.TIMESTAMPTZ)
    found: dict[str, set[str]] = {}
    for unit, owner, kind in database.sql(query(programme, "duckdb", moment)).fetchall():
        assert kind in ("experiment", "holdback")
        assert owner not in found.setdefault(unit, set())
        found[unit].add(owner)
    return found


@pytest.mark.long
@pytest.mark.parametrize("programme", OPENINGS.values(), ids=OPENINGS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_join_is_the_replay_at_any_moment(
    database: duckdb.DuckDBPyConnection, programme: Open, data: st.DataObject
) -> None:
    with_rest = programme.strategy == "bucket_reuse"
    steps = list(play(programme, data.draw(histories(buckets=100, with_rest=with_rest))))
    if not steps:
        return
    last = steps[-1]
    fill(database, last.ledger)
    hours = int((last.at - last.lines[0].at).total_seconds() // 3600) + 1
    for at in (
        last.at,
        last.at - timedelta(microseconds=1),
        last.lines[0].at + timedelta(hours=data.draw(st.integers(0, hours))),
    ):
        if at < last.lines[0].at:
            continue
        then = replay(last.lines, until=at)
        expected = {unit: {owner.name for owner in then.owners_of(unit)} for unit in UNITS}
        found = joined(database, programme, at)
        assert found == {unit: owners for unit, owners in expected.items() if owners}


def test_the_join_differs_from_the_replay_of_another_moment(database: duckdb.DuckDBPyConnection) -> None:
    """The comparison above can fail: an hour later others own the buckets."""
    programme = OPENINGS["tags"]
    (step,) = play(programme, [Action("start", 0, 50, (), (), "", 0, 1)])
    ledger = step.ledger
    fill(database, ledger)
    assert joined(database, programme, ledger.at)
    assert not joined(database, programme, ledger.at - timedelta(seconds=1))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("programme", OPENINGS.values(), ids=OPENINGS)
def test_every_warehouse_can_say_the_join(programme: Open, dialect: str) -> None:
    text = query(programme, dialect, exp.CurrentTimestamp())
    assert text.count("allocation") == (MOST_LEVELS if programme.strategy == "salt_machine" else 1)
