"""A small project of metrics that warehouses are known to read differently, and what each of their values is.

Every metric is written in DuckDB's words over one table of events, which holds the values that set the traps off. A
trap says its value in Python as well, so that the warehouses cannot all be wrong together. Two more experiments lie
where the clocks of a zone change, by half an hour.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from steelyard.run import Project, RunOptions

ZONE = ZoneInfo("Australia/Lord_Howe")
EXPERIMENT = "traps"
# Its clocks go back by half an hour on 5 April and forward on 4 October.
CHANGES = {"autumn": date(2026, 4, 4), "spring": date(2026, 10, 3)}
AS_OF = date(2026, 10, 6)
UNITS, EVENTS = 24, 12
VARIANTS = ("control", "Treatment")
_EXPOSED = datetime(2026, 3, 1, 6)

Event = Mapping[str, Any]
Events = Sequence[Event]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """One construct.

    Attributes:
        sql: An aggregate over a unit's events; a whole query where it begins with ``select`` or ``with``.
        value: What it is, of a unit's events in order.
        but: Warehouses on which it is known to be otherwise, and why.
    """

    sql: str
    value: Callable[[Events], float]
    but: Mapping[str, str] = field(default_factory=dict)


NAMES = (
    *("Anna", "anna", "ANNA ", "anna ", "Zoë", "zoë", "Émile", "ß", "", None, "a_b", "axb", "100%"),
    *("O'Neil", "a\\b", "C:\\temp", "naïve", "?", "😀x"),
)
DAYS = (
    *(date(1900, 1, 1), date(2100, 2, 28), date(2026, 1, 31), date(2024, 2, 29), None),
    *(date(1969, 12, 31), date(2026, 3, 29)),
)
MOMENTS = (
    *(datetime(2026, 3, 29, 0, 59, 59, 999999), datetime(2026, 3, 29, 1), datetime(2026, 10, 25, 0, 30)),
    *(None, datetime(1969, 12, 31, 23, 59, 59, 500000), datetime(2100, 1, 1), datetime(1900, 1, 1, 0, 30)),
)
_PRICES = (Decimal("0.10"), Decimal("19.99"), Decimal("-5.05"), None, Decimal("19.98"))


def _cycle(values: Sequence[Any], unit: int, event: int, step: int) -> Any:
    """Return a value such that units have different ones, and each value stands beside many others."""
    return values[(unit * 5 + event * step + unit * event // 3) % len(values)]


def _event(unit: int, number: int) -> dict[str, Any]:
    def cycle(step: int, *values: Any) -> Any:
        return _cycle(values, unit, number, step)

    return {
        "user_id": unit_id(unit),
        "ts": _EXPOSED + timedelta(hours=1, minutes=number),
        "n": cycle(1, 7, -7, 0, 3, None, 10, -1, 2),
        "big": cycle(1, 2**62, 2**61 + 1, 5, None),
        "zero": cycle(2, 0, 1, 2),
        "price": cycle(3, *_PRICES),
        "small": float(np.float32(cycle(1, 0.1, 16777217.0, 3.3))),
        "x": cycle(5, 0.1, math.nan, -0.0, 1e6, None, 2.5, math.inf, -3.75),
        "flag": _flag(unit, number),
        "name": cycle(7, *NAMES),
        "day": cycle(3, *DAYS),
        "moment": cycle(2, *MOMENTS),
        "zoned": cycle(3, *MOMENTS),
        "Order": number,
        "User Id": unit * number,
        "select": cycle(1, 1, 2, None),
        "Größe": cycle(1, 1.5, 2.5),
    }


def _flag(unit: int, number: int) -> bool | None:
    """Return a flag; some units have none at all, and some none that is false."""
    if unit % 5 == 0:
        return None
    values = (True, None) if unit % 7 == 3 else (True, False, None, True)
    return _cycle(values, unit, number, 1)  # type: ignore[no-any-return]


def unit_id(unit: int) -> str:
    """Return a unit's id; the first ones differ by what a careless comparison overlooks."""
    return ("u0", "U0", "u0 ", " u0", "ü0")[unit] if unit < 5 else f"u{unit}"


