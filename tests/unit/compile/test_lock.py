"""`metrics.lock`: what a version means cannot change unseen."""

from pathlib import Path

import pytest

from steelyard.compile.lock import LOCK_FILE, check_lock, meaning_of, write_lock
from steelyard.compile.measure import MetricKey
from steelyard.compile.metric_query import MetricQuery, read_query
from steelyard.compile.metric_source import render_metric
from steelyard.compile.relations import RelationNames
from steelyard.errors import CompileError

SQL = (
    "{{ config(version=1, direction='increase') }} "
    "select user_id, sum(x) as v from t where ts >= :start and ts < :end group by user_id"
)
KEY = MetricKey(name="m", version=1)


def read(sql: str) -> MetricQuery:
    source = render_metric("m", sql, where="metrics/m.sql", relations=RelationNames(), variables={})
    return read_query(source, units={"user": "user_id"}, dialect="duckdb")


@pytest.mark.parametrize(
    "same",
    [
        SQL.replace("select", "SELECT").replace(" from", "\n\nfrom"),
        SQL.replace("sum(x)", "sum(x) -- in euros\n"),
        SQL.replace("version=1", "version=1, owner='team', description='d', tags=['a']"),
    ],
    ids=["white space and case", "comments", "words about the metric"],
)
def test_what_changes_no_number_keeps_the_fingerprint(same: str) -> None:
    assert meaning_of(read(same)).fingerprint == meaning_of(read(SQL)).fingerprint


@pytest.mark.parametrize(
    "other",
    [
        SQL.replace("sum(x)", "sum(y)"),
        SQL.replace("version=1", "version=1, window='7d'"),
        SQL.replace("version=1", "version=1, fill=none"),
        SQL.replace("increase", "decrease"),
    ],
    ids=["query", "window", "fill", "direction"],
)
def test_what_changes_numbers_changes_the_fingerprint(other: str) -> None:
    assert meaning_of(read(other)).fingerprint != meaning_of(read(SQL)).fingerprint


def test_other_caps_beside_a_metrics_own_change_no_number_of_it() -> None:
    capped = SQL.replace("version=1", "version=1, winsorize={'upper': 5}")
    listed = SQL.replace("version=1", "version=1, winsorize={'upper': 5, 'sensitivity': [3, 'none']}")
    other = SQL.replace("version=1", "version=1, winsorize={'upper': 3}")
    fingerprints = [meaning_of(read(sql)).fingerprint for sql in (capped, listed, other)]
    assert fingerprints[0] == fingerprints[1] != fingerprints[2]


def test_a_new_version_is_added_and_then_pinned(tmp_path: Path) -> None:
    queries = {KEY: read(SQL)}
    assert check_lock(tmp_path, queries) == [KEY]
    write_lock(tmp_path, queries)
    assert check_lock(tmp_path, queries) == []


def test_a_changed_meaning_is_refused_with_the_difference(tmp_path: Path) -> None:
    write_lock(tmp_path, {KEY: read(SQL)})
    with pytest.raises(CompileError) as caught:
        check_lock(tmp_path, {KEY: read(SQL.replace("sum(x)", "sum(y)"))})
    message = str(caught.value)
    assert "m@1 means something else than its version says" in message
    assert "-  SUM(x) AS v" in message
    assert "+  SUM(y) AS v" in message
    assert "raise version" in message


def test_writing_the_lock_keeps_what_it_holds(tmp_path: Path) -> None:
    write_lock(tmp_path, {KEY: read(SQL)})
    before = (tmp_path / LOCK_FILE).read_text()
    write_lock(tmp_path, {KEY: read(SQL.replace("sum(x)", "sum(y)"))})
    assert (tmp_path / LOCK_FILE).read_text() == before


@pytest.mark.parametrize("content", ["{", '{"m@1": {}}', "[]"])
def test_a_lock_that_cannot_be_read_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / LOCK_FILE).write_text(content)
    with pytest.raises(CompileError, match="the lock cannot be read"):
        check_lock(tmp_path, {KEY: read(SQL)})


def test_a_default_that_is_written_out_keeps_the_fingerprint() -> None:
    explicit = SQL.replace("version=1", "version=1, type='mean', fill='auto'")
    assert meaning_of(read(explicit)).fingerprint == meaning_of(read(SQL)).fingerprint
