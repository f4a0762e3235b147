"""Published estimates against fits from unit rows that share no code with the engine."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow.csv
import pytest
from scipy import stats
from tests.e2e.conftest import HILLSTROM, Ran
from tests.e2e.row_fit import RowFit, fit
from tests.e2e.unit_rows import Rows, World

pytestmark = pytest.mark.long

APRIL, MAY = date(2026, 4, 1), date(2026, 5, 12)
E_MAIL = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")
TWO, THREE = ("control", "treatment"), ("control", "threshold-40", "threshold-25")
# Sums of the same rows in another order differ by rounding only; standard errors lose digits once more.
MEANS, ERRORS = 1e-9, 1e-8


@dataclass(frozen=True)
class Case:
    """One experiment: how to find its units, and which metrics on which days to look at."""

    experiment: str
    metrics: dict[str, float | None]
    days: tuple[date, ...]
    world: dict[str, Any]


CASES = [
    Case(
        "ranking-service-aa",
        {"conversion": None, "orders_per_user": None, "checkout_error_rate": None},
        (date(2026, 4, 15), date(2026, 5, 12)),
        {"variants": TWO, "span": (APRIL, date(2026, 5, 5))},
    ),
    Case(
        "checkout-progress-bar",
        {"checkout_rate": None, "checkout_error_rate": None},
        (date(2026, 4, 18), date(2026, 4, 21)),
        {"variants": TWO, "span": (APRIL, date(2026, 4, 14)), "countries": ("SG", "MY", "TH")},
    ),
    Case(
        "bundle-offers",
        dict.fromkeys(("average_order_value", "orders_per_user", "items_per_order", "days_between_orders")),
        (date(2026, 4, 12), date(2026, 5, 5)),
        {"variants": TWO, "span": (APRIL, date(2026, 5, 5)), "window": None},
    ),
    Case(
        "size-guide",
        {"checkout_rate": None, "orders_per_user": None},
        (date(2026, 4, 20), MAY),
        {"variants": TWO, "span": (APRIL, MAY), "trigger": "size_guide_opened"},
    ),
    Case(
        "free-shipping-threshold",
        {"conversion": None, "revenue_per_user": 0.99, "checkout_error_rate": None},
        (MAY,),
        {"variants": THREE, "span": (APRIL, MAY)},
    ),
    Case(
        "recommendation-carousel",
        {"conversion": None},
        (MAY,),
        {"variants": TWO, "span": (date(2026, 4, 8), date(2026, 5, 5))},
    ),
    Case(
        "hd-product-images",
        {"page_load_ms": None, "conversion": None},
        (date(2026, 5, 1),),
        {"variants": TWO, "span": (APRIL, date(2026, 5, 5))},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.experiment)
def test_estimates_agree_with_a_fit_from_unit_rows(demo: Ran, case: Case) -> None:
    with demo.connect() as connection:
        world = World.of(connection, case.experiment, **case.world)
        for metric, cap in case.metrics.items():
            for day in case.days:
                fitted = fit(world.rows(metric, day, cap=cap))
                published = _published(connection, case.experiment, metric, day)
                assert {row["variant"] for row in published} == set(world.variants[1:])
                for row in published:
                    assert_agrees(row, fitted, world.variants.index(row["variant"]))


def _published(connection: Any, experiment: str, metric: str, day: date) -> list[dict[str, Any]]:
    found = connection.execute(
        "select * from steelyard.timeseries where experiment_id = ? and metric = ? and as_of = ?"
        " and dimension = ''",
        [experiment, metric, day],
    )
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    assert rows
    return rows


def assert_agrees(row: dict[str, Any], fitted: RowFit, t: int) -> None:
    """Compare every number that a fixed look has, and the intervals at the published critical value."""
    effect, std_error = fitted.effect(t), np.sqrt(fitted.variance(t))
    df = fitted.welch_df(t)
    assert (row["n_control"], row["n_variant"]) == (fitted.n[0], fitted.n[t])
    assert row["mean_control"] == pytest.approx(fitted.mean[0], rel=MEANS)
    assert row["mean_variant"] == pytest.approx(fitted.mean[t], rel=MEANS)
    # An effect near zero is known to the rounding of the means that it is the difference of.
    assert row["effect"] == pytest.approx(effect, rel=MEANS, abs=MEANS * abs(fitted.mean[0]))
    assert row["std_error"] == pytest.approx(std_error, rel=ERRORS)
    assert row["df"] == pytest.approx(df, rel=ERRORS)
    assert row["relative_effect"] == pytest.approx(effect / fitted.mean[0], rel=MEANS, abs=MEANS)
    statistic, tail = _tested(row, fitted, t)
    assert row["statistic"] == pytest.approx(statistic, rel=ERRORS, abs=1e-7)
    turned = {"two-sided": abs(statistic), "increase": statistic, "decrease": -statistic}[tail]
    expected = stats.t.sf(turned, df) * (2 if tail == "two-sided" else 1)
    assert row["nominal_p_value"] == pytest.approx(expected, rel=1e-5, abs=1e-300)
    if row["effect_ci_upper"] is not None:
        critical = (row["effect_ci_upper"] - row["effect"]) / row["std_error"]
        assert row["effect"] - row["effect_ci_lower"] == pytest.approx(critical * row["std_error"], rel=1e-9)
        if row["test"] == "fixed":
            tails = 2 if row["alternative"] == "two-sided" else 1
            assert critical == pytest.approx(stats.t.isf(row["alpha"] / tails, df), rel=ERRORS)
        lower, upper = fitted.fieller(t, critical)
        assert row["relative_effect_ci_lower"] == pytest.approx(lower, rel=1e-7, abs=1e-9)
        assert row["relative_effect_ci_upper"] == pytest.approx(upper, rel=1e-7, abs=1e-9)


def _tested(row: dict[str, Any], fitted: RowFit, t: int) -> tuple[float, str]:
    """Return the statistic of a row's hypothesis, with the sign of the effect, and its alternative."""
    if row["hypothesis"] != "non_inferiority":
        return fitted.effect(t) / np.sqrt(fitted.variance(t)), row["alternative"]
    worst = 1 - row["margin"] if row["alternative"] == "increase" else 1 + row["margin"]
    estimate = fitted.mean[t] - worst * fitted.mean[0]
    return float(estimate / np.sqrt(fitted.variance(t, worst))), row["alternative"]


def test_estimates_of_the_e_mail_test_agree_with_a_fit_from_its_file(hillstrom: Ran) -> None:
    from_file = _hillstrom_rows()
    with hillstrom.connect() as connection:
        for metric, rows in from_file.items():
            fitted = fit(rows)
            for row in _published(connection, "e-mail", metric, date(2008, 3, 16)):
                assert_agrees(row, fitted, E_MAIL.index(row["variant"]))


def _hillstrom_rows() -> dict[str, Rows]:
    """Return the outcomes, and last year's spend as the covariate, as the file has them."""
    table = pyarrow.csv.read_csv(HILLSTROM)
    variant = np.array([E_MAIL.index(name) for name in table["segment"].to_pylist()])
    history = table["history"].to_numpy()[:, None]
    outcomes = {
        name: table[name].to_numpy().astype(float)[:, None] for name in ("spend", "visit", "conversion")
    }
    return {name: Rows(variant=variant, y=y, x=history) for name, y in outcomes.items()}