def _present(rows: Events, *names: str) -> list[Event]:
    return [row for row in rows if all(row[name] is not None for name in names)]


def _sum(change: Callable[[Event], float], *names: str) -> Callable[[Events], float]:
    return lambda rows: float(sum(change(row) for row in _present(rows, *names)))


def _count(test: Callable[[Event], bool], *names: str) -> Callable[[Events], float]:
    return lambda rows: float(sum(bool(test(row)) for row in _present(rows, *names)))


def _bytes(row: Event) -> bytes:
    return str(row["name"]).encode()


def _named(sql: str, test: Callable[[str], bool]) -> Trap:
    return Trap(sql=f"count_if({sql})", value=_count(lambda row: test(row["name"]), "name"))


def _windows(rows: Events) -> float:
    up = sorted(rows, key=lambda row: (row["n"] is None, row["n"] or 0, row["Order"]))
    down = sorted(rows, key=lambda row: (row["n"] is None, -(row["n"] or 0), row["Order"]))
    total = 0.0
    for place, row in enumerate(down, start=1):
        total += place * (row["n"] or 0)
    for before, row in pairwise(up):
        total += 100 * before["Order"] * (row["n"] or 0)
    return total + 1000 * sum(row["n"] or 0 for row in up)


def _month_later(day: date) -> int:
    months = [31, 29 if day.year % 4 == 0 and (day.year % 100 or day.year % 400 == 0) else 28, 31, 30, 31, 30]
    months += [31, 31, 30, 31, 30, 31]
    return min(day.day, months[day.month % 12])


def _latest(rows: Events) -> float:
    return float(max(_present(rows, "n"), key=lambda row: 100 * row["n"] + row["Order"])["Order"])


def _maximum(rows: Events) -> float:
    found = [row["x"] for row in _present(rows, "x")]
    return 0.0 if any(not math.isfinite(value) for value in found) or not found else max(found)


_OPEN = datetime(2026, 3, 29, 12)
_FIRST = date(1900, 1, 1)
_NAN = "ClickHouse leaves NaN out of comparisons"

