"""Ratios of experiments with a trigger, on all exposed units: through the warehouse, and from the rows themselves."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.support.small_project import START, Small, moment, run, write

pytestmark = pytest.mark.long

Array = npt.NDArray[np.float64]
DAYS, UNITS = 4, 1200
LAST = START + timedelta(days=DAYS + 1)
VARIANTS = ("control", "treatment")
PER_UNIT = "from events where ts >= :start and ts < :end group by user_id\n"
PARTS = "select user_id, sum(amount) as numerator, count(*) as denominator "
MATURE = "window={'start': '0d', 'end': '1d', 'mature': true}"
METRICS = {
    "price": "{{ config(type='ratio', direction='increase', " + MATURE + ") }}\n" + PARTS + PER_UNIT,
    "growing": "{{ config(type='ratio', direction='increase') }}\n" + PARTS + PER_UNIT,
    "capped": "{{ config(type='ratio', direction='increase', winsorize={'upper': '80%'}, "
    + MATURE
    + ") }}\n"
    + PARTS
    + PER_UNIT,
    "spend": "{{ config(direction='increase', "
    + MATURE
    + ") }}\nselect user_id, sum(amount) as spend "
    + PER_UNIT,
    "known": "{{ config(direction='increase', fill=none, " + MATURE + ") }}\n"
    "select user_id, sum(amount) as spend " + PER_UNIT,
}
BASE: dict[str, Any] = {
    "status": "stopped",
    "start": START,
    "end": START + timedelta(days=DAYS - 1),
    "variants": list(VARIANTS),
    "metrics": {"primary": ["price"], "secondary": ["growing", "capped", "spend", "known"]},
}


def settings(adjustment: str, trigger: str | None = "met") -> dict[str, Any]:
    return {**BASE, "analysis": {"test": "fixed", "adjustment": adjustment, "trigger": trigger}}


class World:
    """Rows per unit: variant, whether it met the trigger, and numerator and denominator after and before."""

    def __init__(self) -> None:
        random = np.random.default_rng(19)
        self.exposures: list[tuple[Any, ...]] = []
        self.events: list[tuple[Any, ...]] = []
        self.met: list[tuple[Any, ...]] = []
        units = []
        for k in range(UNITS):
            variant, meets = VARIANTS[k % 2], bool(random.random() < 0.45)
            day, unit, level = int(random.integers(0, DAYS)), f"u{k}", float(random.gamma(3.0, 1.0))
            start = moment(day, 6)
            for name in ("plain", "adjusted", "everyone"):
                self.exposures.append((name, unit, variant, start, "SG"))
            if meets:
                self.met += [(unit, moment(day, 10)), (unit, moment(day, 20))]
                # Before the trigger, after the exposure: neither the time after nor long before.
                self.events.append((unit, moment(day, 8), 50.0))
            elif k % 7 == 0:
                self.met.append((unit, moment(day, 5)))
            scale = level * (1.3 if meets and variant == "treatment" else 1.0)
            before = self._log(unit, moment(day - 1, 9), int(random.integers(0, 4)), level, random)
            after = self._log(unit, moment(day, 11), int(random.integers(0, 5)), scale, random)
            if meets:
                before += np.array([50.0, 1.0])
            units.append((variant == "treatment", meets, *after, *before))
        self.units = np.array(units)

    def _log(self, unit: str, first: Any, count: int, level: float, random: np.random.Generator) -> Array:
        amounts = level * random.lognormal(0, 0.5, count)
        self.events += [(unit, first + timedelta(minutes=n), float(one)) for n, one in enumerate(amounts)]
        return np.array([amounts.sum(), count])


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def ran(world: World, tmp_path_factory: pytest.TempPathFactory) -> Small:
    folder = tmp_path_factory.mktemp("triggered")
    write(
        folder,
        experiments={
            "adjusted": settings("cuped"),
            "everyone": settings("cuped", None),
            "plain": settings("none"),
        },
        tables={"exposures": world.exposures, "events": world.events, "met": world.met},
        metrics=METRICS,
    )
    return run(folder, LAST)


def slopes(y: Array, x: Array) -> tuple[Array, float]:
    """Return the coefficients of a regression and the variance that it leaves."""
    design = np.column_stack([np.ones(len(y)), x])
    found, *_ = np.linalg.lstsq(design, y, rcond=None)
    left = y - design @ found
    return found[1:], float(left @ left / (len(y) - design.shape[1]))


def on_all_units(units: Array, *, adjusted: bool) -> tuple[float, float]:
    """Return effect and standard error of the ratio on all exposed units, from one row per unit."""
    met = units[units[:, 1] == 1]
    other = units[units[:, 1] == 0][:, 2:4]
    share = len(met) / len(units)
    x_all = met[:, 4:]
    ratio, error, gradients, coefficients = {}, {}, {}, {}
    for k in (0, 1):
        mine = met[met[:, 0] == k]
        parts = share * mine[:, 2:4].mean(axis=0) + (1 - share) * other.mean(axis=0)
        ratio[k] = parts[0] / parts[1]
        gradients[k] = np.array([1.0, -ratio[k]]) / parts[1]
        z = mine[:, 2:4] @ gradients[k]
        x = mine[:, 4:] if adjusted else mine[:, 4:4]
        coefficients[k], left = slopes(z, x)
        if adjusted:
            ratio[k] -= share * float(coefficients[k] @ (x.mean(axis=0) - x_all.mean(axis=0)))
        error[k] = share**2 * left / len(mine)
    gap = gradients[1] - gradients[0]
    variance = error[0] + error[1] + (1 - share) ** 2 * gap @ np.cov(other.T) @ gap / len(other)
    if adjusted:
        turn = coefficients[1] - coefficients[0]
        variance += share**2 * turn @ np.cov(x_all.T) @ turn / len(met)
    return ratio[1] - ratio[0], float(np.sqrt(variance))


def site_wide(ran: Small, experiment: str, metric: str) -> dict[str, Any]:
    (row,) = ran.rows(
        "insights", f"kind = 'site_wide_effect' and experiment_id = '{experiment}' and metric = '{metric}'"
    )
    return row


@pytest.mark.parametrize("metric", ["price", "growing"])
@pytest.mark.parametrize("experiment", ["plain", "adjusted"])
def test_a_ratio_is_diluted_by_what_the_other_units_parts_add_up_to(
    world: World, ran: Small, experiment: str, metric: str
) -> None:
    row = site_wide(ran, experiment, metric)
    wanted = on_all_units(world.units, adjusted=experiment == "adjusted")
    assert (row["estimate"], row["std_error"]) == pytest.approx(wanted, rel=1e-9)
    assert f"Of {UNITS:,} exposed units" in row["detail"]
    (own,) = ran.rows(
        "results", f"experiment_id = '{experiment}' and metric = '{metric}' and hypothesis = 'superiority'"
    )
    width = (own["effect_ci_upper"] - own["effect"]) / own["std_error"]
    assert row["ci_upper"] - row["estimate"] == pytest.approx(width * row["std_error"], rel=1e-9)


def test_the_dilution_is_neither_the_effect_times_the_share_nor_that_on_the_triggered(
    world: World, ran: Small
) -> None:
    row = site_wide(ran, "plain", "price")
    (result,) = ran.rows(
        "results", "experiment_id = 'plain' and metric = 'price' and hypothesis = 'superiority'"
    )
    share = world.units[:, 1].mean()
    assert abs(row["estimate"] / (result["effect"] * share) - 1) > 0.02


def test_the_cap_of_the_triggered_units_counts_for_the_others(world: World, ran: Small) -> None:
    units = world.units.copy()
    met = units[units[:, 1] == 1]
    for column in (2, 3, 4, 5):
        level = np.sort(met[:, column])[int(np.ceil(round(0.8 * len(met), 9))) - 1]
        units[:, column] = np.minimum(units[:, column], level)
    row = site_wide(ran, "adjusted", "capped")
    wanted = on_all_units(units, adjusted=True)
    assert (row["estimate"], row["std_error"]) == pytest.approx(wanted, rel=1e-9)


def test_the_other_units_leave_everything_else_as_it_was(ran: Small, world: World, tmp_path: Path) -> None:
    """Without ratios nobody reads them; all that is said of the other metrics is the same."""
    others = {"primary": ["spend"], "secondary": ["known"]}
    names = ("adjusted", "everyone", "plain")
    specs = {name: settings("none" if name == "plain" else "cuped") for name in names}
    specs["everyone"]["analysis"]["trigger"] = None
    write(
        tmp_path,
        experiments={name: {**spec, "metrics": others} for name, spec in specs.items()},
        tables={"exposures": world.exposures, "events": world.events, "met": world.met},
        metrics={name: METRICS[name] for name in ("spend", "known")},
    )
    alone = run(tmp_path, LAST)
    for table, columns in (
        ("results", ("n_control", "n_variant", "effect", "std_error")),
        ("insights", ("kind", "estimate", "std_error", "detail", "reason")),
    ):
        # Effects on primary metrics alone are compared between experiments, and these are not the same here.
        where = "metric in ('spend', 'known')" + (
            " and hypothesis = 'superiority'"
            if table == "results"
            else " and kind <> 'experiment_interaction'"
        )
        pairs = zip(alone.rows(table, where), ran.rows(table, where), strict=True)
        for one, other in pairs:
            for column in columns:
                is_number = isinstance(one[column], float)
                expected = pytest.approx(one[column], rel=1e-9) if is_number else one[column]
                assert other[column] == expected
    checks = "check_name in ('srm', 'overlap', 'trigger_rate', 'multiple_exposure', 'quality')"
    ours, theirs = ran.rows("health", checks), alone.rows("health", checks)
    kept = ("experiment_id", "check_name", "segment", "statistic", "p_value", "status", "detail")
    assert [[row[name] for name in kept] for row in ours] == [[row[name] for name in kept] for row in theirs]


def test_a_mean_of_those_that_have_a_value_says_why_it_is_not_diluted(ran: Small) -> None:
    row = site_wide(ran, "plain", "known")
    assert (row["estimate"], row["reason"]) == (None, "needs_all_units")


def test_the_other_units_are_read_in_the_same_statements(ran: Small) -> None:
    names = [name for name, text in ran.result.statements["app"].items() if "FROM events" in text]
    scans = [name for name in names if not name.startswith("not_finite")]
    assert len(scans) <= 2, scans


def test_a_run_from_state_reads_diluted_ratios_in_full_and_says_why(world: World, tmp_path: Path) -> None:
    spec = {**settings("cuped"), "status": "running"}
    spec["analysis"] = {**spec["analysis"], "test": "always_valid"}
    spec["metrics"] = {"primary": ["price"], "secondary": ["spend"]}
    write(
        tmp_path,
        experiments={"adjusted": spec},
        tables={"exposures": world.exposures, "events": world.events, "met": world.met},
        metrics=METRICS,
    )
    for day in range(DAYS - 1, DAYS + 2):
        ran = run(tmp_path, START + timedelta(days=day))
    reused = ran.result.reused["adjusted"]
    assert reused.mode == "incremental"
    assert dict(reused.in_full) == {"price@1": "units that never met the trigger are read with it"}
    rows = ran.rows("insights", f"kind = 'site_wide_effect' and metric = 'price' and as_of = '{LAST}'")
    wanted = on_all_units(world.units, adjusted=True)
    assert (rows[0]["estimate"], rows[0]["std_error"]) == pytest.approx(wanted, rel=1e-9)


def test_where_all_units_meet_the_trigger_nothing_is_diluted(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    exposures, events, met = [], [], []
    for k in range(200):
        exposures.append(("plain", f"u{k}", VARIANTS[k % 2], moment(0, 6), "SG"))
        met.append((f"u{k}", moment(0, 7)))
        events += [(f"u{k}", moment(0, 8 + n), float(random.gamma(2.0))) for n in range(1 + k % 3)]
    spec = settings("none")
    write(
        tmp_path,
        experiments={"plain": {**spec, "metrics": {"primary": ["price"]}}},
        tables={"exposures": exposures, "events": events, "met": met},
        metrics=METRICS,
    )
    ran = run(tmp_path, LAST)
    (result,) = ran.rows("results", "metric = 'price' and hypothesis = 'superiority'")
    row = site_wide(ran, "plain", "price")
    assert (row["estimate"], row["std_error"]) == pytest.approx(
        (result["effect"], result["std_error"]), rel=1e-9
    )
