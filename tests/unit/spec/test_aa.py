"""What an A/A's file may and may not say."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.unit.spec.test_design import BASE, EPOCHS, read

from steelyard.errors import SpecError
from steelyard.spec.aa import without_plans
from steelyard.spec.experiment import Experiment
from steelyard.spec.experiment_metrics import Margin, Metrics
from steelyard.spec.inference import Defaults
from steelyard.spec.loader import load_project


def aa(**changes: Any) -> Experiment:
    return read(design="aa", **changes)


def test_an_aa_is_read_with_metrics_in_any_role() -> None:
    spec = aa(metrics={"primary": "orders", "guardrails": ["latency"], "quality": ["visits"]})
    assert [use.metric.name for use in spec.metric_uses] == ["orders", "latency", "visits"]


def test_variants_may_set_something_as_long_as_all_set_the_same() -> None:
    same = [{"name": name, "config": {"service": "new"}} for name in ("control", "treatment")]
    assert aa(variants=same).variants[1].config == {"service": "new"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"variants": ["control", {"name": "treatment", "config": {"bar": True}}]},
            "the variants of an A/A get the same, and this one sets something else than the first",
        ),
        (
            {"metrics": {"primary": "orders", "guardrails": [{"metric": "latency", "margin": "1%"}]}},
            "an A/A has no margin: every metric is tested for any difference",
        ),
        ({"metrics": [{"metric": "orders", "mde": "2%"}]}, "an A/A expects no effect, so it plans for none"),
        (
            {"metrics": [{"metric": "orders", "alternative": "increase"}]},
            "an A/A is tested in both directions",
        ),
        *(
            ({"analysis": {"correction": name, "test": "always_valid"}}, f"correction: {name} does not bound")
            for name in ("none", "bh", "e_bh")
        ),
        ({"epochs": EPOCHS}, "an A/A has one allocation"),
        ({"shipped": ["other"]}, "only a holdback has shipped experiments"),
        ({"switchback": {"region": "country"}}, "an A/A has no blocks"),
    ],
)
def test_what_an_aa_may_not_declare_is_refused(changes: dict[str, Any], message: str) -> None:
    variants = changes.get("variants")
    if variants:
        changes = {**changes, "variants": [v if isinstance(v, dict) else {"name": v} for v in variants]}
    with pytest.raises(ValidationError) as caught:
        aa(**changes)
    assert message in str(caught.value)


@pytest.mark.parametrize("correction", ["bonferroni", "holm"])
def test_corrections_that_bound_any_false_alarm_are_accepted(correction: str) -> None:
    assert aa(analysis={"correction": correction}).analysis.correction == correction


def test_a_projects_default_correction_is_held_against_it_too() -> None:
    context = {"exposures": ("app",), "defaults": Defaults.model_validate({"correction": "none"})}
    with pytest.raises(ValidationError, match="does not bound the chance of any false alarm"):
        Experiment.model_validate({**BASE, "design": "aa"}, context=context)
    assert Experiment.model_validate(BASE, context=context).analysis.correction == "none"


def test_plans_are_dropped_and_metrics_stay() -> None:
    metrics = Metrics.model_validate(
        {
            "primary": [{"metric": "orders", "role": "success", "mde": 0.02, "alternative": "increase"}],
            "guardrails": [{"metric": "latency", "role": "guardrail", "margin": 0.01}],
        }
    )
    assert metrics.guardrails[0].margin == Margin(kind="relative", value=0.01)
    plain = without_plans(metrics)
    assert [use.metric for use in plain.uses] == [use.metric for use in metrics.uses]
    assert {(use.margin, use.mde, use.alternative) for use in plain.uses} == {(None, None, "two-sided")}


FILES = {
    "steelyard.yml": "name: p\nprofile: p\nunits: {user: user_id}\nexposures:\n"
    "  app: {unit: user, sql: select * from exposures, timestamp: exposed_at}\n",
    "metrics/orders.sql": "{{ config(version=1, direction='increase') }}\n"
    "select user_id, count(*) as n from orders where at >= :start and at < :end group by user_id\n",
    "metrics/latency.sql": "{{ config(version=1, direction='decrease') }}\n"
    "select user_id, avg(ms) as ms from loads where at >= :start and at < :end group by user_id\n",
    "surfaces/shop.yml": "name: shop\nrequired_metrics: {guardrails: [{metric: latency, margin: 1%}]}\n",
    "experiments/same.yml": "name: same\ndesign: aa\nsurface: shop\nstart: 2026-04-01\nend: 2026-04-07\n"
    "variants: [control, treatment]\nmetrics: {primary: orders}\n",
}


def written(folder: Path, **changes: str) -> Path:
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(changes.get(Path(name).stem, text), encoding="utf-8")
    return folder


def test_a_metric_that_the_surface_requires_comes_without_its_margin(tmp_path: Path) -> None:
    spec = load_project(written(tmp_path)).experiments["same"]
    assert [(use.metric.name, use.margin) for use in spec.metric_uses] == [
        ("orders", None),
        ("latency", None),
    ]


def test_the_error_names_the_line_and_says_what_to_do(tmp_path: Path) -> None:
    text = FILES["experiments/same.yml"].replace(
        "{primary: orders}", "\n  primary: orders\n  guardrails:\n    - {metric: latency, margin: 1%}"
    )
    with pytest.raises(SpecError) as caught:
        load_project(written(tmp_path, same=text))
    assert "same.yml:10: an A/A has no margin" in str(caught.value)
    assert "hint: leave the margin out" in str(caught.value)
