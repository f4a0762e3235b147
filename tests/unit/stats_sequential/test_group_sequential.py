import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from steelyard.errors import StatisticsError
from steelyard.stats.group_sequential import Look, bounds, bounds_batch
from steelyard.stats.spending import spend


def correlation(information):
    info = np.asarray(information)
    return np.sqrt(np.minimum.outer(info, info) / np.maximum.outer(info, info))


def outside(bound, information, sides):
    """Return the probability of leaving at some look, by multivariate normal integration."""
    upper = np.asarray(bound)
    lower = -upper if sides == 2 else np.full(len(upper), -np.inf)
    matrix = correlation(information)
    inside = stats.multivariate_normal.cdf(
        upper,
        cov=matrix,
        lower_limit=lower,
        abseps=1e-7,
        releps=1e-7,
        maxpts=2_000_000,
        rng=np.random.default_rng(0),
    )
    return 1.0 - inside


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("spending", ["power", "obrien_fleming", "pocock", "hwang_shih_decani"])
def test_bounds_spend_what_was_released_by_multivariate_normal_integration(spending, sides):
    fractions, information = [0.3, 0.5, 0.9], [20.0, 44.0, 50.0]
    looks = bounds(fractions, information, alpha=0.05, sides=sides, spending=spending)
    for k in range(1, 4):
        left = outside([look.bound for look in looks[:k]], information[:k], sides)
        assert left == pytest.approx(looks[k - 1].alpha_spent, abs=1e-6)  # of the integration
        assert looks[k - 1].alpha_spent == pytest.approx(
            sides * float(spend(fractions[k - 1], 0.05 / sides, spending)), rel=1e-14
        )


def test_two_clocks_are_separate():
    same = bounds([0.5, 1.0], [50.0, 100.0])
    other = bounds([0.5, 1.0], [80.0, 100.0])
    assert [look.alpha_spent for look in same] == [look.alpha_spent for look in other]
    assert same[0].bound == other[0].bound
    assert other[1].bound < same[1].bound


def test_information_has_no_unit():
    ours = bounds([0.2, 0.7, 1.0], [2.0, 7.0, 10.0])
    scaled = bounds([0.2, 0.7, 1.0], [2e-9, 7e-9, 1e-8])
    assert [look.bound for look in ours] == pytest.approx([look.bound for look in scaled], rel=1e-12)


def test_over_running_spends_everything_once_and_freezes_later_looks():
    looks = bounds([0.5, 1.2, 1.4], [50.0, 120.0, 140.0])
    assert looks[1].fraction == 1.0
    assert looks[1].alpha_spent == 0.05
    assert looks[2].bound is None
    assert looks[2].reason == "final"
    assert looks[2].alpha_spent == 0.05


def test_declared_final_look_spends_everything_at_its_true_information():
    start = bounds([0.4], [40.0])
    (last,) = bounds([0.7], [70.0], persisted=start, final=True)
    (planned,) = bounds([1.0], [70.0], persisted=start)
    assert last == planned
    assert last.alpha_spent == 0.05


def test_information_that_does_not_grow_is_no_look_and_spends_nothing():
    looks = bounds([0.4, 0.6, 0.8], [40.0, 40.0 * (1 + 1e-10), 80.0])
    assert looks[1].reason == "no_new_information"
    assert looks[1].bound is None
    assert looks[1].alpha_spent == looks[0].alpha_spent
    without = bounds([0.4, 0.8], [40.0, 80.0])
    assert looks[2].bound == pytest.approx(without[1].bound, rel=1e-13)


def test_information_below_that_of_any_earlier_look_is_no_look():
    looks = bounds([0.4, 0.5, 0.6], [40.0, 30.0, 35.0])
    assert [look.reason for look in looks] == ["", "no_new_information", "no_new_information"]


def test_zero_information_is_no_look():
    looks = bounds([0.1, 0.5], [0.0, 50.0])
    assert looks[0].reason == "no_new_information"
    assert looks[1].bound is not None


def test_clock_that_does_not_advance_releases_no_alpha():
    looks = bounds([0.5, 0.5, 0.4], [50.0, 55.0, 60.0])
    assert [look.reason for look in looks] == ["", "no_alpha_released", "no_alpha_released"]
    assert looks[2].fraction == 0.5


def test_tiny_spend_is_too_early():
    looks = bounds([0.001, 0.5, 1.0], [0.1, 50.0, 100.0], spending="obrien_fleming")
    assert looks[0] == Look(information=0.1, fraction=0.001, alpha_spent=0.0, bound=None, reason="too_early")
    later = bounds([0.5, 1.0], [50.0, 100.0], spending="obrien_fleming")
    assert [look.bound for look in looks[1:]] == pytest.approx([look.bound for look in later], rel=1e-13)


def test_persisted_bounds_are_taken_as_they_are_even_where_the_plan_has_changed():
    odd = (Look(information=50.0, fraction=0.5, alpha_spent=0.01, bound=2.7),)
    (last,) = bounds([1.0], [100.0], persisted=odd)
    left = outside([2.7, last.bound], [50.0, 100.0], 2)
    first = 2 * stats.norm.sf(2.7)
    assert left - first == pytest.approx(0.04, abs=1e-6)


def test_bound_after_several_looks_on_record_is_that_of_the_whole_design():
    whole = bounds([0.25, 0.5, 0.75, 1.0], [25.0, 50.0, 75.0, 100.0])
    assert bounds([1.0], [100.0], persisted=whole[:3]) == whole[3:]


def test_persisted_design_with_a_smaller_alpha_now_spends_only_what_is_left():
    start = bounds([0.5], [50.0], alpha=0.05)
    (last,) = bounds([1.0], [100.0], alpha=0.02, persisted=start)
    assert last.alpha_spent == 0.02
    (never,) = bounds([1.0], [100.0], alpha=0.01, persisted=start)
    assert (never.bound, never.reason, never.alpha_spent) == (None, "final", start[0].alpha_spent)


def test_nearly_equal_looks_approach_one_look():
    looks = bounds([0.5, 0.5 + 1e-6, 1.0], [50.0, 50.0 + 1e-4, 100.0], spending="pocock")
    coarse = bounds([0.5, 1.0], [50.0, 100.0], spending="pocock")
    assert looks[2].bound == pytest.approx(coarse[1].bound, abs=1e-4)


def test_no_looks_give_no_bounds():
    assert bounds([], []) == ()
    assert bounds([], [], persisted=bounds([0.5], [1.0]), final=True) == ()
    assert bounds_batch(np.empty((0, 3)), np.empty((0, 3))).bound.shape == (0, 3)


def test_batch_gives_the_bounds_of_each_design():
    rng = np.random.default_rng(0)
    information = np.cumsum(rng.uniform(0.1, 2.0, (40, 6)), axis=1)
    information[5, 3] = information[5, 2]
    fractions = np.minimum(information / information[:, [-2]], 1.0)
    fractions[7, 4:] = information[7, 4:] = np.nan
    alpha = rng.choice([0.05, 0.01, 1e-6], 40)
    batch = bounds_batch(fractions, information, alpha=alpha, sides=1, spending="obrien_fleming")
    for i in range(40):
        k = 4 if i == 7 else 6
        looks = bounds(
            fractions[i, :k].tolist(),
            information[i, :k].tolist(),
            alpha=float(alpha[i]),
            sides=1,
            spending="obrien_fleming",
        )
        single = [math.inf if look.bound is None else look.bound for look in looks]
        np.testing.assert_allclose(batch.bound[i, :k], single, rtol=1e-11)
        assert batch.reason[i, :k].tolist() == [look.reason for look in looks]
        assert batch.alpha_spent[i, :k].tolist() == [look.alpha_spent for look in looks]
    assert np.isinf(batch.bound[7, 4:]).all()


def test_batch_keeps_persisted_bounds_of_ragged_records():
    first = bounds_batch([[0.5, 0.7, 1.0]] * 2, [[5.0, 7.0, 10.0]] * 2)
    recorded = first.bound.copy()[:, :2]
    spent = first.alpha_spent.copy()[:, :2]
    recorded[0] = [2.6, 2.4]
    recorded[1, 1] = spent[1, 1] = np.nan
    again = bounds_batch(
        [[0.5, 0.7, 1.0]] * 2,
        [[5.0, 7.0, 10.0]] * 2,
        persisted_bound=recorded,
        persisted_alpha_spent=spent,
    )
    assert again.bound[0, :2].tolist() == [2.6, 2.4]
    np.testing.assert_allclose(again.bound[1], first.bound[1], rtol=1e-12)


@pytest.mark.parametrize("alpha", [0.05, 1e-6])
@pytest.mark.parametrize("spending", ["power", "obrien_fleming"])
def test_a_year_of_daily_looks_has_falling_bounds(alpha, spending):
    shares = [k / 365 for k in range(1, 366)]
    looks = bounds(shares, shares, alpha=alpha, spending=spending)
    values = [look.bound for look in looks if look.bound is not None]
    assert all(earlier > later for earlier, later in pairwise(values))
    assert looks[-1].alpha_spent == alpha
    assert stats.norm.isf(alpha / 2) < values[-1] < 1.2 * stats.norm.isf(alpha / 2)


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_look_with_an_impossible_number_is_refused(value):
    with pytest.raises(StatisticsError, match="negative or not finite"):
        bounds([0.5], [value])


def test_wrong_shapes_are_refused():
    with pytest.raises(StatisticsError, match="differ in shape"):
        bounds([0.5, 1.0], [1.0])


def test_alpha_outside_the_unit_interval_is_refused():
    with pytest.raises(StatisticsError, match=r"alpha lies outside \(0, 1\)"):
        bounds([0.5], [1.0], alpha=5.0)


def test_three_sides_are_refused():
    with pytest.raises(StatisticsError, match="1 or 2 sides, not 3"):
        bounds([0.5], [1.0], sides=3)


def test_persisted_looks_out_of_order_are_refused():
    looks = bounds([0.5, 1.0], [50.0, 100.0])
    with pytest.raises(StatisticsError, match="on record has a bound although its information did not grow"):
        bounds([1.0], [120.0], persisted=looks[::-1])


def test_persisted_bounds_without_their_alpha_are_refused():
    with pytest.raises(StatisticsError, match="both their bounds and their alpha"):
        bounds_batch([[0.5]], [[1.0]], persisted_bound=[[2.0]])


def test_persisted_looks_of_another_shape_are_refused():
    with pytest.raises(StatisticsError, match="do not match the shape"):
        bounds_batch([[0.5]], [[1.0]], persisted_bound=[[2.0, 3.0]], persisted_alpha_spent=[[0.01, 0.02]])
