"""Units seen in several variants, and variants that differ before the exposure: planted in rows, found by `health`."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare
from tests.support.small_project import START, Small, moment, run, write

pytestmark = pytest.mark.long

UNITS, DAYS = 3000, 4
SPEC: dict[str, Any] = {
    "status": "stopped",
    "start": START,
    "end": START + timedelta(days=DAYS - 1),
    "variants": ["control", "treatment"],
    "metrics": {"primary": ["spend"]},
    "analysis": {"test": "fixed"},
}


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """The same users in four experiments: a fair one, two that show some users both variants, one that is not random.

    In ``fair_twice`` any user may be seen in both variants, in ``biased`` only those seen in control first, and in
    ``richer`` those who spent much before come into the treatment more often, of an even number of users each.
    """
    random = np.random.default_rng(12)
    day = random.integers(0, DAYS, UNITS)
    before = random.gamma(1.0, 2.0, UNITS)
    fair, again = random.integers(0, 2, UNITS), random.random(UNITS) < 0.05
    order = np.argsort(before + 6.0 * random.random(UNITS))
    richer = np.zeros(UNITS, dtype=int)
    richer[order[UNITS // 2 :]] = 1
    names = np.array(["control", "treatment"])
    seen = {"fair": fair, "fair_twice": fair, "biased": fair, "richer": richer}
    exposures = [
        (name, f"u{k}", str(names[variant[k]]), moment(int(day[k])), "SG")
        for name, variant in seen.items()
        for k in range(UNITS)
    ]
    for name, who in (("fair_twice", again), ("biased", again & (fair == 0))):
        exposures += [
            (name, f"u{k}", str(names[1 - fair[k]]), moment(int(day[k]), 13), "SG")
            for k in np.flatnonzero(who)
        ]
    events = [(f"u{k}", moment(int(day[k]) - 1), float(before[k])) for k in range(UNITS)]
    events += [(f"u{k}", moment(int(day[k]), 14), float(random.gamma(2.0))) for k in range(UNITS)]
    folder: Path = tmp_path_factory.mktemp("units")
    write(folder, experiments=dict.fromkeys(seen, SPEC), tables={"exposures": exposures, "events": events})
    return run(folder, START + timedelta(days=DAYS + 1))


def check(checked: Small, experiment: str, name: str) -> dict[str, Any]:
    (row,) = checked.rows(
        "health", f"experiment_id = '{experiment}' and check_name = '{name}' and dimension = ''"
    )
    return row


def test_units_seen_twice_warn_of_their_share_and_of_bias_only_where_one_variant_loses_them(
    checked: Small,
) -> None:
    fair, twice, biased = (
        check(checked, name, "multiple_exposure") for name in ("fair", "fair_twice", "biased")
    )
    assert (fair["status"], fair["statistic"]) == ("pass", 0.0)
    for row in (twice, biased):
        assert row["status"] == "warn"
        assert row["statistic"] > row["threshold"]
    assert "may bias" not in twice["detail"]
    assert "may bias the comparison" in biased["detail"]
    lost = round(biased["statistic"] * UNITS)
    assert biased["p_value"] == pytest.approx(chisquare([lost, 0]).pvalue)


def test_variants_that_differ_before_the_exposure_fail_and_decide_nothing(checked: Small) -> None:
    assert check(checked, "fair", "pre_exposure")["status"] == "pass"
    row = check(checked, "richer", "pre_exposure")
    assert row["status"] == "fail"
    assert row["p_value"] < 1e-6
    assert check(checked, "richer", "srm")["status"] == "pass"
    (decision,) = checked.rows("decisions", "experiment_id = 'richer'")
    assert decision["decision"] == "invalid"
    (decision,) = checked.rows("decisions", "experiment_id = 'fair'")
    assert decision["decision"] != "invalid"
