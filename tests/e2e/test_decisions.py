"""The demo's decisions are those that its planted effects call for."""

import json
from typing import Any

import pytest
from tests.e2e.conftest import Ran

pytestmark = pytest.mark.long

RIGHT = {
    ("checkout-progress-bar", "treatment"): "ship",
    ("ranking-service-aa", "treatment"): "do_not_ship",
    ("hd-product-images", "treatment"): "stop",
    ("one-click-reorder", "treatment"): "invalid",
    ("free-shipping-threshold", "threshold-40"): "do_not_ship",
    ("free-shipping-threshold", "threshold-25"): "ship",
    ("size-guide", "treatment"): "ship",
    ("gift-wrap-option", "treatment"): "keep_running",
    ("express-pay-button", "treatment"): "keep_running",
    ("recommendation-carousel", "treatment"): "ship",
    ("bundle-offers", "treatment"): "ship",
}


def rows(demo: Ran, sql: str) -> list[dict[str, Any]]:
    with demo.connect() as connection:
        found = connection.execute(sql)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def decision(demo: Ran, experiment: str) -> dict[str, Any]:
    (row,) = rows(demo, f"select * from steelyard.decisions where experiment_id = '{experiment}'")
    return {**row, "reasons": json.loads(row["reasons"])}


def test_every_decision_is_the_one_that_the_planted_effects_call_for(demo: Ran) -> None:
    found = rows(demo, "select * from steelyard.decisions")
    assert {(row["experiment_id"], row["variant"]): row["decision"] for row in found} == RIGHT


def test_a_failed_health_check_exits_with_three(demo: Ran) -> None:
    assert demo.result.exit_code == 3
    assert "health one-click-reorder: srm failed" in demo.result.output


def test_a_broken_split_is_invalid_and_names_the_mismatch(demo: Ran) -> None:
    broken = decision(demo, "one-click-reorder")
    assert ("quality_failed", "srm") in {(one["code"], one["metric"]) for one in broken["reasons"]}
    (check,) = rows(
        demo,
        "select * from steelyard.health where experiment_id = 'one-click-reorder' and check_name = 'srm'"
        " and dimension = ''",
    )
    assert check["status"] == "fail"
    assert check["p_value"] < check["threshold"]


def test_only_the_broken_split_fails_its_health_checks(demo: Ran) -> None:
    failed = rows(demo, "select distinct experiment_id from steelyard.health where status = 'fail'")
    assert [row["experiment_id"] for row in failed] == ["one-click-reorder"]


def test_units_in_several_variants_are_warned_of_and_left_out(demo: Ran) -> None:
    checks = {
        row["check_name"]: row
        for row in rows(
            demo,
            "select * from steelyard.health where experiment_id = 'recommendation-carousel' and dimension = ''",
        )
    }
    assert checks["multiple_exposure"]["status"] == "warn"
    assert 0.03 < checks["multiple_exposure"]["statistic"] < 0.05
    assert (checks["unknown_variant"]["statistic"], checks["exposures_without_unit"]["statistic"]) == (30, 10)
    assert checks["srm"]["status"] == "pass"
    (logged,) = rows(
        demo,
        """select count(*) as n from (select user_id from exposures where experiment_id = 'recommendation-carousel'
        and exposed_at between timestamp '2026-04-08' and timestamp '2026-05-05 23:59:59.999999' and user_id <> ''
        and variant in ('control', 'treatment') group by user_id having count(distinct variant) = 1)""",
    )
    (counted,) = rows(
        demo,
        "select n_control + n_variant as n from steelyard.results where experiment_id = "
        "'recommendation-carousel' and metric = 'conversion' and hypothesis = 'superiority' and dimension = ''",
    )
    assert counted == logged


def test_three_variants_are_compared_with_the_control_one_by_one(demo: Ran) -> None:
    found = rows(
        demo,
        "select * from steelyard.results where experiment_id = 'free-shipping-threshold' and dimension = ''"
        " and metric = 'conversion' and hypothesis = 'superiority' order by variant",
    )
    assert [row["variant"] for row in found] == ["threshold-25", "threshold-40"]
    assert [row["significant"] for row in found] == [True, False]
    assert found[0]["n_control"] == found[1]["n_control"]
    # alpha 0.05 over two success metrics and two treatments.
    assert [row["alpha"] for row in found] == [0.0125, 0.0125]


def test_an_under_powered_experiment_and_a_young_one_keep_running(demo: Ran) -> None:
    for name in ("gift-wrap-option", "express-pay-button"):
        assert decision(demo, name)["decision"] == "keep_running"
        (row,) = rows(
            demo,
            f"select * from steelyard.results where experiment_id = '{name}' and metric = 'checkout_rate'"
            " and hypothesis = 'superiority' and dimension = ''",
        )
        assert row["powered"] is False
        assert min(row["n_control"], row["n_variant"]) < row["required_n"]


def test_harm_on_a_guardrail_stops_what_its_success_metric_would_ship(demo: Ran) -> None:
    stopped = decision(demo, "hd-product-images")
    assert {one["code"] for one in stopped["reasons"]} == {"metric_deteriorated"}
    assert {"page_load_ms", "p99_page_load_ms"} >= {one["metric"] for one in stopped["reasons"]}
    (success,) = rows(
        demo,
        "select * from steelyard.results where experiment_id = 'hd-product-images' and dimension = ''"
        " and metric = 'conversion' and hypothesis = 'superiority'",
    )
    assert success["significant"]
    assert success["effect"] > 0
