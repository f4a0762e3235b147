"""What degenerate aggregates get: a null with its reason, and neighbours that are none the wiser."""

import numpy as np
import pytest

from steelyard.metric_types.registry import METRIC_TYPES
from steelyard.stats.adjustment import full, pooled, unadjusted
from steelyard.stats.comparison import Comparison, deterioration, non_inferiority, superiority
from steelyard.stats.means import VariantMeans
from steelyard.stats.moments import Moments
from steelyard.stats.poststratification import poststratify
from steelyard.stats.reasons import COVARIATE_COLLINEAR, COVARIATE_MISSING, NOTES, REASONS

rng = np.random.default_rng(0)
ROWS = rng.normal([5.0, 2.0], 1.0, (400, 2)) @ np.array([[1.0, 0.0], [0.8, 1.0]])
ABSOLUTE = ("std_error", "statistic", "p_value", "log10_p_value", "ci_lower", "ci_upper")
RELATIVE = ("relative_effect", "relative_ci_lower", "relative_ci_upper")


def sound(columns: int = 1) -> Moments:
    return Moments.stack([Moments.from_rows(ROWS[:200, :columns]), Moments.from_rows(ROWS[200:, :columns])])


def one_column(n: float, total: float, squares: float) -> Moments:
    return Moments.from_sums(n=n, sums=[total], products=[[squares]])


CASES = {
    "no units": (one_column(0, 0, 0), "no_data", False),
    "null sums of no units": (one_column(0, np.nan, np.nan), "no_data", False),
    "one unit": (one_column(1, 5, 25), "insufficient_n", True),
    "negative variance": (one_column(4, 40, 300), "inconsistent_aggregates", False),
    "negative n": (one_column(-4, 40, 500), "inconsistent_aggregates", False),
    "sums not finite": (one_column(4, np.inf, np.inf), "inconsistent_aggregates", False),
    "null sums of units": (one_column(4, np.nan, np.nan), "inconsistent_aggregates", False),
}


@pytest.mark.parametrize("estimate", [unadjusted, full, pooled], ids=lambda function: function.__name__)
@pytest.mark.parametrize(("broken", "reason", "has_effect"), CASES.values(), ids=CASES)
def test_degenerate_variant_gives_null_with_reason_and_spares_others(
    broken: Moments, reason: str, has_effect: bool, estimate
) -> None:
    good = sound()
    batch = Moments.stack([good, Moments.stack([good[0], broken])], axis=0)
    result = superiority(estimate(batch).pairs())
    alone = superiority(estimate(good).pairs())
    assert result.reason[:, 0].tolist() == ["", reason]
    assert result.relative_reason[:, 0].tolist() == ["", reason]
    for name in (*ABSOLUTE, *RELATIVE):
        assert getattr(result, name)[0] == pytest.approx(getattr(alone, name), rel=1e-13)
    assert np.isnan([getattr(result, name)[1, 0] for name in ABSOLUTE]).all()
    assert np.isfinite(result.effect[1, 0]) == has_effect
    assert result.significant[1, 0].tolist() is False


def test_constant_outcome_in_both_variants_is_zero_variance_with_the_effect_shown() -> None:
    moments = Moments.stack([one_column(10, 20, 40), one_column(10, 30, 90)])
    result = superiority(unadjusted(moments).pairs())
    assert result.reason.tolist() == ["zero_variance"]
    assert result.effect.tolist() == [1.0]
    assert result.relative_effect.tolist() == [0.5]
    assert np.isnan([result.p_value, result.ci_lower, result.relative_ci_lower]).all()


def test_constant_outcome_that_rounds_differently_per_unit_is_zero_variance() -> None:
    value = 0.1
    sums = np.array([sum([value] * 10), sum([value] * 30)])
    squares = np.array([sum([value**2] * 10), sum([value**2] * 30)])
    moments = Moments.from_sums(n=[10, 30], sums=sums[:, None], products=squares[:, None, None])
    assert superiority(unadjusted(moments).pairs()).reason.tolist() == ["zero_variance"]


def test_constant_outcome_in_one_variant_is_compared_and_noted() -> None:
    moments = Moments.stack([one_column(10, 20, 40), sound()[1]])
    result = superiority(unadjusted(moments).pairs())
    assert result.reason.tolist() == [""]
    assert result.notes["zero_variance_in_one_variant"].tolist() == [True]
    assert result.df.item() == pytest.approx(199)


