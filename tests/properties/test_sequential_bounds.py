"""Laws of group sequential bounds: they go forward only, and spend what was released."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.stats.group_sequential import bounds, bounds_batch
from steelyard.stats.gst_exit import exit_probabilities
from steelyard.stats.sequential_p import sequential_p
from steelyard.stats.spending import SPENDING

# Properties of drawn worlds, broad beside the examples of the unit tests.
pytestmark = pytest.mark.long

spendings = st.sampled_from(sorted(SPENDING))
sides = st.sampled_from([1, 2])
alphas = st.sampled_from([0.2, 0.05, 0.003, 1e-6])
looks = st.lists(
    st.tuples(st.floats(0.0, 1.3), st.floats(0.0, 100.0)), min_size=1, max_size=6
)  # clocks and information that run backwards, stand still and over-run


def as_inf(plan):
    return np.array([math.inf if look.bound is None else look.bound for look in plan])


@settings(max_examples=60, deadline=None)
@given(looks, spendings, sides, alphas)
def test_bounds_do_not_change_when_looks_are_added(pairs, spending, n_sides, alpha):
    fractions, information = map(list, zip(*pairs, strict=True))
    design = {"alpha": alpha, "sides": n_sides, "spending": spending}
    whole = bounds(fractions, information, **design)
    step = ()
    for k in range(len(pairs)):
        step += bounds(fractions[k : k + 1], information[k : k + 1], **design, persisted=step)
        assert [look.reason for look in step] == [look.reason for look in whole[: k + 1]]
        np.testing.assert_allclose(as_inf(step), as_inf(whole[: k + 1]), rtol=1e-9)
        assert [look.alpha_spent for look in step] == [look.alpha_spent for look in whole[: k + 1]]


@settings(max_examples=60, deadline=None)
@given(looks, spendings, sides, alphas)
def test_alpha_is_spent_exactly_as_recorded_and_never_exceeded(pairs, spending, n_sides, alpha):
    fractions, information = map(list, zip(*pairs, strict=True))
    plan = bounds(fractions, information, alpha=alpha, sides=n_sides, spending=spending)
    spent = [look.alpha_spent for look in plan]
    assert all(later >= earlier for earlier, later in pairwise(spent))
    assert spent[-1] <= alpha
    tested = [look for look in plan if look.bound is not None]
    if tested:
        upper = np.array([look.bound for look in tested])
        above, below = exit_probabilities(
            upper, [look.information for look in tested], lower=-upper if n_sides == 2 else None
        )
        # Relative to alpha, because exits leave out paths rarer than 1e-18.
        assert (above + below).sum() == pytest.approx(spent[-1], rel=1e-6, abs=1e-9 * alpha)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0.05, 1.0), min_size=1, max_size=5),
    st.lists(st.floats(-4.0, 6.0), min_size=5, max_size=5),
    spendings,
    sides,
    st.floats(1e-4, 0.5),
)
def test_sequential_p_is_at_most_alpha_exactly_where_a_bound_is_reached(steps, z, spending, n_sides, alpha):
    information = np.cumsum(steps)[None]
    fractions = information / information[0, -1]
    statistic = np.array([z[: len(steps)]])
    p = sequential_p(statistic, fractions, information, sides=n_sides, spending=spending)[0]
    assert np.all(np.diff(p) <= 0.0)
    batch = bounds_batch(fractions, information, alpha=alpha, sides=n_sides, spending=spending)
    reached = (np.abs(statistic) if n_sides == 2 else statistic) >= batch.bound
    rejected = np.maximum.accumulate(reached[0])
    clear = np.abs(np.log(p / alpha)) > 1e-7
    np.testing.assert_array_equal((p <= alpha)[clear], rejected[clear])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.05, 1.0), min_size=2, max_size=6), spendings, alphas)
def test_smaller_alpha_gives_higher_bounds(steps, spending, alpha):
    information = np.cumsum(steps).tolist()
    fractions = [value / information[-1] for value in information]
    loose = as_inf(bounds(fractions, information, alpha=alpha, spending=spending))
    strict = as_inf(bounds(fractions, information, alpha=0.5 * alpha, spending=spending))
    assert np.all(strict >= loose)
