"""Rows of several result tables in one table of Spark, and how its session is set; no Spark runs here."""

from typing import Any

import pytest

from steelyard.spec.outputs import Spark
from steelyard.warehouse import spark_session
from steelyard.warehouse.base import Condition
from steelyard.warehouse.spark_rows import (
    Change,
    carried_rows,
    kinds_of_rows,
    new_rows,
    read_stored,
    stored_query,
)
from steelyard.warehouse.tables import TABLES
from steelyard.warehouse.versioned import Version


def change(
    name: str, *rows: dict[str, Any], before: int | None = None, gone: Condition | None = None
) -> Change:
    table = TABLES[name]
    version = Version(table=table, schema="steelyard", owner="it's e", number=7)
    given = [tuple((dict.fromkeys(table.names) | row).values()) for row in rows]
    return Change(version=version, before=before, gone=gone, rows=given)


def test_rows_of_several_tables_come_back_as_they_went() -> None:
    changes = [
        change("results", {"metric": "m", "effect": 0.5, "label": "up"}, {"metric": "n"}),
        change("decisions", {"variant": "b", "reasons": "[]"}),
        change("health"),
    ]
    names = tuple(kinds_of_rows(changes))
    assert names.count("variant") == 1
    found = read_stored(names, new_rows(changes))
    assert found == {one.version.table.name: list(one.rows) for one in changes[:2]}


def test_rows_are_read_of_the_version_and_by_the_condition_of_their_own_table() -> None:
    wanted: dict[str, tuple[int, Condition]] = {
        "results": (5, ('"as_of" = ?', ["x"])),
        "decisions": (3, ("true", [])),
    }
    sql, parameters = stored_query("steelyard", "e", wanted)
    assert sql.endswith(
        ' from "steelyard"."published_rows" where row_owner = ? and row_version in (?, ?)'
        ' and ((row_table = ? and row_version = ? and ("as_of" = ?)) or (row_table = ? and row_version = ? and (true)))'
    )
    assert parameters == ["e", 3, 5, "results", 5, "x", "decisions", 3]


def test_rows_stay_but_for_those_that_go_and_where_there_was_a_version_before() -> None:
    changes = [
        change("results", before=5, gone=('"as_of" = ?', ["x"])),
        change("decisions", before=3),
        change("health"),
    ]
    sql = carried_rows(changes, ["row_table"])
    assert sql is not None
    assert sql.endswith(
        "where row_owner = 'it\\'s e' and row_version in (3L, 5L) and ((row_table = 'results' and row_version = 5L"
        " and (not (\"as_of\" = 'x'))) or (row_table = 'decisions' and row_version = 3L and (true)))"
    )
    assert carried_rows(changes[2:], ["row_table"]) is None


@pytest.mark.parametrize(
    ("master", "is_quick"),
    [
        ("local", False),
        ("local[4]", False),
        ("local-cluster[2,1,1024]", True),
        ("spark://h:7077", True),
        ("yarn", True),
    ],
)
def test_a_driver_that_runs_no_tasks_compiles_quickly(master: str, is_quick: bool) -> None:
    output = Spark.model_validate({"type": "spark", "master": master, "path": "/srv/s", "schema": "s"})
    given = spark_session._settings(output)["spark.driver.extraJavaOptions"].split()
    assert given == [
        *(["-XX:TieredStopAtLevel=1"] if is_quick else []),
        "-Dderby.stream.error.file=/srv/s/derby.log",
    ]
