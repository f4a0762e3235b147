"""A project to start from: three metrics, one experiment, and data in which it wins."""

import csv
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from steelyard.errors import SpecError
from steelyard.hashing import DEFAULT

USERS = 6000
START = datetime(2026, 3, 2)
_FILES = {
    "steelyard.yml": """name: shop
profile: shop
timezone: UTC
units:
  user: user_id
exposures:
  app:
    unit: user
    sql: select experiment_id, user_id, variant, exposed_at, platform from exposures
    timestamp: exposed_at
    dimensions: [platform]
defaults: {alpha: 0.05, power: 0.8, covariate_lookback: 14d, analysis: group_sequential, window: 7d}
""",
    "profiles.yml": """shop:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: shop.duckdb
""",
    "metrics/orders_per_user.sql": """{{ config(version=1, direction='increase', description='Orders per user') }}
select
  user_id,
  count(*) as orders
from orders
where ordered_at >= :start and ordered_at < :end
group by user_id
""",
    "metrics/revenue_per_user.sql": """{{ config(version=1, direction='increase', winsorize={'upper': '99%'},
          description='Revenue per user, capped at the 99th percentile') }}
select
  user_id,
  sum(revenue) as revenue
from orders
where ordered_at >= :start and ordered_at < :end
group by user_id
""",
    "metrics/average_order_value.sql": """{{ config(version=1, type='ratio', direction='increase',
          description='Revenue per order') }}
select
  user_id,
  sum(revenue) as numerator,
  count(*) as denominator
from orders
where ordered_at >= :start and ordered_at < :end
group by user_id
""",
    "experiments/one-page-checkout.yml": """name: one-page-checkout
hypothesis: Checking out on one page brings more orders.
owner: you
exposures: app
status: running
start: 2026-03-16
end: 2026-04-05
variants:
  - {name: control, allocation: 50%}
  - {name: treatment, allocation: 50%}
metrics:
  primary: {metric: orders_per_user, mde: 10%}
  guardrails:
    - {metric: average_order_value, margin: 10%}
    - revenue_per_user
duration: {minimum_runtime_days: 14, target_sample_size_per_variant: 2500}
analysis: {dimensions: [platform]}
""",
    ".gitignore": "*.duckdb\n*.duckdb.wal\ntarget/\n",
}


def write_project(directory: Path) -> Iterator[str]:
    """Write the project and yield each file's path.

    Args:
        directory: A new folder, or one that holds none of the files.

    Raises:
        SpecError: A file is there already; nothing is written then.
    """
    taken = [name for name in (*_FILES, "fixtures") if (directory / name).exists()]
    if taken:
        raise SpecError(
            f"{taken[0]} is there already", where=str(directory), hint="name an empty or a new folder"
        )
    for name, text in _FILES.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        yield str(path)
    yield from _write_fixtures(directory / "fixtures")


def _write_fixtures(folder: Path) -> Iterator[str]:
    """Write five weeks of orders and three of exposures; the treatment has a quarter more orders."""
    random = np.random.default_rng(20260302)
    habit = random.gamma(2.0, 0.03, USERS)
    exposed = START + timedelta(days=14)
    exposures, orders = [], []
    for user in range(USERS):
        name = f"user_{user:05}"
        bucket = DEFAULT.scalar("one-page-checkout", name)
        variant = "control" if bucket is not None and bucket < 5000 else "treatment"
        seen = exposed + timedelta(seconds=int(random.integers(0, 14 * 86400)))
        platform = ("web", "ios", "android")[int(random.integers(0, 3))]
        exposures.append(["one-page-checkout", name, variant, seen.isoformat(" "), platform])
        for day in range(35):
            moment = START + timedelta(days=day, seconds=int(random.integers(0, 86400)))
            boost = 1.25 if variant == "treatment" and moment >= seen else 1.0
            if random.random() < habit[user] * boost:
                orders.append([name, moment.isoformat(" "), round(float(random.lognormal(3.4, 0.7)), 2)])
    folder.mkdir(parents=True)
    yield _write(
        folder / "exposures.csv", ["experiment_id", "user_id", "variant", "exposed_at", "platform"], exposures
    )
    yield _write(folder / "orders.csv", ["user_id", "ordered_at", "revenue"], orders)


def _write(path: Path, header: list[str], rows: Sequence[Sequence[object]]) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return str(path)
