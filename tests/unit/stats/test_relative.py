import numpy as np
import pytest

from steelyard.stats.relative import delta_std_error, fieller, log_interval


def test_fieller_limits_solve_the_quadratic_they_come_from() -> None:
    m1, v1, m0, v0, c, q = 10.2, 0.3, 9.0, 0.4, 0.1, 2.5
    result = fieller(m1, v1, m0, v0, covariance=c, critical=q)
    for limit in (result.ci_lower, result.ci_upper):
        ratio = 1 + limit
        assert (m1 - ratio * m0) ** 2 == pytest.approx(q**2 * (v1 - 2 * ratio * c + ratio**2 * v0))


def test_fieller_keeps_its_digits_where_one_limit_is_minus_one() -> None:
    """The treatment's mean is exactly critical standard errors from 0, so one root of the quadratic is 0."""
    q, v1 = 2.0, 0.25
    result = fieller(q * np.sqrt(v1), v1, 5.0, 0.01, critical=q)
    assert result.ci_lower == pytest.approx(-1.0, abs=1e-15)
    assert result.ci_upper > -1


def test_fieller_of_a_treatment_without_any_value_is_minus_one() -> None:
    result = fieller(0.0, 0.0, 5.0, 0.01)
    assert (result.effect, result.ci_lower, result.ci_upper) == (-1.0, -1.0, -1.0)


@pytest.mark.parametrize(
    ("m0", "v0", "reason"),
    [
        (5.0, 0.1, ""),
        (0.2, 1.0, "relative_effect_not_identified"),
        (1.96, 1.0, "relative_effect_not_identified"),
        (0.0, 0.1, "control_mean_not_positive"),
        (-5.0, 0.1, "control_mean_not_positive"),
        (np.nan, 0.1, "no_data"),
    ],
)
def test_fieller_says_why_there_is_no_interval(m0: float, v0: float, reason: str) -> None:
    result = fieller(3.0, 0.1, m0, v0, critical=1.96)
    assert result.reason.item() == reason
    assert np.isnan(result.ci_lower) == np.isnan(result.ci_upper) == bool(reason)


def test_set_that_excludes_a_middle_part_is_not_reported_as_an_interval() -> None:
    """The treatment is far from 0 and the control is not: the set is the outside of an interval."""
    result = fieller(50.0, 0.01, 1.0, 1.0, critical=1.96)
    assert result.reason.item() == "relative_effect_not_identified"
    assert result.effect.item() == 49.0


def test_three_intervals_agree_when_the_control_is_known_well() -> None:
    values = (10.5, 4e-8, 10.0, 5e-8)
    exact, logged = fieller(*values, covariance=1e-8), log_interval(*values, covariance=1e-8)
    error = delta_std_error(*values, covariance=1e-8)
    for lower in (logged.ci_lower, exact.effect - 1.959963984540054 * error):
        assert lower == pytest.approx(exact.ci_lower, abs=1e-8)


def test_log_interval_and_delta_refuse_means_that_are_not_positive() -> None:
    assert log_interval(-1.0, 0.1, 5.0, 0.1).reason.item() == "relative_effect_not_identified"
    assert log_interval(1.0, 0.1, -5.0, 0.1).reason.item() == "control_mean_not_positive"
    assert np.isnan(delta_std_error(1.0, 0.1, -5.0, 0.1))
