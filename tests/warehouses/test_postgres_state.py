"""Incremental runs on PostgreSQL: what they publish, what makes them begin anew, and what keeps them from state."""

import itertools
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.agreement import beyond, differences, read_published
from tests.support.engines import Engines

from steelyard.errors import WarehouseError
from steelyard.run import Project, RunOptions, debug_project, scaffold, seed_project
from steelyard.run.reuse import Reuse
from steelyard.spec.outputs import Postgres
from steelyard.spec.profile import Profile
from steelyard.warehouse.postgres import PostgresWarehouse
from steelyard.warehouse.registry import connect
from steelyard.warehouse.state import read_states, save_state

pytestmark = pytest.mark.long

NAME = "one-page-checkout"
APRIL = date(2026, 4, 1)
# Sums of state and sums of all days are of the same numbers in another order.
SAME = 1e-11
# PostgreSQL keeps 63 characters of a name, and the engine puts some before this one.
PLATFORM = f"Platform{'_of_the_device' * 3}"
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Shop:
    """A small project in a database of its own."""

    root: Path
    output: Mapping[str, Any]

    def __post_init__(self) -> None:
        profiles = {"shop": {"target": "prod", "outputs": {"prod": dict(self.output)}}}
        (self.root / "profiles.yml").write_text(yaml.safe_dump(profiles), encoding="utf-8")

    def copy(self, folder: Path) -> "Shop":
        """Return the same in another folder and another database."""
        shutil.copytree(self.root, folder)
        name = f"{self.output['dbname']}_{next(_NUMBERS)}"
        settings = Postgres.model_validate({**self.output, "dbname": "postgres"})
        profile = Profile(name="shop", target="server", output=settings, target_schema="steelyard")
        with connect(profile) as warehouse:
            warehouse.execute(f"create database {name} template {self.output['dbname']}")
        return Shop(folder, {**self.output, "dbname": name})

    def execute(self, *statements: str) -> None:
        with Project.load(self.root).connect() as warehouse:
            for statement in statements:
                warehouse.execute(statement)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with Project.load(self.root).connect() as warehouse:
            return warehouse.query(sql).values

    def run(self, as_of: date, **options: Any) -> Reuse:
        """Run as of a day; no experiment may fail."""
        result = Project.load(self.root).run(RunOptions(as_of=as_of, **options))
        assert result.failures == {}
        return result.reused[NAME]

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text
        (self.root / name).write_text(text.replace(old, new), encoding="utf-8")

    def requires_same_in_full(self, folder: Path, as_of: date) -> None:
        """Run the same day without state on a copy, and require that its tables say the same."""
        copy = self.copy(folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(PostgresWarehouse, "keeps_state", False)
            # Rows that are nearly the same would stay as they are.
            copy.execute("delete from steelyard.timeseries", "delete from steelyard.moments")
            copy.execute(f"delete from steelyard.results where as_of = '{as_of}'")
            assert copy.run(as_of).mode == "full"
        ours, theirs = (_published(one) for one in (self, copy))
        assert ours["moments"]
        assert beyond(differences(ours, theirs), SAME) == []


def _published(shop: Shop) -> dict[str, Any]:
    with Project.load(shop.root).connect() as warehouse:
        tables = dict(read_published(warehouse))
    tables["health"] = [row for row in tables["health"] if row["check_name"] != "data_late"]
    return tables


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, engines: Engines) -> Shop:
    """A shop with state that is closed through 30 March, its cap on record, on two runs."""
    root = tmp_path_factory.mktemp("prepared") / "shop"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scaffold, "USERS", 300)
        list(scaffold.write_project(root))
    shop = Shop(root, engines.new("postgres"))
    list(seed_project(Project.load(root)))
    assert str(shop.run(APRIL - timedelta(days=1))).startswith("rebuilt (there was no state)")
    assert shop.run(APRIL).reason == f"metric revenue_per_user@1 (7d) of {NAME} is new"
    return shop


