"""The winner's curse: effects that were picked for being significant are too large on average."""

from dataclasses import dataclass

import numpy as np

from steelyard.stats.arrays import ArrayLike, FloatArray, together
from steelyard.stats.bayes import empirical_prior_sd
from steelyard.stats.significance import critical_value


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShrunkenEffects:
    """Effects of a programme, drawn towards zero by what the programme as a whole shows.

    Attributes:
        effect: Shrunken effects, shape ``(experiments,)``.
        std_error: Their posterior standard deviations.
        prior_sd: Standard deviation of true effects in the programme.
    """

    effect: FloatArray
    std_error: FloatArray
    prior_sd: float


def shrink_programme(effects: ArrayLike, std_errors: ArrayLike) -> ShrunkenEffects:
    """Shrink each experiment's effect by the programme's ratio of signal to noise.

    Args:
        effects: Estimates of one metric on one scale, shape ``(experiments,)``; all experiments, not only
            the winners.
        std_errors: Their standard errors.

    Raises:
        StatisticsError: There are fewer than two experiments.

    References:
        Efron & Morris (1973), JASA 68, for the empirical Bayes estimate.

    Examples:
        >>> programme = shrink_programme([0.3, -0.3, 0.5, -0.5], [0.1, 0.1, 0.3, 0.3])
        >>> programme.effect.round(3).tolist()
        [0.277, -0.277, 0.286, -0.286]
    """
    value, error = together(effects, std_errors)
    prior_sd = empirical_prior_sd(value, error)
    trust = prior_sd**2 / (prior_sd**2 + error**2)
    return ShrunkenEffects(effect=trust * value, std_error=np.sqrt(trust) * error, prior_sd=prior_sd)


def selection_bias(
    effects: ArrayLike,
    std_errors: ArrayLike,
    *,
    alpha: ArrayLike = 0.05,
    direction: ArrayLike = 1,
) -> float:
    """Estimate by how much the summed effects of the significant winners exceed their true sum.

    Each experiment contributes ``E[(estimate - truth); it wins]``, with the estimate in the place of the
    truth. Subtract the result from the sum of the winners' effects in the preferred direction.

    Args:
        effects: Estimates of all experiments, winners and losers.
        std_errors: Their standard errors.
        alpha: Level of the two-sided tests that picked the winners.
        direction: 1 where an increase is good, -1 where a decrease is.

    Raises:
        StatisticsError: Alpha is not between 0 and 1.

    References:
        Lee & Shen (2018), "Winner's Curse: Bias Estimation for Total Effects of Features in Online Controlled
        Experiments", KDD.

    Examples:
        >>> round(selection_bias([0.0, 3.0], [1.0, 1.0]), 4)
        0.2907
    """
    effect, error, sign = together(effects, std_errors, direction)
    z = critical_value(alpha) - sign * effect / error
    return float(np.nansum(error * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)))
