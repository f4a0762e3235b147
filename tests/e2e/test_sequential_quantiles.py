"""Sequential tests of quantiles, from events to decisions, against numpy on the events of each day's units."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats as sp
from tests.support.small_project import METRICS, START, Small, moment, run, write

from steelyard.stats.group_sequential import bounds

pytestmark = pytest.mark.long

DAYS, PER_DAY, LEVEL = 4, 120, 0.9
LAST = START + timedelta(days=DAYS + 1)
_WINDOW = "window={'start': '0d', 'end': '1d', 'mature': true}"
_EVENTS = "from events where ts >= :start and ts < :end"
LATENCY = (
    f"{{{{ config(version=1, direction='increase', type='quantile', quantile={LEVEL}, {_WINDOW}) }}}}\n"
    f"select user_id, amount {_EVENTS}\n"
)
SPENT = (
    f"{{{{ config(version=1, direction='increase', type='quantile', quantile={LEVEL}, {_WINDOW}) }}}}\n"
    f"select user_id, sum(amount) as spent {_EVENTS} group by user_id\n"
)
Units = list[npt.NDArray[np.float64]]


def units(shift: float, seed: int) -> Units:
    """Return the events of each unit, alike within it; unit k is exposed on day ``k % DAYS``."""
    random = np.random.default_rng(seed)
    return [
        np.round(np.exp(1.0 + shift + random.normal() + 0.4 * random.normal(size=random.integers(1, 8))), 4)
        for _ in range(DAYS * PER_DAY)
    ]


VALUES = {"control": units(0.0, 51), "treatment": units(0.35, 52)}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Small:
    folder: Path = tmp_path_factory.mktemp("quantiles")
    exposures, events = [], []
    for name in ("planned", "open"):
        for variant, groups in VALUES.items():
            exposures += [
                (name, f"{variant}{k}", variant, moment(k % DAYS), "SG") for k in range(len(groups))
            ]
    for variant, groups in VALUES.items():
        for k, values in enumerate(groups):
            events += [(f"{variant}{k}", moment(k % DAYS, 14), float(value)) for value in values]
    base: dict[str, Any] = {
        "status": "stopped",
        "start": START,
        "end": START + timedelta(days=DAYS - 1),
        "variants": ["control", "treatment"],
        "metrics": {"primary": ["latency", "spent"]},
        "duration": {"target_sample_size_per_variant": DAYS * PER_DAY},
    }
    experiments = {
        "planned": {**base, "analysis": {"test": "group_sequential", "spending": "pocock"}},
        "open": {**base, "analysis": {"test": "always_valid"}},
    }
    write(
        folder,
        experiments=experiments,
        tables={"exposures": exposures, "events": events},
        metrics={**METRICS, "latency": LATENCY, "spent": SPENT},
    )
    return run(folder, LAST)


def by_rows(groups: Units, days: int, *, per_unit: bool) -> tuple[float, float]:
    """Return the quantile of the units of the first days, and its standard error."""
    known = [values for k, values in enumerate(groups) if k % DAYS < days]
    if per_unit:
        known = [np.array([values.sum()]) for values in known]
    rows = np.sort(np.concatenate(known))
    total = len(rows)
    found = float(rows[int(np.ceil(total * LEVEL - 1e-9)) - 1])
    below, sizes = np.array([(v <= found).sum() for v in known]), np.array([len(v) for v in known])
    share = below.sum() / sizes.sum()
    if per_unit:
        ranks = np.arange(1, total + 1)
        low = int(ranks[sp.binom.cdf(ranks - 1, total, LEVEL) <= 0.025][-1])
        high = int(ranks[sp.binom.sf(ranks - 1, total, LEVEL) <= 0.025][0])
    else:
        spread = ((below - share * sizes) / sizes.mean()).std(ddof=1) / np.sqrt(len(known))
        low = int(np.floor(total * (LEVEL - 1.96 * spread)))
        high = int(np.ceil(total * (LEVEL + 1.96 * spread))) + 1
    return found, float(rows[high - 1] - rows[low - 1]) / 2 / 1.96


@pytest.mark.parametrize("metric", ["latency", "spent"])
@pytest.mark.parametrize("experiment", ["planned", "open"])
def test_each_days_quantiles_are_those_of_the_units_whose_windows_have_closed(
    ran: Small, experiment: str, metric: str
) -> None:
    rows = ran.rows(
        "timeseries",
        f"experiment_id = '{experiment}' and metric = '{metric}' and hypothesis = 'superiority' and dimension = ''",
    )
    seen = sorted((row for row in rows if row["n_control"] > 0), key=lambda row: row["as_of"])
    assert [row["n_control"] for row in seen][:DAYS] == [PER_DAY * day for day in range(1, DAYS + 1)]
    for days, row in enumerate(seen[:DAYS], start=1):
        (q0, e0), (q1, e1) = (by_rows(VALUES[v], days, per_unit=metric == "spent") for v in VALUES)
        # Bins are 0.2 % wide.
        assert row["mean_control"] == pytest.approx(q0, rel=0.002)
        assert row["mean_variant"] == pytest.approx(q1, rel=0.002)
        assert row["std_error"] == pytest.approx(np.hypot(e0, e1), rel=0.03)
        assert row["statistic"] == pytest.approx(row["effect"] / row["std_error"])


@pytest.mark.parametrize("metric", ["latency", "spent"])
def test_bounds_are_those_of_the_quantiles_own_information(ran: Small, metric: str) -> None:
    looks = sorted(
        ran.rows(
            "looks", f"experiment_id = 'planned' and metric = '{metric}' and hypothesis = 'superiority'"
        ),
        key=lambda look: look["look"],
    )
    rows = ran.rows(
        "timeseries",
        f"experiment_id = 'planned' and metric = '{metric}' and hypothesis = 'superiority' and dimension = ''",
    )
    by_day = {row["as_of"]: row for row in rows}
    expected = bounds(
        [look["fraction"] for look in looks],
        [look["information"] for look in looks],
        alpha=0.025,
        spending="pocock",
    )
    assert sum(look["bound"] is not None for look in looks) >= 3
    for look, bound in zip(looks, expected, strict=True):
        row = by_day[look["as_of"]]
        if look["bound"] is None:
            assert bound.bound is None
            continue
        assert look["bound"] == pytest.approx(bound.bound, rel=1e-9)
        assert look["information"] == pytest.approx(row["std_error"] ** -2, rel=1e-9)
        assert look["crossed"] == (abs(row["statistic"]) >= look["bound"])
        excludes = row["effect_ci_lower"] > 0 or row["effect_ci_upper"] < 0
        assert excludes == look["crossed"]
    assert any(look["crossed"] for look in looks)


def test_members_taken_for_units_would_be_too_sure(ran: Small) -> None:
    """The negative control: events within a unit are alike, and as many independent ones would tell far more."""
    (row,) = ran.rows(
        "results",
        "experiment_id = 'open' and metric = 'latency' and hypothesis = 'superiority' and dimension = ''",
    )
    naive = []
    for groups in VALUES.values():
        rows = np.sort(np.concatenate(groups))
        reach = 1.96 * np.sqrt(LEVEL * (1 - LEVEL) / len(rows))
        low, high = (rows[int(len(rows) * (LEVEL + sign * reach))] for sign in (-1, 1))
        naive.append((high - low) / 2 / 1.96)
    assert row["std_error"] > 1.5 * np.hypot(*naive)