@pytest.fixture
def kept(prepared: Shop, tmp_path: Path) -> Shop:
    return prepared.copy(tmp_path / "kept")


def test_a_range_of_days_says_what_a_full_run_of_its_last_day_says(kept: Shop, tmp_path: Path) -> None:
    # Units that were analysed are seen in their second variant while days are open, and after they are closed.
    kept.execute(
        "insert into exposures select experiment_id, user_id,"
        " case variant when 'control' then 'treatment' else 'control' end, '2026-04-02 12:00', platform"
        " from exposures where exposed_at < '2026-03-29' and user_id like '%7'"
    )
    for number in (1, 2, 3, 5):
        day = APRIL + timedelta(days=number)
        told = kept.run(day)
        assert (told.mode, told.closed_through) == ("incremental", day - timedelta(days=2))
        kept.requires_same_in_full(tmp_path / f"full_{number}", day)


def test_a_past_day_is_computed_in_full_and_leaves_the_state_alone(kept: Shop) -> None:
    told = kept.run(date(2026, 3, 25))
    assert (told.mode, told.reason) == ("full", "2026-03-25 is before 2026-03-30, the last closed day")
    assert kept.rows("select closed_through from steelyard.state") == [(date(2026, 3, 30),)]
    assert kept.run(APRIL + timedelta(days=1)).mode == "incremental"


def test_rows_later_than_their_contract_are_told_and_count_after_a_full_refresh(
    kept: Shop, tmp_path: Path
) -> None:
    again = "insert into orders select user_id, ordered_at, revenue from orders where ordered_at::date ="
    kept.execute(f"{again} '2026-03-31'")
    ((late,),) = kept.rows("select count(*) from orders where ordered_at::date = '2026-03-30'")
    kept.execute(f"{again} '2026-03-30'")
    day = APRIL + timedelta(days=1)
    kept.run(day)
    ((status, detail),) = kept.rows(
        "select status, detail from steelyard.health where check_name = 'data_late'"
    )
    assert status == "warn"
    assert f"facts orders: {late} rows came, of 2026-03-30 to 2026-03-30" in detail
    assert kept.run(day, full_refresh=True).reason == "a full refresh was asked for"
    assert kept.rows("select 1 from steelyard.health where check_name = 'data_late'") == []
    # The cap of the refresh is on record now.
    assert kept.run(day).mode == "rebuilt"
    assert kept.run(day + timedelta(days=1)).mode == "incremental"
    kept.requires_same_in_full(tmp_path / "full", day + timedelta(days=1))


def a_metric_is_added(shop: Shop) -> None:
    (shop.root / "metrics/best.sql").write_text(
        "{{ config(version=1, direction='increase') }}\nselect user_id, max(revenue) as best from orders\n"
        "where ordered_at >= :start and ordered_at < :end group by user_id\n",
        encoding="utf-8",
    )
    shop.edit(f"experiments/{NAME}.yml", "    - revenue_per_user\n", "    - revenue_per_user\n    - best\n")


def a_metric_has_a_new_version(shop: Shop) -> None:
    path = shop.root / "metrics/orders_per_user.sql"
    text = path.read_text(encoding="utf-8").replace("version=1", "version=2")
    path.with_name("orders_per_user@2.sql").write_text(
        text.replace("count(*)", "2 * count(*)"), encoding="utf-8"
    )


def a_window_is_longer(shop: Shop) -> None:
    shop.edit("steelyard.yml", "window: 7d", "window: 9d")


