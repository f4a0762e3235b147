"""Levels, corrections and the families they are over."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from tests.support.matrix_world import DAYS, experiment, make_rows, moments_of

from steelyard.analysis.hypotheses import design_tests
from steelyard.analysis.result_rows import result_rows
from steelyard.analysis.results import Analysis, analyse
from steelyard.spec.experiment import Experiment
from steelyard.spec.experiment_metrics import Metrics, parse_metrics
from steelyard.stats import always_valid
from steelyard.stats.multiplicity import benjamini_hochberg, holm

ROWS = {kind: make_rows(kind, seed) for seed, kind in enumerate(("mean", "proportion", "ratio", "windowed"))}
LAST = DAYS - 1


def spec(metrics: dict[str, Any], **analysis: Any) -> Experiment:
    """An experiment with any metrics."""
    made = experiment({"metric": "mean"}, "primary", **analysis)
    return made.model_copy(update={"metrics": Metrics.model_validate(parse_metrics(metrics))})


def run(metrics: dict[str, Any], **analysis: Any) -> Analysis:
    return analyse(moments_of(spec(metrics, **analysis), ROWS, {}), looks={})


TWO = {"primary": ["windowed", "proportion"], "guardrails": [{"metric": "ratio", "margin": "1%"}]}


def test_a_metric_with_two_roles_is_tested_for_deterioration_once() -> None:
    metrics = {"primary": ["mean"], "guardrails": [{"metric": "mean", "margin": "2%"}]}
    tests, _ = design_tests(moments_of(spec(metrics), ROWS, {}))
    assert [(test.label, test.hypothesis) for test in tests] == [
        ("mean", "superiority"),
        ("mean", "non_inferiority"),
        ("mean", "deterioration"),
    ]
    assert tests[-1].alpha == 0.01


def test_without_a_correction_every_test_has_alpha() -> None:
    tests, _ = design_tests(moments_of(spec(TWO, correction="none"), ROWS, {}))
    assert {test.alpha for test in tests if test.decides_as in ("success", "guardrail")} == {0.05}


def test_success_metrics_share_alpha_and_guardrails_have_it_whole() -> None:
    tests, design = design_tests(moments_of(spec(TWO), ROWS, {}))
    assert [test.alpha for test in tests] == [0.025, 0.025, 0.05, *[0.01 / 3] * 3]
    assert design.beta == pytest.approx((0.2 - 0.01) / 2)


@pytest.mark.parametrize("kind", ["fixed", "group_sequential", "always_valid"])
def test_holm_decides_and_benjamini_and_hochberg_only_shows(kind: str) -> None:
    for correction, adjust in (("holm", holm), ("bh", benjamini_hochberg)):
        analysis = run(TWO, correction=correction, test=kind)
        chosen = [one for one in analysis.tests if one.test.decides_as == "success"]
        p = np.array([one.critical.p_value[LAST, 0] for one in chosen])
        expected = adjust(p) <= 0.05
        assert [bool(one.significant[0, LAST, 0]) for one in chosen] == expected.tolist()
        decisive = expected if correction == "holm" else p <= 0.025
        assert [bool(one.decisive[LAST, 0]) for one in chosen] == decisive.tolist()


def test_a_decision_never_rests_on_benjamini_and_hochberg() -> None:
    """At a level between the larger p-value and twice it, Benjamini and Hochberg's finds both and Bonferroni's one."""
    found = [one for one in run(TWO, test="fixed").tests if one.test.decides_as == "success"]
    alpha = 1.5 * float(max(one.critical.p_value[LAST, 0] for one in found))
    assert 0 < alpha < 1
    both = [one for one in run(TWO, test="fixed", alpha=alpha, correction="bh").tests if one.test.beta][:2]
    assert [bool(one.significant[0, LAST, 0]) for one in both] == [True, True]
    assert sorted(bool(one.decisive[LAST, 0]) for one in both) == [False, True]


@pytest.mark.parametrize(("alpha", "found"), [(0.05, 1), (0.2, 2)])
def test_e_bh_rejects_the_largest_e_values_of_the_day_and_decides_nothing(alpha: float, found: int) -> None:
    analysis = run(TWO, correction="e_bh", test="always_valid", alpha=alpha)
    chosen = [one for one in analysis.tests if one.test.decides_as == "success"]
    tuning = float(always_valid.optimal_tuning(2 * 600, alpha=alpha / 2))
    e = []
    for one in chosen:
        n = np.array([ROWS[one.test.label].on(LAST, variant).shape[0] for variant in (0, 1)]).sum()
        z = float(one.comparison.statistic[0, LAST, 0])
        e.append(float(np.sqrt(tuning / (n + tuning)) * np.exp(n * z**2 / (2 * (n + tuning)))))
    assert [float(one.critical.e_value[LAST, 0]) for one in chosen] == pytest.approx(e)
    # Wang and Ramdas: the k largest, for the largest k whose smallest is at least m / (alpha k).
    ranked = sorted(e, reverse=True)
    k = max((k for k in (1, 2) if ranked[k - 1] >= 2 / (alpha * k)), default=0)
    assert k == found
    assert [bool(one.significant[0, LAST, 0]) for one in chosen] == [value in ranked[:k] for value in e]
    p = [float(one.critical.p_value[LAST, 0]) for one in chosen]
    assert [bool(one.decisive[LAST, 0]) for one in chosen] == [value <= alpha / 2 for value in p]
    assert sum(bool(one.decisive[LAST, 0]) for one in chosen) == 1


def test_e_bh_finds_nothing_before_every_variant_has_a_hundred_units() -> None:
    one = run({"primary": ["mean"]}, correction="e_bh", test="always_valid").tests[0]
    small = np.minimum(one.means.pairs.n_control, one.means.pairs.n_treatment)[0, :, 0] < 100
    assert np.array_equal(one.critical.e_value[:, 0] == 1.0, small)


@pytest.mark.parametrize("correction", ["none", "holm", "bh"])
def test_a_fixed_test_is_significant_on_its_last_day_only(correction: str) -> None:
    analysis = run(TWO, test="fixed", correction=correction, alpha=0.4)
    assert any(one.significant[:, LAST].any() for one in analysis.tests)
    assert not any(one.significant[:, :LAST].any() for one in analysis.tests)
    rows = [row for row in result_rows(analysis) if row["as_of"] < analysis.calendar.days[-1]]
    assert {(row["significant"], row["p_value"], row["reason"]) for row in rows} == {
        (None, None, "fixed_test_reads_its_last_day")
    }
    assert all(row["effect"] is not None and row["nominal_p_value"] is not None for row in rows)


@pytest.mark.parametrize(
    ("kind", "of_segments"),
    [("fixed", "fixed"), ("group_sequential", "always_valid"), ("always_valid", "always_valid")],
)
def test_the_column_test_says_how_segments_are_tested(kind: str, of_segments: str) -> None:
    rows = list(result_rows(run({"primary": ["mean"]}, test=kind)))
    assert {row["test"] for row in rows if row["dimension"] == ""} == {kind}
    assert {row["test"] for row in rows if row["dimension"] != ""} == {of_segments}


@pytest.mark.parametrize("correction", ["holm", "bh"])
def test_corrections_bear_an_experiment_without_success_metrics(correction: str) -> None:
    analysis = run({"guardrails": [{"metric": "mean", "margin": "2%"}]}, correction=correction)
    assert [one.test.hypothesis for one in analysis.tests] == ["non_inferiority", "deterioration"]


def test_segments_are_corrected_over_metrics_too() -> None:
    analysis = run(TWO, test="fixed")
    chosen = [one for one in analysis.tests if one.test.decides_as == "success"]
    p = np.concatenate([one.comparison.p_value[1:, LAST, 0] for one in chosen])
    shown = np.concatenate([one.significant[1:, LAST, 0] for one in chosen])
    assert len(p) == 6
    assert shown.tolist() == (benjamini_hochberg(p) <= 0.05).tolist()


def test_segments_of_a_sequential_test_hold_however_often_one_looks() -> None:
    one = run({"primary": ["mean"]}, test="group_sequential").tests[0]
    pairs, compared = one.means.pairs, one.comparison
    n = (pairs.n_control + pairs.n_treatment)[1:]
    fewest = np.minimum(pairs.n_control, pairs.n_treatment)[1:]
    tuning = float(always_valid.optimal_tuning(2 * 600, alpha=0.05))
    each = always_valid.p_value(compared.statistic[1:], n, tuning, smallest_n=fewest)
    assert one.p_value[1:] == pytest.approx(np.fmin.accumulate(each, axis=1))
    half = (compared.ci_upper - compared.ci_lower)[1:] / 2 / compared.std_error[1:]
    bound = always_valid.critical_value(n, tuning, alpha=0.05, smallest_n=fewest)
    has_units = fewest >= 100
    assert has_units.any()
    assert half[has_units] == pytest.approx(bound[has_units])


WEIGHED = {
    "primary": [{"metric": "windowed", "weight": 3}, {"metric": "proportion", "weight": 1}],
    "guardrails": [{"metric": "ratio", "margin": "1%", "weight": 4}],
}


def test_weights_part_what_is_shared_and_a_guardrail_has_alpha_whole() -> None:
    tests, _ = design_tests(moments_of(spec(WEIGHED), ROWS, {}))
    assert [test.alpha for test in tests] == pytest.approx(
        [0.0375, 0.0125, 0.05, 0.01 * 3 / 8, 0.01 / 8, 0.01 * 4 / 8]
    )
    assert sum(test.alpha for test in tests if test.decides_as == "deterioration") == pytest.approx(0.01)


def test_without_a_correction_weights_leave_alpha_alone() -> None:
    tests, _ = design_tests(moments_of(spec(WEIGHED, correction="none"), ROWS, {}))
    assert [test.alpha for test in tests if test.decides_as == "success"] == [0.05, 0.05]


def closed(p: dict[str, float], weights: dict[str, float], alpha: float) -> set[str]:
    """Return what is rejected if every set of hypotheses that it is in is, by weighted Bonferroni."""
    names = list(p)
    subsets = [set(one) for size in range(1, len(names) + 1) for one in combinations(names, size)]

    def is_rejected(subset: set[str]) -> bool:
        total = sum(weights[name] for name in subset)
        return any(p[name] <= alpha * weights[name] / total for name in subset)

    return {name for name in names if all(is_rejected(one) for one in subsets if name in one)}


@pytest.mark.parametrize("heavy", ["windowed", "proportion"])
def test_holm_with_weights_is_the_closed_test(heavy: str) -> None:
    weights = {"windowed": 1.0, "proportion": 1.0, heavy: 9.0}
    metrics = {"primary": [{"metric": name, "weight": weight} for name, weight in weights.items()]}
    seen = set()
    for alpha in (1e-12, 0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.7):
        analysis = run(metrics, correction="holm", test="fixed", alpha=alpha, deterioration_alpha=0.001)
        chosen = [one for one in analysis.tests if one.test.decides_as == "success"]
        p = {one.test.label: float(one.critical.p_value[LAST, 0]) for one in chosen}
        found = {one.test.label for one in chosen if one.significant[0, LAST, 0]}
        assert found == closed(p, weights, alpha)
        seen.add(len(found))
    assert seen == {0, 1, 2}


def test_e_bh_multiplies_e_values_by_their_weights() -> None:
    metrics = {"primary": [{"metric": "windowed", "weight": 1}, {"metric": "proportion", "weight": 4}]}
    for alpha in (0.02, 0.1, 0.3, 0.6):
        analysis = run(metrics, correction="e_bh", test="always_valid", alpha=alpha)
        chosen = [one for one in analysis.tests if one.test.decides_as == "success"]
        e = [float(one.critical.e_value[LAST, 0]) for one in chosen]
        weighed = [e[0] * 2 / 5, e[1] * 8 / 5]
        ranked = sorted(weighed, reverse=True)
        k = max((k for k in (1, 2) if ranked[k - 1] >= 2 / (alpha * k)), default=0)
        assert [bool(one.significant[0, LAST, 0]) for one in chosen] == [one in ranked[:k] for one in weighed]
