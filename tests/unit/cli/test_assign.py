"""The command ``assign``: units, files and queries get the buckets that the hash gives; the rest is refused."""

import csv
import io
import json
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from steelyard.cli.main import cli
from steelyard.hashing import DEFAULT
from steelyard.run import Project
from steelyard.run.assigning import Source, write_file

EXPERIMENT = "name: {name}\nstart: 2026-03-01\nvariants: [control, treatment]\nmetrics: [visits]\n{more}\n"
FILES = {
    "steelyard.yml": "name: p\nprofile: p\nunits: {user: user_id}\nprogrammes: {pool: {unit: user}}\n"
    "exposures: {app: {unit: user, sql: select 1 from exposures, timestamp: at}}\n",
    "profiles.yml": "p: {target: t, outputs: {t: {type: duckdb, path: p.duckdb}}}\n",
    "metrics/visits.sql": "{{ config(version=1, direction='increase') }}\nselect user_id, count(*) as n\n"
    "from visits where at >= :start and at < :end group by user_id\n",
    "experiments/exp.yml": EXPERIMENT.format(name="exp", more=""),
    "experiments/aimed.yml": EXPERIMENT.format(
        name="aimed", more="targeting: {country: [SG], age: [18, 19]}"
    ),
    "experiments/pooled.yml": EXPERIMENT.format(name="pooled", more="programme: pool"),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    claim = ["allocation", "start", "pooled", "--share", "20%", "--by", "tests"]
    result = CliRunner().invoke(cli, [*claim, "--project-dir", str(tmp_path)])
    assert result.exit_code == 0, result.output
    return tmp_path


def assign(root: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(cli, ["assign", *arguments, "--project-dir", str(root)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def answers(root: Path, *arguments: str) -> list[dict[str, Any]]:
    result = assign(root, *arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def expected(unit: str | None, salt: str = "exp") -> dict[str, Any]:
    bucket = DEFAULT.scalar(salt, unit)
    if bucket is None:
        return {"unit": unit, "bucket": None, "variant": None, "reason": "no_unit"}
    variant = "control" if bucket < 5000 else "treatment"
    return {"unit": unit, "bucket": bucket, "variant": variant, "reason": "assigned"}


UNITS = ["user_1", "007", "7", "", " x ", "né", "😀", "a,b", 'q"q', "line\nbreak", "NULL", "nan"]


def test_units_of_the_command_line_are_assigned(root: Path) -> None:
    assert answers(root, "exp", *UNITS) == [expected(unit) for unit in UNITS]
    text = assign(root, "exp", "user_1").stdout.splitlines()
    assert [line.split() for line in text] == [
        ["unit", "bucket", "variant", "reason"],
        ["------", "------", "-------", "--------"],
        ["user_1", str(DEFAULT.scalar("exp", "user_1")), expected("user_1")["variant"], "assigned"],
    ]


def test_a_csv_file_keeps_its_texts_as_they_are(root: Path) -> None:
    with (root / "users.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["other", "user_id"], *(["1.5", unit] for unit in UNITS)])
    assert answers(root, "exp", "--file", str(root / "users.csv")) == [expected(unit) for unit in UNITS]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())], ids=str
)
def test_a_parquet_file_of_text_is_assigned(root: Path, kind: pa.DataType) -> None:
    table = pa.table({"id": pa.array([*UNITS, None], pa.string()).cast(kind)})
    pq.write_table(table, root / "users.parquet")
    found = answers(root, "exp", "--file", str(root / "users.parquet"), "--column", "id")
    assert found == [expected(unit) for unit in [*UNITS, None]]


def test_integers_are_hashed_as_text_and_stay_integers(root: Path) -> None:
    pq.write_table(pa.table({"user_id": pa.array([7, -1, None], pa.int64())}), root / "users.parquet")
    found = answers(root, "exp", "--file", str(root / "users.parquet"))
    assert found == [{**expected(None if n is None else str(n)), "unit": n} for n in (7, -1, None)]


@pytest.mark.parametrize(
    ("kind", "values"), [(pa.float64(), [1.0]), (pa.bool_(), [True]), (pa.decimal128(5, 1), [None])], ids=str
)
def test_units_that_are_no_text_are_refused(root: Path, kind: pa.DataType, values: list[Any]) -> None:
    pq.write_table(pa.table({"user_id": pa.array(values, kind)}), root / "users.parquet")
    result = assign(root, "exp", "--file", str(root / "users.parquet"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"users.parquet: column user_id: units must be text or integers, not {kind}" in result.stderr


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_answers_go_to_a_file(root: Path, suffix: str) -> None:
    pq.write_table(pa.table({"user_id": UNITS}), root / "users.parquet")
    out = root / f"out.{suffix}"
    result = assign(root, "exp", "--file", str(root / "users.parquet"), "--output", str(out))
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"12 units in {out}" in result.stderr
    read = pq.read_table(out) if suffix == "parquet" else None
    if read is None:
        options = pyarrow.csv.ParseOptions(newlines_in_values=True)
        convert = pyarrow.csv.ConvertOptions(column_types={"unit": pa.string()})
        read = pyarrow.csv.read_csv(out, parse_options=options, convert_options=convert)
    assert read["bucket"].to_pylist() == [expected(unit)["bucket"] for unit in UNITS]
    assert not list(root.glob("*.part"))


@pytest.mark.long
def test_a_query_is_assigned_in_the_order_of_its_units(root: Path) -> None:
    with duckdb.connect(str(root / "p.duckdb")) as connection:
        connection.execute("create table users as select 'u' || range as user_id from range(150000)")
    result = assign(root, "exp", "--query", "select user_id from users", "--format", "csv")
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    units = sorted(f"u{k}" for k in range(150_000))
    assert [row["unit"] for row in rows] == units
    assert [int(row["bucket"]) for row in rows] == [DEFAULT.scalar("exp", unit) for unit in units]


def test_a_query_goes_to_a_file(root: Path) -> None:
    query = "select unnest(['a', '', null, '4']) as user_id"
    assert assign(root, "exp", "--query", query, "--output", str(root / "out.parquet")).exit_code == 0
    rows = pq.read_table(root / "out.parquet").to_pylist()
    assert sorted(rows, key=str) == sorted(map(expected, ["a", "", None, "4"]), key=str)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select 1.5::double as user_id", "the units 'user_id' are of type double"),
        ("select true as user_id", "the units 'user_id' are of type boolean"),
        ("select 1 as id", "there is no column 'user_id'\n  hint: --column names one of id"),
        ("drop table users", "DROP is not a query"),
        ("select * from nowhere", "nowhere"),
    ],
)
def test_a_query_without_units_is_refused(root: Path, query: str, message: str) -> None:
    result = assign(root, "exp", "--query", query)
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr


def test_targeting_asks_for_attributes_and_is_left_out_without(root: Path) -> None:
    given = ("--attribute", "country=SG", "--attribute")
    assert answers(root, "aimed", "u", *given, "age=18") == [expected("u", "aimed")]
    (row,) = answers(root, "aimed", "u", *given, "age=20")
    assert row == {**expected("u", "aimed"), "variant": None, "reason": "not_targeted"}
    result = assign(root, "aimed", "u", "--attribute", "country=SG")
    assert "targeting is left out: age not given" in result.stderr
    assert "assigned" in result.stdout


def test_targeting_reads_the_columns_of_a_file(root: Path) -> None:
    table = pa.table({"user_id": ["a", "b", "c"], "country": ["SG", "MY", None], "age": [18, 18, 18]})
    pq.write_table(table, root / "users.parquet")
    rows = answers(root, "aimed", "--file", str(root / "users.parquet"))
    assert [row["reason"] for row in rows] == ["assigned", "not_targeted", "not_targeted"]


def test_units_outside_the_claimed_buckets_are_not_assigned(root: Path) -> None:
    rows = answers(root, "pooled", *(f"u{k}" for k in range(500)))
    reasons = [row["reason"] for row in rows]
    assert set(reasons) == {"assigned", "not_allocated"}
    # 20 % of 500 with a standard deviation of 1.8 %.
    assert 0.11 < reasons.count("assigned") / 500 < 0.29
    assert all((row["variant"] is None) == (row["reason"] != "assigned") for row in rows)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("exp",), 2, "give units, --file or --query, and one of them only"),
        (("exp", "u", "--query", "select 1"), 2, "one of them only"),
        (("aimed", "u", "--attribute", "country"), 2, "'country' is not NAME=VALUE"),
        (("expp", "u"), 1, "no experiment 'expp'\n  hint: did you mean 'exp'?"),
        (("exp", "--file", "units.txt"), 1, "'units.txt' is neither .csv nor .parquet"),
        (("exp", "--file", "none.csv"), 1, "none.csv: it cannot be read"),
        (("exp", "u", "--output", "out.xml"), 1, "--output: 'out.xml' is neither .csv nor .parquet"),
    ],
)
def test_wrong_usage_is_refused(root: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    result = assign(root, *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr


def test_a_file_without_the_column_is_refused(root: Path) -> None:
    (root / "users.csv").write_text("id,name\n1,x\n", encoding="utf-8")
    result = assign(root, "exp", "--file", str(root / "users.csv"))
    assert "there is no column 'user_id'\n  hint: --column names one of id, name" in result.stderr


def test_a_broken_file_is_refused(root: Path) -> None:
    (root / "users.parquet").write_bytes(b"PAR1 nothing")
    result = assign(root, "exp", "--file", str(root / "users.parquet"))
    assert result.exit_code == 1
    assert "users.parquet: it cannot be read" in result.stderr
    (root / "users.csv").write_text("user_id,b\n1,2\n1,2,3\n", encoding="utf-8")
    assert "users.csv: it cannot be read" in assign(root, "exp", "--file", str(root / "users.csv")).stderr


@pytest.mark.long
def test_memory_does_not_grow_with_the_file(root: Path) -> None:
    def peak(n: int) -> int:
        ids = np.char.add("user_", np.arange(n).astype(str))
        pq.write_table(pa.table({"user_id": ids}), root / "users.parquet")
        _, found = Source.of(Project.load(root), "exp").file(root / "users.parquet", None)
        tracemalloc.start()
        before = pa.total_allocated_bytes()
        assert write_file(found, root / "out.parquet") == n
        highest = tracemalloc.get_traced_memory()[1] + pa.total_allocated_bytes() - before
        tracemalloc.stop()
        return highest

    assert peak(600_000) < 1.5 * peak(200_000)


def test_without_arrow_units_are_assigned_and_files_are_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert answers(root, "exp", "user_1") == [expected("user_1")]
    result = assign(root, "exp", "--file", str(root / "users.csv"))
    assert result.exit_code == 1
    assert "files are read through Arrow\n  hint: pip install 'steelyard[arrow]'" in result.stderr