def test_outcome_that_the_covariate_explains_exactly_is_zero_variance() -> None:
    x = ROWS[:, 1]
    rows = np.column_stack([3 * x + 1, x])
    moments = Moments.stack([Moments.from_rows(rows[:200]), Moments.from_rows(rows[200:])])
    result = superiority(full(moments).pairs())
    assert result.reason.tolist() == ["zero_variance"]
    assert result.effect.item() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("bottom", [0.0, -1.0], ids=["zero", "negative"])
def test_ratio_without_positive_denominator_is_null(bottom: float) -> None:
    rows = np.column_stack([ROWS[:200, 0], np.full(200, bottom)])
    moments = Moments.stack([Moments.from_rows(rows), Moments.from_rows(ROWS[200:])])
    reduced = METRIC_TYPES["ratio"].reduce(moments)
    assert reduced.reason.tolist() == ["zero_denominator", ""]
    result = superiority(full(reduced.moments, reason=reduced.reason).pairs())
    assert result.reason.tolist() == ["zero_denominator"]
    assert np.isnan([result.effect, result.p_value, result.relative_effect]).all()


@pytest.mark.parametrize("estimate", [full, pooled], ids=lambda function: function.__name__)
@pytest.mark.parametrize("kind", ["constant", "duplicate"])
def test_useless_covariate_is_dropped_and_noted(kind: str, estimate) -> None:
    extra = np.full(400, 7.0) if kind == "constant" else 2 * ROWS[:, 1] - 3
    rows = np.column_stack([ROWS, extra])
    moments = Moments.stack([Moments.from_rows(rows[:200]), Moments.from_rows(rows[200:])])
    with_extra, without = estimate(moments).pairs(), estimate(sound(2)).pairs()
    assert with_extra.notes[COVARIATE_COLLINEAR].tolist() == [True]
    assert without.notes[COVARIATE_COLLINEAR].tolist() == [False]
    for name in ("effect", "std_error", "df"):
        assert getattr(with_extra, name) == pytest.approx(getattr(without, name), rel=1e-9)


def test_covariate_missing_in_one_variant_gives_the_raw_comparison_and_a_note() -> None:
    moments = sound(2)
    mean, m2 = moments.mean.copy(), moments.m2.copy()
    mean[1, 1], m2[1, 1, :], m2[1, :, 1] = np.nan, np.nan, np.nan
    pair = full(Moments(n=moments.n, mean=mean, m2=m2)).pairs()
    raw = unadjusted(sound()).pairs()
    assert pair.notes[COVARIATE_MISSING].tolist() == [True]
    assert pair.reason.tolist() == [""]
    assert (pair.effect.item(), pair.std_error.item(), pair.df.item()) == pytest.approx(
        (raw.effect.item(), raw.std_error.item(), raw.df.item()), rel=1e-13
    )


def test_covariate_with_negative_variance_is_inconsistent() -> None:
    good = sound(2)
    sums = good.n[1] * good.mean[1]
    products = good.m2[1] + np.outer(sums, sums) / good.n[1]
    products[1, 1] = 0.5 * sums[1] ** 2 / good.n[1]
    broken = Moments.from_sums(n=good.n[1], sums=sums, products=products)
    assert superiority(full(Moments.stack([good[0], broken])).pairs()).reason.tolist() == [
        "inconsistent_aggregates"
    ]


def test_covariances_beyond_the_variances_are_inconsistent() -> None:
    good = sound(2)
    m2 = good.m2.copy()
    m2[1, 0, 1] = m2[1, 1, 0] = 1.1 * np.sqrt(m2[1, 0, 0] * m2[1, 1, 1])
    pair = full(Moments(n=good.n, mean=good.mean, m2=m2)).pairs()
    assert pair.reason.tolist() == ["inconsistent_aggregates"]


def test_third_variant_without_units_leaves_the_others_as_they_are() -> None:
    two = sound(2)
    empty = Moments(n=0, mean=np.zeros(2), m2=np.zeros((2, 2)))
    three = full(Moments.stack([two[0], two[1], empty])).pairs()
    alone = full(two).pairs()
    assert three.reason.tolist() == ["", "no_data"]
    assert three.effect[0] == pytest.approx(alone.effect[0], rel=1e-13)
    assert three.std_error[0] == pytest.approx(alone.std_error[0], rel=1e-13)