TRAPS: Mapping[str, Trap] = MappingProxyType(
    {
        "halves": Trap(sql="sum(n / 2)", value=_sum(lambda row: row["n"] / 2, "n")),
        "whole_halves": Trap(sql="sum(n // 2)", value=_sum(lambda row: int(row["n"] / 2), "n")),
        "remainders": Trap(sql="sum(n % 3)", value=_sum(lambda row: math.fmod(row["n"], 3), "n")),
        "remainders_of_decimals": Trap(
            sql="sum(price % 3)", value=_sum(lambda row: math.fmod(row["price"], 3), "price")
        ),
        "by_zero": Trap(
            sql="sum(n / zero)", value=_sum(lambda row: row["n"] / row["zero"] if row["zero"] else 0, "n")
        ),
        "rate_by_zero": Trap(
            sql="count_if(n / zero > 1)",
            value=_count(lambda row: bool(row["zero"]) and row["n"] / row["zero"] > 1, "n"),
        ),
        "whole_casts": Trap(
            sql="sum(cast(floor(n / 2 + 0.5) as integer))",
            value=_sum(lambda row: math.floor(row["n"] / 2 + 0.5), "n"),
        ),
        "sum_of_conditions": Trap(sql="sum(n > 2)", value=_count(lambda row: row["n"] > 2, "n")),
        "sum_of_flags": Trap(sql="sum(flag::int)", value=_count(lambda row: row["flag"], "flag")),
        "share_of_flags": Trap(
            sql="avg(flag::int)",
            value=lambda rows: float(np.mean([row["flag"] for row in _present(rows, "flag")] or [0])),
        ),
        "flags": Trap(sql="count_if(flag)", value=_count(lambda row: row["flag"], "flag")),
        "no_flags": Trap(sql="count_if(not flag)", value=_count(lambda row: not row["flag"], "flag")),
        "not_true": Trap(sql="count_if(flag is not true)", value=_count(lambda row: row["flag"] is not True)),
        "any_flag": Trap(
            sql="bool_or(flag)::int", value=lambda rows: float(any(row["flag"] for row in rows))
        ),
        "all_flags": Trap(
            sql="bool_and(flag)::int",
            value=lambda rows: float(
                all(row["flag"] for row in _present(rows, "flag")) and bool(_present(rows, "flag"))
            ),
        ),
        "filtered": Trap(
            sql="sum(n) filter (where name = 'anna')",
            value=_sum(lambda row: row["n"] * (row["name"] == "anna"), "n"),
        ),
        "filtered_by_flag": Trap(
            sql="count(*) filter (where flag)", value=_count(lambda row: row["flag"], "flag")
        ),
        "sum_beyond_bigint": Trap(sql="sum(big)", value=_sum(lambda row: row["big"], "big")),
        "sum_of_reals": Trap(sql="sum(small)", value=_sum(lambda row: row["small"], "small")),
        "sum_of_decimals": Trap(sql="sum(price)", value=_sum(lambda row: row["price"], "price")),
        "decimal_times": Trap(
            sql="sum(price * 0.1)", value=_sum(lambda row: float(row["price"]) * 0.1, "price")
        ),
        "decimal_by": Trap(sql="sum(price / 3)", value=_sum(lambda row: float(row["price"]) / 3, "price")),
        "decimal_above": Trap(
            sql="count_if(price > 19.98)", value=_count(lambda row: row["price"] > Decimal("19.98"), "price")
        ),
        "finite_sum": Trap(
            sql="sum(case when x < 1e3 or n > 0 then x end)",
            value=_sum(
                lambda row: (
                    row["x"] if math.isfinite(row["x"]) and (row["x"] < 1e3 or (row["n"] or 0) > 0) else 0
                ),
                "x",
            ),
        ),
        "largest_of_nan": Trap(sql="max(x)", value=_maximum, but={"clickhouse": _NAN}),
        "nan_is_large": Trap(
            sql="count_if(x > 5)",
            value=_count(lambda row: math.isnan(row["x"]) or row["x"] > 5, "x"),
            but={"clickhouse": _NAN},
        ),
        "nan_is_itself": Trap(
            sql="count_if(x = x)", value=_count(lambda row: True, "x"), but={"clickhouse": _NAN}
        ),
        "zero_of_either_sign": Trap(sql="count_if(x = 0)", value=_count(lambda row: row["x"] == 0, "x")),
        "least_without_null": Trap(
            sql="sum(least(n, 2))", value=_sum(lambda row: 2 if row["n"] is None else min(row["n"], 2))
        ),
        "latest": Trap(sql='arg_max("Order", n * 100 + "Order")', value=_latest),
        "distinct": Trap(
            sql="count(distinct name)",
            value=lambda rows: float(len({row["name"] for row in _present(rows, "name")})),
        ),
        "distinct_sum": Trap(
            sql='sum(distinct "Order")', value=lambda rows: float(sum({row["Order"] for row in rows}))
        ),
        "order": Trap(sql='sum("Order")', value=_sum(lambda row: row["Order"])),
        "user_id_of_words": Trap(sql='sum("User Id")', value=_sum(lambda row: row["User Id"])),
        "select": Trap(sql='sum("select")', value=_sum(lambda row: row["select"], "select")),
        "size": Trap(sql='sum("Größe")', value=_sum(lambda row: row["Größe"])),
        "equal_case": _named("name = 'anna'", lambda name: name == "anna"),
        "equal_spaces": _named("name in ('ANNA ', 'ß')", lambda name: name in ("ANNA ", "ß")),
        "below": Trap(sql="count_if(name < 'b')", value=_count(lambda row: _bytes(row) < b"b", "name")),
        "between": Trap(
            sql="count_if(name between 'A' and 'Z')",
            value=_count(lambda row: b"A" <= _bytes(row) <= b"Z", "name"),
        ),
        "lower": _named("lower(name) = 'émile'", lambda name: name.lower() == "émile"),
        "upper": _named("upper(name) = 'ZOË'", lambda name: name.upper() == "ZOË"),
        "length": Trap(sql="sum(length(name))", value=_sum(lambda row: len(row["name"]), "name")),
        "substring": _named("substring(name, 3, 2) in ('ë', 'ïv')", lambda name: name[2:4] in ("ë", "ïv")),
        "trim": _named("trim(name) = 'anna'", lambda name: name.strip() == "anna"),
        "replace": Trap(
            sql="sum(length(replace(name, 'ë', 'ee')))",
            value=_sum(lambda row: len(row["name"].replace("ë", "ee")), "name"),
        ),
        "joined": _named("name || 'x' = 'annax'", lambda name: name == "anna"),
        "joined_with_null": Trap(
            sql="sum(length(concat(name, '-')))", value=_sum(lambda row: len(row["name"] or "") + 1)
        ),
        "like_case": _named("name like 'a%'", lambda name: name.startswith("a")),
        "like_character": _named("name like 'Zo_'", lambda name: name == "Zoë"),
        "like_escape": _named("name like 'a!_b' escape '!'", lambda name: name == "a_b"),
        "like_backslash": _named("name like '%\\%'", lambda name: "\\" in name),
        "not_like": _named("name not like 'C:\\%'", lambda name: not name.startswith("C:\\")),
        "quote": _named("name = 'O''Neil'", lambda name: name == "O'Neil"),
        "backslash": _named("name = 'a\\b'", lambda name: name == "a\\b"),
        "percent_and_question": _named("name in ('100%', '?')", lambda name: name in ("100%", "?")),
        "empty": _named("name = ''", lambda name: name == ""),
        "empty_or_null": Trap(
            sql="count_if(coalesce(name, '') = '')", value=_count(lambda row: not row["name"])
        ),
        "years": Trap(sql="sum(year(day))", value=_sum(lambda row: row["day"].year, "day")),
        "days_since_1900": Trap(
            sql="sum(day - date '1900-01-01')", value=_sum(lambda row: (row["day"] - _FIRST).days, "day")
        ),
        "days_until": Trap(
            sql="sum(date_diff('day', moment, timestamp '2026-03-29 12:00:00'))",
            value=_sum(lambda row: (_OPEN.date() - row["moment"].date()).days, "moment"),
        ),
        "month_later": Trap(
            sql="sum(day(day + interval 1 month))", value=_sum(lambda row: _month_later(row["day"]), "day")
        ),
        "old_days": Trap(
            sql="count_if(day between date '1900-01-01' and date '2026-01-31')",
            value=_count(lambda row: _FIRST <= row["day"] <= date(2026, 1, 31), "day"),
        ),
        "day_in_quotes": Trap(
            sql="count_if(day <= '2026-01-31')",
            value=_count(lambda row: row["day"] <= date(2026, 1, 31), "day"),
        ),
        "day_of_moment": Trap(
            sql="count_if(cast(moment as date) in (date '1969-12-31', date '1900-01-01'))",
            value=_count(lambda row: row["moment"].year < 1970, "moment"),
        ),
        "day_of_zoned": Trap(
            sql="count_if(cast(zoned as date) = date '2026-03-29')",
            value=_count(lambda row: row["zoned"].date() == date(2026, 3, 29), "zoned"),
        ),
        "moment_of_zone": Trap(
            sql="count_if(zoned >= timestamptz '2026-03-29 03:00:00+02:00')",
            value=_count(lambda row: row["zoned"] >= datetime(2026, 3, 29, 1), "zoned"),
        ),
        "hour_later": Trap(
            sql="count_if(moment + interval 1 hour >= timestamp '2026-03-29 02:00:00')",
            value=_count(lambda row: row["moment"] >= datetime(2026, 3, 29, 1), "moment"),
        ),
        "seconds_between": Trap(
            sql="sum(epoch(moment - timestamp '2026-01-01'))",
            value=_sum(lambda row: (row["moment"] - datetime(2026, 1, 1)).total_seconds(), "moment"),
        ),
        "windows": Trap(
            sql="select user_id,"
            " sum(coalesce(place * n, 0) + coalesce(100 * before * n, 0) + coalesce(1000 * last, 0)) as v"
            ' from (select user_id, n, row_number() over (partition by user_id order by n desc, "Order") as place,'
            ' lag("Order") over (partition by user_id order by n, "Order") as before,'
            ' last_value(n) over (partition by user_id order by n, "Order") as last'
            " from events where ts >= :start and ts < :end) as q group by user_id",
            value=_windows,
        ),
        "shared_cte": Trap(
            sql='with q as (select user_id, "Order", n, ts from events)'
            " select a.user_id, sum(a.n * b.n) as v from q as a"
            ' join q as b on a.user_id = b.user_id and a."Order" = b."Order" + 1'
            " where a.ts >= :start and a.ts < :end group by a.user_id",
            value=lambda rows: float(sum((a["n"] or 0) * (b["n"] or 0) for a, b in pairwise(rows))),
        ),
    }
)
_TYPES = {
    "ts": pa.timestamp("us"),
    "n": pa.int32(),
    "big": pa.int64(),
    "zero": pa.int32(),
    "price": pa.decimal128(10, 2),
    "small": pa.float32(),
    "day": pa.date32(),
    "moment": pa.timestamp("us"),
    "zoned": pa.timestamp("us", "UTC"),
    "select": pa.int32(),
    "exposed_at": pa.timestamp("us"),
    "at": pa.timestamp("us"),
    "zoned_at": pa.timestamp("us", "UTC"),
}


