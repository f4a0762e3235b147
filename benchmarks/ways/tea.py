"""tea-tasting on a table of users that hand-written SQL makes first; runs with a Python that has tea-tasting."""

from collections.abc import Mapping
from typing import Any

import ibis
import tea_tasting as tt

from benchmarks.child import measure
from benchmarks.ways.data import open_views
from benchmarks.ways.task import RATIOS, VALUES, make_users, values


def run(settings: Mapping[str, Any]) -> dict[str, Any]:
    connection = open_views(settings)
    caps = make_users(lambda statement: connection.execute(statement).fetchall())
    connection.execute(
        f"""create temp table analysed as
        select case units.variant when 'control' then 0 else 1 end as variant, {", ".join(values(caps))}
        from units left join users using (user_id)"""
    )
    table = ibis.duckdb.from_connection(connection).table("analysed")
    metrics = {name: tt.Mean(f"y_{name}", f"x_{name}") for name in VALUES}
    for name, (top, bottom) in RATIOS.items():
        metrics[name] = tt.RatioOfMeans(f"y_{top}", f"y_{bottom}", f"x_{top}", f"x_{bottom}")
    result = tt.Experiment(metrics).analyze(table)
    found = {}
    for name in metrics:
        one = result[name]
        # The half width of the interval is the standard error times its quantile; the statistic has it directly.
        found[name] = (one.effect_size, one.effect_size / one.statistic)
    return {"estimates": {"pooled": found}}


if __name__ == "__main__":
    measure(run)
