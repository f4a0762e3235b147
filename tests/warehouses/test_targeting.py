"""Rules of targeting hold for the same rows in every warehouse and in Python."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from sqlglot import exp
from tests.support.engines import NAMES, Engines
from tests.support.translated import Translated

from steelyard.compile.targeting_sql import KINDS, Attribute, rule_sql
from steelyard.dialects.registry import DIALECTS
from steelyard.run import Project
from steelyard.spec.profile import DuckDB, Profile
from steelyard.targeting import Rule, matcher, parse_rule
from steelyard.warehouse.base import Warehouse

PLAYED = ("snowflake", "bigquery", "databricks", "redshift", "trino")
PROJECT = "name: rules\nprofile: rules\nunits: {user: user_id}\n"
EAST = timezone(timedelta(hours=5, minutes=30))
PER_QUERY = 60

TEXTS = [
    *(
        "",
        "a",
        "A",
        "ab",
        "a_",
        "a_b",
        "axb",
        "a%",
        "é",
        "e\u0301",
        "éa",
        "日本",
        "日本語",
        "😀",
        "😀x",
        " a",
    ),
    *("'", "it's", "\\", "\\n", "a\\b", "%_", "a\nb", "a\tb", "null", "true", "1", "1.0", "SG", "sg"),
]
VERSIONS = [
    *("1.9", "1.9.0", "1.10", "1.10.0", "1.10.1", "2", "10.0.0", "0", "01.0.0", "v1.9.0", "1.0.0.0", "1..0"),
    *("1.", "", "1.10.0-rc.1", "1.10.0-rc.2", "1.10.0-rc.11", "1.10.0-rc", "1.10.0-RC", "1.10.0-alpha.beta"),
    *("1.10.0-1", "1.10.0-11", "1.10.0-2", "1.10.0-1-2", "1.10.0---a", "1.10.0--1", "1.10.0-00", "1.10.0-0a"),
    *("1.10.0-rc.1+b.1", "1.10.0+b", "1.10+b-1.2", "1.10.0-", "1.10.0-a..b", "1.10.0-rc.1.2", "2-x", "2-é"),
    *(
        "99999999999999999999.0.0",
        "1.10.0-99999999999999999999",
        "1.9.0\n",
        "1.9.0\r",
        "1.9.0\u2028",
        " 1.9.0",
    ),
    *("\n1.9.0", "1.9.0\n1.9.0", "1.9.0 ", "1.9.0!", "１.9.0", "1.10.0-rc.1\n", "一.0.0"),
]
MOMENTS = [
    *("2026-04-01", "2026-03-31", "2026-04-02", "2026-03-30", "2026-04-03", "2026-03-31T23:59:59.999999"),
    *(
        "2026-04-01T00:00:00Z",
        "2026-04-01 00:00:00",
        "2026-04-01T01:00:00+01:00",
        "2026-04-01T14:59:00+14:59",
    ),
    *(
        "2026-03-31T09:01:00-14:59",
        "2026-04-01T00:00:00.0",
        "2026-04-01T00:00:00.000000Z",
        "2026-04-01T00:00:00.1",
    ),
    *(
        "2026-04-01T10:20:30.5+00:00",
        "2026-04-01T10:20:30.500Z",
        "2026-04-01T10:20:30.49",
        "2026-04-01 10:20:31",
    ),
    *(
        "2026-04-01T10:20:30",
        "2026-04-01T10:20:30.500001",
        "2026-04-01T10:20:30.050",
        "2026-02-29",
        "2024-02-29",
    ),
    *(
        "2026-02-30",
        "1900-02-29",
        "2000-02-29",
        "2026-04-31",
        "2026-13-01",
        "0999-01-01",
        "2026-04-01T24:00:00",
    ),
    *(
        "2026-04-01T00:00:60",
        "2026-04-01T00:00",
        "2026-04-01T00:00:00.1234567",
        "2026-04-01t00:00:00z",
        "april",
    ),
    *(
        "2026-04-01\n",
        "2026-04-01T00:00:00Z\n",
        "2026-04-01T00:00:00+15:00",
        "2026-04-01T00:00:00+01",
        "",
        " ",
    ),
    *("1969-12-31T23:59:59.999999Z", "1970-01-01", "1969-07-20T20:17:40+00:00", "1899-12-31", "1000-01-01"),
    *(
        "1000-01-01T00:00:00+14:59",
        "2999-12-31T23:59:59-14:59",
        "2100-02-29",
        "2400-02-29",
        "2026-4-1",
        "日本",
    ),
]
NUMBERS = [
    *(0.0, -0.0, 1.0, -1.0, 0.1, 0.30000000000000004, 0.3, 1e300, -1e300, 5e-324, 1.7976931348623157e308),
    *(float("nan"), float("inf"), float("-inf"), 2.0**53, 1e16),
]
WHOLES = [0, 1, -1, 18, 2**31, 2**53, 2**53 + 1, -(2**63), 2**63 - 1]
PRICES = [Decimal("0.10"), Decimal("0.30"), Decimal("-7.25"), Decimal("0.00"), Decimal("99999.99")]
DAYS = [date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 2), date(1969, 12, 31), date(1970, 1, 1)]
CLOCKS = [
    datetime(2026, 4, 1),
    datetime(2026, 3, 31, 23, 59, 59, 999999),
    datetime(2026, 4, 1, 10, 20, 30, 500000),
    datetime(1969, 12, 31, 23, 59, 59, 999999),
    datetime(1950, 1, 1),
    datetime(2099, 1, 1),
]
ZONED = [moment.replace(tzinfo=UTC) for moment in CLOCKS]
COLUMNS: dict[str, tuple[list[Any], pa.DataType]] = {
    "word": (TEXTS, pa.string()),
    "version": (VERSIONS, pa.string()),
    "written": (MOMENTS, pa.string()),
    "score": (NUMBERS, pa.float64()),
    "age": (WHOLES, pa.int64()),
    "price": (PRICES, pa.decimal128(9, 2)),
    "flag": ([True, False], pa.bool_()),
    "day": (DAYS, pa.date32()),
    "at": (CLOCKS, pa.timestamp("us")),
    "zoned": (ZONED, pa.timestamp("us", tz="UTC")),
}
COUNT = max(len(values) for values, _ in COLUMNS.values()) + 1
GOOD_MOMENTS = [
    *(
        "2026-04-01",
        "2026-04-01T10:20:30.5Z",
        "2026-04-01T10:20:30",
        "1970-01-01",
        "1969-12-31T23:59:59.999999",
    ),
    *("2026-04-01T05:30:00+05:30", "2026-03-31T23:59:59.999999", "1000-01-01", "2999-12-31T23:59:59"),
]
VERSION_OPS = [f"version_{name}" for name in ("equals", "below", "at_most", "above", "at_least")]
GOOD_VERSIONS = [
    *("1.9", "1.10.0", "1.10.0-rc.1", "1.10.0-rc.2+b", "1.10.0-1", "1.10.0-1-2", "1.10.0-alpha.beta", "2-x"),
    *("1.10.0--", "99999999999999999999.0.0"),
]


def rows() -> list[dict[str, Any]]:
    """A row of NULL, and then each column's values over and over."""
    nothing = dict.fromkeys(COLUMNS)
    return [
        nothing,
        *(
            {name: values[number % len(values)] for name, (values, _) in COLUMNS.items()}
            for number in range(COUNT - 1)
        ),
    ]


