import numpy as np
import pytest
from scipy import stats

from steelyard.errors import StatisticsError
from steelyard.stats.group_sequential import bounds
from steelyard.stats.gst_correlation import bounds_from_correlation, score_correlation


def canonical(information):
    info = np.asarray(information)
    return np.sqrt(np.minimum.outer(info, info) / np.maximum.outer(info, info))


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("alpha", [0.05, 1e-6])
def test_independent_increments_give_the_bounds_of_the_recursion(sides, alpha):
    information = [0.1, 0.3, 0.35, 0.6, 0.9, 1.0]
    looks = bounds(information, information, alpha=alpha, sides=sides)
    found = bounds_from_correlation(canonical(information), [look.alpha_spent for look in looks], sides=sides)
    np.testing.assert_allclose(found, [look.bound for look in looks], atol=2e-5)  # of 8192 points


def test_correlation_without_independent_increments_agrees_with_multivariate_normal_integration():
    matrix = np.array([[1.0, 0.9, 0.3], [0.9, 1.0, 0.6], [0.3, 0.6, 1.0]])
    found = bounds_from_correlation(matrix, [0.01, 0.03, 0.05])
    for k, spent in enumerate([0.01, 0.03, 0.05], start=1):
        upper = np.asarray(found[:k])
        inside = stats.multivariate_normal.cdf(
            upper, cov=matrix[:k, :k], lower_limit=-upper, abseps=1e-7, rng=np.random.default_rng(0)
        )
        assert 1.0 - inside == pytest.approx(spent, abs=5e-6)


def test_looks_on_record_are_kept_and_new_ones_do_not_depend_on_later_ones():
    matrix = canonical([1.0, 2.0, 3.0, 4.0])
    spent = [0.01, 0.02, 0.03, 0.05]
    whole = bounds_from_correlation(matrix, spent)
    assert bounds_from_correlation(matrix[:3, :3], spent[:3]) == whole[:3]
    assert bounds_from_correlation(matrix, spent, persisted=whole[:2]) == whole[2:]


def test_look_that_repeats_an_earlier_one_has_no_bound_and_spends_nothing():
    matrix = np.array([[1.0, 1.0, 0.5], [1.0, 1.0, 0.5], [0.5, 0.5, 1.0]])
    found = bounds_from_correlation(matrix, [0.02, 0.03, 0.05])
    assert found[1] is None
    once = bounds_from_correlation(matrix[1:, 1:], [0.02, 0.05])
    assert found[2] == pytest.approx(once[1], abs=1e-9)


def test_nothing_to_spend_gives_no_bound():
    assert bounds_from_correlation(canonical([1.0, 2.0]), [0.0, 0.05])[0] is None
    assert bounds_from_correlation(canonical([1.0, 2.0]), [0.05, 0.05])[1] is None


def test_nearly_equal_looks_are_solved():
    found = bounds_from_correlation(canonical([1.0, 1.0 + 1e-6, 2.0]), [0.02, 0.03, 0.05])
    exact = bounds([0.02 / 0.05, 0.6, 1.0], [1.0, 1.0 + 1e-6, 2.0], parameter=1.0)
    np.testing.assert_allclose(found, [look.bound for look in exact], atol=2e-3)


def test_correlation_of_effects_comes_from_their_covariance():
    matrix = score_correlation([[0.5, 0.2], [0.2, 0.25]])
    assert matrix[0, 1] == pytest.approx(0.2 / np.sqrt(0.125), rel=1e-15)
    assert np.diag(matrix).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("matrix", [[[1.0, 0.2], [0.3, 1.0]], [[0.0, 0.0], [0.0, 1.0]]])
def test_covariance_that_is_none_is_refused(matrix):
    with pytest.raises(StatisticsError, match="not symmetric with positive variances"):
        score_correlation(matrix)


def test_covariance_of_the_wrong_shape_is_refused():
    with pytest.raises(StatisticsError, match="has shape"):
        score_correlation([[1.0, 0.5]])


@pytest.mark.parametrize(
    ("matrix", "spent", "message"),
    [
        (np.eye(3), [0.01, 0.05], "does not fit 2 looks"),
        (2.0 * np.eye(2), [0.01, 0.05], "ones on its diagonal"),
        (np.array([[1.0, 1.5], [1.5, 1.0]]), [0.01, 0.05], "negative eigenvalue"),
        (np.eye(2), [0.05, 0.01], "cumulative alpha decreases"),
    ],
)
def test_matrix_or_spends_that_make_no_design_are_refused(matrix, spent, message):
    with pytest.raises(StatisticsError, match=message):
        bounds_from_correlation(matrix, spent)


def test_three_sides_are_refused():
    with pytest.raises(StatisticsError, match="1 or 2 sides, not 3"):
        bounds_from_correlation(np.eye(2), [0.01, 0.05], sides=3)
