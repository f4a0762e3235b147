"""GrowthBook's gbstats 0.8.0 on the same aggregates: equal where conventions are, else said why.

By design not equal:

* A relative effect's interval and p-value are Fieller's here and the delta method's there; so the point and
  the delta method's standard error are compared, and the interval rebuilt from them.
* A proportion's variance has the divisor n - 1 here, n there.
* Adjusted means use slopes per variant here; there one slope from all units, variants mixed. Both are
  consistent, so they agree within a fraction of the standard error, not in digits.
* A negative control mean has no relative effect here; there its absolute value is the base.
* What cannot be tested is null with a reason here; there the effect is 0, the interval (0, 0) and p = 1.
* A post-stratified ratio averages the strata's ratios here; there it divides averages. Not compared.
* Quantiles there take their bounds at a smaller n; the variance is compared after that factor.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steelyard.metric_types.registry import METRIC_TYPES
from steelyard.stats.adjustment import full, unadjusted
from steelyard.stats.comparison import superiority
from steelyard.stats.means import MeanPair
from steelyard.stats.moments import Moments
from steelyard.stats.multiplicity import benjamini_hochberg
from steelyard.stats.poststratification import poststratify
from steelyard.stats.power import achieved_power
from steelyard.stats.quantile import quantile_means
from steelyard.stats.relative import delta_std_error
from steelyard.stats.significance import critical_value, p_value
from steelyard.stats.srm import chi_square

SHARED = Path(__file__).parents[4] / "shared" / "reference" / "gbstats_cases.json"


def cases() -> list[dict[str, Any]]:
    if not SHARED.exists():
        return []
    every = json.loads(SHARED.read_text(encoding="utf-8"))
    return [*every["cases"], *every["oracle_cases"]]


def chosen(*families: str, where: Callable[[dict[str, Any]], bool] = lambda case: True) -> list[Any]:
    """Cases of some families; one that skips where the file is absent."""
    if not SHARED.exists():
        skip = pytest.mark.skip(reason=f"{SHARED.name} is kept beside the repository and is absent here")
        return [pytest.param({}, marks=skip, id="absent")]
    return [
        pytest.param(case, id=case["id"]) for case in cases() if case["family"] in families and where(case)
    ]


def is_absolute(case: dict[str, Any]) -> bool:
    return case["config"].get("difference_type") == "absolute"


def is_plain(case: dict[str, Any]) -> bool:
    """One stratum, with numbers that are not Bayesian."""
    return len(case["input"].get("strata", [])) == 1 and bool(recorded(case))


def is_fixed(case: dict[str, Any]) -> bool:
    return is_plain(case) and case["procedure"].startswith("frequentist")


def is_large(case: dict[str, Any]) -> bool:
    return is_plain(case) and min(cell["n"] for cell in case["input"]["strata"][0].values()) >= 300


def part(statistic: dict[str, Any]) -> tuple[float, float]:
    """Sum and sum of squares."""
    squares = statistic["sum"] if statistic["type"] == "ProportionStatistic" else statistic["sum_squares"]
    return statistic["sum"], squares


def moments(statistic: dict[str, Any]) -> Moments:
    kind, n = statistic["type"], statistic["n"]
    if kind in {"SampleMeanStatistic", "ProportionStatistic"}:
        names, crossed = [statistic], {}
    elif kind == "RatioStatistic":
        names = [statistic["m_statistic"], statistic["d_statistic"]]
        crossed = {(0, 1): "m_d_sum_of_products"}
    elif kind == "RegressionAdjustedStatistic":
        names = [statistic["post_statistic"], statistic["pre_statistic"]]
        crossed = {(0, 1): "post_pre_sum_of_products"}
    else:
        names = [statistic[f"{letter}_statistic_{time}"] for time in ("post", "pre") for letter in "md"]
        crossed = {
            (0, 1): "m_post_d_post_sum_of_products",
            (0, 2): "m_post_m_pre_sum_of_products",
            (0, 3): "m_post_d_pre_sum_of_products",
            (1, 2): "m_pre_d_post_sum_of_products",
            (1, 3): "d_post_d_pre_sum_of_products",
            (2, 3): "m_pre_d_pre_sum_of_products",
        }
    sums, squares = zip(*map(part, names), strict=True)
    products = np.diag(squares).astype(float)
    for (i, j), name in crossed.items():
        products[i, j] = products[j, i] = statistic[name]
    return Moments.from_sums(n=n, sums=sums, products=products)


def variants(case: dict[str, Any], stratum: int = 0) -> Moments:
    cell = case["input"]["strata"][stratum]
    return Moments.stack([moments(cell["control"]), moments(cell["treatment"])])


def pair_of(case: dict[str, Any]) -> MeanPair:
    kind = "ratio" if "ratio" in case["family"] else "mean"
    reduced = METRIC_TYPES[kind].reduce(variants(case))
    estimate = full if case["family"].startswith("cuped") else unadjusted
    return estimate(reduced.moments, reason=reduced.reason).pairs()


def delta(pair: MeanPair) -> tuple[float, float]:
    values = (pair.mean_treatment, pair.var_treatment, pair.mean_control, pair.var_control)
    error = delta_std_error(*values, covariance=pair.covariance)
    return (pair.mean_treatment / pair.mean_control - 1).item(), error.item()


def recorded(case: dict[str, Any]) -> dict[str, Any]:
    numbers = case.get("recorded") or case["expected"]
    if "point_estimate" in numbers:
        return {"effect": numbers["point_estimate"], "std_error": numbers["standard_error"]}
    if "uplift" in numbers and "Bayesian" not in case["procedure"]:
        return {"effect": numbers["expected"], "std_error": numbers["uplift"]["stddev"], **numbers}
    return {}


@pytest.mark.parametrize("case", chosen("mean", "ratio", "proportion", where=is_plain))
def test_unadjusted_effects_and_standard_errors_agree(case: dict[str, Any]) -> None:
    pair, want = pair_of(case), recorded(case)
    if case["config"]["difference_type"] == "relative":
        if pair.mean_control.item() < 0:
            assert superiority(pair).relative_reason.item() == "control_mean_not_positive"
            return
        effect, error = delta(pair)
    else:
        effect, error = pair.effect.item(), pair.std_error.item()
    # The divisor of a proportion's variance.
    tolerance = (
        1 / min(pair.n_control.item(), pair.n_treatment.item()) if "proportion" in case["family"] else 1e-9
    )
    assert effect == pytest.approx(want["effect"], rel=1e-9)
    assert error == pytest.approx(want["std_error"], rel=tolerance)


@pytest.mark.parametrize("case", chosen("mean", "ratio", where=is_fixed))
def test_fixed_tests_agree(case: dict[str, Any]) -> None:
    pair, want = pair_of(case), recorded(case)
    words = {"two-sided": "two-sided", "treatment > control": "greater", "treatment < control": "less"}
    (alternative,) = (word for phrase, word in words.items() if phrase in case["procedure"])
    result = superiority(pair, alpha=case["config"]["alpha"], alternative=alternative)
    assert result.df.item() == pytest.approx(want["dof"], rel=1e-9)
    effect, error = result.effect.item(), result.std_error.item()
    if case["config"]["difference_type"] == "relative":
        effect, error = delta(pair)
    assert p_value(effect / error, result.df.item(), alternative).item() == pytest.approx(
        want["pValue"], rel=1e-6
    )
    reach = critical_value(case["config"]["alpha"], result.df.item(), alternative).item() * error
    for end, limit in zip((effect - reach, effect + reach), want["ci"], strict=True):
        assert math.isinf(float(limit)) or end == pytest.approx(limit, rel=1e-7)


@pytest.mark.parametrize("case", chosen("cuped_mean", "cuped_proportion", "cuped_ratio", where=is_large))
def test_adjusted_effects_agree_within_a_fraction_of_the_standard_error(case: dict[str, Any]) -> None:
    pair, want = pair_of(case), recorded(case)
    relative = case["config"]["difference_type"] == "relative"
    effect, error = delta(pair) if relative else (pair.effect.item(), pair.std_error.item())
    assert abs(effect - want["effect"]) < 0.35 * want["std_error"]
    # Slopes per variant use the covariates better, and of a ratio both of them.
    assert 0.5 * want["std_error"] < error < 1.02 * want["std_error"]


@pytest.mark.parametrize("case", chosen("mean_post_stratified", where=is_absolute))
def test_post_stratified_effects_and_standard_errors_agree(case: dict[str, Any]) -> None:
    strata = Moments.stack([variants(case, s) for s in range(len(case["input"]["strata"]))], axis=0)
    pair, want = poststratify(strata).pairs(), recorded(case)
    assert pair.effect.item() == pytest.approx(want["effect"], rel=1e-9)
    if case["expected"]["error_message"]:
        # A control mean of 0 is an error there even for absolute effects; here it is not.
        assert pair.reason.item() == ""
    else:
        assert pair.std_error.item() == pytest.approx(want["std_error"], rel=1e-9)


@pytest.mark.parametrize("case", chosen("quantile", where=lambda case: is_absolute(case) and is_plain(case)))
def test_quantile_standard_errors_agree_after_their_factor(case: dict[str, Any]) -> None:
    want = recorded(case)
    cell = case["input"]["strata"][0]
    data = [cell["control"], cell["treatment"]]
    means = quantile_means(
        n=[s["n"] for s in data],
        estimate=[s["quantile_hat"] for s in data],
        lower=[s["quantile_lower"] for s in data],
        upper=[s["quantile_upper"] for s in data],
    )
    factor = [s["n_star"] / s["n"] * (s["n"] - 1) / s["n"] for s in data]
    error = math.sqrt((means.residual * factor).sum())
    assert means.pairs().effect.item() == pytest.approx(want["effect"], rel=1e-9)
    assert error == pytest.approx(want["std_error"], rel=1e-9)


@pytest.mark.parametrize("case", chosen("srm"))
def test_sample_ratio_p_values_agree_and_nothing_to_compare_is_null(case: dict[str, Any]) -> None:
    users, weights = case["input"]["users"], case["input"]["weights"][: len(case["input"]["users"])]
    result = chi_square(users, weights)
    if result.reason.item():
        assert case["expected"]["p_value"] == 1
    else:
        # Asserted upstream to nine decimals, or to four digits.
        assert result.p_value.item() == pytest.approx(case["expected"]["p_value"], rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("case", chosen("multiple_comparisons", where=lambda case: "p" in case["input"]))
def test_benjamini_hochberg_agrees(case: dict[str, Any]) -> None:
    adjusted = benjamini_hochberg(case["input"]["p"])
    assert adjusted[case["expected"]["index"]] == pytest.approx(case["expected"]["p_adjusted"], abs=5e-5)


@pytest.mark.parametrize("case", chosen("power", where=lambda case: case["id"] == "power fixed"))
def test_power_of_a_relative_effect_agrees(case: dict[str, Any]) -> None:
    given, n = case["input"], case["input"]["n_total"] / case["input"]["n_variations"]
    noise, top = given["variance"] / n, given["mean"] * (1 + given["relative_effect"])
    error = delta_std_error(top, noise, given["mean"], noise)
    power = achieved_power(given["relative_effect"], error, alpha=case["config"]["alpha"])
    assert power == pytest.approx(case["expected"]["power"], abs=5e-6)


@pytest.mark.parametrize("case", chosen("edge"))
def test_what_cannot_be_tested_is_null_with_a_reason(case: dict[str, Any]) -> None:
    result = superiority(pair_of(case))
    assert result.reason.item() in {"insufficient_n", "inconsistent_aggregates"}
    assert np.isnan([result.p_value, result.ci_lower, result.ci_upper]).all()
