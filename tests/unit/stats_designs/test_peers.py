"""Side by side with tea-tasting 1.14.0, gbstats 0.8.0 and spotify-confidence 4.1.0 on the same aggregates.

Where they are right, the numbers agree. Where they are not, a test says what they do, reproduces their number
from that, and shows ours against something independent. The numbers were made by tests/reference/peers.py.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from steelyard.stats.adjustment import pooled, unadjusted
from steelyard.stats.comparison import Comparison, non_inferiority, superiority
from steelyard.stats.group_sequential import bounds
from steelyard.stats.means import MeanPair
from steelyard.stats.moments import Moments
from steelyard.stats.ratio import linearise
from steelyard.stats.relative import delta_std_error, log_interval
from steelyard.stats.srm import chi_square, log_e_value

PEERS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "reference" / "peers.json").read_text(encoding="utf-8")
)
CASES = PEERS["cases"]
Z = stats.norm.isf(0.025)
EXACT = 1e-9  # the same formula on the same sums


def moments_of(case: str) -> Moments:
    """Return moments of y, d, x and xd, shape (2,)."""
    cells = CASES[case]["aggregates"]
    covs = np.array([cell["cov"] for cell in cells])
    n = np.array([cell["n"] for cell in cells], dtype=float)
    return Moments(n=n, mean=[cell["mean"] for cell in cells], m2=covs * (n - 1)[:, None, None])


def mean_pair(case: str) -> MeanPair:
    return unadjusted(moments_of(case)).pairs()


def ratio_pair(case: str) -> MeanPair:
    linear, reason = linearise(moments_of(case).select([0, 1]))
    return unadjusted(linear, reason=reason).pairs()


def common_slope(case: str) -> MeanPair:
    return pooled(moments_of(case).select([0, 2])).pairs()


def near(found: Comparison, expected: dict[str, float], names: dict[str, str], rel: float = EXACT) -> None:
    for ours, theirs in names.items():
        assert getattr(found, ours)[0] == pytest.approx(expected[theirs], rel=rel), ours


TEA = {
    "effect": "effect_size",
    "statistic": "statistic",
    "p_value": "pvalue",
    "ci_lower": "effect_size_ci_lower",
    "ci_upper": "effect_size_ci_upper",
}


@pytest.mark.parametrize("case", ["base", "skewed", "noisy", "large"])
def test_difference_in_means_is_that_of_tea_tasting(case: str) -> None:
    near(
        superiority(mean_pair(case)), CASES[case]["tea"]["mean"], TEA, rel=1e-7 if case == "large" else EXACT
    )


@pytest.mark.parametrize("case", ["base", "skewed", "noisy"])
def test_difference_in_ratios_is_that_of_tea_tasting(case: str) -> None:
    near(superiority(ratio_pair(case)), CASES[case]["tea"]["ratio"], TEA)


@pytest.mark.parametrize("case", ["base", "skewed", "noisy"])
@pytest.mark.parametrize("kind", ["mean", "ratio"])
def test_absolute_differences_are_those_of_gbstats(case: str, kind: str) -> None:
    expected = CASES[case]["gbstats"][f"{kind} absolute"]
    found = superiority(mean_pair(case) if kind == "mean" else ratio_pair(case))
    assert expected["error"] is None
    assert found.std_error[0] == pytest.approx(expected["std_error"], rel=EXACT)
    assert [found.ci_lower[0], found.ci_upper[0]] == pytest.approx(expected["ci"], rel=EXACT)
    assert found.p_value[0] == pytest.approx(expected["p_value"], rel=1e-6, abs=1e-15)


@pytest.mark.parametrize("case", ["base", "skewed", "noisy"])
def test_difference_in_means_is_that_of_spotify_confidence_with_a_normal_bound(case: str) -> None:
    expected = CASES[case]["spotify"]["mean"]
    found = superiority(mean_pair(case), critical=Z)
    names = {"effect": "difference", "std_error": "std_err", "ci_lower": "ci_lower", "ci_upper": "ci_upper"}
    near(found, expected, names)


@pytest.mark.parametrize("case", ["base", "skewed", "noisy"])
@pytest.mark.parametrize("kind", ["mean", "ratio"])
def test_relative_error_of_gbstats_is_the_delta_method(case: str, kind: str) -> None:
    pair = mean_pair(case) if kind == "mean" else ratio_pair(case)
    error = delta_std_error(pair.mean_treatment, pair.var_treatment, pair.mean_control, pair.var_control)
    assert error[0] == pytest.approx(CASES[case]["gbstats"][f"{kind} relative"]["std_error"], rel=EXACT)


@pytest.mark.parametrize("case", ["base", "skewed"])
@pytest.mark.parametrize("kind", ["mean", "ratio"])
def test_relative_interval_of_tea_tasting_is_the_logarithmic_one(case: str, kind: str) -> None:
    expected = CASES[case]["tea"][kind]
    pair = mean_pair(case) if kind == "mean" else ratio_pair(case)
    found = log_interval(
        pair.mean_treatment, pair.var_treatment, pair.mean_control, pair.var_control, critical=Z
    )
    assert found.effect[0] == pytest.approx(expected["rel_effect_size"], rel=EXACT)
    # There the quantile is a t with the degrees of freedom of the logarithms, here the normal one.
    theirs = [expected["rel_effect_size_ci_lower"], expected["rel_effect_size_ci_upper"]]
    assert [found.ci_lower[0], found.ci_upper[0]] == pytest.approx(theirs, rel=0.01)


@pytest.mark.parametrize("alpha", ["0.05", "1e-05"])
def test_early_bounds_are_those_of_spotify_confidence(alpha: str) -> None:
    clock = PEERS["bounds"]["fractions"]
    found = [look.bound for look in bounds(clock, clock, alpha=float(alpha), spending="power")]
    # Its grid has a step of 0.05 and an absolute root tolerance of 1e-7: percents at alpha = 1e-5.
    rel = 1e-4 if alpha == "0.05" else 0.03
    assert found == pytest.approx(PEERS["bounds"]["spotify"][alpha], rel=rel)


def test_sample_ratio_checks_agree() -> None:
    found = float(chi_square([5050, 4950], [0.5, 0.5]).p_value)
    assert found == pytest.approx(PEERS["srm"]["gbstats"]["5050 4950"], rel=EXACT)
    assert found == pytest.approx(PEERS["srm"]["spotify"]["5050 4950"], rel=EXACT)


# Where they are not right.


@pytest.mark.parametrize(("margin", "direction"), [("0.1", -1), ("0.01", 1)])
def test_a_relative_margin_of_a_control_mean_taken_as_known_has_the_wrong_error(
    margin: str, direction: int
) -> None:
    """spotify-confidence multiplies the margin by the control's mean as if that were no estimate."""
    word = {1: "increase", -1: "decrease"}[direction]
    expected = CASES["base"]["spotify"][f"margin {margin} {word}"]
    pair, share = mean_pair("base"), float(margin)
    fixed = -direction * share * pair.mean_control[0]
    assert expected["null_hypothesis"] == pytest.approx(fixed)
    theirs = stats.norm.sf(direction * (pair.effect[0] - fixed) / pair.std_error[0])
    assert expected["p-value"] == pytest.approx(theirs, rel=1e-6)
    keep = 1 - direction * share
    error = np.sqrt(pair.var_treatment[0] + keep**2 * pair.var_control[0])
    statistic = (pair.mean_treatment[0] - keep * pair.mean_control[0]) / error
    ours = non_inferiority(pair, margin=share, direction=direction)
    assert ours.statistic[0] == pytest.approx(statistic)
    # Where a decrease is preferred the true error is larger than theirs, so theirs rejects too often.
    assert (error > pair.std_error[0]) == (direction == -1)