def events() -> dict[str, list[dict[str, Any]]]:
    """Return each unit's events, in order."""
    return {unit_id(unit): [_event(unit, number) for number in range(EVENTS)] for unit in range(UNITS)}


def variant_of(unit: int) -> str:
    """Return a unit's variant."""
    return VARIANTS[unit % 2]


def exposures() -> list[dict[str, Any]]:
    """Return the log: some units are exposed twice at one moment, and differ by what is first in the order of bytes."""
    rows = []
    for unit in range(UNITS):
        row = {"experiment_id": EXPERIMENT, "user_id": unit_id(unit), "variant": variant_of(unit)}
        row |= {"exposed_at": _EXPOSED, "country": ("a", "É", "Z", None)[unit % 4], "Order": f"o{unit % 2}"}
        rows.append(row)
        if unit % 3 == 0:
            rows.append({**row, "country": "b"})
    rows += [
        {**rows[0], "user_id": f"both{unit}", "variant": variant_of(unit + k)}
        for unit in range(2)
        for k in range(2)
    ]
    for name, start in CHANGES.items():
        first = datetime.combine(start, time(), ZONE).astimezone(UTC).replace(tzinfo=None)
        for unit in range(8):
            moment = first + timedelta(hours=7 * unit, minutes=unit)
            rows.append(
                {
                    **rows[0],
                    "experiment_id": name,
                    "user_id": unit_id(unit),
                    "variant": variant_of(unit),
                    "exposed_at": moment,
                }
            )
    return rows


