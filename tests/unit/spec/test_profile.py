"""profiles.yml: search, variables, outputs, secrets."""

from pathlib import Path
from typing import Any

import pytest

from steelyard.errors import SpecError
from steelyard.spec.env_var import render_env_vars
from steelyard.spec.outputs import OUTPUTS, ClickHouse, DuckDB, Postgres
from steelyard.spec.profile import find_profiles, load_profile
from steelyard.spec.project import Project

PROFILES = """\
shop:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: target/shop.duckdb
      threads: "{{ env_var('THREADS', '2') }}"
      settings:
        {memory_limit: 2GB, preserve_insertion_order: false, s3_key: "{{ env_var('K', 'k3y') }}"}
    prod:
      type: postgres
      host: "{{ env_var('PGHOST') }}"
      port: "{{ env_var('PGPORT', '5433') | as_number }}"
      user: engine
      pass: "{{ env_var('PGPASSWORD') }}"
      database: warehouse
      schema: experiments
"""
PROJECT = Project.model_validate({"name": "shop", "units": {"user": "user_id"}})
ENVIRON = {"PGHOST": "db.example", "PGPASSWORD": "hunter2"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "profiles.yml").write_text(PROFILES, encoding="utf-8")
    return tmp_path


def load(folder: Path, **options: Any) -> Any:
    return load_profile(PROJECT, folder, **{"environ": ENVIRON, **options})


