import numpy as np
import pytest
from scipy import stats

from steelyard.errors import StatisticsError
from steelyard.stats.significance import critical_value, evidence, log10_p_value, p_value, z_score


@pytest.mark.parametrize("df", [1.0, 3.5, 40.0, 1e6, np.inf])
@pytest.mark.parametrize("statistic", [-3.0, 0.0, 1.7, 6.0])
def test_p_values_agree_with_scipy(statistic: float, df: float) -> None:
    law = stats.norm() if np.isinf(df) else stats.t(df)
    assert p_value(statistic, df) == pytest.approx(2 * law.sf(abs(statistic)), rel=1e-10)
    assert p_value(statistic, df, "greater") == pytest.approx(law.sf(statistic), rel=1e-10)
    assert p_value(statistic, df, "less") == pytest.approx(law.cdf(statistic), rel=1e-10)


def test_alternative_can_differ_by_cell() -> None:
    words = np.array(["two-sided", "greater", "less"], dtype=object)
    assert evidence([-2.0, -2.0, -2.0], words).tolist() == [2.0, -2.0, 2.0]
    expected = [p_value(-2.0).item(), p_value(-2.0, np.inf, "greater").item()]
    assert p_value([-2.0, -2.0, -2.0], np.inf, words)[:2].tolist() == expected


@pytest.mark.parametrize(
    ("statistic", "df", "expected"),
    # mpmath at 40 digits: quadrature of the density beyond t, doubled.
    [
        (1e6, 5.0, -28.7216961382585),
        (1e80, 4.0, -319.221848749616),
        (60.0, 300.0, -168.411224026695),
        (200.0, 2000.0, -1323.95734015338),
        (100.0, 1e6, -2162.78283409999),
        (1000.0, 1e9, -217041.837502655),
    ],
)
def test_log_p_value_of_t_keeps_its_digits(statistic: float, df: float, expected: float) -> None:
    assert log10_p_value(statistic, df) == pytest.approx(expected, rel=1e-12)


def test_log_p_value_joins_smoothly_where_the_p_value_is_about_to_underflow() -> None:
    values = np.array([33.5, 33.6, 33.7, 33.8, 33.9, 34.0])
    for df in (np.inf, 1e7):
        gaps = np.diff(log10_p_value(values, df), n=2)
        assert np.ptp(gaps) < 1e-6


def test_log_p_value_is_finite_up_to_1e150() -> None:
    assert np.isfinite(log10_p_value([1e150, -1e150], [np.inf, 7.0])).all()


@pytest.mark.parametrize("df", [2.0, 30.0, np.inf])
@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_critical_value_has_level_alpha(df: float, alternative: str) -> None:
    bound = critical_value([0.05, 1e-6], df, alternative)
    statistic = -bound if alternative == "less" else bound
    assert p_value(statistic, df, alternative) == pytest.approx([0.05, 1e-6], rel=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, np.nan])
def test_level_outside_the_unit_interval_is_refused(alpha: float) -> None:
    with pytest.raises(StatisticsError, match="alpha must lie between 0 and 1"):
        critical_value(alpha)


def test_unknown_alternative_is_refused() -> None:
    with pytest.raises(StatisticsError, match="unknown alternative 'bigger'"):
        p_value(1.0, 5.0, "bigger")


def test_z_score_has_the_same_p_value() -> None:
    statistic, df = np.array([-4.0, 0.5, 2.0, 60.0, 1e6, 3.0]), np.array([8.0, 3.0, 50.0, 300.0, 5.0, np.inf])
    z = z_score(statistic, df)
    assert np.sign(z).tolist() == np.sign(statistic).tolist()
    assert log10_p_value(z) == pytest.approx(log10_p_value(statistic, df), rel=1e-10)
    assert z[-1] == 3.0
