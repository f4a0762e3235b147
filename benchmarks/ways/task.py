"""The task as a person writes it for DuckDB: first exposures, one row per user, sums per variant."""

import duckdb

Sums = dict[str, dict[str, float]]

UNITS = """
create temp table units as
select user_id, arg_min(variant, exposed_at) as variant, min(exposed_at) as exposed_at
from exposures
where experiment_id = 'exp000' and exposed_at >= timestamp '2026-04-01' and exposed_at < timestamp '2026-04-15'
group by user_id
having min(variant) = max(variant)
"""

# For y after the exposure, x in the two weeks before it; retention looks one week either way.
USERS = """
create temp table users as
select
  user_id,
  any_value(variant) as variant,
  sum(value) filter (where event_type = 'purchase' and ts >= exposed_at) as y_revenue,
  count(*) filter (where event_type = 'purchase' and ts >= exposed_at) as y_purchases,
  count(*) filter (where event_type = 'page_view' and ts >= exposed_at) as y_page_views,
  sum(value) filter (where event_type = 'session' and ts >= exposed_at) as y_session_seconds,
  count(*) filter (where event_type = 'session' and ts >= exposed_at) as y_sessions,
  count(*) filter (where ts >= exposed_at + interval 7 day) as y_later,
  sum(value) filter (where event_type = 'purchase' and ts < exposed_at) as x_revenue,
  count(*) filter (where event_type = 'purchase' and ts < exposed_at) as x_purchases,
  count(*) filter (where event_type = 'page_view' and ts < exposed_at) as x_page_views,
  sum(value) filter (where event_type = 'session' and ts < exposed_at) as x_session_seconds,
  count(*) filter (where event_type = 'session' and ts < exposed_at) as x_sessions,
  count(*) filter (where ts >= exposed_at - interval 7 day and ts < exposed_at) as x_later
from events
join units using (user_id)
where ts >= exposed_at - interval 14 day and ts < timestamp '2026-04-15'
group by user_id
"""

CAPS = """
select quantile_disc(coalesce(y_revenue, 0), 0.99), quantile_disc(coalesce(x_revenue, 0), 0.99)
from units left join users using (user_id)
"""

# The values of one user, for y and x alike.
VALUES = {
    "revenue": "coalesce({p}revenue, 0)",
    "purchases": "coalesce({p}purchases, 0)",
    "conversion": "coalesce({p}purchases > 0, false)",
    "page_views": "coalesce({p}page_views, 0)",
    "session_seconds": "coalesce({p}session_seconds, 0)",
    "sessions": "coalesce({p}sessions, 0)",
    "revenue_capped": "least(coalesce({p}revenue, 0), {cap})",
    "retention": "coalesce({p}later > 0, false)",
}
RATIOS = {"average_order_value": ("revenue", "purchases"), "pages_per_session": ("page_views", "sessions")}


def values(caps: tuple[float, float]) -> list[str]:
    """Return the columns ``y_<metric>`` and ``x_<metric>`` of a user."""
    sides = zip(("y_", "x_"), caps, strict=True)
    return [
        f"cast({tree.format(p=side, cap=cap)} as double) as {side}{name}"
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


def one_look(connection: duckdb.DuckDBPyConnection) -> Sums:
    """Return n, sums and sums of products by variant, from one scan of the events."""
    connection.execute(UNITS)
    connection.execute(USERS)
    (caps,) = connection.execute(CAPS).fetchall()
    columns = [f"sum({side}_{name}) as {side}_{name}" for side in "yx" for name in VALUES]
    columns += [f"sum({a} * {b}) as {product_name(a, b)}" for a, b in pairs()]
    moments = f"""
        select variant, {", ".join(columns)}
        from (select variant, {", ".join(values(caps))} from users)
        group by variant
    """
    relation = connection.sql(moments)
    names = relation.columns[1:]
    found = {variant: dict(zip(names, row, strict=True)) for variant, *row in relation.fetchall()}
    # Users without events add nothing to any sum, only to n.
    counts = connection.execute("select variant, count(*) from units group by variant").fetchall()
    return {variant: {"n": float(n), **found[variant]} for variant, n in counts}


def product_name(a: str, b: str) -> str:
    """Return the name of the sum of a product."""
    return f"{a}__{b}"


def metrics() -> dict[str, tuple[str, ...]]:
    """Return the columns of each metric: outcome, or numerator and denominator."""
    return {**{name: (name,) for name in VALUES}, **RATIOS}
