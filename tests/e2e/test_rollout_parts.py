"""Rollouts by segment, by stratum and of triggered units: within epochs, then combined, against the rows."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.support.small_project import START, Small, moment, run, write

from steelyard.stats.moments import Moments
from steelyard.stats.poststratification import poststratify

pytestmark = pytest.mark.long

DAYS, PER_DAY, GROWN = 6, 500, 3
COUNTRIES = np.array(["MY", "SG", "TH"])
LAST = START + timedelta(days=DAYS + 1)
Array = npt.NDArray[Any]
SPEC: dict[str, Any] = {
    "status": "stopped",
    "start": START,
    "end": START + timedelta(days=DAYS - 1),
    "design": "rollout",
    "variants": ["control", "treatment"],
    "epochs": [
        {"start": START, "allocation": ["90%", "10%"]},
        {"start": START + timedelta(days=GROWN), "allocation": ["50%", "50%"]},
    ],
    "metrics": {"primary": ["spend"], "secondary": ["price"]},
    "duration": {"target_sample_size_per_variant": 800},
}
FIXED = {"test": "fixed", "adjustment": "none"}
STRATIFIED = {"adjustment": "post_stratify", "dimensions": ["country"]}
EXPERIMENTS: dict[str, Any] = {
    "segments": {**SPEC, "analysis": {**FIXED, "dimensions": ["country"]}},
    "peeked": {**SPEC, "analysis": {"test": "always_valid", "adjustment": "none", "dimensions": ["country"]}},
    "strata": {**SPEC, "analysis": {"test": "fixed", **STRATIFIED}},
    "bandit": {**SPEC, "design": "bandit", "analysis": {"test": "fixed", **STRATIFIED}},
    "met": {**SPEC, "analysis": {**FIXED, "trigger": "met", "dimensions": ["country"]}},
    "met-peeked": {**SPEC, "analysis": {"test": "always_valid", "adjustment": "none", "trigger": "met"}},
    "met-naive": {
        **{name: value for name, value in SPEC.items() if name != "epochs"},
        "design": "fixed_split",
        "analysis": {**FIXED, "trigger": "met"},
    },
}


class World:
    """Units with a drift between the epochs, strata of other levels, and a trigger up to two days late."""

    def __init__(self) -> None:
        random = np.random.default_rng(91)
        size = DAYS * PER_DAY
        self.day = np.repeat(np.arange(DAYS), PER_DAY)
        self.late = self.day >= GROWN
        self.variant = (random.random(size) < np.where(self.late, 0.5, 0.1)).astype(int)
        self.country = random.choice(3, size, p=[0.5, 0.3, 0.2])
        self.value = random.gamma(2.0, size=size) + 3.0 * self.late + 2.0 * self.country
        self.value += 0.3 * self.variant * (1 + self.country)
        self.met = random.random(size) < 0.6
        self.met_day = self.day + random.integers(0, 3, size)
        # A trigger after the end is none.
        self.met &= self.met_day < DAYS
        names = np.array(["control", "treatment"])[self.variant]
        self.exposures = [
            (name, f"u{k}", str(names[k]), moment(int(self.day[k])), str(COUNTRIES[self.country[k]]))
            for name in EXPERIMENTS
            for k in range(size)
        ]
        self.events = [(f"u{k}", moment(int(self.day[k]), 14), float(v)) for k, v in enumerate(self.value)]
        # What a triggered unit spends from its trigger on, of another level in the epoch of its exposure.
        self.after = random.gamma(2.0, size=size) + 2.0 * self.late + self.country
        met = np.flatnonzero(self.met)
        self.events += [(f"u{k}", moment(int(self.met_day[k]), 20), float(self.after[k])) for k in met]
        self.triggers = [(f"u{k}", moment(int(self.met_day[k]), 16)) for k in met]

    def total(self, k: Array) -> Array:
        """Return what units spend within a day of their exposure: a trigger of the same day adds to it."""
        soon = self.met[k] & (self.met_day[k] == self.day[k])
        return np.asarray(self.value[k] + np.where(soon, self.after[k], 0.0))


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def files(folder: Path, world: World, status: str = "stopped") -> Path:
    tables = {"exposures": world.exposures, "events": world.events, "met": world.triggers}
    experiments = {name: {**spec, "status": status} for name, spec in EXPERIMENTS.items()}
    write(folder, experiments=experiments, tables=tables)
    return folder


@pytest.fixture(scope="module")
def rolled(world: World, tmp_path_factory: pytest.TempPathFactory) -> Small:
    return run(files(tmp_path_factory.mktemp("parts"), world), LAST)


def result(rolled: Small, experiment: str, dimension: str = "", segment: str = "") -> dict[str, Any]:
    (row,) = rolled.rows(
        "results",
        f"experiment_id = '{experiment}' and metric = 'spend' and hypothesis = 'superiority'"
        f" and dimension = '{dimension}' and segment = '{segment}'",
    )
    return row


Part = tuple[float, float, int]


def within(values: Array, variant: Array) -> Part:
    """Return effect, variance and units of one epoch."""
    one, two = (values[variant == v] for v in (0, 1))
    return (
        float(two.mean() - one.mean()),
        float(one.var(ddof=1) / len(one) + two.var(ddof=1) / len(two)),
        len(values),
    )


def combined(parts: list[Part], weigh: Callable[[Array], Array]) -> tuple[float, float]:
    found = np.array(parts)
    raw = weigh(found)
    weight = raw / raw.sum()
    return float(weight @ found[:, 0]), float(np.sqrt(weight**2 @ found[:, 1]))


def by_units(parts: Array) -> Array:
    return np.asarray(parts[:, 2])


def by_information(parts: Array) -> Array:
    return np.asarray(1 / parts[:, 1])


@pytest.mark.parametrize(("experiment", "weigh"), [("segments", by_units), ("peeked", by_information)])
@pytest.mark.parametrize("country", range(3))
def test_a_segment_is_compared_within_each_epoch(
    rolled: Small, world: World, experiment: str, weigh: Callable[..., Any], country: int
) -> None:
    parts = []
    for late in (False, True):
        k = np.flatnonzero((world.late == late) & (world.country == country))
        parts.append(within(world.total(k), world.variant[k]))
    row = result(rolled, experiment, "country", str(COUNTRIES[country]))
    assert (row["effect"], row["std_error"]) == pytest.approx(combined(parts, weigh), rel=1e-9)
    assert row["mean_control_raw"] is None
    # Read as one split the drift of 3 is an effect.
    k = np.flatnonzero(world.country == country)
    pooled, spread, _ = within(world.total(k), world.variant[k])
    assert pooled - row["effect"] > 3 * np.sqrt(spread)


def test_dimensions_leave_everyone_and_epochs_as_they_are(rolled: Small, world: World) -> None:
    parts = []
    for late in (False, True):
        k = np.flatnonzero(world.late == late)
        parts.append(within(world.total(k), world.variant[k]))
    row = result(rolled, "segments")
    assert (row["effect"], row["std_error"]) == pytest.approx(combined(parts, by_units), rel=1e-9)
    dimensions = {one["dimension"] for one in rolled.rows("results", "experiment_id = 'segments'")}
    assert dimensions == {"", "country", "allocation_epoch"}
    stored = rolled.rows(
        "moments", "experiment_id = 'segments' and dimension = 'allocation_epoch_by_country'"
    )
    assert {one["segment"] for one in stored} == {
        f"{START + timedelta(days=day)} {name}" for day in (0, GROWN) for name in COUNTRIES
    }
    assert rolled.rows("moments", "experiment_id = 'met-naive' and dimension like 'allocation%'") == []


def by_precision(parts: Array) -> Array:
    return np.asarray(1 / np.sqrt(parts[:, 1]))


@pytest.mark.parametrize(("experiment", "weigh"), [("strata", by_units), ("bandit", by_precision)])
def test_strata_are_weighted_within_each_epoch(
    rolled: Small, world: World, experiment: str, weigh: Callable[..., Any]
) -> None:
    parts = []
    for late in (False, True):
        strata = []
        for country in range(3):
            cells = [
                world.total(
                    np.flatnonzero((world.late == late) & (world.country == country) & (world.variant == v))
                )
                for v in (0, 1)
            ]
            strata.append(Moments.stack([Moments.from_rows(one[:, None]) for one in cells]))
        pair = poststratify(Moments.stack(strata, axis=0)).pairs()
        # The effect is a sum over strata by their shares, which can be seen without the engine's formula.
        shares = np.array([one.n.sum() for one in strata]) / (world.late == late).sum()
        effects = np.array([float(one.mean[1, 0] - one.mean[0, 0]) for one in strata])
        assert float(pair.effect[0]) == pytest.approx(float(shares @ effects), rel=1e-9)
        parts.append((float(pair.effect[0]), float(pair.variance[0]), int((world.late == late).sum())))
    row = result(rolled, experiment)
    assert (row["effect"], row["std_error"]) == pytest.approx(combined(parts, weigh), rel=1e-9)
    assert row["adjustment"] == "post_stratify"
    if experiment == "strata":
        assert row["std_error"] < 0.9 * result(rolled, "segments")["std_error"]


def triggered(world: World, late: bool, country: int | None = None) -> Array:
    here = world.met & (world.late == late)
    return np.flatnonzero(here if country is None else here & (world.country == country))


@pytest.mark.parametrize("country", [None, 0, 2])
def test_triggered_units_belong_to_the_epoch_of_their_exposure(
    rolled: Small, world: World, country: int | None
) -> None:
    parts = []
    for late in (False, True):
        k = triggered(world, late, country)
        parts.append(within(world.after[k], world.variant[k]))
    segment = ("", "") if country is None else ("country", str(COUNTRIES[country]))
    row = result(rolled, "met", *segment)
    assert (row["effect"], row["std_error"]) == pytest.approx(combined(parts, by_units), rel=1e-9)
    assert row["n_control"] + row["n_variant"] == sum(part[2] for part in parts)


def test_triggered_units_are_held_against_the_shares_of_their_exposure(rolled: Small, world: World) -> None:
    counts = [np.bincount(world.variant[triggered(world, late)], minlength=2) for late in (False, True)]
    expected = counts[0].sum() * np.array([0.9, 0.1]) + counts[1].sum() * np.array([0.5, 0.5])
    total = counts[0] + counts[1]
    where = "check_name = 'srm' and dimension = '' and experiment_id = "
    (row,) = rolled.rows("health", f"{where}'met'")
    assert row["statistic"] == pytest.approx(float(((total - expected) ** 2 / expected).sum()))
    assert row["status"] == "pass"
    (peeked,) = rolled.rows("health", f"{where}'met-peeked'")
    assert peeked["status"] == "pass"
    (naive,) = rolled.rows("health", f"{where}'met-naive'")
    assert naive["status"] == "fail"
    for experiment in ("met", "met-peeked"):
        found = rolled.rows("health", f"experiment_id = '{experiment}' and check_name = 'srm_by_day'")
        assert [one["status"] for one in found] == ["pass"]
        assert rolled.rows("health", f"experiment_id = '{experiment}' and check_name = 'trigger_rate'") == []


def test_what_all_exposed_units_gain_is_weighted_by_those_that_were_exposed(
    rolled: Small, world: World
) -> None:
    (row,) = rolled.rows(
        "insights", "experiment_id = 'met' and kind = 'site_wide_effect' and metric = 'spend'"
    )
    gain = sum(
        (len(triggered(world, late)) / len(world.day))
        * within(world.after[triggered(world, late)], world.variant[triggered(world, late)])[0]
        for late in (False, True)
    )
    assert row["estimate"] == pytest.approx(gain, rel=1e-9)
    # A ratio would take the other units' totals by epoch.
    (ratio,) = rolled.rows(
        "insights", "experiment_id = 'met' and kind = 'site_wide_effect' and metric = 'price'"
    )
    assert (ratio["estimate"], ratio["reason"]) == (None, "needs_all_units")


def test_day_by_day_gives_what_one_run_gives(world: World, tmp_path: Path, rolled: Small) -> None:
    folder = files(tmp_path, world, status="running")
    for day in (2, 4):
        run(folder, START + timedelta(days=day))
    again = run(folder, LAST)
    modes = {name: str(reuse) for name, reuse in again.result.reused.items()}
    assert not [one for one in modes.values() if not one.startswith("incremental")], modes
    columns = ("experiment_id", "metric", "hypothesis", "variant", "dimension", "segment")
    one, other = (
        {tuple(row[name] for name in columns): row for row in small.rows("results", f"as_of = '{LAST}'")}
        for small in (rolled, again)
    )
    assert one.keys() == other.keys()
    for key, row in one.items():
        for name in ("effect", "std_error", "n_control", "p_value"):
            found = other[key][name]
            wanted = None if row[name] is None else pytest.approx(row[name], rel=1e-9)
            assert found == wanted, (key, name)
