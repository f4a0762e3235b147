"""Intervals and tests say the same thing, always."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from steelyard.stats.comparison import deterioration, non_inferiority, superiority
from steelyard.stats.means import MeanPair
from steelyard.stats.reasons import NOTES, REASONS

# Properties of drawn worlds, broad beside the examples of the unit tests.
pytestmark = pytest.mark.long

means = st.floats(0.01, 100)
errors = st.floats(1e-2, 10)
correlations = st.floats(-0.9, 0.9)
criticals = st.floats(0.5, 6)
dfs = st.floats(2, 1e5)


def pair_of(*, m1: float, m0: float, s1: float, s0: float, correlation: float, df: float) -> MeanPair:
    def cell(value: float) -> np.ndarray:
        return np.array([value])

    return MeanPair(
        n_control=cell(100.0),
        n_treatment=cell(100.0),
        mean_control=cell(m0),
        mean_treatment=cell(m1),
        var_control=cell(s0**2),
        var_treatment=cell(s1**2),
        covariance=cell(correlation * s0 * s1),
        df=cell(df),
        raw_variance=cell(s0**2 + s1**2),
        reason=np.array([""], dtype=object),
        notes={},
    )


pairs = st.builds(pair_of, m1=means, m0=means, s1=errors, s0=errors, correlation=correlations, df=dfs)
# So near to its bound a decision is a matter of rounding.
EDGE = 1e-9


@given(pairs, st.floats(0.001, 0.5))
def test_both_intervals_contain_zero_exactly_when_the_test_does_not_reject(
    pair: MeanPair, alpha: float
) -> None:
    result = superiority(pair, alpha=alpha)
    assume(abs(result.evidence - result.critical) > EDGE)
    assert result.significant == (result.p_value <= alpha)
    assert result.significant == ~((result.ci_lower <= 0) & (result.ci_upper >= 0))
    if not result.relative_reason.item():
        inside = (result.relative_ci_lower <= 0) & (result.relative_ci_upper >= 0)
        assert result.significant == ~inside


@given(pairs, criticals, st.floats(0.01, 0.9), st.sampled_from([1, -1]))
def test_relative_interval_contains_the_margin_exactly_when_non_inferiority_is_not_shown(
    pair: MeanPair, critical: float, margin: float, direction: int
) -> None:
    result = non_inferiority(pair, margin=margin, direction=direction, critical=critical)
    assume(abs(abs(result.evidence) - critical) > EDGE)
    assume(not result.relative_reason.item())
    limit = -direction * margin
    inside = (result.relative_ci_lower <= limit) & (result.relative_ci_upper >= limit)
    safe_side = direction * (result.relative_effect - limit) > 0
    assert result.significant == (~inside & safe_side)


@given(pairs, criticals, st.floats(0.01, 20), st.sampled_from([1, -1]))
def test_absolute_interval_contains_the_margin_exactly_when_non_inferiority_is_not_shown(
    pair: MeanPair, critical: float, margin: float, direction: int
) -> None:
    result = non_inferiority(pair, margin=margin, direction=direction, relative=False, critical=critical)
    assume(abs(result.evidence - critical) > EDGE)
    worst = result.ci_lower if direction == 1 else -result.ci_upper
    assert result.significant == (worst > -margin)


@given(pairs, st.sampled_from([1, -1]), st.floats(0.001, 0.4))
def test_nothing_is_both_better_and_worse(pair: MeanPair, direction: int, alpha: float) -> None:
    worse = deterioration(pair, direction=direction, alpha=alpha)
    better = superiority(pair, alpha=alpha, alternative="greater" if direction == 1 else "less")
    assert not (worse.significant & better.significant).any()
    assert worse.p_value + better.p_value == pytest.approx(1)


@given(pairs, criticals)
def test_wider_bounds_contain_narrower_intervals(pair: MeanPair, critical: float) -> None:
    narrow, wide = superiority(pair, critical=critical), superiority(pair, critical=critical * 1.1)
    assert (wide.ci_lower <= narrow.ci_lower).all()
    assert (wide.ci_upper >= narrow.ci_upper).all()
    if not wide.relative_reason.item():
        assert not narrow.relative_reason.item()
        assert (wide.relative_ci_lower <= narrow.relative_ci_lower + EDGE).all()
        assert (wide.relative_ci_upper >= narrow.relative_ci_upper - EDGE).all()


extremes = st.floats(-1e200, 1e200)
spreads = st.floats(0, 1e100)


@given(
    st.builds(pair_of, m1=extremes, m0=extremes, s1=spreads, s0=spreads, correlation=correlations, df=dfs),
    criticals,
)
def test_whatever_the_numbers_nothing_is_infinite_and_nulls_have_known_reasons(
    pair: MeanPair, critical: float
) -> None:
    result = superiority(pair, critical=critical)
    assert {result.reason.item(), result.relative_reason.item()} <= {"", *REASONS, *NOTES}
    names = ("effect", "std_error", "statistic", "p_value", "log10_p_value", "ci_lower", "ci_upper")
    numbers = np.array([getattr(result, name) for name in names])
    assert not np.isinf(numbers).any()
    if not result.reason.item():
        assert np.isfinite(numbers).all()
    if not result.relative_reason.item():
        assert np.isfinite([result.relative_ci_lower, result.relative_ci_upper]).all()
