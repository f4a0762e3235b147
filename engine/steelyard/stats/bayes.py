"""Normal posterior of an effect, for display beside the tests; decisions follow the tests."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray, as_floats, divide, together


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posterior:
    """What is believed of an effect after the data.

    Attributes:
        mean, sd: Of the normal posterior.
        chance_to_win: Probability that the treatment is better than the control.
        loss_of_treatment: Expected loss, in the effect's unit, of choosing the treatment.
        loss_of_control: Expected loss of choosing the control.
    """

    mean: FloatArray
    sd: FloatArray
    chance_to_win: FloatArray
    loss_of_treatment: FloatArray
    loss_of_control: FloatArray


def normal_posterior(
    effect: ArrayLike,
    std_error: ArrayLike,
    *,
    prior_mean: ArrayLike = 0.0,
    prior_sd: ArrayLike = np.inf,
    direction: ArrayLike = 1,
) -> Posterior:
    """Combine an estimated effect with a normal prior.

    With a flat prior the chance to win is one minus the one-sided p-value, and looking at it every day errs
    as often as looking at the p-value every day.

    Args:
        effect: Estimates; NaN stays NaN.
        std_error: Their standard errors.
        prior_mean, prior_sd: The prior; an infinite ``prior_sd`` is a flat one.
        direction: 1 where an increase is good, -1 where a decrease is.

    Raises:
        StatisticsError: A prior standard deviation is not positive.

    References:
        Gelman et al. (2013), Bayesian Data Analysis, section 2.5. Checked against 40-digit arithmetic.

    Examples:
        >>> belief = normal_posterior(0.02, 0.01, prior_sd=0.02)
        >>> [round(float(value), 4) for value in (belief.mean, belief.sd, belief.chance_to_win)]
        [0.016, 0.0089, 0.9632]
    """
    spread = as_floats(prior_sd)
    if not np.all(spread > 0):
        raise StatisticsError(
            "a prior's standard deviation must be positive", hint="estimate it from the past"
        )
    data, prior = divide(1.0, as_floats(std_error) ** 2), 1 / spread**2
    precision = data + prior
    mean = (as_floats(effect) * data + as_floats(prior_mean) * prior) / precision
    sd = 1 / np.sqrt(precision)
    gain = as_floats(direction) * mean
    z = gain / sd
    density = sd * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return Posterior(
        mean=mean,
        sd=sd,
        chance_to_win=special.ndtr(z),
        loss_of_treatment=density - gain * special.ndtr(-z),
        loss_of_control=density + gain * special.ndtr(z),
    )


def empirical_prior_sd(effects: ArrayLike, std_errors: ArrayLike) -> float:
    """Standard deviation of true effects over past experiments, by the method of moments around zero.

    Args:
        effects: Estimates of one metric in the past, on one scale; all of them, not only the winners.
        std_errors: Their standard errors.

    Returns:
        The standard deviation; 0 where the estimates vary no more than their errors explain.

    Raises:
        StatisticsError: There are fewer than two experiments.

    References:
        Efron & Morris (1973), JASA 68, 117-130; DerSimonian & Laird (1986) around a mean of zero.

    Examples:
        >>> round(empirical_prior_sd([0.3, -0.3, 0.5, -0.5], [0.1, 0.1, 0.3, 0.3]), 4)
        0.3464
    """
    value, error = together(effects, std_errors)
    usable = np.isfinite(value) & np.isfinite(error)
    if usable.sum() < 2:
        raise StatisticsError(
            "a prior from the past needs at least two experiments", hint="use a weak prior until then"
        )
    return float(np.sqrt(max(0.0, float(np.mean((value**2 - error**2)[usable])))))
