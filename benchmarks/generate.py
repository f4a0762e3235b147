"""Make the benchmark's data: exposures and heavy-tailed events, reproducible from hashes of row numbers.

Every value is a function of ``hash(row)``, so the same DuckDB version makes the same rows on any machine.

    python benchmarks/generate.py --units 1000000 --events 10000000
"""

import argparse
from pathlib import Path

import duckdb

DATA = Path(__file__).parent / "data"

# A draw in [0, 1) that depends on the row and on the stream k (below 8192) only. Row and stream go into one number,
# because hash(row, k) only folds k into the row's hash and the streams would depend on each other.
SETUP = """
create macro uniform(row, k) as (hash(row::bigint * 8192 + k) >> 11)::double / 9007199254740992.0;
create macro normal(row, k) as
    sqrt(-2 * ln(greatest(uniform(row, k), 1e-300))) * cos(2 * pi() * uniform(row, k + 1));
"""

EVENTS = """
copy (
  select
    user_id,
    case when u < 0.60 then 'page_view' when u < 0.80 then 'session' when u < 0.88 then 'add_to_cart'
         when u < 0.94 then 'checkout' else 'purchase' end as event_type,
    timestamp '2026-03-18' + to_microseconds((uniform(row, 3) * 28 * 86400e6)::bigint) as ts,
    case when u < 0.60 then uniform(row, 4) * 60
         when u < 0.80 then 30 + uniform(row, 4) * 600
         when u < 0.94 then 1
         else exp(3 + 1.1 * normal(row, 5) + 0.6 * normal(user_id, 7)) end as value
  from (
    select range as row, uniform(range, 2) as u,
           (power(uniform(range, 1), 1.6) * {units})::bigint as user_id
    from range({events})
  )
) to '{path}' (format parquet, compression zstd)
"""

EXPOSURES = """
copy (
  select
    'exp' || lpad(e.experiment::varchar, 3, '0') as experiment_id,
    u.range as user_id,
    case when uniform(u.range, 1000 + e.experiment) < 0.5 then 'control' else 'treatment' end as variant,
    timestamp '2026-04-01' + to_microseconds((
      uniform(u.range, 2000 + e.experiment) * {stagger} * 86400e6 + repeat * 43200e6 * uniform(u.range, 3000 + repeat)
    )::bigint) as exposed_at,
    ['SG', 'MY', 'TH', 'ID'][1 + (uniform(u.range, 12) * 4)::integer % 4] as country
  from range({units}) as u
  cross join (select range as experiment from range({experiments})) as e
  cross join (select range as repeat from range(3)) as r
  where uniform(u.range, 4000 + e.experiment) < {share}
    and (repeat = 0 or uniform(u.range, 5000 + repeat) < 0.5)
) to '{path}' (format parquet, compression zstd)
"""


IN_TIME = "copy (select * from '{events}' order by ts) to '{path}' (format parquet, compression zstd)"


def generate(units: int, events: int, folder: Path, *, has_many: bool) -> None:
    """Write the data.

    ``events`` in no order, ``exposures`` (one experiment, 90 % of units), and where there are many experiments
    ``exposures_100`` (100 × a tenth), and the events in the order of their time, as a log holds them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.execute(SETUP)
    events_path = folder / "events.parquet"
    connection.execute(EVENTS.format(units=units, events=events, path=events_path))
    logs = [("exposures", 1, 0.9), ("exposures_100", 100, 0.1)]
    for name, experiments, share in logs if has_many else logs[:1]:
        path = folder / f"{name}.parquet"
        connection.execute(
            EXPOSURES.format(units=units, experiments=experiments, share=share, stagger=7, path=path)
        )
    if has_many:
        connection.execute(IN_TIME.format(events=events_path, path=folder / "events_in_time.parquet"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, default=DATA)
    parser.add_argument("--one", action="store_true", help="leave the log of 100 experiments out")
    arguments = parser.parse_args()
    generate(arguments.units, arguments.events, arguments.folder, has_many=not arguments.one)


if __name__ == "__main__":
    main()