def visits() -> list[dict[str, Any]]:
    """Return visits about the midnights at which days begin where the clocks change."""
    rows = []
    for start in CHANGES.values():
        first = datetime.combine(start, time(), UTC) - timedelta(hours=12)
        for number in range(170):
            moment = first + timedelta(minutes=31 * number)
            day = moment.astimezone(ZONE).date()
            rows.append(
                {
                    "user_id": unit_id(number % 8),
                    "at": moment.replace(tzinfo=None),
                    "zoned_at": moment,
                    "day": day,
                    "amount": float(number % 13),
                }
            )
    return rows


_PROJECT = {
    "name": "traps",
    "profile": "traps",
    "timezone": str(ZONE),
    "dialect": "duckdb",
    "units": {"user": "user_id"},
    "exposures": {
        "app": {
            "unit": "user",
            "sql": 'select experiment_id, user_id, variant, exposed_at, country, "Order" as "order" from exposures',
            "timestamp": "exposed_at",
            "dimensions": ["country", "order"],
        }
    },
    "defaults": {"covariate_lookback": "1d"},
}
_CONFIG = "{{ config(version=1, direction='increase', covariate=false, fill=0) }}\n"
# Time columns with and without zone, and of days.
ZONES: Mapping[str, str] = MappingProxyType({"at": ":start", "zoned_at": ":start", "day": ":start_date"})


