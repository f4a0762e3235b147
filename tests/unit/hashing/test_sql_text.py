"""SQL of every dialect as golden text, and what is refused."""

from dataclasses import replace
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from steelyard.errors import CompileError, SpecError
from steelyard.hashing import DEFAULT, SCHEMES, Assignment, BucketSet
from steelyard.hashing.hashes import Digest
from steelyard.hashing.reduce import Reduce
from steelyard.hashing.sql import (
    DIALECTS,
    bucket_sql,
    change_text,
    drop_ddl,
    udf_ddl,
    variant_ddl,
    variant_sql,
)
from steelyard.hashing.sql.digest import digest_bucket

GOLDEN = Path(__file__).parents[2] / "golden" / "hashing"
SALT = "it's \\ 実験"


SHORT = SCHEMES["sha256-60"]
ASSIGNMENTS = (
    Assignment(
        experiment="it's one",
        scheme=SHORT,
        salt="it's one",
        variants=("control", "it's \\"),
        cuts=(5000, 10_000),
    ),
    Assignment(
        experiment="two",
        scheme=DEFAULT,
        salt="salt",
        variants=("a", "b", "c"),
        cuts=(3334, 6667, 10_000),
        inside=(BucketSet(scheme=SHORT, salt="pool", buckets=100, members=(3, 1, 99)),),
        outside=(BucketSet(scheme=SHORT, salt="pool", buckets=100, members=range(10, 20)),),
    ),
)


def golden_text(dialect: str) -> str:
    """One scheme per paragraph: its expression, or why there is none; then the functions."""
    paragraphs = []
    for name, scheme in SCHEMES.items():
        salt = "467569525" if name.startswith("split") else SALT
        try:
            text = bucket_sql(scheme, dialect, salt, "user_id").sql(dialect)
        except CompileError as error:
            text = f"/* refused: {error.args[0]} */"
        paragraphs.append(f"-- {name}\n{text}\n")
    paragraphs.append(udf_ddl(DEFAULT, dialect, schema="steelyard") + ";\n")
    paragraphs.append(drop_ddl(dialect, schema="steelyard") + ";\n")
    paragraphs.append(variant_ddl(ASSIGNMENTS, dialect, schema="steelyard") + ";\n")
    paragraphs.append(drop_ddl(dialect, schema="steelyard", name="steelyard_variant") + ";\n")
    return "".join(paragraphs)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_hash_sql_is_golden(dialect: str, request: pytest.FixtureRequest) -> None:
    path, text = GOLDEN / f"{dialect}.sql", golden_text(dialect)
    if request.config.getoption("--update-golden", default=False):
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), "run pytest --update-golden and read the new file"
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", ["sha256", "sha256-60", "statsig", "eppo", "launchdarkly", "flagsmith"])
def test_sql_survives_another_pass_through_its_own_dialect(name: str, dialect: str) -> None:
    text = bucket_sql(SCHEMES[name], dialect, SALT, "user_id").sql(dialect)
    assert sqlglot.parse_one(text, read=dialect).sql(dialect) == text


def test_unknown_dialect_is_refused() -> None:
    with pytest.raises(CompileError, match="no hash SQL for dialect 'sqlite'"):
        bucket_sql(DEFAULT, "sqlite", "exp", "u")
    with pytest.raises(CompileError, match="no hash SQL for dialect 'sqlite'"):
        drop_ddl("sqlite")
    with pytest.raises(CompileError, match="no hash SQL for dialect 'sqlite'"):
        udf_ddl(DEFAULT, "sqlite")
    with pytest.raises(CompileError, match="no hash SQL for dialect 'sqlite'"):
        variant_ddl(ASSIGNMENTS, "sqlite")


def test_a_function_of_variants_needs_an_experiment_and_names_the_one_it_cannot_say() -> None:
    with pytest.raises(CompileError, match="no experiment assigns units"):
        variant_ddl((), "duckdb")
    murmur = replace(ASSIGNMENTS[0], experiment="vendor", scheme=SCHEMES["unleash"])
    with pytest.raises(CompileError, match=r"^experiment vendor: postgres has no SQL for unleash"):
        variant_ddl([*ASSIGNMENTS, murmur], "postgres")


def test_a_change_that_a_warehouse_cannot_say_is_refused() -> None:
    with pytest.raises(CompileError, match="postgres has no SQL for the change 'latin_1'"):
        change_text("postgres", "latin_1", exp.column("u"))


@pytest.mark.parametrize(
    "unit", ["1.5", "TRUE", "CAST(u AS DOUBLE)", "CAST(u AS BOOLEAN)", "CAST(u AS DECIMAL)"]
)
def test_unit_that_is_visibly_no_text_is_refused(unit: str) -> None:
    with pytest.raises(CompileError, match="is a float, a decimal or a boolean"):
        bucket_sql(DEFAULT, "duckdb", "exp", unit)


def test_unit_that_does_not_parse_is_refused() -> None:
    with pytest.raises(CompileError, match="'user id' is no duckdb expression"):
        bucket_sql(DEFAULT, "duckdb", "exp", "user id")


def test_salt_is_checked_in_sql_too() -> None:
    with pytest.raises(SpecError, match="is empty or holds ':'"):
        bucket_sql(DEFAULT, "duckdb", "a:b", "u")


@pytest.mark.parametrize("name", ["split", "devcycle"])
def test_scheme_with_a_seed_has_no_function_of_a_salt(name: str) -> None:
    with pytest.raises(CompileError, match=f"{name} needs its salt as text"):
        udf_ddl(SCHEMES[name], "duckdb")


@pytest.mark.parametrize(
    ("name", "dialect"), [("optimizely", "clickhouse"), ("growthbook-v2", "postgres"), ("flagd-v3", "spark")]
)
def test_warehouse_without_the_hash_refuses(name: str, dialect: str) -> None:
    with pytest.raises(CompileError, match=f"{dialect} has no SQL for {name}"):
        bucket_sql(SCHEMES[name], dialect, "exp", "u")


def test_reduction_that_no_digest_uses_is_refused() -> None:
    with pytest.raises(CompileError, match="has no SQL for 'number // 100' of a digest"):
        digest_bucket("duckdb", Digest("md5", 8), exp.column("k"), Reduce.QUOTIENT, 100)


def test_variants_and_cuts_must_match() -> None:
    with pytest.raises(SpecError, match="2 variants and 1 cuts"):
        variant_sql(exp.column("b"), ["a", "b"], (5000,))


def test_expression_keeps_its_place_inside_another() -> None:
    tree = exp.Mul(
        this=bucket_sql(SCHEMES["sha256-60"], "duckdb", "exp", "u"), expression=exp.Literal.number(2)
    )
    assert tree.sql("duckdb").endswith("% 10000) * 2")