@pytest.mark.parametrize(
    ("change", "metric"),
    [
        (a_metric_is_added, "best@1 (7d)"),
        (a_metric_has_a_new_version, "orders_per_user@2 (7d)"),
        (a_window_is_longer, "orders_per_user@1 (9d)"),
    ],
)
def test_a_change_makes_the_state_anew_with_its_history_and_keeps_the_rows_of_an_old_version(
    kept: Shop, change: Callable[[Shop], None], metric: str
) -> None:
    name, version = metric.split(" ", maxsplit=1)[0].split("@")
    of_first = "metric = 'orders_per_user' and metric_version = 1"
    old = f"select * from steelyard.results where {of_first} order by as_of, variant, dimension, segment"
    before = kept.rows(old)
    change(kept)
    day = APRIL + timedelta(days=1)
    told = kept.run(day)
    assert told.mode == "rebuilt"
    assert f"metric {metric} of {NAME} is new" in told.reason
    of_metric = f"metric = '{name}' and metric_version = {version}"
    ((days,),) = kept.rows(f"select count(distinct as_of) from steelyard.moments where {of_metric}")
    assert days > 10
    assert before
    if version == "2":
        assert kept.rows(old) == before
    # The cap of a changed metric is on record only now.
    kept.run(day)
    assert kept.run(day + timedelta(days=1)).mode == "incremental"


def test_state_of_which_a_table_is_gone_is_made_anew(kept: Shop) -> None:
    ((block,),) = kept.rows("select block from steelyard.state")
    kept.execute(f'drop table steelyard."state_{block}_totals_1"')
    day = APRIL + timedelta(days=1)
    assert kept.run(day).reason == f"the table state_{block}_totals_1 is missing"
    kept.execute("drop table steelyard.state")
    assert str(kept.run(day)).startswith("rebuilt (there was no state)")
    assert kept.run(day + timedelta(days=1)).mode == "incremental"
    assert {
        name for (name,) in kept.rows("select tablename from pg_tables where tablename like 'state%'")
    } >= {"state"}


def test_state_that_another_run_has_changed_is_not_written(kept: Shop) -> None:
    with Project.load(kept.root).connect() as warehouse:
        (state,) = read_states(warehouse, "steelyard", "app")
        with pytest.raises(WarehouseError, match="another run has changed the state"):
            save_state(warehouse, "steelyard", state, [], before=None)


def test_a_role_that_may_not_make_tables_runs_in_full_and_debug_says_why(kept: Shop) -> None:
    role = f"reader_of_{kept.output['dbname']}"[:60]
    kept.execute(
        f'create role "{role}"',
        f'grant usage on schema public, steelyard to "{role}"',
        f'grant all on all tables in schema public, steelyard to "{role}"',
        f'grant temporary on database {kept.output["dbname"]} to "{role}"',
    )
    other = Shop(kept.root, {**kept.output, "role": role})
    found = {name: (is_fine, text) for name, is_fine, text in debug_project(Project.load(other.root))}
    assert found["privileges"][0]
    assert not found["state"][0]
    assert "every run will be a full one" in found["state"][1]
    assert "permission denied for schema steelyard\n  hint: grant it" in found["state"][1]
    # What is there can be changed, so the next run goes on; a state that is to be made anew cannot be.
    assert other.run(APRIL + timedelta(days=1)).mode == "incremental"
    told = other.run(APRIL + timedelta(days=1), full_refresh=True)
    assert told.mode == "full"
    assert "state was of no use: must be owner of table state_" in told.reason
    other.execute("reset role", f'grant create on schema steelyard to "{role}"')
    found = {name: (is_fine, text) for name, is_fine, text in debug_project(Project.load(other.root))}
    assert not found["state"][0]
    assert "belongs to another role" in found["state"][1]
    assert "alter table ... owner to" in found["state"][1]


def test_a_metric_that_the_warehouse_has_no_words_for_is_named(kept: Shop) -> None:
    kept.edit("metrics/orders_per_user.sql", "where", "where md5(user_id) <> '' and")
    result = Project.load(kept.root).run(RunOptions(as_of=APRIL + timedelta(days=1)))
    assert result.failures[NAME].startswith(
        "metrics/orders_per_user.sql: postgres has no translation of the function md5\n  hint: "
    )


