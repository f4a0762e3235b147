"""Effects under several caps, from rows through the warehouse, against the same caps put on the rows themselves."""

import re
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.support.small_project import START, Small, moment, run, write

from steelyard.report.insights import sentences
from steelyard.warehouse.duckdb_warehouse import DuckDBWarehouse

pytestmark = pytest.mark.long

Array = npt.NDArray[np.float64]
DAYS, UNITS = 4, 300
LAST = START + timedelta(days=DAYS + 1)
VARIANTS = ("control", "treatment")
PER_UNIT = "from events where ts >= :start and ts < :end group by user_id\n"
MATURE = "window={'start': '0d', 'end': '1d', 'mature': true}"
METRICS = {
    "spend": "{{ config(direction='increase', winsorize={'upper': '90%', 'sensitivity':"
    " ['75%', 6, 'none', {'lower': '20%', 'upper': '80%'}]}, " + MATURE + ") }}\n"
    f"select user_id, sum(amount) as spend {PER_UNIT}",
    "growing": "{{ config(direction='increase', winsorize={'upper': '95%'}) }}\n"
    f"select user_id, sum(amount) as spend {PER_UNIT}",
    "price": "{{ config(type='ratio', direction='increase', winsorize={'upper': '90%'}, " + MATURE + ") }}\n"
    f"select user_id, sum(amount) as numerator, count(*) as denominator {PER_UNIT}",
    "written": "{{ config(direction='increase', fill=0, winsorize={'upper': 9, 'sensitivity': ['none', 5]}, "
    + MATURE
    + ") }}\n"
    "select user_id, sum(amount) as spend from\n"
    "  (select user_id, amount, row_number() over (partition by user_id order by ts) as n from events\n"
    "   where ts >= :start and ts < :end) as e group by user_id\n",
}
BASE: dict[str, Any] = {
    "status": "stopped",
    "start": START,
    "end": START + timedelta(days=DAYS - 1),
    "variants": list(VARIANTS),
    "metrics": {"primary": ["spend"], "secondary": ["price", "written"]},
    "analysis": {"test": "fixed", "adjustment": "cuped"},
}
PEEKED = {**BASE, "analysis": {"test": "always_valid", "adjustment": "cuped"}}
OPEN = {**BASE, "metrics": {"primary": ["growing"]}}
SPLIT = {**BASE, "metrics": {"primary": ["spend"]}}
SPLIT["analysis"] = {"test": "fixed", "adjustment": "post_stratify", "dimensions": ["country"]}


class World:
    """Units with what they spent before and after, how often, and where they are."""

    def __init__(self) -> None:
        random = np.random.default_rng(83)
        self.exposures: list[tuple[Any, ...]] = []
        self.events: list[tuple[Any, ...]] = []
        self.spent: dict[str, Array] = {}
        self.before: dict[str, Array] = {}
        self.times: dict[str, Array] = {}
        self.country: dict[str, npt.NDArray[np.str_]] = {}
        for variant in VARIANTS:
            level = random.gamma(2.0, 1.0, UNITS)
            scale = 1.25 if variant == "treatment" else 1.0
            self.before[variant] = level * random.lognormal(0, 0.4, UNITS)
            self.times[variant] = random.integers(1, 5, UNITS).astype(float)
            self.spent[variant] = level * scale * random.lognormal(0, 0.8, UNITS)
            self.country[variant] = random.choice(["SG", "MY"], UNITS)
            for k in range(UNITS):
                day, unit = int(random.integers(0, DAYS)), f"{variant}{k}"
                for name in ("one", "peeked", "open", "split"):
                    self.exposures.append((name, unit, variant, moment(day), self.country[variant][k]))
                self.events.append((unit, moment(day - 2), float(self.before[variant][k])))
                part = float(self.spent[variant][k] / self.times[variant][k])
                self.events += [(unit, moment(day, 13 + n), part) for n in range(int(self.times[variant][k]))]


def quantile(values: dict[str, Array], level: float) -> float:
    """Return the smallest value that so many percent of all variants' values do not exceed."""
    pooled = np.sort(np.concatenate([values[one] for one in VARIANTS]))
    return float(pooled[int(np.ceil(round(len(pooled) * level / 100, 9))) - 1])


def limited(values: dict[str, Array], upper: float, lower: float = -np.inf) -> dict[str, Array]:
    return {one: np.clip(values[one], lower, upper) for one in VARIANTS}


