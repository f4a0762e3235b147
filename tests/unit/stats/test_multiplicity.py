import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from steelyard.errors import StatisticsError
from steelyard.stats.multiplicity import (
    CORRECTIONS,
    benjamini_hochberg,
    bonferroni,
    e_benjamini_hochberg,
    holm,
    uncorrected,
)

rng = np.random.default_rng(6)
NAMES = {"bonferroni": "bonferroni", "holm": "holm", "bh": "fdr_bh", "by": "fdr_by"}


@pytest.mark.parametrize("name", NAMES)
def test_corrections_agree_with_statsmodels_along_the_last_axis(name: str) -> None:
    p = rng.uniform(size=(4, 3, 12)) ** 3
    adjusted = CORRECTIONS[name](p, None)
    for index in np.ndindex(4, 3):
        expected = multipletests(p[index], method=NAMES[name])[1]
        assert adjusted[index] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_equal_weights_are_no_weights(name: str) -> None:
    p = rng.uniform(size=8)
    assert CORRECTIONS[name](p, np.full(8, 1 / 8)) == pytest.approx(CORRECTIONS[name](p, None), rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_missing_results_stay_missing_and_are_not_counted(name: str) -> None:
    adjusted = CORRECTIONS[name]([0.01, np.nan, 0.04, np.nan], None)
    assert np.isnan(adjusted[[1, 3]]).all()
    assert adjusted[[0, 2]] == pytest.approx(CORRECTIONS[name]([0.01, 0.04], None), rel=1e-12)
    assert np.isnan(CORRECTIONS[name]([np.nan, np.nan], None)).all()


def test_weighted_benjamini_hochberg_rejects_by_weighted_p_values() -> None:
    p, weights = np.array([0.01, 0.02, 0.03]), np.array([0.2, 0.3, 0.5])
    # Genovese et al.: BH on p / (m w) = (.01667, .02222, .02).
    expected = [0.02222222, 0.02222222, 0.02222222]
    assert benjamini_hochberg(p, weights) == pytest.approx(expected, rel=1e-6)


def test_weighted_holm_rejects_whatever_weighted_bonferroni_does() -> None:
    p, weights = rng.uniform(size=(500, 6)) ** 4, rng.dirichlet(np.ones(6))
    assert (holm(p, weights) <= bonferroni(p, weights) + 1e-15).all()


def test_e_values_are_rejected_up_to_the_largest_rank_that_passes() -> None:
    e, alpha = rng.exponential(30, (300, 10)), 0.05
    rejected = e_benjamini_hochberg(e) <= alpha
    for row, decision in zip(e, rejected, strict=True):
        ordered = np.sort(row)[::-1]
        passing = [k for k in range(1, 11) if ordered[k - 1] >= 10 / (alpha * k)]
        assert decision.sum() == max(passing, default=0)
    assert e_benjamini_hochberg([0.0, 0.0]).tolist() == [1.0, 1.0]


def test_weighted_e_values_are_multiplied_before_they_are_ranked() -> None:
    e, weights = rng.exponential(30, (300, 6)), rng.dirichlet(np.ones(6))
    assert e_benjamini_hochberg(e, weights) == pytest.approx(e_benjamini_hochberg(6 * weights * e))
    assert e_benjamini_hochberg(e, np.full(6, 1 / 6)) == pytest.approx(e_benjamini_hochberg(e))


@pytest.mark.parametrize("weights", [[0.5, 0.6], [1.0, 0.0], [1.5, -0.5]])
def test_weights_that_are_not_shares_are_refused(weights: list[float]) -> None:
    with pytest.raises(StatisticsError, match="positive and sum to 1"):
        bonferroni([0.1, 0.2], weights)


def test_no_correction_changes_nothing() -> None:
    assert uncorrected([0.2, 0.3]).tolist() == [0.2, 0.3]