@pytest.mark.parametrize("case", ["base", "noisy"])
def test_an_interval_divided_by_the_control_mean_is_too_narrow(case: str) -> None:
    """spotify-confidence divides the absolute interval by the control's mean; see s10c for its coverage."""
    expected = CASES[case]["spotify"]["mean relative"]
    pair = mean_pair(case)
    found = superiority(pair, critical=Z)
    theirs = np.array([found.ci_lower[0], found.ci_upper[0]]) / pair.mean_control[0]
    assert [expected["ci_lower"], expected["ci_upper"]] == pytest.approx(theirs, rel=EXACT)
    lower, upper = found.relative_ci_lower[0], found.relative_ci_upper[0]
    assert upper - lower > theirs[1] - theirs[0]
    # Fieller's ends are those relative effects that the linear test just rejects.
    for end in (lower, upper):
        spread = pair.var_treatment[0] + (1 + end) ** 2 * pair.var_control[0]
        gap = pair.mean_treatment[0] - (1 + end) * pair.mean_control[0]
        assert abs(gap) / np.sqrt(spread) == pytest.approx(Z)


def test_sums_of_squares_lose_the_variance_at_a_large_offset() -> None:
    """gbstats and spotify-confidence subtract unshifted sums; at a mean of 1e8 the error is percents off."""
    case = CASES["large"]
    truth = mean_pair("large").std_error[0]
    assert case["tea"]["mean"]["effect_size"] / case["tea"]["mean"]["statistic"] == pytest.approx(
        truth, rel=1e-7
    )
    assert case["gbstats"]["mean absolute"]["std_error"] != pytest.approx(truth, rel=0.01)
    assert case["spotify"]["mean"]["std_err"] != pytest.approx(truth, rel=0.01)
    shifted = Moments.from_sums(
        n=[cell["n"] for cell in case["aggregates"]],
        sums=[cell["shifted_sums"] for cell in case["aggregates"]],
        products=[cell["shifted_products"] for cell in case["aggregates"]],
        shift=case["shift"],
    )
    assert unadjusted(shifted).pairs().std_error[0] == pytest.approx(truth, rel=1e-7)


