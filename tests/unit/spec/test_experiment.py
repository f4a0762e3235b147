"""An experiment file, long and short."""

from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from steelyard.errors import SpecError
from steelyard.spec.document import parse_document
from steelyard.spec.experiment import Experiment
from steelyard.spec.experiment_metrics import Margin, MetricUse
from steelyard.spec.inference import Defaults
from steelyard.spec.loader import ProjectFiles, load_project
from steelyard.spec.metric import MetricRef
from steelyard.spec.model import placed, validate

Edit = Callable[[str, str], ProjectFiles]
Refusal = Callable[[str, str], str]
SHORT = "name: short\nstart: 2026-04-01\nvariants: [off, on]\nmetrics: [a, b]\n"


def parse(text: str, **defaults: Any) -> Experiment:
    document = parse_document(text, "e.yml")
    context = {"exposures": ("app",), "defaults": Defaults(**defaults)}
    return validate(Experiment, document.value, placed(document), context=context)


def test_the_long_form_is_read(root: Path) -> None:
    experiment = load_project(root).experiments["checkout-progress-bar"]
    assert experiment.model_dump(mode="json") == {
        "name": "checkout-progress-bar",
        "hypothesis": "A progress bar reduces checkout abandonment by giving users a sense of completion.",
        "owner": "payments-team",
        "surface": "checkout",
        "tags": [],
        "exposures": "app",
        "status": "running",
        "start": "2026-04-01",
        "end": "2026-04-14",
        "design": "fixed_split",
        "variants": [
            {"name": "control", "allocation": 5000, "config": {"show_progress_bar": False}, "factors": {}},
            {"name": "treatment", "allocation": 5000, "config": {"show_progress_bar": True}, "factors": {}},
        ],
        "epochs": [],
        "switchback": None,
        "averaging": "equal",
        "shipped": [],
        "reach": {},
        "retention": None,
        "control": "control",
        "targeting": {"country": ["SG", "MY", "TH"]},
        "metrics": {
            "primary": [use("checkout_rate", "success", "primary")],
            "secondary": [
                use("time_to_complete_checkout", "success", "secondary"),
                use("add_payment_method_rate", "success", "secondary"),
            ],
            "guardrails": [
                {**use("checkout_error_rate", "guardrail"), "margin": {"kind": "relative", "value": 0.01}},
                use("p99_page_load_ms", "guardrail"),
            ],
            "quality": [],
        },
        "duration": {"minimum_runtime_days": 7, "target_sample_size_per_variant": 5000},
        "analysis": {
            "alpha": 0.05,
            "power": 0.8,
            "deterioration_alpha": 0.01,
            "looks": "daily",
            "spending": "obrien_fleming",
            "spending_parameter": None,
            "adjustment": "cuped",
            "correction": "bonferroni",
            "dimensions": ["platform"],
            "test": "group_sequential",
            "trigger": None,
            "novelty": False,
        },
        "salt": None,
        "scheme": "sha256",
        "programme": None,
        "exclusive_to": [],
        "domain": "checkout",
        "eligible": None,
    }


def use(metric: str, role: str, tier: str | None = None) -> dict[str, Any]:
    return {
        "metric": metric,
        "role": role,
        "tier": tier,
        "margin": None,
        "mde": None,
        "alternative": "two-sided",
        "weight": 1.0,
    }


def test_the_short_form_takes_every_default() -> None:
    experiment = parse(SHORT, alpha=0.01, analysis="always_valid", dimensions=["country"])
    assert [(v.name, v.allocation) for v in experiment.variants] == [("off", 5000), ("on", 5000)]
    assert (experiment.control, experiment.exposures, experiment.status) == ("off", "app", "running")
    assert [(str(u.metric), u.role, u.tier) for u in experiment.metric_uses] == [
        ("a", "success", "primary"),
        ("b", "success", "primary"),
    ]
    analysis = experiment.analysis
    assert (analysis.test, analysis.alpha, analysis.dimensions) == ("always_valid", 0.01, ("country",))
    assert experiment.end is None


