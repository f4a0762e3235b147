"""What is refused before a warehouse is there: no driver, no Java, another Spark, a folder that another holds."""

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from steelyard.errors import WarehouseError
from steelyard.spec.outputs import OUTPUTS, Spark
from steelyard.spec.profile import Profile
from steelyard.warehouse import spark_session
from steelyard.warehouse.registry import connect
from steelyard.warehouse.spark_session import start, warehouse_folder

SPARK = {"type": "spark", "path": "/data/lake"}


def profile_of(kind: str, **settings: Any) -> Profile:
    output = OUTPUTS[kind].model_validate({"type": kind, **settings})
    return Profile(name="shop", target="prod", output=output, target_schema="steelyard")


@pytest.mark.parametrize(
    ("profile", "module", "told"),
    [
        (
            profile_of("postgres", host="127.0.0.1", user="u", password="tops3cret", dbname="d", port=1),
            "psycopg",
            "psycopg is not installed\n  hint: pip install 'steelyard[postgres]'",
        ),
        (
            profile_of("clickhouse", driver="chdb", path="/nowhere"),
            "chdb.session",
            "chdb.session is not installed\n  hint: pip install 'steelyard[clickhouse]'",
        ),
        (
            profile_of(kind="spark", path="/nowhere"),
            "pyspark.sql",
            "pyspark is not installed\n  hint: pip install 'steelyard[spark]'",
        ),
    ],
)
def test_a_driver_that_is_missing_is_named_with_the_extra_that_installs_it(
    profile: Profile, module: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(WarehouseError) as raised:
        connect(profile)
    assert str(raised.value) == f"target prod: the driver {told}"


class Session:
    """A session as pyspark has it: settings, and sessions beside it."""

    def __init__(self, **settings: str) -> None:
        self.conf = self
        self.settings = settings

    def get(self, name: str) -> str:
        return self.settings[name]

    def set(self, name: str, value: str) -> None:
        self.settings[name] = value

    def newSession(self) -> "Session":  # noqa: N802
        return Session(**self.settings)


class Builder:
    """What starts a session, as pyspark has it."""

    def __init__(self, starts: Callable[[], Session]) -> None:
        self.given: dict[str, str] = {}
        self.getOrCreate = starts

    def master(self, url: str) -> "Builder":
        self.given["master"] = url
        return self

    def config(self, name: str, value: str) -> "Builder":
        self.given[name] = value
        return self


def run_spark(
    monkeypatch: pytest.MonkeyPatch, *, running: Session | None, starts: Callable[[], Session] = Session
) -> Builder:
    """Put a Spark of no Java in pyspark's place, and return what would start it."""
    builder = Builder(starts)
    modules = {
        "pyspark.sql": SimpleNamespace(
            SparkSession=SimpleNamespace(getActiveSession=lambda: running, builder=builder)
        ),
        "pyspark.logger": SimpleNamespace(PySparkLogger=logging),
    }
    monkeypatch.setattr(spark_session, "import_module", modules.__getitem__)
    return builder


def test_a_spark_with_another_warehouse_directory_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    output = Spark.model_validate(SPARK)
    run_spark(monkeypatch, running=Session(**{"spark.sql.warehouse.dir": "file:/other/tables"}))
    with pytest.raises(WarehouseError) as raised:
        start(output, where="target prod")
    assert str(raised.value) == (
        "target prod: Spark runs in this process with another warehouse directory, file:/other/tables\n"
        "  hint: stop that session first: one process runs one Spark"
    )


@pytest.mark.parametrize("path", ["/data/lake", None])
def test_a_spark_with_the_same_warehouse_directory_or_with_none_asked_for_is_joined(
    path: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = Spark.model_validate({**SPARK, "path": path})
    folder = warehouse_folder("/data/lake")
    running = Session(**{"spark.sql.warehouse.dir": f"file:{folder}"})
    run_spark(monkeypatch, running=running, starts=lambda: pytest.fail("it starts another one"))
    found = start(output, where="target prod")
    assert not found.is_own
    assert found.is_exclusive is (path is not None)
    # What a statement means is said in a session beside, so that the owner's means what it did.
    assert found.session.settings["spark.sql.session.timeZone"] == "UTC"
    assert "spark.sql.session.timeZone" not in running.settings


def test_a_spark_that_does_not_start_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail() -> Session:
        raise RuntimeError(
            "[JAVA_GATEWAY_EXITED] Java gateway process exited before sending its port number."
        )

    output = Spark.model_validate({**SPARK, "path": str(tmp_path)})
    builder = run_spark(monkeypatch, running=None, starts=fail)
    with pytest.raises(WarehouseError) as raised:
        start(output, where="target prod")
    assert str(raised.value).startswith("target prod: Java did not start\n  hint: install Java 17 or newer")
    assert builder.given["spark.sql.warehouse.dir"] == str(tmp_path / "tables")


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Path]:
    """A folder of ClickHouse that this process has open."""
    pytest.importorskip("chdb", reason="chdb is not installed")
    with connect(profile_of("clickhouse", driver="chdb", path=str(tmp_path / "held"))):
        yield tmp_path


def test_a_second_folder_of_clickhouse_in_one_process_is_refused(held: Path) -> None:
    told = r"target prod: this process has another ClickHouse database open\n  hint: close it first"
    with pytest.raises(WarehouseError, match=told):
        connect(profile_of("clickhouse", driver="chdb", path=str(held / "another")))
