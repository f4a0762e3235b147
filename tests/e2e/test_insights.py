"""The insights of the demo, from its rows through the warehouse, against what its rows and results say."""

import math
from typing import Any

import pytest
from scipy import stats as sp
from tests.e2e.conftest import ROOT, Ran, steelyard

pytestmark = pytest.mark.long

TRIGGERED = """
with seen as (
  select user_id, min(exposed_at) as exposed_at, count(distinct variant) as variants from exposures
  where experiment_id = 'size-guide' and exposed_at >= timestamp '2026-04-01' and exposed_at < timestamp '2026-05-13'
  group by user_id
)
select count(*), count(*) filter (where exists (
  select 1 from events where events.user_id = seen.user_id and event_type = 'size_guide_opened'
    and event_time >= seen.exposed_at and event_time < timestamp '2026-05-13'))
from seen where variants = 1
"""


def rows(demo: Ran, sql: str) -> list[dict[str, Any]]:
    with demo.connect() as connection:
        found = connection.execute(sql)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_the_effect_of_a_triggered_experiment_is_diluted_by_the_share_that_its_rows_show(demo: Ran) -> None:
    with demo.connect() as connection:
        ((exposed, met),) = connection.execute(TRIGGERED).fetchall()
    (site,) = rows(
        demo,
        "select * from steelyard.insights where kind = 'site_wide_effect' and metric = 'orders_per_user'",
    )
    (result,) = rows(
        demo,
        "select * from steelyard.results where experiment_id = 'size-guide' and metric = 'orders_per_user'"
        " and hypothesis = 'superiority'",
    )
    for diluted, own in (("estimate", "effect"), ("std_error", "std_error"), ("ci_lower", "effect_ci_lower")):
        assert site[diluted] == pytest.approx(result[own] * met / exposed, rel=1e-9)
    assert f"{exposed:,}" in site["detail"]


def test_heterogeneity_follows_from_the_published_segments(demo: Ran) -> None:
    segments = rows(
        demo,
        "select * from steelyard.results where experiment_id = 'hd-product-images' and metric = 'conversion'"
        " and hypothesis = 'superiority' and dimension = 'platform'",
    )
    weight = [row["std_error"] ** -2 for row in segments]
    centre = sum(w * row["effect"] for w, row in zip(weight, segments, strict=True)) / sum(weight)
    q = sum(w * (row["effect"] - centre) ** 2 for w, row in zip(weight, segments, strict=True))
    (found,) = rows(
        demo,
        "select * from steelyard.insights where experiment_id = 'hd-product-images' and metric = 'conversion'"
        " and kind = 'heterogeneity'",
    )
    assert found["statistic"] == pytest.approx(q)
    assert found["p_value"] >= sp.chi2.sf(q, len(segments) - 1) * (1 - 1e-9)


def test_a_stopped_test_shows_the_interval_of_the_look_that_stopped_it(demo: Ran) -> None:
    stopped = rows(
        demo,
        "select l.*, i.estimate, i.ci_lower, i.ci_upper, i.p_value as shown_p from steelyard.insights i"
        " join steelyard.looks l using (experiment_id, metric, variant, hypothesis)"
        " where kind = 'repeated_interval' and crossed"
        " qualify row_number() over (partition by experiment_id, metric, variant order by look) = 1",
    )
    assert stopped
    for look in stopped:
        error = 1 / math.sqrt(look["information"])
        assert abs(look["estimate"]) == pytest.approx(abs(look["statistic"]) * error)
        assert look["ci_upper"] - look["ci_lower"] == pytest.approx(2 * look["bound"] * error)
        assert look["shown_p"] == pytest.approx(look["p_value"])


def test_every_null_has_its_reason_and_every_kind_is_documented(demo: Ran) -> None:
    found = rows(demo, "select distinct kind from steelyard.insights")
    page = (ROOT / "docs" / "insights.md").read_text(encoding="utf-8")
    assert {f"`{row['kind']}`" in page for row in found} == {True}
    silent = rows(demo, "select * from steelyard.insights where estimate is null and reason is null")
    assert silent == []


def test_the_report_says_what_is_remarkable(demo: Ran) -> None:
    text = steelyard(demo.folder, "report", "size-guide").output
    assert "over all exposed units the effect is" in text
    assert "without the bias of stopping early" in " ".join(text.split())
    assert "better with a chance of over 99.9%" in " ".join(text.split())
