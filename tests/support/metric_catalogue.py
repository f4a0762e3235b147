"""Metrics written twice: as SQL for the engine, and as Python over one unit's rows for the oracle.

A catalogue query has the placeholders ``{key}`` (the unit's key) and ``{time}`` (the time predicate).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.brute_force import Part, Row

TIMESTAMP = "ts >= :start and ts < :end"
DATE = "event_date between :start_date and :end_date"


@dataclass(frozen=True, kw_only=True)
class Written:
    """A metric in both languages.

    Attributes:
        name: Its name.
        type: mean, proportion or ratio.
        sql: The query.
        parts: The same in Python.
        fills: Fill of each part where the config leaves it to the query.
    """

    name: str
    sql: str
    parts: tuple[Part, ...]
    fills: tuple[float | None, ...]
    type: str = "mean"


def _present(rows: Sequence[Row], column: str) -> list[Any]:
    return [row[column] for row in rows if row[column] is not None]


def _finite(rows: Sequence[Row], column: str) -> list[float]:
    """Sums and averages leave out what is no number."""
    return [value for value in _present(rows, column) if abs(value) < float("inf")]


def _sum(rows: Sequence[Row], column: str = "value") -> float | None:
    values = _finite(rows, column)
    return sum(values) if values else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _kind(rows: Sequence[Row], kind: str) -> list[Row]:
    return [row for row in rows if row["kind"] == kind]


def _ordered(values: Sequence[float]) -> list[float]:
    """DuckDB's order: NaN is above infinity."""
    return sorted(values, key=lambda value: (math.isnan(value), value))


def _lowest(rows: Sequence[Row]) -> float | None:
    return next(iter(_ordered(_present(rows, "value"))), None)


def _highest(rows: Sequence[Row]) -> float | None:
    return next(reversed(_ordered(_present(rows, "value"))), None)


def _median(rows: Sequence[Row]) -> float | None:
    values = sorted(_present(rows, "qty"))
    middle = len(values) // 2
    if not values:
        return None
    return float(values[middle]) if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def _any_flag(rows: Sequence[Row]) -> float | None:
    flags = _present(rows, "flag")
    return float(any(flags)) if flags else None


def _highest_running_total(rows: Sequence[Row]) -> float | None:
    totals, total = [], None
    for value in sorted(_present(rows, "qty")):
        total = value if total is None else total + value
        totals.append(total)
    return max(totals, default=None)


def _rows_per_kind(rows: Sequence[Row]) -> float | None:
    kinds = {row["kind"] for row in rows}
    return len(rows) / len(kinds)


def _worth(rows: Sequence[Row]) -> float | None:
    prices = {1: 2.0, 2: 0.5, 3: None}
    known = [row for row in rows if row["product_id"] in prices and row["qty"] is not None]
    worth = [row["qty"] * prices[row["product_id"]] for row in known if prices[row["product_id"]] is not None]
    return sum(worth) if worth else None


def _on_listed_products(rows: Sequence[Row]) -> float | None:
    listed = [row for row in rows if row["product_id"] in (1, 2, 3)]
    return float(len(listed)) if listed else None


def _case_outside(rows: Sequence[Row]) -> float | None:
    return _sum(rows, "qty") if len(rows) >= 2 else -1.0


def _ratio(top: float, bottom: float) -> float | None:
    return top / bottom if bottom else None


def _guarded(condition: Callable[[Sequence[Row]], bool], part: Part) -> Part:
    return lambda rows: part(rows) if condition(rows) else None


def _select(value: str, *, table: str = "events", where: str = "", having: str = "") -> str:
    condition = f" and {where}" if where else ""
    return f"select {{key}}, {value} from {table} where {{time}}{condition} group by {{key}}{having}"


def _buys(part: Part) -> Part:
    """A metric's WHERE: without rows that meet it, the unit has none."""
    return lambda rows: part(_kind(rows, "buy")) if _kind(rows, "buy") else None


