import math

import numpy as np
import pytest

from steelyard.errors import StatisticsError
from steelyard.stats.spending import SPENDING, log_spend, spend


@pytest.mark.parametrize("name", SPENDING)
def test_nothing_is_spent_at_the_start_and_exactly_alpha_at_the_end(name):
    spent = spend([-0.1, 0.0, 1.0, 1.7], 0.037, name)
    assert spent.tolist() == [0.0, 0.0, 0.037, 0.037]


@pytest.mark.parametrize("name", SPENDING)
def test_spending_grows_with_the_clock(name):
    spent = spend(np.linspace(0.01, 1.0, 300), 0.025, name)
    assert np.all(np.diff(spent) > 0.0)


def test_log_spend_keeps_its_digits_where_the_spend_itself_underflows():
    assert float(log_spend(0.5, -900.0, "power", 3.0)) == pytest.approx(-900.0 + 3 * math.log(0.5), rel=1e-15)
    # By hand, with log P(Z > x) = -x²/2 - log(x sqrt(2 pi)): z = 42.332, then x = z sqrt(2).
    assert float(log_spend(0.5, -900.0, "obrien_fleming")) == pytest.approx(-1796.376, abs=0.005)


def test_hwang_shih_decani_with_gamma_zero_is_the_limit_of_small_gamma():
    fractions = [0.1, 0.4, 0.9]
    np.testing.assert_allclose(
        spend(fractions, 0.05, "hwang_shih_decani", 0.0),
        spend(fractions, 0.05, "hwang_shih_decani", 1e-9),
        rtol=1e-8,
    )


def test_hwang_shih_decani_survives_an_extreme_gamma():
    assert float(log_spend(0.5, math.log(0.05), "hwang_shih_decani", -2000.0)) == pytest.approx(
        math.log(0.05) - 1000.0
    )
    assert float(spend(0.5, 0.05, "hwang_shih_decani", 2000.0)) == pytest.approx(0.05)


def test_unknown_spending_function_is_refused_with_the_known_ones():
    with pytest.raises(StatisticsError, match="unknown spending function 'obf'") as caught:
        spend(0.5, 0.05, "obf")
    assert "obrien_fleming" in caught.value.hint


def test_parameter_of_a_family_without_one_is_refused():
    with pytest.raises(StatisticsError, match="'pocock' has no parameter"):
        spend(0.5, 0.05, "pocock", 1.0)


@pytest.mark.parametrize(
    ("name", "value"), [("power", 0.0), ("hwang_shih_decani", math.inf), ("power", math.nan)]
)
def test_parameter_out_of_range_is_refused(name, value):
    with pytest.raises(StatisticsError, match="out of range"):
        spend(0.5, 0.05, name, value)


@pytest.mark.parametrize("alpha", [0.0, 1.0, 5.0, math.nan])
def test_alpha_outside_the_unit_interval_is_refused(alpha):
    with pytest.raises(StatisticsError, match=r"alpha lies outside \(0, 1\)"):
        spend(0.5, alpha)