def refusal(folder: Path, old: str = "", new: str = "", **options: Any) -> str:
    text = (folder / "profiles.yml").read_text(encoding="utf-8")
    assert old in text
    (folder / "profiles.yml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load(folder, **options)
    return str(caught.value)


def test_the_default_target_is_loaded_and_the_others_need_no_variables(folder: Path) -> None:
    profile = load(folder, environ={})
    assert isinstance(profile.output, DuckDB)
    assert (profile.name, profile.target, profile.target_schema) == ("shop", "dev", "steelyard")
    assert profile.output.path == str((folder / "target/shop.duckdb").resolve())
    assert profile.output.threads == 2
    assert profile.output.settings["preserve_insertion_order"].get_secret_value() == "false"


def test_another_target_takes_its_variables_from_the_environment(folder: Path) -> None:
    profile = load(folder, target="prod")
    output = profile.output
    assert isinstance(output, Postgres)
    assert (output.host, output.port, output.dbname) == ("db.example", 5433, "warehouse")
    assert output.password is not None
    assert output.password.get_secret_value() == "hunter2"
    assert profile.target_schema == "experiments"


@pytest.mark.parametrize("target", ["dev", "prod"])
def test_secrets_are_masked_wherever_they_are_printed(folder: Path, target: str) -> None:
    profile = load(folder, target=target)
    shown = f"{profile!r} {profile} {profile.model_dump()} {profile.model_dump_json()}"
    assert "hunter2" not in shown
    assert "k3y" not in shown
    assert "**********" in shown


def test_the_search_goes_from_the_named_folder_to_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folders = {name: tmp_path / name for name in ("option", "env", "project", "home/.steelyard")}
    for folder in folders.values():
        folder.mkdir(parents=True)
        (folder / "profiles.yml").write_text(PROFILES, encoding="utf-8")
    environ = {"STEELYARD_PROFILES_DIR": str(folders["env"])}
    project = folders["project"]
    assert find_profiles(project, folders["option"], environ).parent == folders["option"]
    assert find_profiles(project, None, environ).parent == folders["env"]
    assert find_profiles(project, None, {}).parent == project
    (project / "profiles.yml").unlink()
    assert find_profiles(project, None, {}).parent == folders["home/.steelyard"]


def test_a_named_folder_without_profiles_is_not_passed_over(folder: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load(folder, profiles_dir=folder / "elsewhere")
    assert caught.value.args[0] == f"no profiles.yml in {folder / 'elsewhere'}"
    with pytest.raises(SpecError, match=r"no profiles\.yml in /nowhere"):
        load(folder, environ={"STEELYARD_PROFILES_DIR": "/nowhere"})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("shop:\n", "shp:\n", "profiles.yml:1: no profile 'shop'\n  hint: did you mean 'shp'?"),
        (
            "target: dev",
            "target: dv",
            "profiles.yml:2: the profile 'shop' has no output 'dv'\n  hint: did you mean",
        ),
        (
            "  target: dev\n",
            "  traget: dev\n",
            "profiles.yml:2: unknown key 'traget' in 'shop'\n  hint: did you mean",
        ),
        ("  target: dev\n", "", "profiles.yml:1: the profile 'shop' has no output 'default'"),
        (
            "type: duckdb",
            "type: duckdv",
            "profiles.yml:5: unknown type of warehouse\n  hint: did you mean 'duckdb'?",
        ),
        (
            "      type: duckdb\n",
            "",
            "profiles.yml:4: the output 'dev' has no type\n  hint: one of duckdb, postgres",
        ),
        ("path: target", "pth: target", "profiles.yml:6: unknown key 'pth'\n  hint: did you mean 'path'?"),
        ("'2') }}", "'two') }}", "profiles.yml:7: threads: the value is not valid"),
        (
            "env_var('THREADS', '2')",
            "env_var(THREADS)",
            "profiles.yml:7: only env_var('NAME') or env_var('NAME',",
        ),
        (
            "target/shop.duckdb",
            "md:shop?motherduck_token=t0k",
            "profiles.yml:6: the path holds a token\n  hint: leave",
        ),
        ("{memory_limit: 2GB,", "{memory_limit: {a: b}, x: [", "profiles.yml:9: not valid YAML"),
    ],
    ids=lambda value: value[:30],
)
def test_a_wrong_profile_is_refused_with_its_line(folder: Path, old: str, new: str, message: str) -> None:
    assert refusal(folder, old, new).startswith(message)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "env_var('PGHOST')",
            "env_var('NOPE')",
            "profiles.yml:12: the environment variable NOPE is not set\n  hint: set",
        ),
        ("user: engine", "usr: engine", "profiles.yml:14: unknown key 'usr'\n  hint: did you mean 'user'?"),
        ("'5433'", "'port'", "profiles.yml:13: port: the value is not valid"),
        ("'5433'", "'70000'", "profiles.yml:13: port must be less than or equal to 65535"),
        ("schema: experiments", "password: again", "profiles.yml:15: pass and password are the same setting"),
        ("user: engine", "user: [engine]", "profiles.yml:14: user must be text"),
        ("schema: experiments", "schema: a b", "profiles.yml:17: schema: the value is not valid"),
    ],
    ids=lambda value: value[:30],
)
def test_a_wrong_output_is_refused_without_its_values(folder: Path, old: str, new: str, message: str) -> None:
    said = refusal(folder, old, new, target="prod")
    assert said.startswith(message)
    assert not any(value in said for value in ("hunter2", "70000", "engine", "again"))


def test_a_secret_in_the_wrong_place_does_not_reach_the_message(folder: Path) -> None:
    said = refusal(folder, "env_var('PGPORT', '5433')", "env_var('PGPASSWORD')", target="prod")
    assert said == "profiles.yml:13: port: the value is not valid"


def test_a_profile_without_outputs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "profiles.yml").write_text("shop:\n  target: dev\n", encoding="utf-8")
    with pytest.raises(
        SpecError, match=r"profiles\.yml:1: the profile 'shop' has no outputs\n  hint: add outputs"
    ):
        load(tmp_path)


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("plain", "plain"),
        ("{{ env_var('A') }}", "1"),
        ('{{env_var("A")}}-{{ env_var("B", "x y") }}', "1-x y"),
        ("{{ env_var('B', '') }}", ""),
        ("{{ env_var('A') | as_number }}", "1"),
    ],
    ids=str,
)
def test_env_var_is_replaced(text: str, rendered: str) -> None:
    assert render_env_vars(text, {"A": "1"}) == rendered


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ env_var('X') }}", "the environment variable X is not set"),
        ("{{ env_var('A') | upper }}", "only env_var"),
        ("{{ 1 + 1 }}", "only env_var"),
        ("{{ env_var('A'), env_var('A') }}", "only env_var"),
        ("{{ env_var('A b') }}", "'A b' is not the name of an environment variable"),
        ("{{ env_var('A')", "a Jinja expression that is not closed, or a block"),
        ("{% if x %}", "a Jinja expression that is not closed, or a block"),
    ],
    ids=str,
)
def test_other_jinja_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        render_env_vars(text, {"A": "1"})