def rules() -> list[Any]:
    """Every comparison with awkward values, of every column that it could be of, and some joined."""
    found: list[Any] = []
    for text in (*(one for one in TEXTS if one), "a_x", "日本語x"):
        found += [{"attribute": "word", "equals": text}, {"attribute": "word", "prefix": text}]
    found += [{"attribute": "word", "in": TEXTS}, {"attribute": "word", "in": ["", "SG", "it's"]}]
    found += [{"attribute": "version", op: GOOD_VERSIONS[2]} for op in VERSION_OPS]
    for text in GOOD_VERSIONS:
        found += [
            {"attribute": "version", "version_equals": text},
            {"attribute": "version", "version_below": text},
        ]
    for name in ("written", "day", "at", "zoned"):
        found += [{"attribute": name, op: GOOD_MOMENTS[1]} for op in ("before", "until", "after", "since")]
        found += [{"attribute": name, "until": text} for text in GOOD_MOMENTS]
    found += [{"attribute": "written", "before": text} for text in GOOD_MOMENTS]
    for name in ("score", "age", "price"):
        found += [{"attribute": name, op: 0.1} for op in ("below", "at_most", "above", "at_least")]
        found += [{"attribute": name, "at_most": value} for value in (0, 0.3, -1, 2**53, 1e300)]
        found += [
            {"attribute": name, "in": values}
            for values in ([0, 0.1, 18], [0.3], [2**53], list(range(-1, 30)))
        ]
    found += [{"attribute": "flag", "in": [True]}, {"attribute": "flag", "equals": False}]
    found += [{"attribute": name, "exists": True} for name in COLUMNS]
    found += [{"attribute": "age", "equals": "1"}, {"attribute": "word", "at_least": 1}]
    found += [{"attribute": "word", "equals": True}, {"attribute": "word", "since": "2026-04-01"}]
    found += [{"not": one} for one in found[::6]]
    found += [{"all": [found[k], {"any": [found[-k], {"not": found[2 * k]}]}]} for k in range(1, 60, 12)]
    return found