def adjusted(y: dict[str, Array], x: dict[str, Array]) -> tuple[float, float]:
    """Return effect and standard error with slopes of each variant's own, from rows."""
    everyone = np.concatenate([x[one] for one in VARIANTS])
    means, slopes, spread = {}, {}, 0.0
    for one in VARIANTS:
        n, centred = len(y[one]), x[one] - x[one].mean()
        slopes[one] = float(centred @ y[one] / (centred @ centred))
        left = y[one] - y[one].mean() - slopes[one] * centred
        means[one] = y[one].mean() - slopes[one] * (x[one].mean() - everyone.mean())
        spread += float(left @ left) / (n - 2) / n
    gap = slopes["treatment"] - slopes["control"]
    variance = spread + gap**2 * everyone.var(ddof=1) / len(everyone)
    return means["treatment"] - means["control"], float(np.sqrt(variance))


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def ran(world: World, tmp_path_factory: pytest.TempPathFactory) -> Small:
    folder = tmp_path_factory.mktemp("caps")
    write(
        folder,
        experiments={"one": BASE, "peeked": PEEKED, "open": OPEN, "split": SPLIT},
        tables={"exposures": world.exposures, "events": world.events},
        metrics=METRICS,
    )
    return run(folder, LAST)


def found(ran: Small, experiment: str, metric: str) -> dict[str, dict[str, Any]]:
    rows = ran.rows(
        "insights",
        f"experiment_id = '{experiment}' and metric = '{metric}' and kind in ('without_cap', 'other_cap')",
    )
    return {row["segment"] or "none": row for row in rows}


CAPS: dict[str, Callable[[dict[str, Array]], dict[str, Array]]] = {
    "75%": lambda y: limited(y, quantile(y, 75)),
    "6": lambda y: limited(y, 6.0),
    "none": lambda y: y,
    "20% to 80%": lambda y: limited(y, quantile(y, 80), quantile(y, 20)),
}


@pytest.mark.parametrize("experiment", ["one", "peeked"])
def test_the_effect_under_each_cap_is_adjusted_as_the_metric_is(
    world: World, ran: Small, experiment: str
) -> None:
    rows = found(ran, experiment, "spend")
    assert rows.keys() == CAPS.keys()
    covariate = limited(world.before, quantile(world.before, 90))
    (own,) = ran.rows(
        "results",
        f"experiment_id = '{experiment}' and metric = 'spend' and hypothesis = 'superiority' and segment = ''",
    )
    width = (own["effect_ci_upper"] - own["effect"]) / own["std_error"]
    effect, error = adjusted(limited(world.spent, quantile(world.spent, 90)), covariate)
    assert (own["effect"], own["std_error"]) == pytest.approx((effect, error), rel=1e-9)
    for cap, limit in CAPS.items():
        effect, error = adjusted(limit(world.spent), covariate)
        row = rows[cap]
        assert (row["estimate"], row["std_error"]) == pytest.approx((effect, error), rel=1e-9)
        # The interval is as wide, in standard errors, as the metric's own.
        assert row["ci_upper"] == pytest.approx(effect + width * error, rel=1e-9)
        assert row["hypothesis"] == "superiority"


def test_a_percentile_without_a_list_is_shown_without_it_and_with_twice_and_half_of_what_it_cuts_off(
    world: World, ran: Small
) -> None:
    """The window is open, so the values grow from day to day, and the moments are those of changes."""
    rows = found(ran, "open", "growing")
    assert rows.keys() == {"none", "90%", "97.5%"}
    covariate = limited(world.before, quantile(world.before, 95))
    for cap in ("90%", "97.5%"):
        effect, error = adjusted(limited(world.spent, quantile(world.spent, float(cap[:-1]))), covariate)
        assert (rows[cap]["estimate"], rows[cap]["std_error"]) == pytest.approx((effect, error), rel=1e-9)
        assert f"{quantile(world.spent, float(cap[:-1])):.6g}" in rows[cap]["detail"]


def test_a_ratio_has_both_parts_under_each_cap(world: World, ran: Small) -> None:
    rows = found(ran, "one", "price")
    assert rows.keys() == {"none", "80%", "95%"}
    for cap in ("none", "80%", "95%"):
        level = 100.0 if cap == "none" else float(cap[:-1])
        top = limited(world.spent, quantile(world.spent, level))
        bottom = limited(world.times, quantile(world.times, level))
        ratio = {one: top[one].mean() / bottom[one].mean() for one in VARIANTS}
        linear = {one: (top[one] - ratio[one] * bottom[one]) / bottom[one].mean() for one in VARIANTS}
        # The time before the exposure holds one event of each unit: only its amount varies.
        covariate = limited(world.before, quantile(world.before, 90))
        shift, error = adjusted(linear, covariate)
        effect = ratio["treatment"] - ratio["control"] + shift
        assert rows[cap]["estimate"] == pytest.approx(effect, rel=1e-9)
        assert rows[cap]["std_error"] == pytest.approx(error, rel=1e-9)