@pytest.mark.parametrize(
    "variants",
    [
        "variants: {a: 20%, b: 80%}",
        "variants: {a: 0.2, b: 0.8}",
        "variants: {a: 20, b: 80}",
        "variants: {a: {allocation: 1/5}, b: {allocation: 4/5}}",
        "variants: [a, b]\nallocation: [20, 80]",
        "variants: [a, b]\nallocation: {b: 80%, a: 20%}",
        "variants: [{name: a, allocation: 0.2}, {name: b, allocation: 80%}]",
    ],
)
def test_all_shapes_of_variants_mean_the_same(variants: str) -> None:
    experiment = parse(SHORT.replace("variants: [off, on]", variants))
    assert [(v.name, v.allocation) for v in experiment.variants] == [("a", 2000), ("b", 8000)]
    assert experiment.variants[0].share == Fraction(1, 5)
    assert experiment.control == "a"
    assert [v.name for v in experiment.treatments] == ["b"]


def test_control_is_the_variant_of_that_name_or_the_one_that_is_set() -> None:
    text = SHORT.replace("[off, on]", "[new, control, other]")
    assert parse(text).control == "control"
    assert [v.name for v in parse(text + "control: other\n").treatments] == ["new", "control"]


def test_metrics_take_names_mappings_and_lists_of_both() -> None:
    experiment = parse(
        "name: e\nstart: 2026-04-01\nvariants: [a, b]\nmetrics:\n"
        "  primary: {metric: x@2, mde: 2%, alternative: increase}\n"
        "  secondary: [y, {metric: z, mde: 0.05}]\n"
        "  guardrails: [{metric: x, margin: {absolute: 0.5}}, {metric: g, margin: {relative: 3%}}]\n"
        "  quality: q\n"
    )
    first, *rest = experiment.metric_uses
    assert (first.metric, first.mde, first.alternative) == (MetricRef("x", 2), 0.02, "increase")
    assert [(str(u.metric), u.role) for u in rest] == [
        ("y", "success"),
        ("z", "success"),
        ("x", "guardrail"),
        ("g", "guardrail"),
        ("q", "quality"),
    ]
    margins = [(u.margin.kind, u.margin.value) for u in rest if u.margin]
    assert margins == [("absolute", 0.5), ("relative", 0.03)]


def test_an_empty_role_is_no_metrics() -> None:
    text = SHORT.replace("metrics: [a, b]", "metrics: {primary: a, guardrails: , quality: []}")
    assert [str(use.metric) for use in parse(text).metric_uses] == ["a"]


def test_a_use_can_be_built_in_python() -> None:
    margin = Margin(kind="relative", value=0.01)
    built = MetricUse(metric=MetricRef("g"), role="guardrail", margin=margin)
    text = SHORT.replace("[a, b]", "{primary: a, guardrails: [{metric: g, margin: 1%}]}")
    assert parse(text).metric_uses[1] == built


def test_two_pinned_versions_of_a_metric_may_stand_side_by_side() -> None:
    assert len(parse(SHORT.replace("[a, b]", "[a@1, a@2]")).metric_uses) == 2


def test_an_analysis_block_lies_on_top_of_the_defaults() -> None:
    experiment = parse(SHORT + "analysis: {spending: pocock, looks: [3, 2026-04-09]}", alpha=0.1)
    analysis = experiment.analysis
    assert (analysis.alpha, analysis.spending, analysis.spending_parameter) == (0.1, "pocock", None)
    assert analysis.looks == (3, date(2026, 4, 9))
    assert parse(SHORT + "analysis: fixed").analysis.test == "fixed"
    assert parse(SHORT + "analysis: {alpha: 1%}", spending_parameter=3).analysis.spending_parameter == 3.0