def test_tables_that_are_found_elsewhere_make_the_state_anew(kept: Shop, tmp_path: Path) -> None:
    kept.execute(
        "create schema other",
        "create table other.orders as select user_id, ordered_at, revenue * 2 as revenue from orders",
        "create table other.exposures as select * from exposures",
    )
    other = Shop(kept.root, {**kept.output, "search_path": "other"})
    told = other.run(APRIL + timedelta(days=1))
    assert (told.mode, told.reason) == ("rebuilt", "the search path of tables has changed")
    other.requires_same_in_full(tmp_path / "full", APRIL + timedelta(days=1))
    assert other.run(APRIL + timedelta(days=2)).mode == "incremental"


def test_debug_says_which_metric_a_role_may_not_read(kept: Shop) -> None:
    role = f"reader_of_{kept.output['dbname']}"[:60]
    kept.execute(
        f'create role "{role}"',
        f'grant usage on schema public, steelyard to "{role}"',
        f'grant all on all tables in schema steelyard to "{role}"',
        f'grant select on exposures to "{role}"',
    )
    project = Project.load(Shop(kept.root, {**kept.output, "role": role}).root)
    found = {name: (is_fine, text) for name, is_fine, text in debug_project(project)}
    is_fine, text = found["metrics"]
    assert not is_fine
    assert re.match(r"metrics/\w+\.sql: permission denied for table orders\n  hint: grant it", text), text
    assert found["exposures"][0]
    kept.execute("reset role", f'grant select on orders to "{role}"')
    found = {name: (is_fine, text) for name, is_fine, text in debug_project(project)}
    assert found["metrics"] == (True, "the tables of 3 metrics of 1 experiments can be read")


def test_names_in_capitals_are_read_as_they_are_written_in_quotes(kept: Shop, tmp_path: Path) -> None:
    """PostgreSQL folds names without quotes; those of the log, of a dimension and of a metric's key keep theirs."""
    kept.execute(
        'alter table exposures rename user_id to "UserId"',
        'alter table exposures rename exposed_at to "At"',
        f'alter table exposures rename platform to "{PLATFORM}"',
        'alter table orders rename user_id to "UserId"',
    )
    settings = yaml.safe_load((kept.root / "steelyard.yml").read_text(encoding="utf-8"))
    settings["units"]["user"] = "UserId"
    settings["exposures"]["app"] |= {
        "sql": f'select experiment_id, "UserId", variant, "At", "{PLATFORM}" from exposures',
        "timestamp": "At",
        "dimensions": [PLATFORM],
    }
    (kept.root / "steelyard.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    for path in (kept.root / "metrics").glob("*.sql"):
        path.write_text(path.read_text(encoding="utf-8").replace("user_id", '"UserId"'), encoding="utf-8")
    (kept.root / "metrics/days_between.sql").write_text(
        "{{ config(version=1, direction='decrease', fill=0) }}\n"
        'select "UserId", avg(gap) as "Gap" from (\n'
        '  select "UserId", revenue - lag(revenue) over (partition by "UserId" order by ordered_at) as gap\n'
        "  from orders where ordered_at >= :start and ordered_at < :end\n"
        ') as gaps group by "UserId"\n',
        encoding="utf-8",
    )
    path = kept.root / f"experiments/{NAME}.yml"
    spec = path.read_text(encoding="utf-8").replace("[platform]", f"[{PLATFORM}]")
    path.write_text(
        spec.replace("    - revenue_per_user\n", "    - revenue_per_user\n    - days_between\n"),
        encoding="utf-8",
    )
    assert kept.run(APRIL + timedelta(days=1)).mode == "rebuilt"
    assert kept.run(APRIL + timedelta(days=2)).mode == "incremental"
    kept.requires_same_in_full(tmp_path / "full", APRIL + timedelta(days=2))
    found = kept.rows("select metric, dimension, min(n_control) from steelyard.results group by 1, 2")
    assert {row[:2] for row in found} >= {("days_between", ""), ("orders_per_user", PLATFORM)}
    assert all(row[2] > 0 for row in found)
