import numpy as np
import pytest

from steelyard.errors import StatisticsError
from steelyard.stats.adjustment import full
from steelyard.stats.comparison import superiority
from steelyard.stats.contrast import contrast, interaction_weights, main_effect_weights
from steelyard.stats.means import VariantMeans
from steelyard.stats.moments import Moments

rng = np.random.default_rng(16)


def adjusted(variants: int) -> VariantMeans:
    rows = rng.normal(size=(variants, 300, 2)) @ np.array([[1.0, 0.0], [0.7, 1.0]])
    return full(Moments.from_rows(rows + np.arange(variants)[:, None, None] * [0.2, 0.0]))


def test_contrast_of_two_variants_is_their_comparison() -> None:
    means = adjusted(3)
    result, pair = contrast(means, [-1, 0, 1]), superiority(means.pairs())
    for name in ("std_error", "df", "statistic", "p_value", "ci_lower", "ci_upper"):
        assert getattr(result, name) == pytest.approx(getattr(pair, name)[1], rel=1e-9)
    assert result.estimate == pytest.approx(pair.effect[1])


def test_variance_uses_the_covariance_of_adjusted_means() -> None:
    means, c = adjusted(4), interaction_weights(2)
    assert contrast(means, c).std_error ** 2 == pytest.approx(c @ means.cov @ c, rel=1e-12)


def test_main_effects_average_over_the_other_factors_as_declared() -> None:
    cells = np.array([1.0, 2.0, 4.0, 9.0])
    assert main_effect_weights(2, 0) @ cells == (4 + 9) / 2 - (1 + 2) / 2
    assert main_effect_weights(2, 1) @ cells == (2 + 9) / 2 - (1 + 4) / 2
    weighted = main_effect_weights(2, 0, cell_weights=[3, 1])
    assert weighted @ cells == (3 * 4 + 9) / 4 - (3 * 1 + 2) / 4


def test_interactions_of_three_factors_are_differences_of_differences() -> None:
    cells = rng.normal(size=8)
    two = interaction_weights(2)
    assert interaction_weights(3) @ cells == pytest.approx(two @ cells[4:] - two @ cells[:4])


def test_variant_outside_the_contrast_does_not_matter() -> None:
    reason = np.array(["", "", "no_data"], dtype=object)
    means = VariantMeans.independent(
        n=[10, 10, 0], mean=[1, 2, np.nan], variance=[0.1, 0.1, np.nan], df=9, reason=reason
    )
    assert contrast(means, [-1, 1, 0]).estimate == 1.0
    broken = contrast(means, [-1, 0, 1])
    assert broken.reason.item() == "no_data"
    assert np.isnan([broken.std_error, broken.p_value, broken.estimate]).all()


def test_contrast_without_variance_is_null() -> None:
    means = VariantMeans.independent(n=[10, 10], mean=[1.0, 2.0], variance=[0.0, 0.0], df=9)
    result = contrast(means, [-1, 1])
    assert result.reason.item() == "zero_variance"
    assert (result.estimate, np.isnan(result.p_value)) == (1.0, True)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, -1, 0], "3 weights do not fit 2 variants"),
        ([1, 1], "must sum to zero"),
        ([0, 0], "one must not be zero"),
    ],
)
def test_weights_that_are_no_contrast_are_refused(weights: list[float], message: str) -> None:
    with pytest.raises(StatisticsError, match=message):
        contrast(VariantMeans.independent(n=[9, 9], mean=[1, 2], variance=[1, 1]), weights)


@pytest.mark.parametrize(
    ("factors", "factor", "cell_weights", "message"),
    [
        (2, 2, None, "no factor 2 among 2"),
        (2, 0, [1.0], "2 factors need 2 weights"),
        (2, 0, [1, -1], "need 2"),
    ],
)
def test_main_effects_refuse_what_does_not_exist(
    factors: int, factor: int, cell_weights: list[float] | None, message: str
) -> None:
    with pytest.raises(StatisticsError, match=message):
        main_effect_weights(factors, factor, cell_weights=cell_weights)
