"""Quantile metrics from rows in DuckDB to estimates, against the same numbers from the rows themselves."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any

import duckdb
import numpy as np
import pytest
from scipy import stats

from steelyard.analysis.moments import EVERYONE, ExperimentMoments
from steelyard.analysis.quantile_bins import Bins, Histogram
from steelyard.errors import CompileError
from steelyard.run import compute_moments
from steelyard.spec.loader import load_project
from steelyard.stats.comparison import superiority
from steelyard.stats.means import VariantMeans
from steelyard.stats.quantile import quantile_ranks
from steelyard.warehouse.duckdb_warehouse import DuckDBWarehouse

START, AS_OF, WINDOW = date(2026, 3, 2), date(2026, 3, 12), timedelta(days=3)
VARIANTS = ("control", "small", "large")
PLATFORMS = ("ios", "web", None)
Z = stats.norm.isf(0.025)

METRICS = {
    "latency": ("quantile=0.9", "select user_id, latency from events where {bounds}"),
    "signed": ("quantile=0.35", "select user_id, signed from events where {bounds}"),
    "steps": ("quantile=0.75", "select user_id, steps from events where steps is not null and {bounds}"),
    "total": (
        "quantile=0.5",
        "select user_id, sum(steps) as total from events where {bounds} group by user_id",
    ),
    "mean": (
        "quantile=0.7",
        "select user_id, avg(latency) as mean from events where {bounds} group by user_id",
    ),
    "filled": (
        "quantile=0.6, fill=0",
        "select user_id, sum(steps) as t from events where {bounds} group by user_id",
    ),
    "latest": (
        "quantile=0.5",
        "select user_id, steps from (select user_id, steps, row_number() over (partition by user_id "
        "order by happened_at desc) as k from events where {bounds}) as ranked where k <= 2",
    ),
}
# Runs as written, and is a covariate of the metric beside it, so that rows before the exposure are at hand.
METRICS["visits"] = (
    "quantile=0.5",
    "select user_id, max(k) as k from (select user_id, row_number() over (partition by user_id "
    "order by happened_at) as k from events where {bounds}) as ranked group by user_id",
)
PER_UNIT = ("total", "mean", "filled")
WHOLE_NUMBERS = ("steps", "total", "filled", "latest", "visits")


@dataclass(frozen=True)
class Unit:
    variant: int
    segments: Mapping[str, str]
    exposed_at: datetime


@dataclass(frozen=True)
class Event:
    at: datetime
    latency: float | None
    signed: float
    steps: int | None


class Recording(DuckDBWarehouse):
    """A warehouse that keeps what it answered to the queries for bins."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        rows = super().query(sql, parameters)
        if "unit_count" in rows.columns:
            self.bins = [*getattr(self, "bins", []), rows]
        return rows


def write_project(
    root: Path, metrics: Mapping[str, tuple[str, str]], dimensions: str = "[platform, country]"
) -> None:
    bounds = "happened_at >= :start and happened_at < :end"
    files = {
        "steelyard.yml": f"""
            name: test
            profile: test
            timezone: UTC
            units: {{user: user_id}}
            exposures:
              app:
                unit: user
                sql: select * from exposures
                timestamp: exposed_at
                dimensions: {dimensions}
            defaults: {{window: 3d}}
            """,
        "profiles.yml": """
            test:
              target: dev
              outputs: {dev: {type: duckdb, path: test.duckdb, schema: steelyard}}
            """,
    }
    shares = zip(VARIANTS, (50, 40, 10), strict=True)
    variants = ", ".join(f"{{name: {name}, allocation: {share}%}}" for name, share in shares)
    for name, test in (("looks", "group_sequential"), ("once", "fixed")):
        files[f"experiments/{name}.yml"] = f"""
            name: {name}
            hypothesis: Nothing differs.
            exposures: app
            status: running
            start: {START}
            end: 2026-03-10
            variants: [{variants}]
            metrics: {{primary: plain, secondary: [{", ".join(metrics)}]}}
            analysis: {{test: {test}, dimensions: {dimensions}}}
            """
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(dedent(text), encoding="utf-8")
    (root / "metrics").mkdir()
    # Shares its scan with the quantiles per unit, and wants every day of it.
    covariate = "covariate=['visits']" if "visits" in metrics else "covariate=false"
    plain = (covariate, "select user_id, sum(steps) as total from events where {bounds} group by user_id")
    for name, (config, sql) in {"plain": plain, **metrics}.items():
        kind = "" if name == "plain" else "type='quantile', "
        text = f"{{{{ config({kind}{config}) }}}}\n{sql.format(bounds=bounds)}\n"
        (root / f"metrics/{name}.sql").write_text(text, encoding="utf-8")


