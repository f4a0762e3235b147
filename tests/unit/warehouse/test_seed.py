"""Loading files as tables."""

from pathlib import Path

import duckdb
import pytest

from steelyard.errors import WarehouseError
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.seed import find_files, seed


def write(folder: Path, **files: str | bytes) -> None:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_csv", ".csv").replace("_parquet", ".parquet")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_seed_loads_every_file_and_reports_rows(warehouse: Warehouse, tmp_path: Path) -> None:
    write(
        tmp_path,
        users_csv='user_id,name,seen_at\n001,"Anna, ""A""",2026-04-01T10:00:00Z\n002,,2026-04-02T10:00:00Z\n',
        more__orders_csv="order_id,amount\n1,2.5\n",
        notes_md="# nothing",
        _hidden__x_csv="a\n1\n",
    )
    (tmp_path / "_hidden").rename(tmp_path / ".hidden")
    duckdb.sql("select range as n from range(5)").write_parquet(str(tmp_path / "events.parquet"))
    assert seed(warehouse, tmp_path, schema=None) == {"events": 5, "orders": 1, "users": 2}
    assert warehouse.query("select user_id, name from users").values == [("001", 'Anna, "A"'), ("002", None)]
    assert warehouse.table_columns("users")["seen_at"] == "timestamptz"
    write(tmp_path, users_csv="user_id\n1\n")
    assert seed(warehouse, tmp_path)["users"] == 1
    assert warehouse.table_columns("users") == {"user_id": "bigint"}


def test_seed_loads_into_a_schema(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.execute("create schema raw")
    write(tmp_path, users_csv="user_id\n1\n")
    seed(warehouse, tmp_path, schema="raw")
    assert warehouse.table_exists("users", "raw")
    assert not warehouse.table_exists("users")


def test_seed_loads_all_or_none(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.execute("create table a as select 7 as kept")
    write(tmp_path, a_csv="x\n1\n", b_csv="x,y\n1,2\n1,2,3\n")
    with pytest.raises(WarehouseError, match=r"target dev: b.csv: b.csv is no proper CSV file"):
        seed(warehouse, tmp_path)
    assert warehouse.query("select * from a").values == [(7,)]
    assert not warehouse.table_exists("b")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a_csv": ""}, r"a.csv: the first line does not name every column\n  hint: begin with"),
        ({"a_csv": "x,,y\n1,2,3\n"}, "a.csv: the first line does not name every column"),
        ({"a_csv": "x,y,X \n1,2,3\n"}, r"a.csv: two columns are named 'x'\n  hint: rename"),
        ({"a_csv": b"x\n" + b"1\n" * 200_000 + b"\xff\n"}, "line 200002 does not fit .*\n  hint: separate"),
        ({"a_csv": b"x\xff\n1\n"}, r"a.csv: no CSV in UTF-8\n  hint: save it"),
        ({"a_csv": 'x,y\n1,"open\n'}, r"a.csv: a.csv is no proper CSV file.*\n  hint: separate"),
        ({"a_parquet": "no parquet at all"}, r"a.parquet: it is no Parquet file\n  hint: write"),
        ({"a_csv": "x\n1\n", "more__A_csv": "x\n1\n"}, r"a.csv and more/A.csv are one table\n  hint: rename"),
        (
            {"my-events_csv": "x\n1\n"},
            r"my-events.csv: 'my-events' is no name for a table\n  hint: use letters",
        ),
        ({"a_md": "x"}, r"no CSV or Parquet files\n  hint: each file becomes"),
    ],
)
def test_seed_refuses(warehouse: Warehouse, tmp_path: Path, files: dict[str, str], message: str) -> None:
    write(tmp_path, **files)
    with pytest.raises(WarehouseError, match=message) as caught:
        seed(warehouse, tmp_path)
    assert caught.value.hint


def test_seed_refuses_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match=r"no such folder\n  hint: name the folder"):
        find_files(tmp_path / "nosuch")


def test_load_file_refuses_what_it_cannot_read(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match=r"nosuch.csv: no such file\n  hint: looked in"):
        warehouse.load_file("t", tmp_path / "nosuch.csv")
    write(tmp_path, a_md="x")
    with pytest.raises(
        WarehouseError, match=r"a.*md: neither a CSV nor a Parquet file\n  hint: its name ends in"
    ):
        warehouse.load_file("t", tmp_path / "a_md")
