"""Laws of the stage-wise order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.stats.group_sequential import Look, bounds
from steelyard.stats.stagewise import stagewise, stagewise_tail

# Properties of drawn worlds, broad beside the examples of the unit tests.
pytestmark = pytest.mark.long

designs = st.lists(st.floats(0.1, 1.0), min_size=1, max_size=4)


@settings(max_examples=12, deadline=None)
@given(designs, st.floats(-6.0, 6.0), st.floats(0.1, 10.0))
def test_estimate_and_interval_scale_with_the_unit_of_the_metric(steps, z, unit):
    information = np.cumsum(steps)
    fractions = (information / information[-1]).tolist()
    looks = bounds(fractions, information.tolist())
    scaled = [
        Look(
            information=look.information / unit**2,
            fraction=look.fraction,
            alpha_spent=look.alpha_spent,
            bound=look.bound,
        )
        for look in looks
    ]
    ours, theirs = stagewise(looks, z), stagewise(scaled, z)
    assert theirs.estimate == pytest.approx(unit * ours.estimate, rel=1e-6, abs=1e-7 * unit)
    assert theirs.p_value == pytest.approx(ours.p_value, rel=1e-9)
    assert ours.ci_lower < ours.estimate < ours.ci_upper


@settings(max_examples=40, deadline=None)
@given(designs, st.floats(-5.0, 5.0), st.floats(-3.0, 3.0), st.floats(0.01, 1.0))
def test_tail_falls_with_the_statistic_and_rises_with_the_effect(steps, z, effect, more):
    information = np.cumsum(steps)[None]
    upper, last = np.full(information.shape, 2.2), [len(steps) - 1]
    here = stagewise_tail(upper, information, [z], stopped=last, effect=effect)
    higher = stagewise_tail(upper, information, [z + more], stopped=last, effect=effect)
    stronger = stagewise_tail(upper, information, [z], stopped=last, effect=effect + more)
    assert higher[0] <= here[0] <= stronger[0] + 1e-12
