import numpy as np
import pytest
from scipy import integrate, optimize, stats

from steelyard.errors import StatisticsError
from steelyard.stats.always_valid import (
    asymptotic_half_width,
    critical_value,
    log_e_value,
    msprt_tuning,
    optimal_tuning,
    p_value,
    required_n,
    running_p,
)
from steelyard.stats.always_valid_regression import (
    f_p_value,
    t_critical_value,
    t_optimal_tuning,
    t_p_value,
)


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("statistic", [-1.0, 0.3, 4.0])
def test_e_value_is_the_likelihood_ratio_averaged_over_effects(sides, statistic):
    n, tuning = 300.0, 40.0

    def integrand(drift):
        density = stats.norm.pdf(drift, scale=np.sqrt(n / tuning)) * (2 if sides == 1 else 1)
        return np.exp(drift * statistic - drift**2 / 2) * density

    start = 0.0 if sides == 1 else -40.0
    average, _ = integrate.quad(integrand, start, 40.0, epsabs=0.0, epsrel=1e-11, limit=200)
    assert float(log_e_value(statistic, n, tuning, sides=sides)) == pytest.approx(np.log(average), rel=1e-8)


@pytest.mark.parametrize("sides", [1, 2])
def test_p_value_at_the_critical_value_is_alpha(sides):
    n = np.geomspace(1.0, 1e9, 50)
    for alpha in (0.3, 0.05, 1e-12):
        critical = critical_value(n, 5000.0, alpha=alpha, sides=sides)
        np.testing.assert_allclose(p_value(critical, n, 5000.0, sides=sides), alpha, rtol=1e-9)


def test_one_sided_sequence_is_wider_than_the_two_sided_one_at_twice_alpha():
    n = np.geomspace(10.0, 1e6, 30)
    one = critical_value(n, 1000.0, alpha=0.05, sides=1)
    assert np.all(one > critical_value(n, 1000.0, alpha=0.10))
    assert np.all(one < critical_value(n, 1000.0, alpha=0.05))


def test_msprt_is_the_same_test():
    estimate, error, n, variance = 0.4, 0.15, 800.0, 0.09
    v = error**2
    ratio = np.sqrt(v / (v + variance)) * np.exp(variance * estimate**2 / (2 * v * (v + variance)))
    tuning = msprt_tuning(error, n, variance)
    assert float(log_e_value(estimate / error, n, tuning)) == pytest.approx(np.log(ratio), rel=1e-12)


def test_asymptotic_sequence_is_the_same_with_the_other_parameter():
    n, rho = np.array([200.0, 5000.0]), 0.02
    ours = critical_value(n, 1 / rho**2) * 3.0 / np.sqrt(n)
    np.testing.assert_allclose(asymptotic_half_width(3.0, n, rho), ours, rtol=1e-12)
    one = critical_value(n, 1 / rho**2, sides=1) * 3.0 / np.sqrt(n)
    closed = asymptotic_half_width(3.0, n, rho, sides=1)
    assert np.all((closed >= one) & (closed < 1.02 * one))


@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_exact_tuning_minimises_the_width(alpha):
    best = optimize.minimize_scalar(
        lambda log_nu: float(critical_value(1000.0, np.exp(log_nu), alpha=alpha)),
        bounds=(0.0, 10.0),
        method="bounded",
        options={"xatol": 1e-8},
    )
    exact = float(optimal_tuning(1000.0, alpha=alpha, exact=True))
    assert exact == pytest.approx(np.exp(best.x), rel=1e-5)
    assert float(optimal_tuning(1000.0, alpha=alpha)) == pytest.approx(exact, rel=0.05)


def test_one_sided_tuning_is_close_to_the_narrowest():
    chosen = critical_value(1000.0, optimal_tuning(1000.0, sides=1, exact=True), sides=1)
    narrowest = min(float(critical_value(1000.0, nu, sides=1)) for nu in np.geomspace(10.0, 1e4, 400))
    assert float(chosen) < 1.01 * narrowest


