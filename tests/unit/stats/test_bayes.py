import numpy as np
import pytest

from steelyard.errors import StatisticsError
from steelyard.stats.bayes import empirical_prior_sd, normal_posterior
from steelyard.stats.shrinkage import selection_bias, shrink_programme
from steelyard.stats.significance import critical_value, p_value


def test_flat_prior_gives_one_minus_the_one_sided_p_value() -> None:
    belief = normal_posterior([0.3, -0.1], [0.1, 0.2])
    assert belief.chance_to_win == pytest.approx(1 - p_value([3.0, -0.5], np.inf, "greater"))
    assert belief.mean == pytest.approx([0.3, -0.1], rel=1e-15)


def test_losses_are_the_expected_shortfalls_of_the_posterior() -> None:
    belief = normal_posterior(0.02, 0.05, prior_mean=0.01, prior_sd=0.1)
    draws = np.random.default_rng(17).normal(belief.mean, belief.sd, 2_000_000)
    assert belief.loss_of_treatment == pytest.approx(np.maximum(-draws, 0).mean(), rel=0.01)
    assert belief.loss_of_control == pytest.approx(np.maximum(draws, 0).mean(), rel=0.01)


def test_preferring_a_decrease_mirrors_the_effect() -> None:
    down, up = (
        normal_posterior(-0.02, 0.01, prior_sd=0.1, direction=-1),
        normal_posterior(0.02, 0.01, prior_sd=0.1),
    )
    assert down.chance_to_win == up.chance_to_win
    assert down.loss_of_treatment == up.loss_of_treatment
    assert down.mean == -up.mean


def test_missing_effect_stays_missing() -> None:
    assert np.isnan(normal_posterior([np.nan], [np.nan], prior_sd=1.0).chance_to_win).all()


def test_prior_without_spread_is_refused() -> None:
    with pytest.raises(StatisticsError, match="standard deviation must be positive"):
        normal_posterior(0.1, 0.1, prior_sd=0.0)


def test_prior_from_the_past_recovers_the_spread_of_true_effects() -> None:
    rng = np.random.default_rng(18)
    errors = rng.uniform(0.5, 2, 50_000)
    effects = rng.normal(0, 0.7, 50_000) + errors * rng.normal(size=50_000)
    assert empirical_prior_sd(effects, errors) == pytest.approx(0.7, rel=0.03)
    assert empirical_prior_sd([0.01, -0.01], [1.0, 1.0]) == 0.0


def test_prior_from_one_experiment_is_refused() -> None:
    with pytest.raises(StatisticsError, match="at least two experiments"):
        empirical_prior_sd([0.1, np.nan], [0.1, 0.1])


def programme() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(19)
    truth, errors = rng.normal(0, 0.7, 50_000), rng.uniform(0.5, 2, 50_000)
    return truth, truth + errors * rng.normal(size=50_000), errors


def test_shrunken_winners_are_right_on_average() -> None:
    truth, effects, errors = programme()
    won = effects / errors > critical_value(0.05)
    shrunken = shrink_programme(effects, errors)
    assert effects[won].mean() > 1.5 * truth[won].mean()
    assert shrunken.effect[won].mean() == pytest.approx(truth[won].mean(), rel=0.05)


def test_selection_bias_is_at_least_a_part_of_the_excess_of_the_winners() -> None:
    """The plug-in spreads the estimates more than the truths, so it is right only in size."""
    truth, effects, errors = programme()
    won = effects / errors > critical_value(0.05)
    excess = (effects - truth)[won].sum()
    exact = selection_bias(truth, errors)
    assert exact == pytest.approx(excess, rel=0.05)
    assert 0.5 * excess < selection_bias(effects, errors) < 1.5 * excess
    assert selection_bias(-effects, errors, direction=-1) == selection_bias(effects, errors)
