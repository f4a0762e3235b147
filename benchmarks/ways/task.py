"""The task as a person writes it: first exposures, one row per user, sums per variant."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Sums = dict[str, dict[str, float]]
Query = Callable[[str], Sequence[Sequence[Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a person writes differently on each warehouse.

    Attributes:
        keep: Keeps the rows of a query under a name, before ``as``.
        any_value: A value of a group in which all are alike.
        cap: The 99th percentile of a column, as one of its values.
        double: Its type of floating-point numbers.
        kept: Statements after a table is made.
    """

    keep: str
    any_value: str
    cap: str
    double: str = "double"
    kept: tuple[str, ...] = ()


DUCKDB = Words(keep="create temp table", any_value="any_value", cap="quantile_disc({column}, 0.99)")
POSTGRES = Words(
    # A temporary table is read by one process only, an unlogged one by several.
    keep="create unlogged table",
    any_value="min",
    cap="percentile_disc(0.99) within group (order by {column})",
    double="double precision",
    kept=("analyze {name}",),
)
SPARK = Words(
    keep="cache table",
    any_value="any_value",
    cap="percentile_disc(0.99) within group (order by {column})",
)

UNITS = """
{keep} units as
select user_id, min(variant) as variant, min(exposed_at) as exposed_at
from exposures
where experiment_id = 'exp000' and exposed_at >= timestamp '2026-04-01' and exposed_at < timestamp '2026-04-15'
group by user_id
having min(variant) = max(variant)
"""

# For y after the exposure, x in the two weeks before it; retention looks one week either way.
USERS = """
{keep} users as
select
  user_id,
  {any_value}(variant) as variant,
  sum(value) filter (where event_type = 'purchase' and ts >= exposed_at) as y_revenue,
  count(*) filter (where event_type = 'purchase' and ts >= exposed_at) as y_purchases,
  count(*) filter (where event_type = 'page_view' and ts >= exposed_at) as y_page_views,
  sum(value) filter (where event_type = 'session' and ts >= exposed_at) as y_session_seconds,
  count(*) filter (where event_type = 'session' and ts >= exposed_at) as y_sessions,
  count(*) filter (where ts >= exposed_at + interval '7' day) as y_later,
  sum(value) filter (where event_type = 'purchase' and ts < exposed_at) as x_revenue,
  count(*) filter (where event_type = 'purchase' and ts < exposed_at) as x_purchases,
  count(*) filter (where event_type = 'page_view' and ts < exposed_at) as x_page_views,
  sum(value) filter (where event_type = 'session' and ts < exposed_at) as x_session_seconds,
  count(*) filter (where event_type = 'session' and ts < exposed_at) as x_sessions,
  count(*) filter (where ts >= exposed_at - interval '7' day and ts < exposed_at) as x_later
from events
join units using (user_id)
where ts >= exposed_at - interval '14' day and ts < timestamp '2026-04-15'
group by user_id
"""

# The values of one user, for y and x alike.
VALUES = {
    "revenue": "coalesce({p}revenue, 0)",
    "purchases": "coalesce({p}purchases, 0)",
    "conversion": "case when {p}purchases > 0 then 1 else 0 end",
    "page_views": "coalesce({p}page_views, 0)",
    "session_seconds": "coalesce({p}session_seconds, 0)",
    "sessions": "coalesce({p}sessions, 0)",
    "revenue_capped": "least(coalesce({p}revenue, 0), {cap})",
    "retention": "case when {p}later > 0 then 1 else 0 end",
}
RATIOS = {"average_order_value": ("revenue", "purchases"), "pages_per_session": ("page_views", "sessions")}


def values(caps: tuple[float, float], words: Words = DUCKDB) -> list[str]:
    """Return the columns ``y_<metric>`` and ``x_<metric>`` of a user."""
    sides = zip(("y_", "x_"), caps, strict=True)
    return [
        f"cast({tree.format(p=side, cap=cap)} as {words.double}) as {side}{name}"
        for side, cap in sides
        for name, tree in VALUES.items()
    ]


def pairs() -> list[tuple[str, str]]:
    """Return the pairs of columns whose products are needed."""
    found = []
    for name in VALUES:
        y, x = f"y_{name}", f"x_{name}"
        found += [(y, y), (x, x), (y, x)]
    for top, bottom in RATIOS.values():
        found += [(f"{s}_{top}", f"{t}_{bottom}") for s in "yx" for t in "yx"]
    return found


def make_users(query: Query, words: Words = DUCKDB) -> tuple[float, float]:
    """Make the tables ``units`` and ``users``, and return the caps of y and x.

    Args:
        query: Runs one statement and returns its rows.
        words: Of its warehouse.
    """
    for name, statement in (("units", UNITS), ("users", USERS)):
        query(statement.format(keep=words.keep, any_value=words.any_value))
        for after in words.kept:
            query(after.format(name=name))
    y, x = (words.cap.format(column=f"coalesce({side}_revenue, 0)") for side in "yx")
    ((cap_y, cap_x),) = query(f"select {y}, {x} from units left join users using (user_id)")
    return cap_y, cap_x


def one_look(query: Query, words: Words = DUCKDB) -> Sums:
    """Return n, sums and sums of products by variant, from one scan of the events; arguments as in `make_users`."""
    caps = make_users(query, words)
    columns = {f"{side}_{name}": f"{side}_{name}" for side in "yx" for name in VALUES}
    columns |= {product_name(a, b): f"{a} * {b}" for a, b in pairs()}
    rows = query(f"""
        select variant, {", ".join(f"sum({tree}) as {name}" for name, tree in columns.items())}
        from (select variant, {", ".join(values(caps, words))} from users) as one
        group by variant
    """)
    found = {variant: dict(zip(columns, row, strict=True)) for variant, *row in rows}
    # Users without events add nothing to any sum, only to n.
    counts = query("select variant, count(*) from units group by variant")
    return {variant: {"n": float(n), **found[variant]} for variant, n in counts}


def product_name(a: str, b: str) -> str:
    """Return the name of the sum of a product."""
    return f"{a}__{b}"


def metrics() -> dict[str, tuple[str, ...]]:
    """Return the columns of each metric: outcome, or numerator and denominator."""
    return {**{name: (name,) for name in VALUES}, **RATIOS}