MINIMAL = {
    "duckdb": {"path": ":memory:"},
    "postgres": {"host": "h", "user": "u", "dbname": "d"},
    "redshift": {"host": "h", "user": "u", "pass": "p", "dbname": "d"},
    "spark": {},
    "clickhouse": {},
    "snowflake": {"account": "a", "user": "u", "warehouse": "w", "database": "d"},
    "bigquery": {"project": "p", "dataset": "d"},
    "databricks": {"host": "h", "http_path": "p", "token": "t"},
    "trino": {"host": "h", "user": "u", "database": "c"},
}


TRINO = {"host": "h", "user": "u", "catalog": "c"}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_every_kind_of_warehouse_has_an_output(kind: str) -> None:
    output = OUTPUTS[kind].model_validate({"type": kind, **MINIMAL[kind]})
    assert output.model_dump(mode="json")["type"] == kind


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("spark", {"method": "thrift"}, "method thrift needs a host"),
        ("bigquery", {"project": "p", "method": "service-account"}, "method service-account needs a keyfile"),
        ("clickhouse", {"secure": "perhaps"}, "neither true nor false"),
        ("redshift", {"host": "h", "user": "u", "dbname": "d"}, "method database needs a password"),
        ("trino", {**TRINO, "method": "ldap"}, "method ldap needs a password"),
        ("trino", {**TRINO, "method": "jwt"}, "method jwt needs a jwt_token"),
        ("trino", {**TRINO, "method": "jwt", "jwt_token": "t"}, "jwt would send its secret unencrypted"),
        (
            "trino",
            {**TRINO, "method": "ldap", "password": "p", "http_scheme": "http"},
            "ldap would send its secret unencrypted",
        ),
    ],
)
def test_settings_that_belong_together_are_checked(kind: str, settings: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OUTPUTS[kind].model_validate({"type": kind, **settings})


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("threads: 0", "threads must be greater than or equal to 1"),
        ("threads: true", "threads: the value is not valid"),
        ("threads: 4", None),
        ("read_only: 'True'", None),
        ("read_only: maybe", "read_only: the value is not valid"),
        ("settings: [a]", "settings must be a mapping\n  hint: write keys and values: {key: value}"),
        ("extensions: httpfs", "extensions must be a list\n  hint: write it in brackets: [one, another]"),
    ],
)
def test_settings_are_typed(folder: Path, setting: str, message: str | None) -> None:
    text = f"shop:\n  outputs:\n    dev:\n      type: duckdb\n      path: x\n      {setting}\n"
    (folder / "profiles.yml").write_text(text, encoding="utf-8")
    if message is None:
        assert load(folder).output.model_dump()[setting.partition(":")[0]] in (4, True)
    else:
        assert refusal(folder) == f"profiles.yml:6: {message}"


def test_an_output_that_is_no_mapping_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="valid dictionary"):
        DuckDB.model_validate("x")


@pytest.mark.parametrize(("path", "kept"), [(":memory:", True), ("md:shop", True), ("x.duckdb", False)])
def test_only_paths_of_files_are_relative_to_the_project(folder: Path, path: str, kept: bool) -> None:
    text = (folder / "profiles.yml").read_text(encoding="utf-8").replace("target/shop.duckdb", repr(path))
    (folder / "profiles.yml").write_text(text, encoding="utf-8")
    found = load(folder).output.path
    assert found == (path if kept else str((folder / path).resolve()))


def test_chdb_paths_are_relative_to_the_project_too(folder: Path) -> None:
    text = "shop:\n  outputs:\n    only: {type: clickhouse, driver: chdb, path: data}\n"
    (folder / "profiles.yml").write_text(text, encoding="utf-8")
    profile = load(folder)
    assert isinstance(profile.output, ClickHouse)
    assert (profile.target, profile.output.path) == ("only", str((folder / "data").resolve()))
