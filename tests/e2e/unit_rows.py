"""Unit-level rows of the demo, by SQL of their own that shares nothing with the engine's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
DAY = timedelta(days=1)

EXPOSED = """
create or replace temp table everyone as
select user_id, min(variant) as variant, min(exposed_at) as exposed_at,
  arg_min(coalesce(platform, '(null)'), exposed_at) as platform
from exposures
where experiment_id = '{experiment}' and exposed_at >= date '{start}' and exposed_at < date '{end}' + 1
  and variant in ({variants}) and user_id <> '' {targeting}
group by user_id having count(distinct variant) = 1
"""
TRIGGERED = """
create or replace temp table exposed as
select user_id, any_value(variant) as variant, any_value(platform) as platform, min(event_time) as exposed_at
from everyone join events using (user_id)
where event_type = '{trigger}' and event_time >= exposed_at and event_time < date '{end}' + 1
group by user_id
"""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A metric: the values of one user's rows, by hand."""

    table: str
    time: str
    values: tuple[str, ...]
    fill: float | None = 0.0
    lookback: int = 14
    where: str = "true"
    covariates: tuple[str, ...] | None = None  # None: the metric itself

    @property
    def is_date(self) -> bool:
        return self.time.endswith("_date")


SOURCES = {
    "checkout_rate": Source(
        table="events",
        time="event_date",
        values=(
            "sum((event_type = 'checkout_completed')::int)::double"
            " / nullif(sum((event_type = 'checkout_started')::int), 0)",
        ),
        fill=None,
    ),
    "checkout_error_rate": Source(
        table="events",
        time="event_date",
        values=(
            "sum((event_type = 'checkout_error')::int)",
            "sum((event_type = 'checkout_started')::int)",
        ),
    ),
    "conversion": Source(
        table="orders", time="ordered_at", values=("1",), covariates=("orders_per_user", "platform")
    ),
    "orders_per_user": Source(table="orders", time="ordered_at", values=("count(*)",), lookback=28),
    "revenue_per_user": Source(table="orders", time="ordered_at", values=("sum(revenue)",), lookback=28),
    "average_order_value": Source(
        table="orders",
        time="ordered_at",
        values=("sum(case when revenue > 500 then 500 else revenue end)", "count(*)"),
        lookback=28,
    ),
    "items_per_order": Source(
        table="orders", time="ordered_at", values=("sum(items)", "count(*)"), where="revenue > 0"
    ),
    "days_between_orders": Source(
        table="orders",
        time="ordered_at",
        values=(
            "case when count(*) > 1 then"
            " epoch(max(ordered_at) - min(ordered_at)) / 86400 / (count(*) - 1) end",
        ),
        fill=None,
        covariates=(),
    ),
    "page_load_ms": Source(
        table="events",
        time="event_time",
        values=("sum(case when value > 10000 then 10000 else value end)", "count(*)"),
        where="event_type = 'page_load'",
        lookback=28,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Rows:
    """One row per unit that counts; ``y`` has one column, or two for a ratio."""

    variant: npt.NDArray[np.int64]
    y: FloatArray
    x: FloatArray


@dataclass(frozen=True, kw_only=True)
class World:
    """One experiment of the demo in raw tables; the connection holds its exposed units."""

    connection: duckdb.DuckDBPyConnection
    variants: tuple[str, ...]
    end: date
    window: int | None

    @classmethod
    def of(
        cls,
        connection: duckdb.DuckDBPyConnection,
        experiment: str,
        *,
        variants: tuple[str, ...],
        span: tuple[date, date],
        window: int | None = 7,
        trigger: str = "",
        countries: tuple[str, ...] = (),
    ) -> "World":
        named = ", ".join(f"'{name}'" for name in variants)
        targeting = f"and country in {countries}" if countries else ""
        connection.execute(
            EXPOSED.format(
                experiment=experiment, start=span[0], end=span[1], variants=named, targeting=targeting
            )
        )
        connection.execute(
            TRIGGERED.format(trigger=trigger, end=span[1])
            if trigger
            else "create or replace temp table exposed as from everyone"
        )
        return cls(connection=connection, variants=variants, end=span[1], window=window)

    def rows(self, metric: str, as_of: date, *, cap: float | None = None) -> Rows:
        """Return the units that count as of a day, with their covariates; ``cap`` is a quantile level."""
        source = SOURCES[metric]
        exposed = "date_trunc('day', exposed_at)" if source.is_date else "exposed_at"
        open_until = min(as_of, self.end) if self.window is None else as_of
        until = f"date '{open_until}' + 1"
        if self.window is not None:
            until = f"least({until}, {exposed} + interval {self.window} day)"
        after = self._values(source, f"{source.time} >= {exposed} and {source.time} < {until}", "y")
        covariates = (metric,) if source.covariates is None else source.covariates
        joined, columns = [after], [f"y{i}" for i in range(len(source.values))]
        has_missing: list[bool] = []
        for number, name in enumerate(one for one in covariates if one != "platform"):
            other = SOURCES[name]
            base = "date_trunc('day', exposed_at)" if other.is_date else "exposed_at"
            span = f"{other.time} >= {base} - interval {other.lookback} day and {other.time} < {base}"
            joined.append(self._values(other, span, f"x{number}_"))
            columns += [f"x{number}_{i}" for i in range(len(other.values))]
            has_missing += [other.fill is None] * len(other.values)
        closed = f"{exposed} + interval {self.window} day <= date '{as_of}' + 1" if self.window else "true"
        sql = f"""
            select variant, platform, {closed} as is_closed, {", ".join(columns)} from exposed
            {" ".join(f"left join ({one}) as j{n} using (user_id)" for n, one in enumerate(joined))}
            where exposed_at < date '{as_of}' + 1 order by user_id
        """
        found = self.connection.execute(sql).fetchnumpy()
        variant = np.array([self.variants.index(one) for one in found["variant"]])
        y = self._filled([found[name] for name in columns if name.startswith("y")], source.fill)
        x = [np.ma.filled(found[name].astype(float), np.nan) for name in columns if name.startswith("x")]
        missing = [
            np.isnan(column).astype(float)
            for column, is_shown in zip(x, has_missing, strict=False)
            if is_shown
        ]
        x = [np.nan_to_num(column) for column in x]
        if cap is not None:
            # A covariate is known on the exposure, so its cap is that of all units, whatever windows are open.
            y = np.minimum(y, _quantile(y[found["is_closed"], 0], cap))
            x = [np.minimum(column, _quantile(column, cap)) for column in x]
        if "platform" in covariates:
            levels = np.unique(found["platform"])
            x += [(found["platform"] == level).astype(float) for level in levels[1:]]
        design = np.column_stack([*x, *missing]) if x or missing else np.zeros((len(y), 0))
        keep = found["is_closed"] & ~np.isnan(y).any(axis=1)
        return Rows(variant=variant[keep], y=y[keep], x=design[keep])

    def _values(self, source: Source, condition: str, prefix: str) -> str:
        values = ", ".join(f"{sql} as {prefix}{i}" for i, sql in enumerate(source.values))
        return (
            f"select user_id, {values} from exposed join {source.table} using (user_id)"
            f" where {condition} and {source.where} group by user_id"
        )

    @staticmethod
    def _filled(columns: Sequence[npt.NDArray[np.float64]], fill: float | None) -> FloatArray:
        stacked = np.column_stack([np.ma.filled(column.astype(float), np.nan) for column in columns])
        return stacked if fill is None else np.where(np.isnan(stacked), fill, stacked)


def _quantile(values: FloatArray, level: float) -> float:
    """Return the smallest value with at least this share of the values at or below it."""
    return float(np.sort(values)[int(np.ceil(level * len(values) - 1e-9)) - 1])
