"""What DuckDB refuses, in the engine's words: what is wrong and what to do, never a value, never a secret."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from steelyard.errors import WarehouseError
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.duckdb_errors import RULES, translate
from steelyard.warehouse.error_text import masked
from steelyard.warehouse.registry import connect

ProfileOf = Callable[..., Profile]

ASK = """
import sys
import duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""

FILL = """
import resource, sys
from steelyard.errors import WarehouseError
from steelyard.spec.outputs import DuckDB
from steelyard.spec.profile import Profile
from steelyard.warehouse.registry import connect

output = DuckDB.model_validate({"type": "duckdb", "path": sys.argv[1]})
profile = Profile.model_validate({"name": "p", "target": "dev", "output": output, "target_schema": "s"})
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
warehouse = connect(profile)
try:
    with warehouse.transaction():
        warehouse.execute("insert into kept values (2)")
        warehouse.execute("create table big as select uuid()::varchar as x from range(1000000)")
except WarehouseError as error:
    print(error)
"""


@pytest.fixture
def events(warehouse: Warehouse) -> Warehouse:
    warehouse.execute("create table events (user_id bigint, day date, amount double)")
    warehouse.execute("insert into events values (1, '2026-04-01', 1.5)")
    return warehouse


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "select * from event",
            "target dev: Table with name event does not exist! (line 1: select * from event)\n"
            '  hint: Did you mean "events"?',
        ),
        (
            "select\n  usr_id\nfrom events",
            'target dev: Referenced column "usr_id" not found in FROM clause! (line 2: usr_id)\n'
            '  hint: Candidate bindings: "user_id"',
        ),
        (
            "select frobnicate(user_id) from events",
            "target dev: Scalar Function with name frobnicate does not exist! "
            "(line 1: select frobnicate(user_id) from events)\n  hint: Did you mean",
        ),
        (
            "select * from nosuch.events",
            'Table with name "nosuch.events" does not exist because schema "nosuch" does not exist.',
        ),
        ("select * from events where", 'target dev: syntax error at or near "where" (line 1: '),
        (
            "select * from events join (select 'u1' as user_id) as b using (user_id)",
            "target dev: a value of user_id cannot be read as INT64",
        ),
        (
            "select * from events where day = user_id",
            "target dev: Unimplemented type for cast (BIGINT -> DATE)",
        ),
        (
            "select cast('soon' || user_id as date) from events",
            "target dev: a value cannot be read as a date",
        ),
    ],
)
def test_query_says_what_is_wrong_with_it(events: Warehouse, sql: str, message: str) -> None:
    with pytest.raises(WarehouseError) as caught:
        events.query(sql)
    assert message in str(caught.value)
    assert caught.value.hint
    assert isinstance(caught.value.__cause__, duckdb.Error)


def test_types_that_do_not_fit_get_the_hint_about_ids_and_no_value(events: Warehouse) -> None:
    events.execute("create table people as select 'anna@example.org' as user_id")
    for sql in (
        "select * from events where user_id = 'anna@example.org'",
        "select * from events join people using (user_id)",
        "select user_id::bigint from people",
    ):
        with pytest.raises(
            WarehouseError, match="may be text in one table and a number in another"
        ) as caught:
            events.query(sql)
        assert "cannot be read as INT64" in str(caught.value)
        assert "anna" not in str(caught.value)
    assert "a value of user_id cannot be read as INT64" in str(caught.value)


def test_every_method_translates(warehouse: Warehouse) -> None:
    for call in (
        lambda: warehouse.execute("drop table nosuch"),
        lambda: warehouse.create_temporary("t", "select * from nosuch"),
        lambda: warehouse.column_types("select * from nosuch"),
        lambda: warehouse.estimate("select * from nosuch"),
        lambda: warehouse.insert("nosuch", ["n"], [(1,)]),
    ):
        with pytest.raises(WarehouseError, match="Table with name nosuch does not exist"):
            call()


def test_a_closed_connection_is_an_error(profile_of: ProfileOf) -> None:
    warehouse = connect(profile_of())
    warehouse.close()
    with pytest.raises(WarehouseError, match=r"Connection .*closed"):
        warehouse.query("select 1")