def conditions(parsed: list[Rule], attributes: dict[str, Attribute], dialect: str) -> Iterator[str]:
    """Yield queries of how rules judge the rows, some rules at a time."""
    for start in range(0, len(parsed), PER_QUERY):
        columns = [
            exp.alias_(
                exp.Case(
                    ifs=[exp.If(this=rule_sql(rule, attributes), true=exp.Literal.number(1))],
                    default=exp.Literal.number(0),
                ),
                f"rule_{number}",
            )
            for number, rule in enumerate(parsed[start : start + PER_QUERY])
        ]
        yield DIALECTS[dialect].generate(exp.select("n", *columns).from_("rule_rows"))


def judged(warehouse: Warehouse, path: Path, dialect: str, parsed: list[Rule]) -> list[list[bool]]:
    warehouse.load_file("rule_rows", path)
    types = warehouse.table_columns("rule_rows")
    attributes = {name: Attribute(exp.column(name), KINDS[types[name]]) for name in COLUMNS}
    found: list[list[bool]] = [[] for _ in range(COUNT)]
    for sql in conditions(parsed, attributes, dialect):
        for n, *values in warehouse.query(sql).values:
            assert set(values) <= {0, 1}
            found[n] += [value == 1 for value in values]
    return found


@contextmanager
def opened(name: str, engines: Engines, root: Path) -> Iterator[Warehouse]:
    if name in PLAYED:
        output = DuckDB(type="duckdb", path=str(root / "played.duckdb"), schema="steelyard")
        profile = Profile(name="rules", target="test", output=output, target_schema="steelyard")
        with Translated.open(profile) as warehouse:
            assert isinstance(warehouse, Translated)
            yield warehouse.speak(name)
        return
    (root / "steelyard.yml").write_text(PROJECT, encoding="utf-8")
    profiles = {"rules": {"target": "t", "outputs": {"t": engines.new(name)}}}
    (root / "profiles.yml").write_text(yaml.safe_dump(profiles), encoding="utf-8")
    with Project.load(root).connect() as warehouse:
        yield warehouse


@pytest.mark.long
@pytest.mark.parametrize("name", [*NAMES, *PLAYED])
def test_rules_hold_for_the_same_rows_as_in_python(name: str, engines: Engines, tmp_path: Path) -> None:
    given, written = rows(), rules()[:: 4 if name in PLAYED else 1]
    parsed = [parse_rule(rule) for rule in written]
    table = {"n": pa.array(range(COUNT), pa.int32())}
    table |= {name: pa.array([row[name] for row in given], kind) for name, (_, kind) in COLUMNS.items()}
    pq.write_table(pa.table(table), tmp_path / "rows.parquet")
    matchers = [matcher(rule) for rule in parsed]
    with opened(name, engines, tmp_path) as warehouse:
        found = judged(warehouse, tmp_path / "rows.parquet", warehouse.dialect, parsed)
    wrong = [
        f"{rule} of {row}: {here}"
        for row, judgements in zip(given, found, strict=True)
        for rule, holds, here in zip(written, matchers, judgements, strict=True)
        if holds(row) is not here
    ]
    assert not wrong, f"{len(wrong)} differ, such as {wrong[:5]}"
    telling = sum(len(set(judgements)) == 2 for judgements in zip(*found, strict=True))
    assert telling > 0.8 * len(parsed)
