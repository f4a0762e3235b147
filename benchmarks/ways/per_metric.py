"""One query per metric, each from exposures and events, the default shape of GrowthBook's queries."""

from collections.abc import Mapping
from typing import Any

from benchmarks.child import measure
from benchmarks.ways.cuped import estimates
from benchmarks.ways.data import open_views
from benchmarks.ways.task import RATIOS, Sums, product_name

# Aggregate of a user's rows, and which rows; `revenue_capped` is capped after it, conversion and retention are 0 or 1.
COLUMNS = {
    "revenue": ("sum(case when {w} then value end)", "event_type = 'purchase'"),
    "purchases": ("count(case when {w} then 1 end)", "event_type = 'purchase'"),
    "conversion": ("max(case when {w} then 1 end)", "event_type = 'purchase'"),
    "page_views": ("count(case when {w} then 1 end)", "event_type = 'page_view'"),
    "session_seconds": ("sum(case when {w} then value end)", "event_type = 'session'"),
    "sessions": ("count(case when {w} then 1 end)", "event_type = 'session'"),
    "revenue_capped": ("sum(case when {w} then value end)", "event_type = 'purchase'"),
    "retention": ("max(case when {w} then 1 end)", "true"),
}
AFTER, BEFORE = "ts >= exposed_at", "ts < exposed_at and ts >= exposed_at - interval 14 day"
LATER, WEEK_BEFORE = (
    "ts >= exposed_at + interval 7 day",
    "ts < exposed_at and ts >= exposed_at - interval 7 day",
)

QUERY = """
with units as (
  select user_id, min(variant) as variant, min(exposed_at) as exposed_at
  from exposures
  where experiment_id = 'exp000' and exposed_at >= timestamp '2026-04-01' and exposed_at < timestamp '2026-04-15'
  group by user_id
  having min(variant) = max(variant)
)
, users as (
  select user_id, any_value(variant) as variant, {columns}
  from units
  left join (
    select * from events
    where {rows} and ts >= timestamp '2026-03-18' and ts < timestamp '2026-04-15'
  ) as events using (user_id)
  group by user_id
)
{caps}
select users.variant, count(*) as n, {sums}
from (select users.variant, {filled} from users {capped}) as users
group by users.variant
"""


def query(metric: str, parts: tuple[str, ...]) -> tuple[str, list[str]]:
    """Return a metric's query and the names of its sums."""
    windows = {"y": AFTER, "x": BEFORE} if metric != "retention" else {"y": LATER, "x": WEEK_BEFORE}
    rows = sorted({COLUMNS[part][1] for part in parts})
    names = [f"{side}_{part}" for side in "yx" for part in parts]
    trees = []
    for side, window in windows.items():
        for part in parts:
            aggregate, condition = COLUMNS[part]
            trees.append(f"{aggregate.format(w=f'{window} and {condition}')} as {side}_{part}")
    products = [(a, b) for i, a in enumerate(names) for b in names[i:]]
    sums = [f"sum({name})" for name in names] + [f"sum({a} * {b})" for a, b in products]
    filled = {name: f"cast(coalesce({name}, 0) as double)" for name in names}
    caps, capped = "", ""
    if metric == "revenue_capped":
        quantiles = ", ".join(f"quantile_disc(coalesce({name}, 0), 0.99) as cap_{name}" for name in names)
        caps, capped = f", caps as (select {quantiles} from users)", "cross join caps"
        filled = {name: f"least({tree}, cap_{name})" for name, tree in filled.items()}
    text = QUERY.format(
        columns=", ".join(trees),
        rows=f"({' or '.join(rows)})",
        sums=", ".join(sums),
        filled=", ".join(f"{tree} as {name}" for name, tree in filled.items()),
        caps=caps,
        capped=capped,
    )
    return text, [*names, *(product_name(a, b) for a, b in products)]


def run(settings: Mapping[str, Any]) -> dict[str, Any]:
    connection = open_views(settings)
    found: Sums = {}
    for metric, parts in {**{name: (name,) for name in COLUMNS}, **RATIOS}.items():
        text, names = query(metric, parts)
        for variant, n, *values in connection.execute(text).fetchall():
            found.setdefault(variant, {"n": float(n)}).update(zip(names, values, strict=True))
    return {"estimates": estimates(found)}


if __name__ == "__main__":
    measure(run)
