"""Experiments on clusters from rows: what goes with them, against numpy on the rows of each cluster."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats as sp
from tests.support.small_project import METRICS, START, Small, moment, run, write

pytestmark = pytest.mark.long

DAYS = 4
CLUSTERS = 130
COUNTRIES = ("SG", "MY", "TH")
LAST = START + timedelta(days=DAYS + 1)
MEDIAN = (
    "{{ config(version=1, direction='increase', type='quantile', quantile=0.5,"
    " window={'start': '0d', 'end': '1d', 'mature': true}) }}\n"
    "select user_id, amount from events where ts >= :start and ts < :end\n"
)
MEDIAN_OF_UNITS = MEDIAN.replace("amount from", "sum(amount) as v from").strip() + " group by user_id\n"
Members = list[npt.NDArray[np.float64]]


def clusters(count: int, shift: float, seed: int) -> Members:
    """Return clusters of members that are alike; their country shifts them too."""
    random = np.random.default_rng(seed)
    return [
        np.round(random.normal(10 + shift + k % 3 + random.normal(), 1.0, random.integers(2, 12)), 3)
        for k in range(count)
    ]


VALUES = {"control": clusters(CLUSTERS, 0.0, 31), "treatment": clusters(CLUSTERS, 0.7, 32)}


def run_clusters(folder: Path, metric: str, values: dict[str, Members] = VALUES, **analysis: Any) -> Small:
    exposures, events = [], []
    for variant, groups in values.items():
        for k, members in enumerate(groups):
            seen = (f"{variant}{k}", moment(k % DAYS), COUNTRIES[k % 3])
            exposures.append(("stores", seen[0], variant, seen[1], seen[2]))
            events += [(seen[0], moment(k % DAYS, 14), float(value)) for value in members]
    spec = {
        "status": "stopped",
        "start": START,
        "end": START + timedelta(days=DAYS - 1),
        "design": "cluster",
        "variants": ["control", "treatment"],
        "metrics": {"primary": [metric]},
        "analysis": {"test": "fixed", "adjustment": "none", **analysis},
    }
    metrics = {**METRICS, "median": MEDIAN, "median_of_units": MEDIAN_OF_UNITS}
    write(
        folder,
        experiments={"stores": spec},
        tables={"exposures": exposures, "events": events},
        metrics=metrics,
    )
    return run(folder, LAST)


def ratio_of(groups: Members) -> tuple[float, npt.NDArray[np.float64]]:
    """Return the mean per member, and each cluster's part in it."""
    sums, sizes = np.array([g.sum() for g in groups]), np.array([len(g) for g in groups])
    ratio = sums.sum() / sizes.sum()
    return ratio, (sums - ratio * sizes) / sizes.mean() + ratio


def everyone(ran: Small) -> dict[str, Any]:
    (row,) = ran.rows("results", "hypothesis = 'superiority' and dimension = ''")
    return row


def test_a_quantile_of_members_has_its_error_over_clusters(tmp_path: Path) -> None:
    row = everyone(run_clusters(tmp_path, "median"))
    medians, variances = [], []
    for groups in VALUES.values():
        members = np.sort(np.concatenate(groups))
        total = len(members)
        median = members[int(np.ceil(total / 2)) - 1]
        below, sizes = np.array([(g <= median).sum() for g in groups]), np.array([len(g) for g in groups])
        share = below.sum() / sizes.sum()
        spread = ((below - share * sizes) / sizes.mean()).std(ddof=1) / np.sqrt(len(groups))
        lower, upper = (
            members[int(np.floor(total * (0.5 - 1.96 * spread))) - 1],
            members[int(np.ceil(total * (0.5 + 1.96 * spread)))],
        )
        medians.append(median)
        variances.append(((upper - lower) / 2 / 1.96) ** 2)
    # Bins are 0.2 % wide; ranks of the bounds may differ by one at a rounding edge.
    assert row["effect"] == pytest.approx(medians[1] - medians[0], abs=0.04)
    assert row["std_error"] == pytest.approx(np.sqrt(sum(variances)), rel=0.05)
    assert row["df"] == 2 * CLUSTERS - 2
    assert row["p_value"] == pytest.approx(
        2 * sp.t.sf(abs(row["effect"] / row["std_error"]), 2 * CLUSTERS - 2)
    )
    # Members taken for independent would make the error half as large.
    naive = [np.pi / 2 * np.concatenate(groups).var() / sum(map(len, groups)) for groups in VALUES.values()]
    assert row["std_error"] > 1.5 * np.sqrt(sum(naive))


def test_strata_of_clusters_are_weighted_and_their_spread_is_taken_out(tmp_path: Path) -> None:
    row = everyone(run_clusters(tmp_path, "price", adjustment="post_stratify", dimensions=["country"]))
    bases = {variant: ratio_of(groups) for variant, groups in VALUES.items()}
    shares = np.array([np.mean(np.arange(CLUSTERS) % 3 == s) for s in range(3)])
    effects, noise = np.zeros(3), np.zeros(3)
    for sign, variant in ((-1, "control"), (1, "treatment")):
        parts = bases[variant][1]
        for s in range(3):
            stratum = parts[s::3]
            effects[s] += sign * stratum.mean()
            noise[s] += stratum.var(ddof=1) / len(stratum)
    effect = float(shares @ effects)
    variance = float(shares**2 @ noise + shares @ (effects - effect) ** 2 / (2 * CLUSTERS))
    assert row["adjustment"] == "post_stratify"
    assert row["effect"] == pytest.approx(effect, rel=1e-9)
    assert row["std_error"] == pytest.approx(np.sqrt(variance), rel=1e-9)
    assert row["df"] <= 2 * CLUSTERS - 2 - 4
    plain = sum(bases[variant][1].var(ddof=1) / CLUSTERS for variant in VALUES)
    assert row["variance_reduction"] == pytest.approx(1 - variance / plain, rel=1e-9)
    assert row["variance_reduction"] > 0.2


@pytest.mark.parametrize("test", ["group_sequential", "always_valid"])
def test_a_sequential_test_of_clusters_begins_with_a_hundred_of_each(tmp_path: Path, test: str) -> None:
    ran = run_clusters(tmp_path, "price", test=test, alpha=0.4)
    rows = ran.rows("timeseries", "hypothesis = 'superiority' and dimension = ''")
    by_day = {row["as_of"]: row for row in rows}
    days = sorted(by_day)
    complete = {day: by_day[day]["n_control"] for day in days}
    assert max(complete.values()) == CLUSTERS
    for day in days:
        if complete[day] < 100:
            assert by_day[day]["test_state"] == "too_early" or complete[day] == 0
            assert not by_day[day]["significant"]
    last = by_day[days[-1]]
    (m0, parts0), (m1, parts1) = (ratio_of(VALUES[variant]) for variant in VALUES)
    error = np.sqrt(parts0.var(ddof=1) / CLUSTERS + parts1.var(ddof=1) / CLUSTERS)
    assert last["statistic"] == pytest.approx((m1 - m0) / error, rel=1e-9)
    assert last["bound"] >= sp.norm.isf(0.2)
    assert last["significant"] == (abs(last["statistic"]) >= last["bound"])


def test_one_value_per_cluster_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"a cluster's metric is a ratio, .* or a quantile of rows"):
        run_clusters(tmp_path, "median_of_units")