def test_connect_says_which_process_holds_the_file(profile_of: ProfileOf, tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", ASK, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        message = rf"the database {path} is in use by process {other.pid} \(.*python.*\)\n  hint: wait"
        for settings in ({}, {"read_only": True}):
            with pytest.raises(WarehouseError, match=message):
                connect(profile_of(path, **settings), wait_seconds=0.3)
        other.communicate()
    connect(profile_of(path)).close()


def test_connect_waits_for_the_file(profile_of: ProfileOf, tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    ends = ASK.replace("sys.stdin.read()", "import time; time.sleep(0.4)")
    with subprocess.Popen(
        [sys.executable, "-c", ends, str(path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        connect(profile_of(path), wait_seconds=20).close()


def test_a_read_only_target_says_so(profile_of: ProfileOf, tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    connect(profile_of(path)).close()
    with connect(profile_of(path, read_only=True)) as warehouse:
        warehouse.create_temporary("cells", "select 1 as n")
        for statement in ("create schema steelyard", "create table t (n integer)"):
            with pytest.raises(WarehouseError, match=r"open for reading only\n  hint: set read_only: false"):
                warehouse.execute(statement)


def test_a_file_that_may_not_be_written_says_so(profile_of: ProfileOf, tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    connect(profile_of(path)).close()
    path.chmod(0o444)
    if os.access(path, os.W_OK):
        pytest.skip("this user may write to every file")
    with pytest.raises(WarehouseError, match=r"cannot open .*: permission denied\n  hint: check who may"):
        connect(profile_of(path))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"path": "folder/a.duckdb"},
            r"cannot open .*a.duckdb: no such file or directory\n  hint: create the",
        ),
        ({"path": "text.duckdb"}, r"text.duckdb is no DuckDB database\n  hint: correct the path"),
        (
            {"path": "new.duckdb", "read_only": True},
            r"there is no database .*new.duckdb, and read_only: true",
        ),
        ({"path": "open.duckdb", "read_only": True}, "the database is open in this process already"),
        (
            {"path": "new.duckdb", "settings": {"frobs": "1"}},
            "DuckDB has no setting 'frobs'\n  hint: correct",
        ),
        (
            {"path": "new.duckdb", "settings": {"access_mode": "read_only"}},
            "Cannot change access_mode setting while database is running .*\n  hint: take it out of settings",
        ),
        ({"path": "new.duckdb", "settings": {"a b": "1"}}, "target dev: 'a b' is no name for a setting"),
        (
            {"path": "new.duckdb", "extensions": ["x; y"]},
            "'x; y' is no name for an extension\n  hint: use letters",
        ),
        (
            {"path": "new.duckdb", "extensions": ["frob"]},
            "extension frob is not installed\n  hint: install the",
        ),
    ],
)
def test_connect_says_what_is_wrong_with_the_profile(
    profile_of: ProfileOf, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    (tmp_path / "text.duckdb").write_text("no database" * 1000, encoding="utf-8")
    with duckdb.connect(str(tmp_path / "open.duckdb")), pytest.raises(WarehouseError, match=message):
        connect(profile_of(**{**settings, "path": tmp_path / settings["path"]}))


def test_connect_lets_go_of_the_file_when_it_fails_halfway(profile_of: ProfileOf, tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with pytest.raises(WarehouseError, match="DuckDB has no setting 'frobs'") as caught:
        connect(profile_of(path, settings={"frobs": "1"}))
    connect(profile_of(path, read_only=True)).close()
    assert caught.value.hint


def test_a_setting_that_is_secret_is_masked(profile_of: ProfileOf) -> None:
    with pytest.raises(WarehouseError) as caught:
        connect(profile_of(settings={"threads": "tops3cret"}))
    assert "tops3cret" not in str(caught.value)
    with connect(profile_of(settings={"http_proxy_password": "tops3cret"})) as warehouse:
        with pytest.raises(WarehouseError, match="not found") as caught:
            warehouse.query("select 'tops3cret' as a, tops3cret")
        assert "tops3cret" not in str(caught.value)
        assert "***" in str(caught.value)


def test_masked_leaves_what_is_no_secret() -> None:
    assert masked("line 4 of 40", ["4", "true"]) == "line 4 of 40"


KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize("secret", [KEY, KEY.replace("\n", "\\n")], ids=["lines", "written out"])
@pytest.mark.parametrize(
    "told",
    [KEY, " ".join(KEY.split()), repr(KEY), "MIIEvQIBADANBgkqhkiG9w0BAQEF", "line 2: kqhkiG9w0BAQEF"],
    ids=["as it is", "in one line", "as Python writes it", "as a driver takes it", "its last line"],
)
def test_no_part_of_a_key_is_told(secret: str, told: str) -> None:
    found = masked(f"cannot read {told}", [secret])
    assert found.startswith("cannot read ")
    assert "MIIE" not in found
    assert "kqhk" not in found


def test_a_secret_that_begins_another_leaves_nothing_of_it() -> None:
    assert masked("no hunter2024", ["hunter", "hunter2024"]) == "no ***"


@pytest.mark.long
def test_a_full_disk_says_so_and_keeps_what_was_there(profile_of: ProfileOf, tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with connect(profile_of(path)) as warehouse:
        warehouse.execute("create table kept as select 1 as n")
    told = subprocess.run([sys.executable, "-c", FILL, str(path)], capture_output=True, text=True, check=True)
    assert told.stdout == (
        "target dev: no space is left for the database or its temporary files\n"
        "  hint: free some disk space; nothing half-written is kept, so the next run starts clean\n"
    )
    assert told.stderr == ""
    with connect(profile_of(path)) as warehouse:
        assert warehouse.query("select n from kept").values == [(1,)]
        assert not warehouse.table_exists("big")


def test_too_little_memory_says_so(profile_of: ProfileOf) -> None:
    with (
        connect(profile_of(settings={"memory_limit": "20MB", "max_temp_directory_size": "0GB"})) as warehouse,
        pytest.raises(WarehouseError) as caught,
    ):
        warehouse.query("select list(x) from (select uuid()::varchar as x from range(2000000))")
    assert "memory_limit" in caught.value.hint or "disk space" in caught.value.hint


def test_two_writers_of_one_row_get_an_error_and_the_first_stays(
    profile_of: ProfileOf, tmp_path: Path
) -> None:
    profile = profile_of(tmp_path / "a.duckdb")
    with connect(profile) as one, connect(profile) as two:
        one.execute("create table t as select 1 as n")
        two.execute("begin transaction")
        two.query("select n from t")
        one.execute("update t set n = 2")
        with pytest.raises(
            WarehouseError, match=r"another run changed the same rows .*\n  hint: nothing of this"
        ):
            two.execute("update t set n = 3")
        two.execute("rollback")
        assert two.query("select n from t").values == [(2,)]


TEXTS = [
    (
        'IO Error: Could not set lock on file "a.db": Resource busy',
        "the database a.db is in use by another process",
    ),
    (
        "Invalid Input Error: Required module 'pytz' failed to import: Traceback",
        "a moment with a zone is inside a",
    ),
    ("FATAL Error: Failed: database has been invalidated because of", "DuckDB has shut the database down"),
    ('IO Error: Cannot open file "/a.db": Permission denied', "cannot open /a.db: permission denied"),
    ('IO Error: Could not write file "a.db": No space left on device', "no space is left"),
    (
        "TransactionContext Error: Catalog write-write conflict on create with",
        "another run changed the same rows",
    ),
    (
        "Binder Error: Cannot compare values of type DATE and type BIGINT",
        "Cannot compare values of type DATE",
    ),
    ("HTTP Error: Unable to connect to URL", "Unable to connect to URL"),
]


@pytest.mark.parametrize(("text", "message"), TEXTS)
def test_translate_tells_what_is_hard_to_cause(text: str, message: str) -> None:
    kind = duckdb.HTTPException if text.startswith("HTTP") else duckdb.IOException
    error = translate(kind(text), where="target dev")
    assert str(error).startswith(f"target dev: {message}")
    assert error.hint
    assert "Traceback" not in str(error)


def test_every_rule_has_a_hint() -> None:
    assert all(rule.hint for rule in RULES)
