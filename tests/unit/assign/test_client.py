"""The client keeps what it has, says how it is, logs once, and never raises unless it is asked to."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.support.ruleset_server import serving
from tests.support.rulesets import content, experiment, gate, rollout, setting

from steelyard.assign import AssignmentError, CallableWriter, Client, Exposure
from steelyard.assign.writing import seal
from steelyard.errors import SpecError
from steelyard.hashing import DEFAULT, scheme_named

HOLDBACK = {"unit": "user", "gates": [gate(9000, 10_000)], "salt": "held", "scheme": "sha256", "variants": []}
EXPERIMENTS = {
    "bar": setting("show_bar", False, True, salt="bar", targeting={"attribute": "country", "equals": "SG"}),
    "columns": setting("columns", 2, 3, salt="columns", holdbacks=["q3"]),
    "plain": experiment(salt="plain"),
    "sessions": setting("title", "Pay", "Pay now", salt="t", unit="session"),
}
OLD = seal(
    content(experiments=EXPERIMENTS, holdbacks={"q3": HOLDBACK}, rollouts={"wide": rollout({"ratio": 2})})
)
NEW = seal(content(experiments={"bar": EXPERIMENTS["bar"]}))
SINGAPORE = {"country": "SG"}


class Recorder:
    """Keeps exposures."""

    def __init__(self) -> None:
        self.exposures: list[Exposure] = []

    def writer(self) -> CallableWriter:
        return CallableWriter(self.exposures.append)


def make(source: Path | str, **changes: Any) -> Client:
    return Client(source, **{"app": "web", "app_version": "1.2.0", "poll_seconds": 0, **changes})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ruleset.json"
    path.write_bytes(OLD)
    return path


def user_in(position: int, salt: str, *, held: bool = False) -> str:
    """A user in a half of an experiment, and in the holdback or not."""
    place = scheme_named("sha256-60")
    for number in range(10_000):
        user = f"user_{number}"
        drawn, bucket = DEFAULT.scalar(salt, user), place.scalar("shop", user)
        assert drawn is not None
        assert bucket is not None
        if drawn // 5000 == position and (bucket >= 9000) == held:
            return user
    raise AssertionError(salt)


def test_values_are_decided_and_logged_when_they_are_used(file: Path) -> None:
    recorder, user = Recorder(), user_in(1, "bar")
    with make(file, writer=recorder.writer(), clock=lambda: 1775500000.5) as client:
        assert client.resolve("checkout.show_bar", unit=user, attributes=SINGAPORE).value is True
        assert recorder.exposures == []
        assert client.value("checkout.show_bar", False, unit=user, attributes=SINGAPORE) is True
        assert client.value("checkout.show_bar", False, unit=user, attributes=SINGAPORE) is True
        version = client.state.version
        assert client.state.exposures == 1
    (exposure,) = recorder.exposures
    found = exposure.to_json()
    assert len(found.pop("event_id")) == 32
    assert found == {
        "user_id": user,
        "unit": "user",
        "experiment_id": "bar",
        "variant": "treatment",
        "timestamp": "2026-04-06T18:26:40.500000+00:00",
        "client": "web",
        "app_version": "1.2.0",
        "ruleset_version": version,
        "bucket": DEFAULT.scalar("bar", user),
        "scheme": "sha256",
        "reason": "assigned",
    }


def test_units_outside_get_the_default_and_no_exposure(file: Path) -> None:
    recorder = Recorder()
    with make(file, writer=recorder.writer()) as client:
        assert client.value("checkout.show_bar", True, unit="user_1", attributes={"country": "MY"}) is False
        assert client.value("checkout.ratio", 9, unit="user_1") == 2
        assert client.value("checkout.steps", None, unit="user_1") == [1, 2]
    assert recorder.exposures == []


def test_a_variant_is_that_of_an_experiment_without_a_flag(file: Path) -> None:
    recorder = Recorder()
    with make(file, writer=recorder.writer()) as client:
        assert client.variant("plain", unit=user_in(0, "plain")) == "control"
        assert client.variant("plain", unit=user_in(1, "plain")) == "treatment"
        assert client.variant("nothing", unit="user_1") is None
    assert [exposure.variant for exposure in recorder.exposures] == ["control", "treatment"]


def test_a_holdback_is_logged_when_a_value_is_used_that_it_keeps_back(file: Path) -> None:
    recorder, user = Recorder(), user_in(1, "columns", held=True)
    with make(file, writer=recorder.writer()) as client:
        assert client.value("checkout.columns", 1, unit=user) == 2
    (exposure,) = recorder.exposures
    assert (exposure.experiment_id, exposure.variant, exposure.bucket, exposure.reason) == (
        "q3",
        "holdback",
        None,
        "holdback",
    )


def test_a_whole_flag_logs_every_experiment_that_sets_a_part_of_it(file: Path) -> None:
    recorder, user = Recorder(), user_in(1, "columns")
    with make(file, writer=recorder.writer()) as client:
        attributes = {**SINGAPORE, "session_id": user_in(1, "t")}
        value = client.value("checkout", {"extra": 1}, unit=user, attributes=attributes)
        assert value["columns"] == 3
        assert value["title"] == "Pay now"
        assert (value["ratio"], value["layout"], value["extra"]) == (2, {"wide": True}, 1)
    logged = {exposure.experiment_id: exposure for exposure in recorder.exposures}
    assert logged.keys() == {"bar", "columns", "sessions"}
    assert (logged["sessions"].user_id, logged["sessions"].unit) == (attributes["session_id"], "session")


def test_a_value_may_be_changed_without_changing_the_ruleset(file: Path) -> None:
    with make(file) as client:
        for key in ("checkout.layout", "checkout.steps", "checkout"):
            value = client.value(key, None, unit="user_1", attributes={"session_id": "s"})
            before = json.dumps(value)
            value.clear()
            assert (
                json.dumps(client.value(key, None, unit="user_1", attributes={"session_id": "s"})) == before
            )


def test_a_default_is_the_callers_own_each_time(file: Path) -> None:
    with make(file) as client:
        outside = user_in(0, "plain")
        assert (
            client.value("plain", "first", unit=outside)
            == client.value("plain", "second", unit=outside)
            == "control"
        )
    data = seal(content(experiments={"none": experiment(gates=[])}))
    file.write_bytes(data)
    with make(file) as client:
        assert [client.value("none", default, unit="user_1") for default in ("first", "second")] == [
            "first",
            "second",
        ]


CASES: list[tuple[str, Any, dict[str, Any], str, str]] = [
    ("nothing", "user_1", {}, "FLAG_NOT_FOUND", "there is no flag, property or experiment 'nothing'"),
    ("plain", None, {}, "TARGETING_KEY_MISSING", "the targeting key is missing, which 'plain' hashes"),
    ("checkout.columns", None, {}, "TARGETING_KEY_MISSING", "'columns' hashes"),
    ("checkout", None, {}, "TARGETING_KEY_MISSING", "hashes"),
    ("checkout.title", "user_1", {}, "TARGETING_KEY_MISSING", "the attribute 'session_id' is missing"),
    ("plain", 1.5, {}, "INVALID_CONTEXT", "a unit must be text or an integer"),
    ("plain", "\ud800", {}, "INVALID_CONTEXT", "is not valid unicode"),
    ("checkout.show_bar", "user_1", 3, "GENERAL", "AttributeError"),  # type: ignore[list-item]
]


@pytest.mark.parametrize(
    ("key", "unit", "attributes", "code", "message"), CASES, ids=[f"{one[0]}-{one[3]}" for one in CASES]
)
def test_what_goes_wrong_gives_the_default_and_the_reason(
    file: Path, *, key: str, unit: Any, attributes: Any, code: str, message: str
) -> None:
    with make(file) as client:
        assert client.value(key, "mine", unit=unit, attributes=attributes) == "mine"
        found = client.resolve(key, "mine", unit=unit, attributes=attributes)
    assert (found.value, found.reason, found.error) == ("mine", "ERROR", code)
    assert message in found.message
    with make(file, raises=True) as client, pytest.raises(AssignmentError, match=code):
        client.value(key, "mine", unit=unit, attributes=attributes)


def test_without_a_ruleset_there_are_defaults_and_the_reason(tmp_path: Path) -> None:
    with make(tmp_path / "none.json") as client:
        found = client.resolve("checkout.columns", 7, unit="user_1")
        assert (found.value, found.error) == (7, "PROVIDER_NOT_READY")
        assert "cannot read the ruleset: No such file" in found.message
        assert (client.state.status, client.state.version, client.state.age_seconds) == ("empty", "", None)
        assert client.evaluate_all(unit="user_1") == {}


@pytest.mark.parametrize(
    ("key", "expected", "value"),
    [
        ("checkout.columns", "number", 2.0),
        ("checkout.columns", "integer", 2),
        ("checkout.layout", "object", {"wide": True}),
        ("checkout.steps", "object", [1, 2]),
    ],
)
def test_a_value_is_of_the_type_asked_for(file: Path, key: str, expected: Any, value: Any) -> None:
    with make(file) as client:
        found = client.resolve(key, unit=user_in(0, "columns"), expected=expected)
    assert (found.value, type(found.value)) == (value, type(value))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("checkout.show_bar", "integer"),
        ("checkout.columns", "boolean"),
        ("checkout.ratio", "integer"),
        ("checkout.title", "object"),
        ("checkout", "string"),
        ("plain", "boolean"),
    ],
)
def test_another_type_is_a_mismatch(file: Path, key: str, expected: Any) -> None:
    with make(file) as client:
        found = client.resolve(key, "mine", unit="user_1", expected=expected)
    assert (found.value, found.error) == ("mine", "TYPE_MISMATCH")


def test_a_url_is_asked_only_for_what_is_new() -> None:
    with serving(OLD) as server, make(server.url) as client:
        first = client.state.version
        client.refresh()
        assert (server.answered, server.asked[0]) == ([200, 304], None)
        assert client.state.status == "ready"
        server.data, server.is_gzipped = NEW, True
        client.refresh()
        assert server.answered == [200, 304, 200]
        assert client.state.version != first
        assert client.variant("plain", unit="user_1") is None


@pytest.mark.parametrize(
    ("breaks", "message"),
    [
        (lambda server: setattr(server, "status", 503), "the server answered 503"),
        (lambda server: setattr(server, "data", OLD[:-5]), "not JSON"),
        (
            lambda server: setattr(server, "data", OLD.replace(b'"salt":"bar"', b'"salt":"baz"')),
            "not that of its version",
        ),
    ],
    ids=["status", "cut off", "edited"],
)
def test_the_last_good_ruleset_is_kept_and_the_state_is_stale(
    breaks: Callable[[Any], None], message: str
) -> None:
    user, changes = user_in(1, "plain"), []
    with serving(OLD) as server, make(server.url) as client:
        client.on_change(lambda change, why: changes.append(change))
        breaks(server)
        for failures in (1, 2):
            client.refresh()
            assert (client.state.status, client.state.failures) == ("stale", failures)
        assert message in client.state.error
        assert client.variant("plain", unit=user) == "treatment"
        server.status, server.data = 200, NEW
        client.refresh()
        assert (client.state.status, client.state.error) == ("ready", "")
        assert changes == ["stale", "ready", "changed"]


def test_a_client_starts_from_the_disk_where_the_source_is_away(tmp_path: Path) -> None:
    cache = tmp_path / "kept" / "ruleset.json"
    with serving(OLD) as server, make(server.url, cache=cache) as client:
        version = client.state.version
    assert cache.read_bytes() == OLD
    with make(server.url, cache=cache, timeout_seconds=0.5) as client:
        assert (client.state.status, client.state.version) == ("stale", version)
        assert "cannot be reached" in client.state.error
        assert client.variant("plain", unit=user_in(0, "plain")) == "control"


def test_a_cache_that_cannot_be_used_does_no_harm(tmp_path: Path, file: Path) -> None:
    cache = tmp_path / "cache.json"
    cache.write_text("{}")
    with make(file, cache=cache) as client:
        assert client.state.status == "ready"
    assert cache.read_bytes() == OLD
    with make(file, cache=file / "impossible") as client:
        assert client.state.status == "ready"
        assert "the ruleset was not kept on disk" in client.state.error
    cache.write_text("{}")
    with make(tmp_path / "none.json", cache=cache) as client:
        assert client.state.status == "empty"


def test_a_source_of_another_kind_is_refused() -> None:
    with pytest.raises(SpecError, match="is no source of rulesets"):
        make("s3://bucket/r.json")


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in 10 seconds"
        time.sleep(0.01)


def test_a_client_polls_by_itself_until_it_is_closed(file: Path) -> None:
    with make(file, poll_seconds=0.02) as client:
        first = client.state.version
        file.write_bytes(NEW)
        wait_until(lambda: client.state.version != first)
        thread = client._thread
        assert thread is not None
    assert not thread.is_alive()


def test_waits_are_spread_and_grow_with_failures(tmp_path: Path) -> None:
    with make(tmp_path / "none.json", poll_seconds=45.0) as client:
        waits = [client._wait_seconds() for _ in range(500)]
        assert 30.0 <= min(waits) < 33.0
        assert 57.0 < max(waits) <= 60.0
        for _ in range(2):
            client.refresh()
        assert 120.0 <= client._wait_seconds() <= 240.0
        for _ in range(10):
            client.refresh()
        assert 400.0 <= client._wait_seconds() <= 800.0


def test_a_writer_that_fails_is_counted_and_tried_again(file: Path) -> None:
    kept: list[Exposure] = []
    fails = [True]

    def write(exposure: Exposure) -> None:
        if fails[0]:
            raise ConnectionError("the log is away")
        kept.append(exposure)

    with make(file, writer=CallableWriter(write)) as client:
        assert client.variant("plain", unit="user_1") is not None
        assert (client.state.exposures, client.state.write_failures) == (0, 1)
        assert client.state.error == "ConnectionError: the log is away"
        fails[0] = False
        client.variant("plain", unit="user_1")
        client.variant("plain", unit="user_1")
        assert (client.state.exposures, len(kept)) == (1, 1)


def test_a_listener_that_fails_does_no_harm(file: Path) -> None:
    with make(file) as client:
        client.on_change(lambda change, why: 1 / 0)
        file.write_bytes(NEW)
        client.refresh()
        assert client.state.status == "ready"
        assert "ZeroDivisionError" in client.state.error


def test_what_is_remembered_is_bounded(file: Path) -> None:
    recorder = Recorder()
    with make(file, writer=recorder.writer(), most_remembered=10) as client:
        for _ in range(2):
            for number in range(20):
                client.variant("plain", unit=number)
        assert len(client._seen._keys) <= 10
    assert 20 < len(recorder.exposures) <= 40


def test_threads_log_each_unit_once(file: Path) -> None:
    recorder = Recorder()
    with make(file, writer=recorder.writer()) as client, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: client.variant("plain", unit=number % 50), range(2000)))
    assert len(recorder.exposures) == 50
    assert found[:50] * 40 == found


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_polls_and_logs_by_itself(file: Path, tmp_path: Path) -> None:
    log = tmp_path / "exposures.jsonl"
    code = f"""
