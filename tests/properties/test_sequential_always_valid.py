"""Laws of always-valid inference: interval and p-value agree, and the e-value is a martingale."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.stats.always_valid import critical_value, log_e_value, p_value, running_p

# Properties of drawn worlds, broad beside the examples of the unit tests.
pytestmark = pytest.mark.long

sides = st.sampled_from([1, 2])


@settings(max_examples=200, deadline=None)
@given(
    st.floats(-30.0, 30.0),
    st.floats(1.0, 1e8),
    st.floats(1e-2, 1e8),
    st.floats(1e-10, 0.9),
    sides,
)
def test_interval_leaves_out_zero_exactly_where_p_is_at_most_alpha(z, n, tuning, alpha, n_sides):
    critical = float(critical_value(n, tuning, alpha=alpha, sides=n_sides))
    p = float(p_value(z, n, tuning, sides=n_sides))
    evidence = abs(z) if n_sides == 2 else z
    if abs(evidence - critical) > 1e-9 * (1.0 + critical):
        assert (p <= alpha) == (evidence >= critical)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-5.0, 5.0),
    st.floats(1.0, 1e5),
    st.floats(0.01, 3.0),
    st.floats(0.05, 3.0),
    sides,
)
def test_e_value_is_a_martingale_without_an_effect(z, n, growth, ratio, n_sides):
    """Averaged over the next batch of units, the e-value is what it is now."""
    tuning, later = ratio * n, n * (1.0 + growth)
    # The integrand is a Gaussian in the increment, widened by at most (later + tuning) / (n + tuning).
    x = np.linspace(-40.0, 40.0, 20001)
    total = (z * np.sqrt(n) + x * np.sqrt(later - n)) / np.sqrt(later)
    log_density = -0.5 * x**2 - 0.5 * np.log(2 * np.pi)
    expected = np.sum(np.exp(log_e_value(total, later, tuning, sides=n_sides) + log_density)) * (x[1] - x[0])
    now = float(np.exp(log_e_value(z, n, tuning, sides=n_sides)))
    assert expected == pytest.approx(now, rel=1e-8)


@given(st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=20))
def test_running_p_never_grows_and_continues_from_its_record(values):
    whole = running_p(values)
    assert np.all(np.diff(whole) <= 0.0)
    assert np.all(whole <= values)
    half = len(values) // 2
    start = whole[half - 1] if half else 1.0
    np.testing.assert_array_equal(running_p(values[half:], persisted=start), whole[half:])