def write(root: Path, output: Mapping[str, Any]) -> Project:
    """Write the project, and fill its warehouse.

    Args:
        root: A folder with nothing in it.
        output: Of a profile that leads to a database with nothing in it.
    """
    traps = {name: trap for name, trap in TRAPS.items() if output["type"] not in trap.but}
    metrics = {name: _CONFIG + _query(trap.sql) for name, trap in traps.items()}
    for column, bound in ZONES.items():
        text = f"select user_id, sum(amount) as v from visits where {column} >= {bound}"
        metrics[f"visits_{column}"] = (
            f"{_CONFIG}{text} and {column} < {bound.replace('start', 'end')} group by user_id\n"
        )
    profile = {"traps": {"target": "t", "outputs": {"t": dict(output)}}}
    files = {
        "steelyard.yml": yaml.safe_dump(_PROJECT),
        "profiles.yml": yaml.safe_dump(profile),
        f"experiments/{EXPERIMENT}.yml": _experiment(EXPERIMENT, _EXPOSED.date(), 1, list(traps)),
        **{f"metrics/{name}.sql": text for name, text in metrics.items()},
    }
    for name, start in CHANGES.items():
        files[f"experiments/{name}.yml"] = _experiment(
            name, start, 2, [f"visits_{column}" for column in ZONES]
        )
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    project = Project.load(root)
    tables = {
        "events": [row for rows in events().values() for row in rows],
        "exposures": exposures(),
        "visits": visits(),
    }
    with project.connect() as warehouse:
        for name, rows in tables.items():
            columns = {key: pa.array([row[key] for row in rows], _TYPES.get(key)) for key in rows[0]}
            pq.write_table(pa.table(columns), root / f"{name}.parquet")
            warehouse.load_file(name, root / f"{name}.parquet")
    return project


def run(project: Project) -> None:
    """Run all experiments."""
    result = project.run(RunOptions(as_of=AS_OF))
    assert not result.failures, result.failures


def expected_mean(name: str, variant: str) -> float:
    """Return the mean of a trap's values over a variant's units."""
    found = events()
    units = [unit_id(unit) for unit in range(UNITS) if variant_of(unit) == variant]
    return math.fsum(TRAPS[name].value(found[unit]) for unit in units) / len(units)


def expected_visits(experiment: str, column: str, day: date, variant: str) -> float:
    """Return the mean of the visits' amounts up to a day of the zone, over a variant's units exposed by then."""
    last = datetime.combine(day + timedelta(days=1), time(), ZONE)
    exposed = {
        row["user_id"]: row["exposed_at"].replace(tzinfo=UTC)
        for row in exposures()
        if row["experiment_id"] == experiment and row["variant"] == variant
    }
    exposed = {unit: moment for unit, moment in exposed.items() if moment < last}
    total = 0.0
    for row in visits():
        since = exposed.get(row["user_id"])
        if since is None or row["zoned_at"] >= last:
            continue
        is_after = (
            row["day"] >= since.astimezone(ZONE).date() if column == "day" else row["zoned_at"] >= since
        )
        total += row["amount"] * is_after
    return total / len(exposed)


def _query(sql: str) -> str:
    if sql.startswith(("select", "with")):
        return f"{sql}\n"
    return f"select user_id, {sql} as v from events where ts >= :start and ts < :end group by user_id\n"


def _experiment(name: str, start: date, days: int, metrics: list[str]) -> str:
    spec = {
        "name": name,
        "hypothesis": "It helps.",
        "owner": "us",
        "status": "stopped",
        "exposures": "app",
        "start": start,
        "end": start + timedelta(days=days),
        "variants": list(VARIANTS),
        "metrics": {"primary": metrics[0], "secondary": metrics[1:]},
        "duration": {"target_sample_size_per_variant": 100},
        "analysis": {"test": "fixed", "adjustment": "none", "dimensions": ["country"]},
    }
    return yaml.safe_dump(spec, sort_keys=False)
