"""After ``udf install`` plain SQL gives the buckets and variants that Python gives, on every warehouse."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner
from tests.support.engines import NAMES, Engines

from steelyard.assign.allocation.programmes import load_programmes
from steelyard.cli.main import cli
from steelyard.hashing import SCHEMES, Scheme, cuts_of, variant_of
from steelyard.run import Project

EVERYWHERE = pytest.mark.parametrize("engine", NAMES)
IDS = 100_000
# Spark computes the digests of three functions per id, and builds the plan of each for two executors, in minutes.
FEWER: Mapping[str, int] = {"spark": 5_000}
# NUL is left out because PostgreSQL cannot store it.
CHARACTERS = list("aZ09_-:' \\\"%\n\té你😀𝒳\u200b\u0301\xa0")
PROJECT = """\
name: functions
profile: functions
units: {user: user_id}
exposures:
  app: {unit: user, sql: 'select experiment_id, user_id, variant, exposed_at from exposures', timestamp: exposed_at}
programmes:
  pool: {unit: user, buckets: 1000}
"""
METRIC = (
    "{{ config(version=1, direction='increase') }}\nselect user_id, count(*) as n from exposures\n"
    "where exposed_at >= :start and exposed_at < :end group by user_id\n"
)
EXPERIMENTS = {
    "halves": "variants: [control, treatment]",
    "thirds": 'variants: {a: 33.33%, b: 33.33%, "it\'s c": 33.34%}\nsalt: other salt\nscheme: sha256-60',
    "pooled": "variants: {control: 10%, treatment: 90%}\nprogramme: pool",
}


def mixed_ids(count: int) -> list[str]:
    rng = np.random.default_rng(7)
    hexadecimal = [rng.bytes(16).hex() for _ in range(count // 3)]
    numeric = [str(number) for number in rng.integers(0, 10**12, count // 3)]
    lengths = rng.integers(1, 40, count - 2 * (count // 3))
    codes = rng.integers(0, len(CHARACTERS), int(lengths.sum()))
    ends = np.cumsum(lengths)
    texts = [
        "".join(CHARACTERS[k] for k in codes[end - n : end]) for end, n in zip(ends, lengths, strict=True)
    ]
    return [*hexadecimal, *numeric, *texts]


def steelyard(root: Path, *arguments: str) -> str:
    result = CliRunner().invoke(cli, [*arguments, "--project-dir", str(root)])
    assert result.exit_code == 0, result.output
    return result.stdout


def new_project(root: Path, output: dict[str, object]) -> Project:
    """Write a project with claims: a holdback of 10 % and an experiment on 40 % of a programme."""
    (root / "metrics").mkdir(parents=True)
    (root / "experiments").mkdir()
    (root / "steelyard.yml").write_text(PROJECT, encoding="utf-8")
    (root / "metrics" / "visits.sql").write_text(METRIC, encoding="utf-8")
    profile = {"functions": {"target": "t", "outputs": {"t": output}}}
    (root / "profiles.yml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    for name, more in EXPERIMENTS.items():
        text = f"name: {name}\nstart: 2026-03-01\nmetrics: [visits]\n{more}\n"
        (root / "experiments" / f"{name}.yml").write_text(text, encoding="utf-8")
    held = ("holdback", "nothing-new", "--programme", "pool", "--share", "10%", "--drop-exposed")
    steelyard(root, "allocation", *held, "--by", "tests")
    steelyard(root, "allocation", "start", "pooled", "--share", "40%", "--by", "tests")
    return Project.load(root)


def expected(scheme: Scheme, salt: str, shares: dict[str, int], unit: str) -> str | None:
    bucket = scheme.scalar(salt, unit)
    position = None if bucket is None else variant_of(bucket, cuts_of(list(shares.values()), scheme.buckets))
    return None if position is None else list(shares)[position]


@pytest.mark.long
@EVERYWHERE
def test_plain_sql_gives_the_buckets_and_variants_of_python(
    engine: str, engines: Engines, tmp_path: Path
) -> None:
    project = new_project(tmp_path, engines.new(engine))
    units = mixed_ids(FEWER.get(engine, IDS))
    pq.write_table(pa.table({"n": np.arange(len(units)), "user_id": units}), tmp_path / "users.parquet")
    steelyard(tmp_path, "udf", "install")
    schema = "" if engine == "clickhouse" else f"{project.profile().target_schema}."
    columns = [f"{schema}steelyard_bucket('any salt', user_id)"]
    columns += [f"{schema}steelyard_variant('{name}', user_id)" for name in EXPERIMENTS]
    with project.connect() as warehouse:
        warehouse.load_file("users", tmp_path / "users.parquet")
        rows = warehouse.query(f"select n, {', '.join(columns)} from users order by n").values
        assert warehouse.query(f"select {schema}steelyard_variant('unknown', 'u1')").values == [(None,)]
    assert len(rows) == len(units)
    ledger = load_programmes(project.files)["pool"].ledger
    assert ledger is not None
    full, short = SCHEMES["sha256"], SCHEMES["sha256-60"]
    for unit, (_, bucket, halves, thirds, pooled) in zip(units, rows, strict=True):
        owners = {tenure.owner for tenure in ledger.owners_at("", ledger.bucket("", unit) or 0)}
        is_held = "nothing-new" in owners
        assert bucket == full.scalar("any salt", unit)
        split = expected(full, "halves", {"control": 5000, "treatment": 5000}, unit)
        assert halves == (None if is_held else split)
        split = expected(short, "other salt", {"a": 3333, "b": 3333, "it's c": 3334}, unit)
        assert thirds == (None if is_held else split)
        split = expected(full, "pooled", {"control": 1000, "treatment": 9000}, unit)
        assert pooled == (split if "pooled" in owners else None)
    assert 0.38 < sum(row[4] is not None for row in rows) / len(rows) < 0.42
    assert 0.88 < sum(row[2] is not None for row in rows) / len(rows) < 0.92


@EVERYWHERE
def test_functions_go_as_they_came(engine: str, engines: Engines, tmp_path: Path) -> None:
    new_project(tmp_path, engines.new(engine))
    assert steelyard(tmp_path, "udf", "install").split() == ["steelyard_bucket", "steelyard_variant"]
    assert steelyard(tmp_path, "udf", "install").split() == ["steelyard_bucket", "steelyard_variant"]
    assert steelyard(tmp_path, "udf", "drop").split() == ["steelyard_bucket", "steelyard_variant"]
    assert steelyard(tmp_path, "udf", "drop").split() == ["steelyard_bucket", "steelyard_variant"]
    printed = steelyard(tmp_path, "udf", "ddl")
    assert printed.count("CREATE OR REPLACE") == 2


def test_a_scheme_that_is_no_sql_is_refused(engines: Engines, tmp_path: Path) -> None:
    root = tmp_path / "p"
    new_project(root, engines.new("duckdb"))
    arguments = ["udf", "ddl", "--dialect", "bigquery", "--scheme", "unleash", "--project-dir", str(root)]
    result = CliRunner().invoke(cli, arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "bigquery has no SQL for unleash" in result.stderr