@pytest.mark.parametrize("mean_control", [0.0, -2.0])
def test_control_mean_that_is_not_positive_has_no_relative_effect(mean_control: float) -> None:
    pair = VariantMeans.independent(
        n=[100, 100], mean=[mean_control, 1.0], variance=[0.01, 0.01], df=99
    ).pairs()
    result = superiority(pair)
    assert result.reason.tolist() == [""]
    assert result.relative_reason.tolist() == ["control_mean_not_positive"]
    assert np.isnan([getattr(result, name) for name in RELATIVE]).all()
    refused = non_inferiority(pair, margin=0.1)
    assert refused.reason.tolist() == ["control_mean_not_positive"]
    assert np.isnan(refused.p_value).all()
    assert not refused.significant.any()
    assert np.isfinite(non_inferiority(pair, margin=0.1, relative=False).p_value).all()


def test_control_mean_near_zero_keeps_the_absolute_effect_only() -> None:
    result = superiority(VariantMeans.independent(n=[100, 100], mean=[0.2, 0.3], variance=[1.0, 1.0]).pairs())
    assert result.relative_reason.tolist() == ["relative_effect_not_identified"]
    assert np.isfinite([result.ci_lower, result.ci_upper, result.p_value]).all()
    assert np.isnan([result.relative_ci_lower, result.relative_ci_upper]).all()


def test_p_value_that_underflows_has_its_logarithm() -> None:
    result = superiority(
        VariantMeans.independent(n=[100, 100], mean=[1.0, 2.0], variance=[1e-6, 1e-6]).pairs()
    )
    assert result.p_value.item() == 0.0
    z = 1 / np.sqrt(2e-6)
    leading = -(z**2) / 2 / np.log(10) - np.log10(z * np.sqrt(np.pi / 2))
    assert result.log10_p_value.item() == pytest.approx(leading, abs=1e-5)


@pytest.mark.parametrize("critical", [np.inf, np.nan], ids=["infinite", "none"])
def test_bound_that_cannot_be_reached_is_too_early(critical: float) -> None:
    result = superiority(unadjusted(sound()).pairs(), critical=critical)
    assert result.reason.tolist() == ["too_early"]
    assert result.relative_reason.tolist() == ["too_early"]
    assert np.isnan([result.ci_lower, result.ci_upper, result.critical, result.relative_ci_upper]).all()
    assert np.isfinite([result.p_value, result.std_error]).all()
    assert not result.significant.any()


def test_post_stratification_of_empty_and_broken_variants_gives_reasons() -> None:
    good = sound()
    empty = one_column(0, 0, 0)
    broken = one_column(4, 40, 300)
    single = one_column(1, 5, 25)
    for cell, reason in ((empty, "no_data"), (broken, "inconsistent_aggregates"), (single, "insufficient_n")):
        strata = Moments.stack([Moments.stack([good[0], cell]), Moments.stack([good[0], empty])], axis=0)
        assert poststratify(strata).pairs().reason.tolist() == [reason]


def all_numbers(result: Comparison) -> list[np.ndarray]:
    skip = {"hypothesis", "reason", "relative_reason", "notes"}
    return [getattr(result, name) for name in Comparison.__slots__ if name not in skip]


def test_no_number_is_infinite_and_every_null_has_its_reason() -> None:
    pieces = [cell for cell, _, _ in CASES.values()] + [one_column(10, 20, 40), sound()[0], sound()[1]]
    grid = Moments.stack([Moments.stack([a, b]) for a in pieces for b in pieces], axis=0)
    for result in (
        superiority(full(grid).pairs()),
        superiority(unadjusted(grid).pairs(), critical=np.inf),
        non_inferiority(pooled(grid).pairs(), margin=0.1, direction=-1),
        deterioration(full(grid).pairs()),
    ):
        missing = np.zeros(result.reason.shape, dtype=bool)
        for numbers in all_numbers(result):
            assert not np.isinf(numbers[np.isfinite(result.n_control)]).any()
            missing |= np.isnan(numbers)
        explained = (result.reason != "") | (result.relative_reason != "")
        assert (explained | ~missing).all()


def test_every_reason_and_note_has_a_sentence() -> None:
    for word, sentence in {**REASONS, **NOTES}.items():
        assert word == word.lower()
        assert sentence.endswith(".")