@cache
def world() -> tuple[dict[int, Unit], dict[int, list[Event]]]:
    """Return units and their events; some have none, some events lie outside every window."""
    rng = np.random.default_rng(8)
    units, events = {}, {}
    for key in range(420):
        exposed_at = datetime.combine(START, time()) + timedelta(seconds=int(rng.integers(0, 9 * 86_400)))
        platform = str(PLATFORMS[rng.choice(3, p=[0.6, 0.35, 0.05])] or "(null)")
        country = "SG" if rng.random() < 0.8 else "MY"
        segments = {"platform": platform, "country": country}
        units[key] = Unit(
            variant=int(rng.choice(3, p=[0.5, 0.4, 0.1])), segments=segments, exposed_at=exposed_at
        )
        level = rng.normal(0, 0.7)
        events[key] = [
            Event(
                at=exposed_at + timedelta(seconds=int(rng.integers(-86_400, 5 * 86_400))),
                latency=[None, math.nan][int(rng.integers(2))]
                if rng.random() < 0.05
                else rng.lognormal(6 + level, 1),
                signed=0.0 if rng.random() < 0.2 else rng.normal(level - 0.3, 1),
                steps=None if rng.random() < 0.05 else int(rng.gamma(2, 30 * math.exp(level))),
            )
            for _ in range(int(rng.poisson(6)))
        ]
    return units, events


def fill_tables(connection: duckdb.DuckDBPyConnection) -> None:
    units, events = world()
    connection.execute(
        "create table exposures (experiment_id text, user_id int, variant text, exposed_at timestamp, "
        "platform text, country text)"
    )
    connection.executemany(
        "insert into exposures values (?, ?, ?, ?, ?, ?)",
        [
            (
                experiment,
                key,
                VARIANTS[unit.variant],
                unit.exposed_at,
                None if unit.segments["platform"] == "(null)" else unit.segments["platform"],
                unit.segments["country"],
            )
            for experiment in ("looks", "once")
            for key, unit in units.items()
        ],
    )
    connection.execute(
        "create table events (user_id int, happened_at timestamp, latency double, signed double, steps int)"
    )
    connection.executemany(
        "insert into events values (?, ?, ?, ?, ?)",
        [(key, e.at, e.latency, e.signed, e.steps) for key, group in events.items() for e in group],
    )


@pytest.fixture(scope="module")
def warehouse() -> Iterator[Recording]:
    with Recording(duckdb.connect(), where="test", secrets=()) as opened:
        fill_tables(opened._connection)
        yield opened


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, warehouse: Recording) -> dict[str, ExperimentMoments]:
    root = tmp_path_factory.mktemp("project")
    write_project(root, METRICS)
    return compute_moments(load_project(root), warehouse, as_of=AS_OF)


def values_of(metric: str, events: Sequence[Event]) -> list[float]:
    """Return a unit's values of a metric from the events of its window."""
    steps = [float(event.steps) for event in events if event.steps is not None]
    latencies = [e.latency for e in events if e.latency is not None and math.isfinite(e.latency)]
    latest = sorted(events, key=lambda event: event.at)[-2:]
    return {
        "latency": latencies,
        "signed": [event.signed for event in events],
        "steps": steps,
        "total": [sum(steps)] if steps else [],
        "mean": [sum(latencies) / len(latencies)] if latencies else [],
        "filled": [sum(steps)],
        "visits": [float(len(events))] if events else [],
        "latest": [float(event.steps) for event in latest if event.steps is not None],
    }[metric]


