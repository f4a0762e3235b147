"""The size of an experiment is that of its neediest metric, at the levels of the decision rule."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats as sp

from steelyard.errors import StatisticsError
from steelyard.stats.comparison import non_inferiority, superiority
from steelyard.stats.group_sequential import bounds
from steelyard.stats.means import VariantMeans
from steelyard.stats.power_plan import PlannedMetric, plan_experiment

ORDERS = PlannedMetric(name="orders", role="success", mean=2.0, sd=3.0, relative_effect=0.05, r_squared=0.3)
REVENUE = PlannedMetric(name="revenue", role="success", mean=40.0, sd=90.0, relative_effect=0.1)
LATENCY = PlannedMetric(
    name="latency", role="guardrail", mean=300.0, sd=90.0, relative_effect=0.02, direction=-1
)
ERRORS = PlannedMetric(name="errors", role="guardrail", mean=0.5, sd=0.8, relative_effect=0.05)


def test_fixed_sizes_are_those_of_the_formula() -> None:
    plan = plan_experiment([ORDERS, REVENUE, LATENCY], alarms=4, alpha_harm=0.01, ratio=2.0)
    beta = (0.2 - 0.01) / 2
    two = sp.norm.isf(0.025 / 2) + sp.norm.isf(beta)
    one = sp.norm.isf(0.05) + sp.norm.isf(beta)
    expected = [
        two**2 * 9 * 1.5 * 0.7 / 0.1**2,
        two**2 * 8100 * 1.5 / 4.0**2,
        one**2 * 8100 * (0.5 + 1.02**2) / 6.0**2,
    ]
    assert [metric.n_control for metric in plan.metrics] == [int(np.ceil(n)) for n in expected]
    assert [metric.n_treatment for metric in plan.metrics] == [int(np.ceil(2 * n)) for n in expected]
    assert (plan.n_control, plan.largest) == (max(metric.n_control for metric in plan.metrics), "orders")


def test_at_the_size_of_the_experiment_the_neediest_metric_detects_what_was_planned_and_others_less() -> None:
    plan = plan_experiment([ORDERS, REVENUE, LATENCY, ERRORS], looks=14)
    for metric, planned in zip(plan.metrics, (ORDERS, REVENUE, LATENCY, ERRORS), strict=True):
        assert metric.detectable <= planned.relative_effect
    found = next(metric for metric in plan.metrics if metric.name == plan.largest)
    assert found.detectable == pytest.approx(
        {"orders": 0.05, "errors": 0.05, "revenue": 0.1}[plan.largest], rel=1e-3
    )


def test_weights_and_treatments_change_the_levels() -> None:
    heavy = PlannedMetric(name="orders", role="success", mean=2.0, sd=3.0, relative_effect=0.05, weight=3)
    plan = plan_experiment([heavy, REVENUE, LATENCY], treatments=2)
    assert [metric.alpha for metric in plan.metrics] == pytest.approx([0.05 * 3 / 8, 0.05 / 8, 0.025])
    assert {metric.power for metric in plan.metrics} == {0.9}


@pytest.mark.parametrize("looks", [1, 5])
@pytest.mark.parametrize("direction", [1, -1])
def test_each_metrics_test_has_its_power_at_its_own_size(looks: int, direction: int) -> None:
    """Estimates are drawn look by look, and tested by the functions that the analysis calls."""
    chosen = [
        PlannedMetric(
            name="s", role="success", mean=10.0, sd=20.0, relative_effect=0.06, direction=direction
        ),
        PlannedMetric(
            name="one", role="success", mean=10.0, sd=20.0, relative_effect=0.06, direction=direction, sides=1
        ),
        PlannedMetric(
            name="g", role="guardrail", mean=10.0, sd=20.0, relative_effect=0.06, direction=direction
        ),
    ]
    plan = plan_experiment(chosen, looks=looks)
    random, total = np.random.default_rng(3), 20_000
    clock = [(look + 1) / looks for look in range(looks)]
    for metric, sized in zip(chosen, plan.metrics, strict=True):
        sides = 2 if metric.name == "s" else 1
        design = bounds(clock, clock, alpha=sized.alpha, sides=sides)
        critical = np.array([look.bound for look in design])[:, None]
        effect = direction * 0.6 if metric.role == "success" else 0.0
        n = sized.n_control * np.array(clock)
        steps = random.normal(size=(total, looks, 2)) * 20.0 * np.sqrt(sized.n_control / looks)
        means = steps.cumsum(axis=1) / n[:, None] + np.array([10.0, 10.0 + effect])
        pair = VariantMeans.independent(n=n[:, None], mean=means, variance=400.0 / n[:, None]).pairs()
        if metric.role == "guardrail":
            found = non_inferiority(pair, margin=0.06, direction=direction, critical=critical)
        else:
            word = {2: "two-sided", 1: "greater" if direction > 0 else "less"}[sides]
            found = superiority(pair, alternative=word, critical=critical)
        rate = float((found.significant & (direction * found.statistic > 0)).any(axis=1).mean())
        # Three Monte-Carlo standard errors.
        assert rate == pytest.approx(sized.power, abs=3 * np.sqrt(0.9 * 0.1 / total))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sides": 3}, "with a test of 3 sides"),
        ({"role": "quality"}, "is planned as quality"),
        ({"sd": 0.0}, "the standard deviation 0.0"),
        ({"sd": float("nan")}, "the standard deviation nan"),
        ({"weight": 0.0}, "the weight 0.0"),
        ({"weight": float("inf")}, "the weight inf"),
        ({"relative_effect": float("inf")}, "the effect inf"),
        ({"direction": 0}, "in direction 0"),
        ({"r_squared": 1.0}, "covariates explain a share of the variance"),
        ({"r_squared": 1.2}, "covariates explain a share of the variance"),
        ({"r_squared": -0.1}, "covariates explain a share of the variance"),
        ({"role": "guardrail", "relative_effect": 1.0}, "a margin of all that there is"),
    ],
)
def test_metrics_that_cannot_be_planned_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(StatisticsError, match=message):
        plan_experiment([replace(ORDERS, **changes)])


@pytest.mark.parametrize("ratio", [0.0, -1.0])
def test_a_ratio_that_is_none_is_refused(ratio: float) -> None:
    with pytest.raises(StatisticsError, match="a ratio of units must be positive"):
        plan_experiment([ORDERS], ratio=ratio)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plan_experiment([]), "at least one metric and one look"),
        (lambda: plan_experiment([ORDERS], looks=0), "at least one metric and one look"),
        (
            lambda: plan_experiment(
                [PlannedMetric(name="x", role="guardrail", mean=1.0, sd=1.0, relative_effect=0.0)]
            ),
            "x is planned with the effect 0.0 in direction 1",
        ),
        (
            lambda: plan_experiment(
                [PlannedMetric(name="x", role="success", mean=-1.0, sd=1.0, relative_effect=0.1)]
            ),
            "positive control mean",
        ),
    ],
)
def test_plans_that_cannot_be_are_refused(call, message: str) -> None:
    with pytest.raises(StatisticsError, match=message):
        call()