CATALOGUE: tuple[Written, ...] = (
    Written(name="total", sql=_select("sum(value) as v"), parts=(_sum,), fills=(0.0,)),
    Written(name="hits", sql=_select("count(*) as v"), parts=(len,), fills=(0.0,)),
    Written(
        name="buys",
        sql=_select("count(*) filter (where kind = 'buy') as v"),
        parts=(lambda rows: len(_kind(rows, "buy")),),
        fills=(0.0,),
    ),
    Written(
        name="bought",
        sql=_select("sum(qty) as v", where="kind = 'buy'"),
        parts=(_buys(lambda rows: _sum(rows, "qty")),),
        fills=(0.0,),
    ),
    Written(
        name="buys_where",
        sql=_select("count(*) * 2 + 1 as v", where="kind = 'buy'"),
        parts=(_buys(lambda rows: 2 * len(rows) + 1),),
        fills=(0.0,),
    ),
    Written(
        name="level", sql=_select("avg(big) as v"), parts=(lambda r: _mean(_finite(r, "big")),), fills=(None,)
    ),
    Written(
        name="peak",
        sql=_select("max(big) as v"),
        parts=(lambda r: max(_present(r, "big"), default=None),),
        fills=(None,),
    ),
    Written(
        name="average",
        sql=_select("avg(value) as v"),
        parts=(lambda r: _mean(_finite(r, "value")),),
        fills=(None,),
    ),
    Written(name="lowest", sql=_select("min(value) as v"), parts=(_lowest,), fills=(None,)),
    Written(name="highest", sql=_select("max(value) as v"), parts=(_highest,), fills=(None,)),
    Written(
        name="flagged", sql=_select("bool_or(flag) as v"), parts=(_any_flag,), fills=(0.0,), type="proportion"
    ),
    Written(name="flagged_mean", sql=_select("bool_or(flag) as v"), parts=(_any_flag,), fills=(None,)),
    Written(
        name="items",
        sql=_select("count(distinct item) as v"),
        parts=(lambda rows: len(set(_present(rows, "item"))),),
        fills=(0.0,),
    ),
    Written(name="middle", sql=_select("median(qty) as v"), parts=(_median,), fills=(None,)),
    Written(
        name="balance",
        sql=_select("coalesce(sum(qty), 0) - 2 * count_if(kind = 'view') as v"),
        parts=(lambda rows: (_sum(rows, "qty") or 0) - 2 * len(_kind(rows, "view")),),
        fills=(0.0,),
    ),
    Written(
        name="offset",
        sql=_select("count(*) * 2 + 1 as v"),
        parts=(lambda rows: 2 * len(rows) + 1,),
        fills=(0.0,),
    ),
    Written(
        name="known",
        sql=_select("coalesce(max(qty), 7) as v"),
        parts=(lambda rows: max(_present(rows, "qty"), default=7),),
        fills=(None,),
    ),
    Written(
        name="rate",
        sql=_select("count_if(kind = 'buy')::float / nullif(count_if(kind = 'view'), 0) as v"),
        parts=(lambda rows: _ratio(len(_kind(rows, "buy")), len(_kind(rows, "view"))),),
        fills=(None,),
    ),
    Written(
        name="net_rate",
        sql=_select("count(*) / nullif(sum(qty), 0) as v"),
        parts=(
            lambda rows: None if _sum(rows, "qty") is None else _ratio(len(rows), _sum(rows, "qty") or 0),
        ),
        fills=(None,),
    ),
    Written(
        name="case_inside",
        sql=_select("sum(case when kind = 'buy' then value else 1 end) as v"),
        parts=(lambda rows: _sum([{"value": r["value"] if r["kind"] == "buy" else 1.0} for r in rows]),),
        fills=(0.0,),
    ),
    Written(
        name="case_outside",
        sql=_select("case when count(*) >= 2 then sum(qty) else -1 end as v"),
        parts=(_case_outside,),
        fills=(None,),
    ),
    Written(
        name="having",
        sql=_select("sum(qty) as v", having=" having count(*) >= 2"),
        parts=(_guarded(lambda rows: len(rows) >= 2, lambda rows: _sum(rows, "qty")),),
        fills=(None,),
    ),
    Written(
        name="per_hit",
        sql=_select("sum(qty) as numerator, count(*) as denominator"),
        parts=(lambda rows: _sum(rows, "qty"), len),
        fills=(0.0, 0.0),
        type="ratio",
    ),
    Written(
        name="per_unit_bought",
        sql=_select("count(*) as numerator, sum(qty) as denominator"),
        parts=(len, lambda rows: _sum(rows, "qty")),
        fills=(0.0, 0.0),
        type="ratio",
    ),
    Written(
        name="per_item",
        sql=_select("count(distinct item) as denominator, sum(value) as numerator"),
        parts=(_sum, lambda rows: len(set(_present(rows, "item")))),
        fills=(0.0, 0.0),
        type="ratio",
    ),
    Written(
        name="highest_share",
        sql=_select("max(qty) as numerator, sum(qty) as denominator"),
        parts=(lambda rows: max(_present(rows, "qty"), default=None), lambda rows: _sum(rows, "qty")),
        fills=(0.0, 0.0),
        type="ratio",
    ),
    Written(
        name="running",
        sql=(
            "select {key}, max(total) as v from (select {key}, sum(qty) over (partition by {key} order by qty "
            "rows unbounded preceding) as total from events where {time}) as totals group by {key}"
        ),
        parts=(_highest_running_total,),
        fills=(None,),
    ),
    Written(
        name="per_kind",
        sql=(
            "select {key}, avg(n) as v from (select {key}, kind, count(*) as n from events where {time} "
            "group by {key}, kind) as kinds group by {key}"
        ),
        parts=(_rows_per_kind,),
        fills=(None,),
    ),
    Written(
        name="few_per_kind",
        sql=(
            "select {key}, case when max(n) < 2 then avg(n) end as v from (select {key}, kind, count(*) as n "
            "from events where {time} group by {key}, kind) as kinds group by {key}"
        ),
        parts=(lambda rows: 1.0 if _rows_per_kind(rows) == 1 else None,),
        fills=(None,),
    ),
    Written(
        name="beginners",
        sql=_select("case when count(*) < 3 then sum(qty) end as v"),
        parts=(_guarded(lambda rows: len(rows) < 3, lambda rows: _sum(rows, "qty")),),
        fills=(None,),
    ),
    Written(
        name="with_cte",
        sql=(
            "with bought as (select * from events where kind = 'buy') "
            "select {key}, sum(qty) as v from bought where {time} group by {key}"
        ),
        parts=(_buys(lambda rows: _sum(rows, "qty")),),
        fills=(0.0,),
    ),
    Written(
        name="worth",
        sql=(
            "select e.{key}, sum(e.qty * p.price) as v from events as e join products as p "
            "on p.product_id = e.product_id where {time} group by e.{key}"
        ),
        parts=(_worth,),
        fills=(0.0,),
    ),
    Written(
        name="listed",
        sql=(
            "select e.{key}, count(*) as v from events as e join products as p "
            "on p.product_id = e.product_id where {time} group by 1"
        ),
        parts=(_on_listed_products,),
        fills=(0.0,),
    ),
)