def samples(metric: str, experiment: str, segment: tuple[str, str], day: date) -> list[list[list[float]]]:
    """Return the rows of each unit that counts by a day, per variant."""
    units, events = world()
    groups: list[list[list[float]]] = [[] for _ in VARIANTS]
    for key, unit in units.items():
        end = unit.exposed_at + WINDOW if experiment == "looks" else datetime(2026, 3, 11)
        if segment != EVERYONE and unit.segments[segment[0]] != segment[1]:
            continue
        if unit.exposed_at >= datetime(2026, 3, 11) or (
            experiment == "looks" and (end - timedelta(microseconds=1)).date() > day
        ):
            continue
        values = values_of(metric, [e for e in events[key] if unit.exposed_at <= e.at < end])
        if values:
            groups[unit.variant].append(values)
    return groups


def shares_spread(group: Sequence[Sequence[float]], threshold: float) -> float:
    """Return the standard error of the share of rows up to a threshold, from units."""
    s = np.array([sum(value <= threshold for value in values) for values in group], dtype=float)
    n = np.array([len(values) for values in group], dtype=float)
    residuals = s - s.sum() / n.sum() * n
    return float(np.sqrt((residuals**2).sum() / (len(n) - 1) / len(n)) / n.mean())


def bounds_of(
    group: Sequence[Sequence[float]], level: Fraction, threshold: float, *, is_per_unit: bool
) -> tuple[int, int]:
    """Return the ranks of section 8."""
    rows = sum(map(len, group))
    if is_per_unit:
        law = stats.binom(rows, float(level))
        ranks = np.arange(1, rows + 1)
        low, high = ranks[law.cdf(ranks - 1) <= 0.025], ranks[law.sf(ranks - 1) <= 0.025]
        return int(low.max(initial=0)), int(high.min(initial=rows + 1))
    reach = Z * shares_spread(group, threshold)
    return math.floor(rows * (float(level) - reach)), math.ceil(rows * (float(level) + reach)) + 1


def check_cell(metric: str, group: Sequence[Sequence[float]], cell: Mapping[str, Any]) -> str:
    """Compare one number with its rows, and return what was found."""
    level = Fraction(METRICS[metric][0].split("=")[1].split(",")[0])
    pooled = sorted(value for values in group for value in values)
    assert cell["n"] == len(group)
    if not pooled:
        assert cell["reason"] == "no_data"
        return "no_data"
    exact = pooled[math.ceil(level * len(pooled)) - 1]
    is_whole = metric in WHOLE_NUMBERS
    # An interpolated value lies in the same bin as the exact one.
    assert cell["mean"] == (exact if is_whole else pytest.approx(exact, rel=0.002))
    if len(group) < 2 and metric not in PER_UNIT:
        assert cell["reason"] == "insufficient_n"
        return "insufficient_n"
    thresholds = [exact] if is_whole else [exact - 0.002 * abs(exact), exact, exact + 0.002 * abs(exact)]
    pairs = [bounds_of(group, level, one, is_per_unit=metric in PER_UNIT) for one in thresholds]
    bounds = [(pooled[low - 1], pooled[high - 1]) for low, high in pairs if low >= 1 and high <= len(pooled)]
    if not bounds:
        assert cell["reason"] == "quantile_not_attainable"
        return "quantile_not_attainable"
    if len(bounds) < len(pairs):
        return "attainable at some thresholds of the bin"
    if any(low == high for low, high in bounds):
        assert cell["reason"] == "quantile_collapsed"
        return "quantile_collapsed"
    assert cell["reason"] == ""
    width = 2 * Z * math.sqrt(cell["variance"])
    # Each of the two bounds is a bin's width off at most, and the resolution adds about that much again.
    slack = [1e-9 * high if is_whole else 0.0045 * max(abs(low), abs(high)) for low, high in bounds]
    assert min(high - low - s for (low, high), s in zip(bounds, slack, strict=True)) <= width
    assert width <= max(high - low + s for (low, high), s in zip(bounds, slack, strict=True))
    return "fine"