@pytest.mark.parametrize(
    ("looks", "numbers"),
    [
        ("daily", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ("weekly", [7, 10]),
        ("[3, 7]", [3, 7, 10]),
        ("[2026-04-03, 10]", [3, 10]),
    ],
)
def test_looks_are_days_of_the_experiment_and_its_end(looks: str, numbers: list[int]) -> None:
    experiment = parse(SHORT + f"end: 2026-04-10\nanalysis: {{looks: {looks}}}")
    start = date(2026, 4, 1)
    days = [(day - start).days + 1 for day in experiment.look_days(date(2026, 5, 1))]
    assert days == numbers
    assert experiment.look_days(date(2026, 4, 4)) == tuple(
        start + timedelta(days=number - 1) for number in numbers if number <= 4
    )
    assert experiment.look_days(date(2026, 3, 1)) == ()


def test_a_draft_needs_no_start_and_has_no_looks() -> None:
    experiment = parse("name: e\nvariants: [a, b]\nmetrics: [m]")
    assert experiment.status == "draft"
    with pytest.raises(SpecError, match="the experiment 'e' has no start"):
        experiment.look_days(date(2026, 4, 1))


def test_targeting_takes_single_values_and_keeps_types() -> None:
    experiment = parse(SHORT + "targeting: {country: NO, tier: [1, 2], beta: true}")
    assert experiment.targeting == {"country": ("NO",), "tier": (1, 2), "beta": (True,)}


CASES = [
    ("metrics:", "metrcs:", ":13: unknown key 'metrcs'\n  hint: did you mean 'metrics'?"),
    (
        "checkout_rate\n",
        "checkout_rat\n",
        ":14: unknown metric 'checkout_rat'\n  hint: did you mean 'checkout_rate'?",
    ),
    (
        "- p99_page_load_ms",
        "- p99_page",
        ":18: unknown metric 'p99_page'\n  hint: did you mean 'p99_page_load_ms'?",
    ),
    ("exposures: app", "exposures: ap", ":5: unknown exposures 'ap'\n  hint: did you mean 'app'?"),
    (
        "margin: 1%",
        "margn: 1%",
        ":17: unknown key 'margn' in 'metrics.guardrails'\n  hint: did you mean 'margin'?",
    ),
    (
        "margin: 1%",
        "margin: 2",
        ":17: metrics.guardrails.margin: 2 could mean 2% or 200%\n  hint: write '2%' or 0.02",
    ),
    ("margin: 1%", "margin: {absolute: 0}", ":17: metrics.guardrails.margin: 0 is not above 0"),
    (
        "margin: 1%",
        "margin: {abs: 1}",
        ":17: metrics.guardrails.margin: a margin is 1% (relative) or {absolute: 0.5}",
    ),
    (
        "primary: checkout_rate",
        "primary: {metric: checkout_rate, alternative: increse}",
        ":14: unknown metrics.primary.alternative 'increse'\n  hint: did you mean 'increase'?",
    ),
    (
        "primary: checkout_rate",
        "primary: {metric: checkout_rate, margin: 2%}",
        ":14: only a guardrail has a margin\n  hint: list the metric under guardrails",
    ),
    (
        "- p99_page_load_ms",
        "- {metric: p99_page_load_ms, alternative: increase}",
        ":18: only a success metric has an alternative",
    ),
    (
        "- p99_page_load_ms",
        "- {metric: p99_page_load_ms, role: quality}",
        ":18: unknown key 'role'\n  hint: the role is the list that the metric stands in",
    ),
    (
        "- p99_page_load_ms",
        "- checkout_error_rate",
        ":18: the metric 'checkout_error_rate' stands twice among the guardrail metrics",
    ),
    (
        "[time_to_complete_checkout,",
        "[checkout_rate@1,",
        ":15: the metric 'checkout_rate' stands twice among the success metrics",
    ),
    (
        "- p99_page_load_ms",
        "- p99_page_load_ms\n  quality: [orders_per_user, checkout_rate@2]",
        ":19: the metric 'checkout_rate' is both a success and a quality metric\n  hint: a quality metric must",
    ),
    (
        "primary: checkout_rate",
        "primary: checkout_rate@x",
        ":14: metrics.primary.metric: 'checkout_rate@x' pins no",
    ),
    (
        "guardrails:",
        "guardrail:",
        ":16: unknown key 'guardrail' in 'metrics'\n  hint: did you mean 'guardrails'?",
    ),
    (
        "treatment, allocation: 50%",
        "treatment, allocation: 40%",
        ":9: variants: the allocations add up to 90%, not 100%",
    ),
    (
        "treatment, allocation",
        "treatment, alocation",
        ":11: unknown key 'alocation'\n  hint: did you mean 'allocation'?",
    ),
    ("name: treatment", "name: control", ":11: the variant 'control' stands twice"),
    ("name: treatment, ", "", ":11: missing key 'variants.name'"),
    ("name: treatment", "name: 1", ":11: variants.name: 1 is not text\n  hint: put it in quotes"),
    (
        "  - {name: control, allocation: 50%, config: {show_progress_bar: false}}\n",
        "",
        ":9: variants: an experiment needs at least two variants\n  hint: name a control and a treatment",
    ),
    (
        "owner: payments-team",
        "control: cntrol",
        ":3: no variant is named 'cntrol'\n  hint: did you mean 'control'?",
    ),
    ("end: 2026-04-14", "end: 2026-03-14", ":8: the end 2026-03-14 is before the start 2026-04-01"),
    ("end: 2026-04-14", "end: soon", ":8: end: 'soon' is not a day"),
    ("end: 2026-04-14", "end: 2026-04-14 12:00", ":8: end: '2026-04-14 12:00' is not a day"),
    (
        "start: 2026-04-01\n",
        "",
        ":1: an experiment that is running needs a start\n  hint: add start: 2026-04-01",
    ),
    (
        "status: running\nstart: 2026-04-01\n",
        "status: draft\n",
        ":7: an end needs a start",
    ),
    (
        "status: running\nstart: 2026-04-01\nend: 2026-04-14",
        "status: stopped\nstart: 2026-04-01",
        ":1: an experiment that is stopped needs an end\n  hint: add end: 2026-04-14",
    ),
    ("status: running", "status: runing", ":6: unknown status 'runing'\n  hint: did you mean 'running'?"),
    (
        "name: checkout-progress-bar",
        "name: checkout progress",
        ":1: name: 'checkout progress' is not a safe name",
    ),
    ("name: checkout-progress-bar", "name: a:b", ":1: name: 'a:b' is not a safe name"),
    ("owner: payments-team", "owner: 5", ":3: owner must be text, not 5\n  hint: put it in quotes"),
    ("owner: payments-team", "design: bandid", ":3: unknown design 'bandid'\n  hint: did you mean 'bandit'?"),
    (
        "owner: payments-team",
        "allocation: [50, 50]",
        ":3: allocation needs variants to be a list of names",
    ),
    (
        "looks: daily",
        "looks: [0]",
        ":20: analysis.looks: the look 0 is before the first day\n  hint: day 1 is",
    ),
    ("looks: daily", "looks: [3651]", ":20: analysis.looks: the look 3651 is after day 3650"),
    ("looks: daily", "looks: [7, 7]", ":20: the look 7 does not come after the one before it"),
    ("looks: daily", "looks: [7, 20]", ":20: the look 20 is not between the start and the end"),
    ("looks: daily", "looks: [2026-03-01]", ":20: the look 2026-03-01 is not between the start and the end"),
    (
        "looks: daily",
        "looks: monthly",
        ":20: analysis.looks: unknown looks 'monthly'\n  hint: write daily, weekly, or a list of days",
    ),
    ("looks: daily", "looks: []", ":20: analysis.looks: unknown looks a list"),
    (
        "test: group_sequential",
        "test: group_seq",
        ":20: unknown analysis.test 'group_seq'\n  hint: did you mean",
    ),
    ("alpha: 0.05", "alpha: 5", ":20: analysis.alpha: 5 is not between 0 and 1\n  hint: write '5%' or 0.05"),
    (
        "adjustment: cuped",
        "adjustment: cupid",
        ":21: unknown analysis.adjustment 'cupid'\n  hint: did you mean 'cuped'?",
    ),
    ("[platform]", "[platfrm]", ":21: unknown dimension 'platfrm'\n  hint: did you mean 'platform'?"),
    (
        "trigger: null",
        "trigger: saw_card",
        ":21: unknown trigger 'saw_card'\n  hint: did you mean 'saw_cart'?",
    ),
    (
        "trigger: null",
        "trigger: woke_device",
        ":21: the trigger 'woke_device' is of another unit than the exposures\n  hint: its unit must be",
    ),
    (
        "[SG, MY, TH]",
        "[]",
        ":12: targeting: 'country' must be a value or a list of values\n  hint: write country",
    ),
    ("[SG, MY, TH]", "[null]", ":12: targeting: 'country' must be a value or a list of values"),
    ("{country: [SG, MY, TH]}", "[SG]", ":12: targeting must be a mapping, not a list"),
    ("days: 7,", "days: 7.5,", ":19: duration.minimum_runtime_days: 7.5 is not a whole number"),
    ("start: 2026-04-01", "name: again", ":7: the key 'name' stands twice\n  hint: it is first on line 1"),
]


@pytest.mark.parametrize(
    ("old", "new", "message"), CASES, ids=[new[:40] or old[:40] for old, new, _ in CASES]
)
def test_a_wrong_experiment_is_refused_with_file_line_and_hint(
    old: str, new: str, message: str, refusal: Refusal
) -> None:
    said = refusal(old, new)
    assert said.startswith(f"experiments/checkout.yml{message}")
    assert said.count("checkout.yml:") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            SHORT.replace("[off, on]", "[off, on]\nallocation: [50]"),
            "allocation must have one share for each",
        ),
        (
            SHORT.replace("[off, on]", "[off, on]\nallocation: {off: 1}"),
            "allocation must have one share for each",
        ),
        (SHORT.replace("[off, on]", "off"), "e.yml:3: variants: 'off' is not a list of variants"),
        (SHORT.replace("[off, on]", "[0, 1]"), "e.yml:3: variants: 0 is not text\n  hint: put it in quotes"),
        (
            SHORT.replace("[a, b]", "[]"),
            "e.yml:4: the experiment names no metric\n  hint: add primary: some_metric",
        ),
        (SHORT.replace("[a, b]", "5"), "e.yml:4: metrics must be a mapping, not 5"),
        (SHORT + "analysis: 5", "e.yml:5: analysis must be a mapping, not 5"),
        (SHORT + "targeting: {' ': 1}", "e.yml:5: targeting. : ' ' is empty, has blanks around it"),
        ("5", "e.yml:1: the file must be a mapping, not 5"),
    ],
    ids=lambda text: text[-40:],
)
def test_a_wrong_short_form_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text)
    assert message in str(caught.value)