import os, sys, time
from pathlib import Path
from steelyard.assign import Client, JsonLinesWriter
file = Path({str(file)!r})
client = Client(file, app="web", writer=JsonLinesWriter({str(log)!r}), poll_seconds=0.02)
client.variant("plain", unit="parent")
before = client.state.version
client._lock.acquire()
child = os.fork()
if child == 0:
    client.variant("plain", unit="child")
    client.variant("plain", unit="parent")
    file.write_bytes(Path({str(tmp_path / "new.json")!r}).read_bytes())
    deadline = time.monotonic() + 10
    while client.state.version == before and time.monotonic() < deadline:
        time.sleep(0.01)
    os._exit(0 if client.state.version != before else 1)
client._lock.release()
status = os.waitpid(child, 0)[1]
client.close()
sys.exit(os.waitstatus_to_exitcode(status))
"""
    (tmp_path / "new.json").write_bytes(NEW)
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (result.returncode, result.stderr) == (0, "")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert sorted(line["user_id"] for line in lines) == ["child", "parent"]


class Odd(dict[str, Any]):
    """Attributes that can be read once."""

    def get(self, key: str, default: Any = None) -> Any:
        if "read" in self:
            raise RuntimeError("read twice")
        self["read"] = True
        return "s1"


def test_attributes_that_raise_while_an_exposure_is_logged_do_no_harm(file: Path) -> None:
    recorder = Recorder()
    with make(file, writer=recorder.writer()) as client:
        assert client.value("checkout.title", "none", unit="user_1", attributes=Odd(country="SG")) in (
            "Pay",
            "Pay now",
        )
        assert "RuntimeError: read twice" in client.state.error
    assert recorder.exposures == []


def test_what_waits_is_written_when_the_process_ends(file: Path, tmp_path: Path) -> None:
    code = f"""
from steelyard.assign import Client
from steelyard.assign.table_writer import TableWriter
client = Client({str(file)!r}, app="web", writer=TableWriter("sqlite:///{tmp_path / "log.db"}"))
client.variant("plain", unit="user_1")
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    with closing(sqlite3.connect(tmp_path / "log.db")) as connection:
        assert connection.execute("select user_id from exposures").fetchall() == [("user_1",)]


HEAVY = (
    "duckdb",
    "scipy",
    "numpy",
    "sqlglot",
    "pydantic",
    "sqlalchemy",
    "yaml",
    "jinja2",
    "click",
    "openfeature",
    "urllib.request",
)
IMPORT = """
import sys
import steelyard.assign
print(*sorted(set({heavy!r}) & set(sys.modules)))
"""


def test_importing_the_client_brings_nothing_heavy() -> None:
    command = [sys.executable, "-c", IMPORT.format(heavy=HEAVY)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == []
