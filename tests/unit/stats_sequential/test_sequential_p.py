import numpy as np
import pytest
from scipy import stats

from steelyard.errors import StatisticsError
from steelyard.stats.group_sequential import bounds_batch
from steelyard.stats.sequential_p import sequential_p


def test_one_final_look_gives_the_fixed_p_value():
    p = sequential_p([[2.5]], [[1.0]], [[7.0]])
    assert p[0, 0] == pytest.approx(2 * stats.norm.sf(2.5), rel=1e-8)
    p = sequential_p([[2.5]], [[1.0]], [[7.0]], sides=1)
    assert p[0, 0] == pytest.approx(stats.norm.sf(2.5), rel=1e-8)


def test_first_look_inverts_the_spending_function():
    p = sequential_p([[3.0, 0.0]], [[0.4, 1.0]], [[4.0, 10.0]])
    assert p[0].tolist() == pytest.approx([2 * stats.norm.sf(3.0) / 0.16] * 2, rel=1e-8)


def test_direction_matters_for_one_side_only():
    looks = [[0.5, 1.0]], [[5.0, 10.0]]
    assert sequential_p([[-4.0, -4.0]], *looks, sides=1).tolist() == [[1.0, 1.0]]
    np.testing.assert_array_equal(sequential_p([[-3.0, 3.0]], *looks), sequential_p([[3.0, -3.0]], *looks))


def test_looks_without_a_statistic_or_without_a_look_carry_the_p_value_on():
    p = sequential_p([[3.0, np.nan, 3.5, 9.0]], [[0.3, 0.5, 0.7, np.nan]], [[3.0, 5.0, 7.0, np.nan]])
    assert p[0, 1] == p[0, 0]
    assert p[0, 2] < p[0, 1]
    assert p[0, 3] == p[0, 2]


def test_huge_statistic_ends_at_the_smallest_spend_there_is():
    p = sequential_p([[60.0, 70.0]], [[0.5, 1.0]], [[5.0, 10.0]])
    assert np.all((p > 0.0) & (p < 1e-298))


def test_p_values_on_record_are_kept_and_continued():
    z = np.array([[1.2, 2.2, 2.6, 2.4], [0.1, 0.2, -0.4, 3.0]])
    fractions, information = [[0.2, 0.5, 0.8, 1.0]] * 2, [[2.0, 5.0, 8.0, 10.0]] * 2
    whole = sequential_p(z, fractions, information)
    continued = sequential_p(z, fractions, information, persisted_p=whole[:, :2])
    np.testing.assert_allclose(continued, whole, rtol=1e-8)
    odd = sequential_p(z, fractions, information, persisted_p=[[0.5, 1e-5], [1.0, 1.0]])
    assert odd[0].tolist() == pytest.approx([0.5, 1e-5, 1e-5, 1e-5], rel=1e-14)


def test_p_is_uniform_or_larger_without_an_effect():
    rng = np.random.default_rng(1)
    information = np.tile([1.0, 2.0, 3.0, 4.0], (800, 1))
    z = np.cumsum(rng.standard_normal((800, 4)), axis=1) / np.sqrt(information)
    p = sequential_p(z, information / 4.0, information)[:, -1]
    for level in (0.05, 0.2, 0.5):
        assert np.mean(p <= level) == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / 800))


def test_decision_and_p_value_agree_for_over_running_designs():
    rng = np.random.default_rng(2)
    information = np.cumsum(rng.uniform(0.2, 1.0, (300, 5)), axis=1)
    fractions = information / 2.0
    z = np.cumsum(rng.standard_normal((300, 5)), axis=1) / np.sqrt(np.arange(1, 6))
    crossed = np.abs(z) >= bounds_batch(fractions, information, alpha=0.1).bound
    p = sequential_p(z, fractions, information)
    np.testing.assert_array_equal(p <= 0.1, np.maximum.accumulate(crossed, axis=1))


def test_no_looks_give_no_p_values():
    assert sequential_p(np.empty((0, 2)), np.empty((0, 2)), np.empty((0, 2))).shape == (0, 2)


def test_shapes_that_differ_are_refused():
    with pytest.raises(StatisticsError, match="differ in shape"):
        sequential_p([[1.0, 2.0]], [[1.0]], [[1.0]])


def test_three_sides_are_refused():
    with pytest.raises(StatisticsError, match="1 or 2 sides, not 3"):
        sequential_p([[1.0]], [[1.0]], [[1.0]], sides=3)


@pytest.mark.parametrize("recorded", [[[0.0]], [[1.5]], [[0.1, 0.1]]])
def test_p_values_on_record_that_do_not_fit_are_refused(recorded):
    with pytest.raises(StatisticsError, match="p-values on record"):
        sequential_p([[1.0]], [[1.0]], [[1.0]], persisted_p=recorded)
