"""Incremental runs where no transaction spans several tables: state is written beside the old one, and pointed to."""

import csv
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.agreement import Published, beyond, differences, read_published
from tests.support.engines import Engines, Output

from steelyard.compile import state_copies
from steelyard.errors import WarehouseError
from steelyard.run import Project, RunOptions, debug_project, scaffold, seed_project
from steelyard.run.reuse import Reuse
from steelyard.warehouse import state as stored_state
from steelyard.warehouse.duckdb_warehouse import DuckDBWarehouse
from steelyard.warehouse.state import read_states

pytestmark = pytest.mark.long

NAME = "one-page-checkout"
MARCH = date(2026, 3, 24)
SAME = 1e-9
COMPARED = ("results", "timeseries", "moments", "decisions", "health")


class Shop:
    """A small project on a warehouse of its own.

    Args:
        root: Its folder, made here.
        output: Where its warehouse is.
    """

    def __init__(self, root: Path, output: Output) -> None:
        self.root, self.schema = root, output["schema"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scaffold, "USERS", 300)
            list(scaffold.write_project(root))
        profiles = {"shop": {"target": "prod", "outputs": {"prod": dict(output)}}}
        (root / "profiles.yml").write_text(yaml.safe_dump(profiles), encoding="utf-8")

    def arrive(self, day: date) -> None:
        """Load what has come by the end of a day; from the 24th on every tenth unit is seen in its second variant."""
        texts = [path.read_text(encoding="utf-8") for path in self._files()]
        whole = [list(csv.reader(text.splitlines())) for text in texts]
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.root)
            for path, (header, *rows) in zip(self._files(), whole, strict=True):
                at = header.index("exposed_at" if "exposed_at" in header else "ordered_at")
                if "variant" in header:
                    rows += [_elsewhere(row) for row in rows if row[1].endswith("7")]
                come = [row for row in rows if row[at] < str(day + timedelta(days=1))]
                _write(path, [header, *come])
            try:
                list(seed_project(Project.load(self.root)))
            finally:
                for path, rows in zip(self._files(), whole, strict=True):
                    _write(path, rows)

    def _files(self) -> list[Path]:
        return sorted((self.root / "fixtures").glob("*.csv"))

    def remove_caps(self) -> None:
        """Cap no metric at a percentile, so that the second run need not begin anew."""
        path = self.root / "metrics" / "revenue_per_user.sql"
        text = path.read_text(encoding="utf-8")
        assert ", winsorize={'upper': '99%'}" in text
        path.write_text(text.replace(", winsorize={'upper': '99%'}", ""), encoding="utf-8")

    def run(self, as_of: date) -> Reuse:
        """Run as of a day on what has come by then; no experiment may fail."""
        self.arrive(as_of)
        result = Project.load(self.root).run(RunOptions(as_of=as_of))
        assert result.failures == {}
        return result.reused[NAME]

    def published(self) -> Published:
        with Project.load(self.root).connect() as warehouse:
            tables = dict(read_published(warehouse, self.schema))
        tables["health"] = [row for row in tables["health"] if row["check_name"] != "data_late"]
        return tables

    def named(self) -> set[str]:
        """Return the tables that the state names."""
        with Project.load(self.root).connect() as warehouse:
            (found,) = read_states(warehouse, self.schema, "app")
        return set(found.tables)

    def present(self) -> set[str]:
        """Return the tables of states that there are."""
        with Project.load(self.root).connect() as warehouse:
            return {name for name in warehouse.table_names(self.schema) if name.startswith("state_")}


def _elsewhere(row: list[str]) -> list[str]:
    other = {"control": "treatment", "treatment": "control"}[row[2]]
    day = max(date.fromisoformat(row[3][:10]), MARCH) + timedelta(days=1)
    return [*row[:2], other, f"{day} 12:00:00", *row[4:]]


def _write(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop on a DuckDB that changes no two tables together."""
    monkeypatch.setattr(DuckDBWarehouse, "changes_tables_together", False)
    return Shop(tmp_path / "copied", duckdb_at(tmp_path / "copied.duckdb"))


def duckdb_at(path: Path) -> Output:
    return {"type": "duckdb", "path": str(path), "schema": "steelyard"}


def in_full(folder: Path, first: date, last: date, *, has_caps: bool = True) -> Published:
    """Return what full runs on DuckDB publish of two days: the first one computes the caps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DuckDBWarehouse, "keeps_state", False)
        shop = Shop(folder / "full", duckdb_at(folder / "full.duckdb"))
        if not has_caps:
            shop.remove_caps()
        assert {shop.run(first).mode, shop.run(last).mode} == {"full"}
        return shop.published()


