"""docs/warehouses.md says what is so: outputs that parse, extras that exist, grants that suffice on a real server."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.drivers.played import PLAYED
from tests.support.engines import ENGINES, Engines

from steelyard.dialects.registry import DIALECTS
from steelyard.errors import WarehouseError
from steelyard.run import Project, debug_project, scaffold, seed_project
from steelyard.spec.env_var import render_env_vars
from steelyard.spec.outputs import OUTPUTS
from steelyard.warehouse.registry import WAREHOUSES

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "warehouses.md"
TABLE = re.compile(r"(<!-- table -->\n)((?:\n?\|[^\n]*\n)*)")
OUTPUT = re.compile(r"<!-- output -->\n```yaml\n(.*?)```\n", re.DOTALL)
TITLES = {
    "duckdb": "DuckDB",
    "postgres": "PostgreSQL",
    "spark": "Spark",
    "clickhouse": "ClickHouse",
    "snowflake": "Snowflake",
    "bigquery": "BigQuery",
    "databricks": "Databricks",
    "redshift": "Redshift",
    "trino": "Trino",
}
ENVIRON = {
    "STEELYARD_PASSWORD": "p",
    "STEELYARD_PASSPHRASE": "p",
    "DATABRICKS_TOKEN": "t",
    "TRINO_TOKEN": "t",
}


def read() -> str:
    return PAGE.read_text(encoding="utf-8")


def extras() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras: dict[str, Any] = project["optional-dependencies"]
    return extras


def sections() -> dict[str, str]:
    """Return the text of each section of the page by its title."""
    parts = re.split(r"^## (.+)\n", read(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def row(kind: str) -> str:
    """Return a warehouse's line of the table: what the registry, the tests' engines and the class say."""
    title = f"[{TITLES[kind]}](#{TITLES[kind].lower()})"
    tested = {engine.name for engine in ENGINES}
    opened = WAREHOUSES[kind]
    shown = "yes" if kind in tested else "against a fake driver"
    extra = f"`{kind}`" if kind in extras() else "none needed"
    state = "kept" if opened.__self__.keeps_state else "every run is a full one"  # type: ignore[attr-defined]
    return f"| {title} | `{kind}` | {extra} | {shown} | {state} |"


def test_the_table_of_the_docs_says_what_runs_where(update_golden: bool) -> None:
    head = (
        "| warehouse | `type` | extra | run by every `make test` | incremental state |\n"
        "|---|---|---|---|---|\n"
    )
    table = "\n" + head + "\n".join(map(row, OUTPUTS)) + "\n"
    if update_golden:
        PAGE.write_text(TABLE.sub(lambda match: match[1] + table, read()), encoding="utf-8")
    assert f"<!-- table -->\n{table}\n" in read(), "pytest tests/test_warehouses_page.py --update-golden"


def test_every_warehouse_has_a_section_and_a_dialect() -> None:
    assert set(TITLES) == set(OUTPUTS) == set(DIALECTS)
    assert set(sections()) == {"What warehouses read differently", "What costs", *TITLES.values()}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_the_block_of_a_warehouse_is_an_output(kind: str) -> None:
    (text,) = OUTPUT.findall(sections()[TITLES[kind]])
    ((name, settings),) = yaml.safe_load(render_env_vars(text, ENVIRON)).items()
    assert name in ("dev", "prod", "lake")
    output = OUTPUTS[kind].model_validate(settings)
    assert (settings["type"], output.target_schema) == (kind, "steelyard")


@pytest.mark.parametrize("kind", OUTPUTS)
def test_a_section_says_grants_publishing_and_what_was_never_run(kind: str) -> None:
    section = sections()[TITLES[kind]]
    assert "* **Grants**: " in section
    assert "* **Publishing**: " in section
    is_played = kind in {played.name for played in PLAYED}
    assert ("Run against a fake of " in section) is is_played
    assert is_played is (kind not in {engine.name for engine in ENGINES})


def test_extras_that_the_page_names_exist_and_every_driver_has_one() -> None:
    named = set(re.findall(r"steelyard\[(\w+)\]", read()))
    assert named <= set(extras())
    assert set(OUTPUTS) - set(extras()) == {"duckdb"}


@pytest.mark.long
def test_the_grants_of_postgres_are_enough_for_a_run_and_give_no_more(
    tmp_path: Path, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    administrator = engines.new("postgres")
    role = {**administrator, "user": f"engine_of_{administrator['dbname']}", "password": "let me in"}
    monkeypatch.setattr(scaffold, "USERS", 300)
    list(scaffold.write_project(tmp_path))
    outputs = {"admin": administrator, "engine": role}
    profiles = {"shop": {"target": "engine", "outputs": outputs}}
    (tmp_path / "profiles.yml").write_text(yaml.safe_dump(profiles), encoding="utf-8")
    list(seed_project(Project.load(tmp_path, target="admin")))
    (grants,) = re.findall(r"<!-- grants: postgres -->\n```sql\n(.*?)```\n", read(), re.DOTALL)
    grants = re.sub(r"\b(to|authorization) steelyard\b", rf"\1 {role['user']}", grants)
    with Project.load(tmp_path, target="admin").connect() as warehouse:
        warehouse.execute(f"revoke all on database {role['dbname']} from public")
        warehouse.execute(f"create role {role['user']} login password 'let me in'")
        for statement in grants.replace("storefront", role["dbname"]).split(";\n")[:-1]:
            warehouse.execute(statement)
    project = Project.load(tmp_path)
    assert [(name, found) for name, is_fine, found in debug_project(project) if not is_fine] == []
    assert project.run().status == "success"
    with project.connect() as warehouse:
        for statement in ("create table public.mine (n int)", "delete from orders", "create schema other"):
            with pytest.raises(WarehouseError, match=r"denied[^$]*hint: grant it: docs/warehouses.md lists"):
                warehouse.execute(statement)
