"""Numbers of R, mpmath and unit rows, reached through the public functions."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steelyard.metric_types.registry import METRIC_TYPES
from steelyard.stats.adjustment import full, pooled, unadjusted
from steelyard.stats.arrays import optional
from steelyard.stats.bayes import normal_posterior
from steelyard.stats.cluster import cluster_pairs
from steelyard.stats.comparison import non_inferiority, superiority
from steelyard.stats.contrast import contrast
from steelyard.stats.decision import decision_design
from steelyard.stats.means import MeanPair, VariantMeans
from steelyard.stats.moments import Moments
from steelyard.stats.multiplicity import CORRECTIONS
from steelyard.stats.power import required_n, required_n_relative
from steelyard.stats.power_design import design_effect
from steelyard.stats.power_exact import required_n_t
from steelyard.stats.power_proportions import required_n_proportions
from steelyard.stats.quantile import histogram_quantile, quantile_ranks
from steelyard.stats.ratio import linearise
from steelyard.stats.relative import delta_std_error, fieller, log_interval
from steelyard.stats.significance import critical_value, log10_p_value, p_value
from steelyard.stats.srm import chi_square, log_e_value

ROOT = Path(__file__).parents[3]
OWN = ROOT / "tests" / "reference" / "stats_core.json"
SHARED = ROOT.parent / "shared" / "reference" / "stat_values.json"
SIDES = {1: "greater", 2: "two-sided"}


def sine() -> tuple[np.ndarray, np.ndarray]:
    i = np.arange(1, 601)
    x, x2, w = 5 + 2 * np.sin(i) + 0.5 * np.cos(2.3 * i), np.sin(0.7 * i) ** 2, i % 3 == 0
    y = 3 + 0.7 * x + 0.4 * x2 + w * (0.5 + 0.3 * (x - 5)) + np.cos(3 * i) + 0.5 * np.sin(5.1 * i)
    return np.column_stack([y, x, x2]), w


def by_variant(rows: np.ndarray, treated: np.ndarray) -> Moments:
    return Moments.stack([Moments.from_rows(rows[~treated]), Moments.from_rows(rows[treated])])


def sine_pair(inputs: dict[str, Any], adjust: Callable[..., VariantMeans]) -> MeanPair:
    rows, treated = sine()
    columns = [0, *({"x": 1, "x2": 2}[name] for name in inputs["cov"])]
    return adjust(by_variant(rows, treated).select(columns)).pairs()


def ratio_pair(adjust: Callable[..., VariantMeans]) -> list[float]:
    i = np.arange(1, 901)
    w = i % 2 == 0
    dp = 1 + np.floor(5 * np.sin(1.7 * i) ** 2)
    d = 1 + np.floor(4 * np.sin(1.7 * i) ** 2 + 2 * np.cos(0.9 * i) ** 2)
    yp = dp * (0.3 + 0.2 * np.sin(0.37 * i) ** 2)
    y = d * (0.3 + 0.2 * np.sin(0.37 * i) ** 2 + 0.1 * np.cos(2.1 * i)) * (1 + 0.05 * w)
    reduced = METRIC_TYPES["ratio"].reduce(by_variant(np.column_stack([y, d, yp, dp]), w))
    pair = adjust(reduced.moments, reason=reduced.reason).pairs()
    return [pair.effect.item(), pair.std_error.item()]


def welch(treatment: Moments, control: Moments) -> list[float]:
    result = superiority(unadjusted(Moments.stack([control, treatment])).pairs())
    return [
        value.item()
        for value in (
            result.effect,
            result.std_error,
            result.df,
            result.p_value,
            result.ci_lower,
            result.ci_upper,
        )
    ]


def welch_rows(inputs: dict[str, Any]) -> list[float]:
    a, b = (Moments.from_rows(np.array(inputs[name])[:, None]) for name in ("a", "b"))
    statistic = superiority(unadjusted(Moments.stack([b, a])).pairs()).statistic.item()
    _, _, df, p, lower, upper = welch(a, b)
    return [statistic, df, p, lower, upper]


def welch_sums(inputs: dict[str, Any]) -> list[float]:
    treatment, control = (
        Moments.from_sums(n=inputs[name]["n"], sums=[inputs[name]["sum"]], products=[[inputs[name]["sumsq"]]])
        for name in ("treat", "control")
    )
    effect, error, df, p, lower, upper = welch(treatment, control)
    return [effect, error, df, p, lower, upper]


def aggregates(inputs: dict[str, Any]) -> list[float]:
    rows, treated = sine()
    moments = Moments.from_rows(rows[treated])
    sums = moments.mean * moments.n
    products = moments.m2 + np.outer(sums, sums) / moments.n
    order = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]
    return [float(moments.n), *sums, *(products[pair] for pair in order)]


def cluster_cr0(inputs: dict[str, Any]) -> float:
    """CR0 has no G/(G - 1), which the engine applies per variant."""
    y, group = sine()[0][:, 0], np.arange(600) // 10
    sums = np.column_stack([np.bincount(group, y), np.bincount(group)])
    # The treatment is that of the even clusters.
    moments = by_variant(sums, np.arange(60) % 2 == 0)
    return cluster_pairs(moments).std_error.item() * np.sqrt(29 / 30)


def lift_inputs(inputs: dict[str, Any]) -> tuple[tuple[float, ...], dict[str, Any]]:
    values = tuple(inputs[name] for name in ("m1", "V1", "m0", "V0"))
    return values, {"covariance": inputs.get("C", 0.0)}


def lift_fieller(inputs: dict[str, Any]) -> list[Any]:
    values, options = lift_inputs(inputs)
    result = fieller(*values, **options, critical=critical_value(inputs["alpha"]))
    if result.reason.item():
        return ["unbounded", "-inf", "inf"]
    return ["bounded", result.ci_lower.item(), result.ci_upper.item()]


def lift_delta(inputs: dict[str, Any]) -> list[float]:
    values, options = lift_inputs(inputs)
    return [fieller(*values, **options).effect.item(), delta_std_error(*values, **options).item()]


def lift_log(inputs: dict[str, Any]) -> list[float]:
    values, options = lift_inputs(inputs)
    result = log_interval(*values, **options)
    return [result.effect.item(), result.ci_lower.item(), result.ci_upper.item()]


def relative_margin_p(inputs: dict[str, Any]) -> float:
    """A positive margin there is superiority by more than the margin; a negative one is non-inferiority."""
    means = VariantMeans.independent(
        n=[1e6, 1e6], mean=[inputs["m0"], inputs["m1"]], variance=[inputs["V0"], inputs["V1"]]
    )
    pair = means.pairs()
    shared = np.array([inputs.get("C", 0.0)])
    pair = MeanPair(
        **{name: getattr(pair, name) for name in pair.__slots__ if name != "covariance"}, covariance=shared
    )
    margin = inputs["margin"]
    # Against a positive margin the same hypothesis is that of a metric which should fall, in the other tail.
    result = non_inferiority(pair, margin=abs(margin), direction=-np.sign(margin))
    p = result.p_value.item()
    return p if margin < 0 else 1 - p


def n_means(inputs: dict[str, Any]) -> float:
    size = required_n(
        inputs["delta"],
        null=inputs.get("null", 0),
        sd_control=inputs["sd"],
        alpha=inputs["alpha"],
        power=inputs["power"],
        alternative=SIDES[inputs["sides"]],
        ratio=inputs.get("ratio", 1),
        r_squared=inputs.get("rho2", 0),
    )
    return float(size.total())


def n_props(inputs: dict[str, Any]) -> float:
    size = required_n_proportions(
        inputs["p0"],
        inputs["p1"],
        alpha=inputs["alpha"],
        power=inputs["power"],
        alternative=SIDES[inputs["sides"]],
        pooled=inputs["pooled"],
    )
    return float(size.control)


def n_relative(inputs: dict[str, Any]) -> float:
    size = required_n_relative(
        inputs["lift"],
        mean_control=inputs["mu0"],
        sd_control=inputs["sd0"],
        sd_treatment=inputs["sd1"],
        alpha=inputs["alpha"],
        power=inputs["power"],
        alternative=SIDES[inputs["sides"]],
    )
    return float(size.total())


def n_t(inputs: dict[str, Any]) -> float:
    return required_n_t(
        inputs["delta"],
        sd_control=inputs["sd"],
        alpha=inputs["alpha"],
        power=inputs["power"],
        alternative=SIDES[inputs["sides"]],
    )


def srm(inputs: dict[str, Any]) -> list[float]:
    result = chi_square(inputs["counts"], inputs["p"])
    return [float(result.statistic), float(result.p_value)]


def adjusted_p(inputs: dict[str, Any]) -> list[float]:
    weights = inputs.get("w")
    return CORRECTIONS[inputs["method"].lower()](inputs["p"], weights).tolist()


def ratio_delta(inputs: dict[str, Any]) -> list[float]:
    m2 = np.array(inputs["cov"]) * (inputs["n"] - 1)
    linear, _ = linearise(Moments(n=inputs["n"], mean=inputs["mean"], m2=m2))
    return [float(linear.mean[0]), float(linear.variance[0]) / inputs["n"]]


def ranks(inputs: dict[str, Any]) -> list[float | None]:
    found = quantile_ranks(inputs["n"], inputs["q"], alpha=inputs["alpha"], exact=inputs["exact"])
    return [optional(found.lower), optional(found.upper)]


def posterior(inputs: dict[str, Any]) -> list[float]:
    belief = normal_posterior(
        inputs["est"], inputs["se"], prior_mean=inputs["prior_mean"], prior_sd=inputs["prior_sd"]
    )
    return [float(getattr(belief, name)) for name in belief.__slots__]


def factorial(inputs: dict[str, Any]) -> list[float]:
    cells = VariantMeans.independent(
        n=np.array(inputs["dfs"]) + 1, mean=inputs["means"], variance=inputs["vars"], df=inputs["dfs"]
    )
    result = contrast(cells, inputs["c"])
    return [float(result.estimate), float(result.std_error), float(result.df)]


def design(inputs: dict[str, Any]) -> list[float | None]:
    levels = decision_design(
        alpha=inputs["alpha"],
        power=1 - inputs["beta"],
        success=inputs["S"],
        guardrails=inputs["G"],
        deterioration=inputs["D"],
        quality=inputs["Q"],
        alpha_harm=inputs["alpha_minus"],
        treatments=inputs["T"],
    )
    return [levels.alpha_success, levels.alpha_guardrail, levels.alpha_harm, levels.beta]


def variance(inputs: dict[str, Any]) -> float:
    moments = Moments.from_sums(
        n=inputs["n"], sums=[inputs["sum"]], products=[[inputs["sumsq"]]], shift=inputs["shift"]
    )
    return moments.variance.item()


def lift_full(inputs: dict[str, Any]) -> list[float]:
    pair = sine_pair(inputs, full)
    values = (pair.mean_treatment, pair.var_treatment, pair.mean_control, pair.var_control)
    error = delta_std_error(*values, covariance=pair.covariance)
    return [(pair.mean_treatment / pair.mean_control - 1).item(), error.item()]


METHODS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "aggregate": aggregates,
    "cluster_se_cr0": cluster_cr0,
    "contrast": factorial,
    "cuped_full_est": lambda inputs: sine_pair(inputs, full).effect.item(),
    "cuped_full_lift": lift_full,
    "cuped_full_se": lambda inputs: sine_pair(inputs, full).std_error.item(),
    "cuped_pooled_within_est": lambda inputs: sine_pair(inputs, pooled).effect.item(),
    "cuped_pooled_within_se": lambda inputs: sine_pair(inputs, pooled).std_error.item(),
    "decision_design": design,
    "design_effect": lambda inputs: float(
        design_effect(cluster_size=inputs["m"], icc=inputs["icc"], cv=inputs["cv"])
    ),
    "hist_quantile": lambda inputs: float(histogram_quantile(inputs["edges"], inputs["counts"], inputs["q"])),
    "lift_delta": lift_delta,
    "lift_fieller": lift_fieller,
    "lift_log": lift_log,
    "log10_p_two_sided_z": lambda inputs: float(log10_p_value(inputs["z"])),
    "n_means_t": n_t,
    "n_means_total": n_means,
    "n_props_per_arm": n_props,
    "n_props_total": lambda inputs: 2 * n_props(inputs),
    "n_relative_total": n_relative,
    "normal_posterior": posterior,
    "p_adjust": adjusted_p,
    "p_adjust_weighted": adjusted_p,
    "p_two_sided_t": lambda inputs: float(p_value(inputs["t"], inputs["df"])),
    "p_two_sided_z": lambda inputs: float(p_value(inputs["z"])),
    "quantile_ranks": ranks,
    "ratio_cuped": lambda inputs: ratio_pair(full),
    "ratio_delta": ratio_delta,
    "ratio_unadjusted": lambda inputs: ratio_pair(unadjusted),
    "relative_margin_p": relative_margin_p,
    "srm_chi2": srm,
    "srm_log_evalue": lambda inputs: float(
        log_e_value(inputs["counts"], inputs["p"], concentration=inputs["k"])
    ),
    "variance_from_sums": variance,
    "welch": welch_rows,
    "welch_sums": welch_sums,
}


def records(path: Path) -> list[Any]:
    if not path.exists():
        reason = f"{path.name} is kept beside the repository and is absent here"
        return [pytest.param({}, marks=pytest.mark.skip(reason=reason), id="absent")]
    every = json.loads(path.read_text(encoding="utf-8"))
    return [pytest.param(record, id=record["id"]) for record in every if record["method"] in METHODS]


@pytest.mark.parametrize("record", records(OWN))
def test_core_agrees_with_reference(record: dict[str, Any]) -> None:
    check(record)


@pytest.mark.parametrize("record", records(SHARED))
def test_core_agrees_with_every_shared_reference(record: dict[str, Any]) -> None:
    check(record)


def check(record: dict[str, Any]) -> None:
    actual = METHODS[record["method"]](record["inputs"])
    tolerance = record["tolerance"]
    if isinstance(tolerance, str):
        bounds = {"rel": float(tolerance.removeprefix("rel ")), "abs": 0.0}
    else:
        bounds = {"rel": 0.0, "abs": tolerance}
    assert flat(actual) == [
        pytest.approx(value, **bounds) if isinstance(value, int | float) else value
        for value in flat(record["expected"])
    ]


def flat(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
