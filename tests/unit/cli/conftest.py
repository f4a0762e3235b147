"""A small project, seeded once and copied for each test."""

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from steelyard.cli.main import cli
from steelyard.run import scaffold


class Shop:
    """A project on disk, with its database beside it."""

    experiment = "experiments/one-page-checkout.yml"

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def database(self) -> Path:
        return self.root / "shop.duckdb"

    def steelyard(self, command: str, *arguments: str) -> Result:
        """Run a command in this process; a bug's exception is raised, not swallowed."""
        result = CliRunner().invoke(cli, [command, "--project-dir", str(self.root), *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def execute(self, *statements: str) -> None:
        with duckdb.connect(str(self.database)) as connection:
            for statement in statements:
                connection.execute(statement)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.database)) as connection:
            return connection.sql(sql).fetchall()

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of every result table; of runs, without when they ran and how long that took."""
        with duckdb.connect(str(self.database)) as connection:
            names = connection.sql(
                "select table_name from duckdb_tables() where schema_name = 'steelyard'"
                " and table_name not like 'state%' order by 1"
            ).fetchall()
            return {
                name: connection.sql(
                    f"select * {'exclude (started, ended, stage_seconds)' if name == 'runs' else ''} "
                    f"from steelyard.{name} order by all"
                ).fetchall()
                for (name,) in names
            }

    def results(self, metric: str, hypothesis: str = "superiority") -> dict[str, Any]:
        """Return the one row of results of a metric, everyone."""
        with duckdb.connect(str(self.database)) as connection:
            found = connection.execute(
                "select * from steelyard.results where metric = ? and hypothesis = ? and dimension = ''",
                [metric, hypothesis],
            )
            names = [column[0] for column in found.description]
            (row,) = found.fetchall()
        return dict(zip(names, row, strict=True))

    def health(self, check: str) -> tuple[str, str]:
        """Return the status and the detail of a check of everyone."""
        (row,) = self.rows(
            f"select status, detail from steelyard.health where check_name = '{check}' and dimension = ''"
        )
        return row[0], row[1]

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {name}"
        self.write(name, text.replace(old, new))

    def metric(self, sql: str, *, name: str = "m", **config: str) -> None:
        """Add a metric and make it the experiment's primary one; settings are written as they stand."""
        settings = "".join(f", {key}={value}" for key, value in {"direction": "'increase'", **config}.items())
        self.write(f"metrics/{name}.sql", f"{{{{ config(version=1{settings}) }}}}\n{sql}\n")
        self.change(self.experiment, "primary: {metric: orders_per_user, mde: 10%}", f"primary: {name}")

    def second_experiment(self, name: str = "other", *, primary: str = "orders_per_user") -> None:
        """Add an experiment on the units of the first, with rows of its own in the log."""
        self.write(
            f"experiments/{name}.yml",
            f"name: {name}\nhypothesis: It works.\nowner: others\nexposures: app\nstatus: running\n"
            "start: 2026-03-16\nend: 2026-04-05\nvariants: [control, treatment]\n"
            f"metrics: {{primary: {primary}}}\n"
            "duration: {target_sample_size_per_variant: 200}\n",
        )
        self.execute(
            f"insert into exposures select '{name}', user_id, variant, exposed_at, platform from exposures "
            "where experiment_id = 'one-page-checkout'"
        )


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as ``init`` writes it, with fewer users, seeded."""
    root = tmp_path_factory.mktemp("seeded") / "shop"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scaffold, "USERS", 400)
        list(scaffold.write_project(root))
    assert Shop(root).steelyard("seed").exit_code == 0
    return root


@pytest.fixture
def shop(seeded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    root = tmp_path / "shop"
    shutil.copytree(seeded, root)
    monkeypatch.chdir(root)
    return Shop(root)
