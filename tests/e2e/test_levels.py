"""Levels of a dimension as covariates: the most frequent ones have an indicator each, the others have one together."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.small_project import METRICS, START, moment, run, write

from steelyard.warehouse.duckdb_warehouse import DuckDBWarehouse

pytestmark = pytest.mark.long

Rows = list[tuple[Any, ...]]


def test_levels_of_a_dimension_are_ranked_over_all_experiments_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the other experiments continue from state, and nothing else is computed for them."""
    by_country = METRICS["spend"].replace("window=", "covariate=['country'], window=")
    base = {"status": "running", "start": START, "variants": ["control", "treatment"]}
    base["analysis"] = {"test": "always_valid", "adjustment": "cuped"}
    first = {**base, "metrics": {"primary": "spend", "secondary": ["by_country"]}}
    second = {**base, "metrics": {"primary": "spend"}}
    random = np.random.default_rng(5)
    exposures: Rows = []
    events: Rows = []
    for name, weights in (("first", np.arange(1, 15)), ("second", np.arange(1, 15)[::-1] * 3)):
        countries = random.choice(14, 400, p=weights / weights.sum())
        for k, country in enumerate(countries):
            exposures.append((name, f"{name}{k}", base["variants"][k % 2], moment(k % 3), f"C{country:02}"))
            events.append((f"{name}{k}", moment(k % 3, 13), float(country + random.normal())))
    found = []
    for folder in ("state", "full"):
        write(
            tmp_path / folder,
            experiments={"first": first, "second": second},
            tables={"exposures": exposures, "events": events},
            metrics={"spend": METRICS["spend"], "by_country": by_country},
        )
        if folder == "full":
            monkeypatch.setattr(DuckDBWarehouse, "keeps_state", False)
        small = run(tmp_path / folder, START + timedelta(days=5))
        found += small.rows("results", "metric = 'by_country' and hypothesis = 'superiority'")
    ours, theirs = found
    assert 0 < ours["variance_reduction"] < 1
    for name in ("effect", "std_error", "variance_reduction"):
        assert ours[name] == pytest.approx(theirs[name], rel=1e-9), name