def test_a_query_that_runs_as_written_is_run_once_for_all_caps(world: World, ran: Small) -> None:
    rows = found(ran, "one", "written")
    assert rows.keys() == {"none", "5"}
    effect, error = adjusted(limited(world.spent, 5.0), limited(world.before, 9.0))
    assert (rows["5"]["estimate"], rows["5"]["std_error"]) == pytest.approx((effect, error), rel=1e-9)


def test_caps_compose_with_post_stratification(world: World, ran: Small) -> None:
    values = limited(world.spent, quantile(world.spent, 75))
    total, effect, gaps = 2 * UNITS, 0.0, []
    spread = 0.0
    for country in ("SG", "MY"):
        parts = [values[one][world.country[one] == country] for one in VARIANTS]
        weight = sum(map(len, parts)) / total
        gap = parts[1].mean() - parts[0].mean()
        effect += weight * gap
        gaps.append((weight, gap))
        spread += weight**2 * sum(part.var(ddof=1) / len(part) for part in parts)
    spread += sum(weight * (gap - effect) ** 2 for weight, gap in gaps) / total
    row = found(ran, "split", "spend")["75%"]
    assert (row["estimate"], row["std_error"]) == pytest.approx((effect, np.sqrt(spread)), rel=1e-9)


def reading_facts(ran: Small) -> list[str]:
    return sorted(name for name, text in ran.result.statements["app"].items() if "events" in text)


def test_other_caps_add_no_statement_over_facts(world: World, ran: Small, tmp_path: Path) -> None:
    alone = {
        name: re.sub(r"(winsorize=\{'upper': [^,}]+)[^}]*(\}\])?\}", r"\1, 'sensitivity': false}", text)
        for name, text in METRICS.items()
    }
    assert all("'sensitivity': false}" in text for text in alone.values())
    write(
        tmp_path,
        experiments={"one": BASE, "peeked": PEEKED, "open": OPEN, "split": SPLIT},
        tables={"exposures": world.exposures, "events": world.events},
        metrics=alone,
    )
    other = run(tmp_path, LAST)
    assert found(other, "one", "spend") == {}
    assert reading_facts(other) == reading_facts(ran)


def test_percentiles_of_other_caps_stand_on_record(ran: Small) -> None:
    rows = ran.rows("caps", "experiment_id = 'one' and metric = 'spend'")
    # The metric's own, that of its covariate, and those of 75 % and of 20 to 80 %.
    assert len({row["name"] for row in rows}) == 5
    assert ran.rows("insights") == run(ran.folder, LAST).rows("insights")


def test_an_incremental_run_says_the_same_of_other_caps(world: World, tmp_path: Path) -> None:
    running = {**OPEN, "status": "running"}
    mature = {**PEEKED, "status": "running", "metrics": {"primary": ["spend"], "secondary": ["price"]}}
    folder = tmp_path / "kept"
    write(
        folder,
        experiments={"peeked": mature, "open": running},
        tables={"exposures": world.exposures, "events": world.events},
        metrics=METRICS,
    )
    for day in range(2, DAYS + 1):
        run(folder, START + timedelta(days=day))
    stopped = folder / "experiments" / "open.yml"
    stopped.write_text(stopped.read_text(encoding="utf-8").replace("running", "stopped"), encoding="utf-8")
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    profile = copy / "profiles.yml"
    profile.write_text(profile.read_text(encoding="utf-8").replace(str(folder), str(copy)), encoding="utf-8")
    ours = run(folder, LAST)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DuckDBWarehouse, "keeps_state", False)
        theirs = run(copy, LAST)
    reused = {name: str(one) for name, one in ours.result.reused.items()}
    assert all("incremental" in words and "in full" not in words for words in reused.values()), reused
    day = f"as_of = '{LAST}' and kind in ('without_cap', 'other_cap')"
    pairs = list(zip(ours.rows("insights", day), theirs.rows("insights", day), strict=True))
    assert len(pairs) == 10
    for one, other in pairs:
        assert (one["metric"], one["segment"], one["detail"]) == (
            other["metric"],
            other["segment"],
            other["detail"],
        )
        for name in ("estimate", "std_error", "ci_lower"):
            assert one[name] == pytest.approx(other[name], rel=1e-9)