def test_a_slope_over_all_units_takes_the_effect_for_a_part_of_it() -> None:
    """All three estimate one slope without the treatment as a regressor, so that a large effect leaks into it."""
    everyone = moments_of("skewed").select([0, 2]).pool(0)
    slope = everyone.m2[0, 1] / everyone.m2[1, 1]
    cells = moments_of("skewed")
    raw, before = cells.mean[1] - cells.mean[0], cells.mean[1, 2] - cells.mean[0, 2]
    theirs = raw[0] - slope * before
    case = CASES["skewed"]
    found = (case["tea"]["cuped"]["effect_size"], case["gbstats"]["cuped absolute"]["effect"])
    assert found == pytest.approx([theirs] * 2, rel=EXACT)
    assert case["spotify"]["cuped"]["difference"] == pytest.approx(theirs, rel=1e-6)
    # The regression on an intercept, the treatment and the covariate, from the same sums.
    design = np.zeros((3, 3))
    n, x = cells.n, cells.mean[:, 2]
    design[0] = design[:, 0] = [n.sum(), n[1], (n * x).sum()]
    design[1, 1:] = design[1:, 1] = [n[1], n[1] * x[1]]
    design[2, 2] = (cells.m2[:, 2, 2] + n * x**2).sum()
    y = cells.mean[:, 0]
    right = np.array([(n * y).sum(), n[1] * y[1], (cells.m2[:, 0, 2] + n * x * y).sum()])
    regression = np.linalg.solve(design, right)[1]
    assert common_slope("skewed").effect[0] == pytest.approx(regression, rel=1e-9)
    # The effect that was put in is 20.
    error = common_slope("skewed").std_error[0]
    assert abs(regression - 20.0) < 2 * error
    assert abs(theirs - 20.0) > 4 * error


def test_bounds_at_a_small_alpha_are_the_truncation_value() -> None:
    """spotify-confidence finds 8, the end of its grid, where the true bounds lie near 5.2."""
    clock = PEERS["bounds"]["fractions"]
    theirs = PEERS["bounds"]["spotify"]["1e-06"]
    assert theirs[1:3] == [8.0, 8.0]
    ours = [look.bound for look in bounds(clock, clock, alpha=1e-6, spending="power")]
    assert ours[0] == pytest.approx(theirs[0], abs=1e-6)
    assert np.all(np.diff(ours) < 0)
    # Bonferroni over the looks' increments bounds each one from above.
    spent = np.diff(np.square(clock), prepend=0.0) * 1e-6 / 2
    assert np.all(np.array(ours) <= stats.norm.isf(spent) + 1e-6)


def test_a_variant_without_a_share_is_no_degree_of_freedom() -> None:
    """gbstats leaves the variant out of the sum but not of the degrees of freedom."""
    theirs = PEERS["srm"]["gbstats"]["5150 4850 0 of .5 .5 0"]
    ours = chi_square([5150, 4850, 0], [0.5, 0.5, 0.0])
    assert theirs == pytest.approx(stats.chi2.sf(9.0, 2))
    assert float(ours.p_value) == pytest.approx(stats.chisquare([5150, 4850]).pvalue)
    assert theirs > 4 * float(ours.p_value)


def test_one_minus_the_distribution_function_underflows_to_zero() -> None:
    """spotify-confidence's sample-ratio test subtracts from one."""
    assert PEERS["srm"]["spotify"]["60000 40000"] == 0.0
    # The true tail is below the smallest float too: the sequential check keeps the logarithm.
    assert float(chi_square([51_000, 49_000], [0.5, 0.5]).p_value) == pytest.approx(
        stats.chi2.sf(40.0, 1), rel=1e-12
    )
    assert float(log_e_value([60_000, 40_000], [0.5, 0.5])) > 1900


def test_covariate_variance_with_another_divisor_inflates_the_error() -> None:
    """spotify-confidence divides the outcome's variance by n - 1 and the covariate's terms by n."""
    case = CASES["base"]
    assert case["spotify"]["cuped"]["std_err"] > case["gbstats"]["cuped absolute"]["std_error"] * 1.0005
    assert common_slope("base").std_error[0] == pytest.approx(
        case["gbstats"]["cuped absolute"]["std_error"], rel=0.01
    )