def require_same(ours: Published, theirs: Published, day: date) -> None:
    """Fail unless two warehouses have published the same of a day."""
    left, right = ({name: _of(rows, name, day) for name, rows in tables.items()} for tables in (ours, theirs))
    assert all(left[name] for name in COMPARED)
    assert beyond(differences(left, right), SAME) == []


def _of(rows: Any, name: str, day: date) -> list[Any]:
    return [row for row in rows if row["as_of"] == day] if name in COMPARED else []


@pytest.mark.parametrize(
    ("engine", "numbers", "modes"),
    [
        ("clickhouse", (0, 1, 2, 4), ["rebuilt", "rebuilt", "incremental", "incremental"]),
        ("spark", (0, 2), ["rebuilt", "incremental"]),
    ],
)
def test_runs_that_continue_say_what_full_runs_on_duckdb_say(
    engine: str, numbers: tuple[int, ...], modes: list[str], engines: Engines, tmp_path: Path
) -> None:
    shop = Shop(tmp_path / engine, {**engines.new(engine), "incremental": True})
    has_caps = "rebuilt" in modes[1:]
    if not has_caps:
        shop.remove_caps()
    days = [MARCH + timedelta(days=number) for number in numbers]
    assert [shop.run(day).mode for day in days] == modes
    expected = in_full(tmp_path, days[0], days[-1], has_caps=has_caps)
    require_same(shop.published(), expected, days[-1])
    # What the last state stood in is dropped by the next run, and no other table stands about.
    assert shop.named() <= shop.present()
    checks = [one for one in debug_project(Project.load(shop.root)) if one[0] == "state"]
    assert checks == [("state", True, f"incremental runs can keep theirs in {shop.schema}")]


def test_copies_of_days_are_joined_once_they_are_many(
    copied: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_copies, "MOST_COPIES", 2)
    days = [MARCH + timedelta(days=number) for number in range(7)]
    modes = [copied.run(day).mode for day in days]
    assert modes == ["rebuilt", "rebuilt", *["incremental"] * 5]
    histories = [name for name in copied.named() if "_days_" in name]
    assert len(histories) <= 2
    require_same(copied.published(), in_full(tmp_path, days[0], days[-1]), days[-1])


def test_tables_that_no_state_names_are_dropped_by_the_run_after_the_next(copied: Shop) -> None:
    for number in range(3):
        copied.run(MARCH + timedelta(days=number))
    before = copied.named()
    (block,) = {name.split("_")[1] for name in before}
    # Of a state that another one took the place of, made long ago and just now; of this one; and what is no copy.
    gone, young = (f"state_0123456789ab_units_{moment:013x}" for moment in (1, time.time_ns() // 1000))
    with Project.load(copied.root).connect() as warehouse:
        for name in (gone, young, f"state_{block}_units_1a", "state_of_mine"):
            warehouse.execute(f"create table steelyard.{name} as select 1 as left_by_a_killed_run")
    copied.run(MARCH + timedelta(days=3))
    assert copied.present() == {*before, *copied.named(), young, "state_of_mine"}
    # A state on record keeps its tables, however old they are.
    with Project.load(copied.root).connect() as warehouse:
        warehouse.execute(f"create table steelyard.{gone} as select 1 as n")
        warehouse.execute(
            "insert into steelyard.state select * replace ('0123456789ab' as block, 'other' as exposures)"
            " from steelyard.state"
        )
    copied.run(MARCH + timedelta(days=4))
    assert gone in copied.present()
    assert not copied.present() & (before - copied.named())


@pytest.mark.parametrize("at", ["a table", "the row"])
def test_a_state_that_cannot_be_saved_leaves_the_one_before(
    at: str, copied: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        copied.run(MARCH + timedelta(days=number))
    named, present = copied.named(), copied.present()
    made: list[str] = []

    def fail(*arguments: Any, **keywords: Any) -> None:
        raise WarehouseError("the disk is full")

    def fail_third(make: Callable[..., None]) -> Callable[..., None]:
        def wrapped(warehouse: Any, schema: str, change: Any) -> None:
            made.append(change.table)
            if len(made) == 3:
                fail()
            make(warehouse, schema, change)

        return wrapped

    with monkeypatch.context() as patch:
        if at == "the row":
            patch.setattr(stored_state, "_write_row", fail)
        else:
            patch.setattr(stored_state, "_make", fail_third(stored_state._make))
        told = copied.run(MARCH + timedelta(days=3))
    assert (told.mode, told.reason) == ("full", "state was of no use: the disk is full")
    assert (copied.named(), copied.present()) == (named, present)
    assert copied.run(MARCH + timedelta(days=4)).mode == "incremental"