def test_the_report_says_which_caps_change_the_finding(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    exposures, events = [], []
    for variant, mean in (("control", 2.0), ("treatment", 2.6)):
        for k, value in enumerate(random.gamma(2.0, mean / 2, 500)):
            spent = 8000.0 if variant == "control" and k == 0 else float(value)
            exposures.append(("one", f"{variant}{k}", variant, moment(0), "SG"))
            events.append((f"{variant}{k}", moment(0, 14), spent))
    write(
        tmp_path,
        experiments={"one": {**SPLIT, "analysis": {"test": "fixed", "adjustment": "none"}}},
        tables={"exposures": exposures, "events": events},
        metrics=METRICS,
    )
    ran = run(tmp_path, LAST)
    rows = ran.rows("insights", "kind in ('without_cap', 'other_cap')")
    told = [line for line in sentences(rows) if "cap" in line]
    assert len(told) == 1
    assert "The effect without the cap says something else than with it." in told[0]
    assert {row["segment"]: "the same as" in row["detail"] for row in rows} == {
        "": False,
        "6": True,
        "75%": True,
        "20% to 80%": True,
    }


def test_a_cap_that_touches_nothing_changes_nothing_in_any_design(tmp_path: Path) -> None:
    """Rollouts are compared within epochs and clusters with the degrees of freedom of clusters, whatever the cap."""
    random = np.random.default_rng(47)
    exposures, events = [], []
    for k in range(600):
        day = k % DAYS
        share = 0.2 if day < 2 else 0.5
        variant = VARIANTS[int(random.random() < share)]
        exposures += [(name, f"u{k}", variant, moment(day), "SG") for name in ("rolled", "stores", "several")]
        events.append((f"u{k}", moment(day - 1), float(random.gamma(2.0))))
        events += [(f"u{k}", moment(day, 13 + n), float(random.gamma(2.0) + day)) for n in range(1 + k % 3)]
    capped = {
        name: re.sub(
            r"winsorize=\{.*?\}(\]\})?", "winsorize={'upper': 1e6, 'sensitivity': ['none', 1e7]}", text
        )
        for name, text in METRICS.items()
        if name in ("spend", "price")
    }
    epochs = [
        {"start": START, "allocation": ["80%", "20%"]},
        {"start": START + timedelta(days=2), "allocation": ["50%", "50%"]},
    ]
    both = {"primary": ["spend"], "secondary": ["price"]}
    rolled = {**BASE, "design": "rollout", "epochs": epochs, "metrics": both}
    stores = {**BASE, "design": "cluster", "metrics": {"primary": ["price"]}}
    several = {**BASE, "metrics": both, "analysis": {**BASE["analysis"], "dimensions": ["country"]}}
    write(
        tmp_path,
        experiments={"rolled": rolled, "stores": stores, "several": several},
        tables={"exposures": exposures, "events": events},
        metrics=capped,
    )
    ran = run(tmp_path, LAST)
    results = {
        (row["experiment_id"], row["metric"]): row
        for row in ran.rows("results", "hypothesis = 'superiority' and segment = ''")
    }
    shown = ran.rows("insights", "kind in ('without_cap', 'other_cap')")
    assert len(shown) == 2 * len(results) == 10
    for row in shown:
        own = results[row["experiment_id"], row["metric"]]
        assert row["estimate"] == pytest.approx(own["effect"], rel=1e-9)
        assert row["std_error"] == pytest.approx(own["std_error"], rel=1e-9)
        assert row["ci_lower"] == pytest.approx(own["effect_ci_lower"], rel=1e-9)
        assert row["p_value"] == pytest.approx(own["p_value"], rel=1e-6)
        assert "the same as" in row["detail"]


def test_an_outlier_takes_no_digits_from_the_values_that_are_capped(tmp_path: Path) -> None:
    """What grows from day to day is squared about a constant: the one of capped values, and not that of raw ones."""
    spent = {
        variant: np.random.default_rng(number).normal(10, 1, 50) for number, variant in enumerate(VARIANTS)
    }
    spent["treatment"][0] = 1e15
    units = [(f"{variant}{k}", variant, k) for variant in VARIANTS for k in range(50)]
    write(
        tmp_path,
        experiments={"open": OPEN},
        tables={
            "exposures": [("open", unit, variant, moment(0), "SG") for unit, variant, _ in units],
            "events": [(unit, moment(1), float(spent[variant][k])) for unit, variant, k in units],
        },
        metrics={
            "growing": "{{ config(direction='increase', winsorize={'upper': 12}) }}\n"
            f"select user_id, sum(amount) as spend {PER_UNIT}"
        },
    )
    row, *_ = run(tmp_path, LAST).rows("results", "hypothesis = 'superiority'")
    control, treatment = (np.minimum(spent[variant], 12) for variant in VARIANTS)
    variance = control.var(ddof=1) / 50 + treatment.var(ddof=1) / 50
    assert row["std_error"] == pytest.approx(np.sqrt(variance), rel=1e-9)
    assert row["effect"] == pytest.approx(treatment.mean() - control.mean(), rel=1e-9)