def cell_of(means: VariantMeans, day: int, variant: int) -> dict[str, Any]:
    return {
        "n": means.n[day, variant],
        "mean": means.mean[day, variant],
        "variance": means.residual[day, variant],
        "reason": means.reason[day, variant],
    }


@pytest.mark.long
@pytest.mark.parametrize("metric", METRICS)
def test_quantiles_of_each_day_and_segment_are_those_of_the_rows(
    metric: str, found: dict[str, ExperimentMoments]
) -> None:
    moments = found["looks"]
    name = f"{metric}@1 (3d)"
    assert set(moments.quantiles[name]) == set(moments.exposed)
    assert len(moments.exposed) == 6
    seen = set()
    for segment, means in moments.quantiles[name].items():
        assert means.mean.shape == (len(moments.days), len(VARIANTS))
        assert means.method == "quantile"
        for d, day in enumerate(moments.days):
            for v, group in enumerate(samples(metric, "looks", segment, day)):
                seen.add(check_cell(metric, group, cell_of(means, d, v)))
    assert {"no_data", "fine", "quantile_not_attainable"} <= seen


@pytest.mark.parametrize("metric", METRICS)
def test_open_window_has_the_last_day_only(metric: str, found: dict[str, ExperimentMoments]) -> None:
    moments = found["once"]
    for segment, means in moments.quantiles[f"{metric}@1"].items():
        assert (means.reason[:-1] == "only_last_day").all()
        assert np.isnan(means.mean[:-1]).all()
        assert (means.n[:-1] == 0).all()
        for v, group in enumerate(samples(metric, "once", segment, moments.days[-1])):
            check_cell(metric, group, cell_of(means, -1, v))


def test_quantiles_with_outcomes_of_every_kind_were_met(found: dict[str, ExperimentMoments]) -> None:
    """The comparisons above are worth something only if the rows hold what could go wrong."""
    _, events = world()
    pooled = [event for group in events.values() for event in group]
    assert min(event.signed for event in pooled) < 0
    assert sum(event.signed == 0 for event in pooled) > 100
    assert any(event.latency is not None and math.isnan(event.latency) for event in pooled)
    latency = found["looks"].quantiles["latency@1 (3d)"][EVERYONE]
    assert latency.n[-1].sum() < len(events)


def answer_of(
    root: Path, metric: tuple[str, str], exposures: Mapping[str, Any], events: Mapping[str, Any]
) -> tuple[dict[str, ExperimentMoments], list[Any]]:
    """Run a project with one quantile metric, and return its moments and the answers for its bins."""
    write_project(root, {"metric": metric}, dimensions="[platform]")
    with Recording(duckdb.connect(), where="test", secrets=()) as warehouse:
        warehouse._connection.execute("create table exposures as select * from exposures")
        warehouse._connection.execute("create table events as select * from events")
        return compute_moments(load_project(root), warehouse, as_of=AS_OF), warehouse.bins


def exposed_on_the_first_day(variants: Any, platforms: Any, *, experiment: str = "looks") -> dict[str, Any]:
    """Return a log of exposures, one per unit."""
    count = len(variants)
    return {
        "experiment_id": np.full(count, experiment),
        "user_id": np.arange(count),
        "variant": np.array(VARIANTS)[variants],
        "platform": np.asarray(platforms),
        "exposed_at": np.full(count, np.datetime64("2026-03-02T10:00:00")),
    }


def rows_of(units: Any, values: Any) -> dict[str, Any]:
    """Return events an hour after the exposure; ``steps`` is there for the metric beside the quantile."""
    count = len(values)
    return {
        "user_id": np.asarray(units),
        "happened_at": np.full(count, np.datetime64("2026-03-02T11:00:00")),
        "latency": np.asarray(values, dtype=float),
        "steps": np.ones(count),
    }


