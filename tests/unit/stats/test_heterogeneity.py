import numpy as np
import pytest
from statsmodels.stats.meta_analysis import combine_effects

from steelyard.stats.heterogeneity import heterogeneity

rng = np.random.default_rng(15)


def test_agrees_with_statsmodels_meta_analysis() -> None:
    effects, errors = rng.normal(1, 0.5, 6), rng.uniform(0.1, 0.5, 6)
    expected = combine_effects(effects, errors**2, method_re="dl")
    result = heterogeneity(effects, errors)
    assert result.statistic == pytest.approx(expected.q, rel=1e-10)
    assert result.tau_squared == pytest.approx(expected.tau2, rel=1e-10)
    assert result.effect == pytest.approx(expected.mean_effect_fe, rel=1e-10)
    assert result.std_error == pytest.approx(expected.sd_eff_w_fe, rel=1e-10)
    assert result.p_value == pytest.approx(expected.test_homogeneity().pvalue, rel=1e-10)


def test_equal_effects_are_shrunk_onto_the_mean() -> None:
    result = heterogeneity([1.0, 1.01, 0.99], [0.5, 0.5, 0.5])
    assert result.tau_squared == 0.0
    assert result.shrunken == pytest.approx([1.0, 1.0, 1.0])


def test_uncertain_segments_are_drawn_further() -> None:
    result = heterogeneity([0.0, 4.0, 4.0], [0.1, 0.1, 2.0])
    gaps = (result.shrunken - result.effect) / (np.array([0.0, 4.0, 4.0]) - result.effect)
    assert 0 < gaps[2] < gaps[1] < 1


def test_segments_without_an_effect_are_left_out() -> None:
    result = heterogeneity([[0.1, np.nan, 0.5], [0.1, 0.2, np.nan]], [[0.1, np.nan, 0.1], [0.1, 0.0, 0.2]])
    alone = heterogeneity([0.1, 0.5], [0.1, 0.1])
    assert result.statistic[0] == pytest.approx(alone.statistic)
    assert result.shrunken[0, [0, 2]] == pytest.approx(alone.shrunken)
    assert result.reason.tolist() == ["", "insufficient_segments"]
    assert np.isnan([result.statistic[1], result.p_value[1]]).all()
    assert result.effect[1] == pytest.approx(0.1)