def test_two_exposures_leave_the_choice_to_the_file() -> None:
    document = parse_document(SHORT, "e.yml")
    with pytest.raises(SpecError, match=r"e\.yml:1: missing key 'exposures'"):
        validate(Experiment, document.value, placed(document), context={"exposures": ("app", "web")})


def test_several_errors_of_one_file_are_listed_together(edited_experiment: Edit) -> None:
    with pytest.raises(SpecError) as caught:
        edited_experiment("status: running\nstart: 2026-04-01", "status: runing\nstart: now")
    assert [line for line in str(caught.value).splitlines() if "hint" not in line] == [
        "experiments/checkout.yml:6: unknown status 'runing'",
        "experiments/checkout.yml:7: start: 'now' is not a day",
    ]


@pytest.mark.parametrize("weight", [0, -1, "1e9", "heavy"])
def test_a_weight_must_be_a_number_that_leaves_the_others_something(weight: Any) -> None:
    with pytest.raises(ValueError, match="weight"):
        MetricUse.model_validate({"metric": "orders", "role": "success", "weight": weight})


def test_a_weight_may_be_written_as_any_number() -> None:
    use = {"metric": "orders", "role": "success"}
    assert MetricUse.model_validate(use).weight == 1.0
    assert MetricUse.model_validate({**use, "weight": "2.5"}).weight == 2.5