def test_sums_up_to_every_value_are_those_of_the_units(tmp_path: Path) -> None:
    """Up to each whole number: rows, units, squared rows, and their products with all rows of the unit."""
    rng = np.random.default_rng(5)
    units = rng.integers(0, 80, 900)
    values = rng.integers(-30, 31, 900)
    exposures = exposed_on_the_first_day(np.zeros(80, dtype=int), np.full(80, "web"))
    _, answers = answer_of(tmp_path, METRICS["latency"], exposures, rows_of(units, values))
    bins = Bins.read(answers[0].values, dimensions=["platform"])
    day = date(2026, 3, 5).toordinal()
    histogram = Histogram.of(bins, first_day=day - 3, days=5)
    assert not histogram.sums[:3].any()
    assert histogram.smallest[3].tolist() == histogram.largest[3].tolist() == sorted(set(values))
    n = np.bincount(units, minlength=80)
    for position, threshold in enumerate(sorted(set(values))):
        s = np.bincount(units[values <= threshold], minlength=80)
        rows, _, squares, products = histogram.sums[3, position]
        assert (rows, squares, products) == (s.sum(), (s**2).sum(), (s * n).sum())
    assert histogram.sums[3, -1].tolist() == [900, (n > 0).sum(), (n**2).sum(), (n**2).sum()]
    assert (histogram.sums[4] == histogram.sums[3]).all()


@pytest.mark.long
def test_bins_are_narrow_in_order_and_hold_small_whole_numbers_alone(tmp_path: Path) -> None:
    whole = np.arange(-500, 501)
    other = np.exp(np.linspace(-700, 700, 20_000))
    values = np.concatenate([whole, other, -other, [5e-324, -5e-324, 1.7e308]])
    exposures = exposed_on_the_first_day(np.zeros(1, dtype=int), ["web"])
    _, answers = answer_of(
        tmp_path, METRICS["latency"], exposures, rows_of(np.zeros(len(values), int), values)
    )
    bins = Bins.read(answers[0].values, dimensions=["platform"])
    ordered = bins.where(np.argsort(bins.number))
    assert (ordered.largest[:-1] < ordered.smallest[1:]).all()
    assert (ordered.largest - ordered.smallest <= 0.002 * np.abs(ordered.smallest) * (1 + 1e-9)).all()
    assert ordered.number[(ordered.smallest == 0) & (ordered.largest == 0)].tolist() == [0]
    alone = exposed_on_the_first_day(np.zeros(1, dtype=int), ["web"])
    (tmp_path / "whole").mkdir()
    _, answers = answer_of(
        tmp_path / "whole", METRICS["latency"], alone, rows_of(np.zeros(len(whole), int), whole)
    )
    assert len(answers[0].values) == len(whole)


def histogram_of(values: Sequence[float], numbers: Sequence[int]) -> Histogram:
    """Return the histogram of one day, each value a row of a unit of its own."""
    count = len(values)
    one = np.ones(count, dtype=np.int64)
    bins = Bins(
        experiment=one,
        variant=one,
        day=one,
        levels={},
        number=np.array(numbers),
        smallest=np.array(values, dtype=float),
        largest=np.array(values, dtype=float),
        sums=np.ones((count, 4)),
    )
    return Histogram.of(bins, first_day=1, days=1)


def test_values_of_ranks_inside_a_bin_are_spread_between_its_ends() -> None:
    histogram = histogram_of([1.0, 10.0, 10.004, 10.01, 50.0, 50.0], [1, 2, 2, 2, 3, 3])
    read = [histogram.value(np.array([rank])).item() for rank in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)]
    assert read == [1.0, 10.0, pytest.approx(10.005), 10.01, 50.0, 50.0]
    assert np.isnan(histogram.value(np.array([np.nan]))).all()


def test_bounds_in_one_bin_are_its_ends() -> None:
    histogram = histogram_of([1.0, 10.0, 10.004, 10.01, 50.0, 50.0], [1, 2, 2, 2, 3, 3])
    assert histogram.bounds(np.array([3.0]), np.array([4.0])) == (10.0, 10.01)
    assert histogram.bounds(np.array([2.0]), np.array([3.0])) == (10.0, 10.01)
    assert histogram.bounds(np.array([3.0]), np.array([5.0])) == (pytest.approx(10.005), 50.0)
    assert histogram.bounds(np.array([5.0]), np.array([6.0])) == (50.0, 50.0)