def test_no_statement_is_made_during_the_burn_in_or_without_units():
    critical = critical_value([0.0, 150.0, 300.0], 100.0, smallest_n=[0.0, 75.0, 150.0])
    assert np.isinf(critical).tolist() == [True, True, False]
    p = p_value([9.0, 9.0], [150.0, 300.0], 100.0, smallest_n=[75.0, 150.0])
    assert p[0] == 1.0
    assert p[1] < 1e-6


def test_running_p_passes_over_looks_without_a_value():
    found = running_p([[0.4, np.nan, 0.6, 0.1]])
    assert found.tolist() == [[0.4, 0.4, 0.4, 0.1]]
    assert running_p([np.nan, 0.2]).tolist() == [1.0, 0.2]


@pytest.mark.parametrize("tuning", [None, 5000.0])
def test_required_n_gives_its_power_at_the_last_look(tuning):
    n = required_n(0.1, 2.0, alpha=0.01, power=0.9, sides=1, tuning=tuning)
    nu = optimal_tuning(n, alpha=0.01, sides=1, exact=True) if tuning is None else tuning
    critical = float(critical_value(n, nu, alpha=0.01, sides=1))
    assert stats.norm.cdf(0.1 / (2.0 / np.sqrt(n)) - critical) == pytest.approx(0.9, abs=1e-9)


def test_extreme_tuning_still_has_a_sample_size():
    assert required_n(1.0, 1.0, tuning=1e12) > 10.0


@pytest.mark.parametrize(("effect", "power"), [(0.0, 0.8), (0.1, 0.3), (0.1, 1.0)])
def test_impossible_sample_size_is_refused(effect, power):
    with pytest.raises(StatisticsError, match="no sample size"):
        required_n(effect, 1.0, power=power)


def test_values_out_of_range_are_refused():
    with pytest.raises(StatisticsError, match="tuning is not positive"):
        log_e_value(1.0, 10.0, 0.0)
    with pytest.raises(StatisticsError, match="1 or 2 sides, not 0"):
        p_value(1.0, 10.0, 5.0, sides=0)
    with pytest.raises(StatisticsError, match=r"alpha lies outside \(0, 1\)"):
        critical_value(10.0, 5.0, alpha=1.0)


def test_t_version_approaches_the_normal_one():
    assert float(t_critical_value(1e7, 5, 1e6)) == pytest.approx(float(critical_value(1e7, 1e6)), rel=1e-5)


def test_t_p_value_at_its_critical_value_is_alpha():
    critical = t_critical_value([40.0, 400.0], 3.0, 10.0, alpha=0.02)
    np.testing.assert_allclose(t_p_value(critical, [37.0, 397.0], [40.0, 400.0], 10.0), 0.02, rtol=1e-9)


def test_f_with_one_coefficient_is_t_squared():
    assert float(f_p_value(6.25, 1, 50, 60, tuning=4)) == float(t_p_value(-2.5, 50, 60, 4))


def test_sample_too_small_for_any_statement_has_an_infinite_critical_value():
    assert np.isinf(t_critical_value(4.0, 3.0, 1000.0))


def test_t_tuning_minimises_the_width():
    best = t_optimal_tuning(500, 4)
    here = float(t_critical_value(500, 4, best))
    assert here <= min(float(t_critical_value(500, 4, best * factor)) for factor in (0.9, 1.1))


def test_regression_inputs_out_of_range_are_refused():
    with pytest.raises(StatisticsError, match="n and tuning must be positive"):
        t_p_value(1.0, 10, 12, 0.0)
    with pytest.raises(StatisticsError, match="no degrees of freedom"):
        t_critical_value(3, 3, 1.0)
    with pytest.raises(StatisticsError, match=r"alpha lies outside \(0, 1\)"):
        t_critical_value(30, 3, 1.0, alpha=0.0)
