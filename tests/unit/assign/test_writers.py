"""Exposures arrive whole, also from several processes, and wait for a database that is away."""

import json
import multiprocessing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from steelyard.assign.exposure import FIELDS, Exposure
from steelyard.assign.table_writer import TableWriter
from steelyard.assign.writers import JsonLinesWriter
from steelyard.errors import EngineError


def exposure(number: int, text: str = "é\n😀") -> Exposure:
    return Exposure(
        event_id=f"{number:032x}",
        user_id=f"user_{number}{text}",
        unit="user",
        experiment_id="exp",
        variant="control",
        timestamp=datetime(2026, 4, 1, 12, 30, tzinfo=UTC),
        client="web",
        app_version="1.0",
        ruleset_version="abc",
        bucket=None if number % 2 else number,
        scheme="sha256",
        reason="assigned",
    )


def test_lines_are_the_fields_in_order(tmp_path: Path) -> None:
    writer = JsonLinesWriter(tmp_path / "log.jsonl")
    for number in range(3):
        writer.write(exposure(number))
    writer.flush()
    writer.close()
    lines = (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [exposure(number).to_json() for number in range(3)]
    assert tuple(json.loads(lines[0])) == FIELDS


def _write_many(path: Path, start: int) -> None:
    writer = JsonLinesWriter(path)
    for number in range(start, start + 200):
        writer.write(exposure(number, "x" * 3000))
    writer.close()


@pytest.mark.long
def test_lines_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write_many, args=(path, start)) for start in (0, 1000, 2000)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    ids = [json.loads(line)["event_id"] for line in path.read_text().splitlines()]
    assert len(ids) == len(set(ids)) == 600


def test_a_log_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        JsonLinesWriter(tmp_path / "none" / "log.jsonl").write(exposure(1))


def test_a_table_is_made_and_filled_in_batches(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    writer = TableWriter(url, "log", batch=4)
    for number in range(10):
        writer.write(exposure(number))
    writer.close()
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(sa.text("select * from log order by event_id")).mappings().all()
    engine.dispose()
    assert len(rows) == 10
    assert tuple(rows[0]) == FIELDS
    assert [row["bucket"] for row in rows[:3]] == [0, None, 2]
    assert rows[0]["user_id"] == "user_0é\n😀"
    assert rows[0]["timestamp"].startswith("2026-04-01 12:30:00")


def test_what_a_database_refuses_waits_and_is_inserted_once(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    engine = sa.create_engine(f"sqlite:///{folder / 'log.db'}")
    writer = TableWriter(engine, "log")
    writer.write(exposure(1))
    with pytest.raises(OperationalError):
        writer.flush()
    folder.mkdir()
    writer.write(exposure(2))
    writer.flush()
    writer.flush()
    with engine.connect() as connection:
        assert connection.execute(sa.text("select count(*) from log")).scalar() == 2
    writer.close()


def test_too_many_that_wait_are_refused(tmp_path: Path) -> None:
    writer = TableWriter(f"sqlite:///{tmp_path / 'log.db'}", "log", most_waiting=2)
    writer.write(exposure(1))
    writer.write(exposure(2))
    with pytest.raises(EngineError, match="table log: 2 exposures are waiting"):
        writer.write(exposure(3))
    writer.after_fork()
    writer.write(exposure(4))
    writer.close()