def test_heap_of_equal_values_is_refused(tmp_path: Path) -> None:
    exposures = exposed_on_the_first_day(np.arange(400) % 2, np.full(400, "web"))
    values = np.where(np.arange(400) < 40, 1.0, 1200.5)
    moments, _ = answer_of(tmp_path, METRICS["latency"], exposures, rows_of(np.arange(400), values))
    means = moments["looks"].quantiles["metric@1 (3d)"][EVERYONE]
    assert means.reason[-1, :2].tolist() == ["quantile_collapsed"] * 2
    assert means.mean[-1, :2].tolist() == [1200.5, 1200.5]


def test_level_times_rows_that_is_whole_is_not_rounded_up(tmp_path: Path) -> None:
    """0.07 times 100 is 7.000000000000001 in floating point."""
    exposures = exposed_on_the_first_day(np.zeros(100, dtype=int), np.full(100, "web"))
    metric = ("quantile=0.07", METRICS["latency"][1])
    moments, _ = answer_of(tmp_path, metric, exposures, rows_of(np.arange(100), np.arange(1, 101)))
    assert moments["looks"].quantiles["metric@1 (3d)"][EVERYONE].mean[-1, 0] == 7


def test_fill_of_a_quantile_of_rows_is_refused(tmp_path: Path) -> None:
    exposures = exposed_on_the_first_day(np.zeros(1, dtype=int), ["web"])
    with pytest.raises(CompileError, match="a quantile of rows has no fill"):
        answer_of(tmp_path, ("quantile=0.5, fill=0", METRICS["latency"][1]), exposures, rows_of([0], [1.0]))


REPLICATES, UNITS = 400, 400


@pytest.fixture(scope="module")
def clustered() -> tuple[Any, Any, Any, Any, float]:
    """Return replicates, variants, units of rows and values of an A/A test, and the true 90th percentile.

    A unit has 1 to 11 rows; its level varies more than its rows do.
    """
    rng = np.random.default_rng(13)

    def draw(units: int) -> tuple[Any, Any]:
        owner = np.repeat(np.arange(units), rng.integers(1, 12, units))
        return owner, np.exp(rng.normal(0, 1, units)[owner] + 0.5 * rng.standard_normal(len(owner)))

    truth = float(np.quantile(draw(2_000_000)[1], 0.9))
    owner, values = draw(REPLICATES * UNITS * 2)
    unit = np.arange(REPLICATES * UNITS * 2)
    return unit // (2 * UNITS), unit % 2, owner, values, truth


@pytest.mark.slow
def test_intervals_of_clustered_rows_cover_and_independent_ones_do_not(
    clustered: tuple[Any, Any, Any, Any, float], tmp_path: Path
) -> None:
    replicate, variant, owner, values, truth = clustered
    exposures = exposed_on_the_first_day(variant, replicate.astype(str))
    moments, _ = answer_of(tmp_path, METRICS["latency"], exposures, rows_of(owner, values))
    by_segment = moments["looks"].quantiles["metric@1 (3d)"]
    last = [means for segment, means in by_segment.items() if segment != EVERYONE]
    estimates = np.array([means.mean[-1, :2] for means in last])
    errors = np.sqrt([means.residual[-1, :2] for means in last])
    p_values = np.array([superiority(means.pairs()).p_value[-1, 0] for means in last])
    covered = (np.abs(estimates - truth) <= Z * errors).mean()
    rejected = (p_values < 0.05).mean()
    # Negative control: the same rows as if each were a unit.
    cells = replicate[owner] * 2 + variant[owner]
    independent = 0
    for cell in np.split(values[np.argsort(cells, kind="stable")], np.cumsum(np.bincount(cells))[:-1]):
        ordered = np.sort(cell)
        ranks = quantile_ranks(len(ordered), 0.9)
        independent += ordered[int(ranks.lower) - 1] <= truth <= ordered[int(ranks.upper) - 1]
    naive = independent / (2 * REPLICATES)
    print(f"clustered {covered:.4f}, independent {naive:.4f}, rejected {rejected:.4f}")
    # Three standard errors of 800 and of 400 replicates.
    assert 0.927 <= covered <= 0.973
    assert rejected <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / REPLICATES)
    assert naive < 0.9
