"""Bandits: how to share out the next batch of units, from each variant's posterior."""

import numpy as np
from scipy import special

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray, as_floats, together

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_STEPS = np.linspace(-9.0, 9.0, 10)


def prob_best(mean: ArrayLike, std_error: ArrayLike, *, direction: int = 1) -> FloatArray:
    """Probability of each variant to be the best, with independent normal posteriors; no simulation.

    Args:
        mean: Posterior means, shape ``(..., K)``.
        std_error: Posterior standard deviations, positive, same shape.
        direction: 1 where an increase is good, -1 where a decrease is.

    Returns:
        Probabilities, shape ``(..., K)``, summing to 1; exact to about 1e-12.

    Raises:
        StatisticsError: A mean is not finite or a standard deviation is not positive.

    References:
        Checked against 40-digit arithmetic.

    Examples:
        >>> prob_best([1.0, 1.1, 0.9, 1.05], [0.05, 0.1, 0.08, 0.02]).round(4).tolist()
        [0.0656, 0.6661, 0.0124, 0.2559]
    """
    centre, spread = together(mean, std_error)
    if not (np.all(np.isfinite(centre)) and np.all(np.isfinite(spread) & (spread > 0))):
        raise StatisticsError(
            "each variant needs a mean and a positive standard deviation",
            hint="give every variant a first batch of units",
        )
    centre = np.sign(direction) * centre
    # Between neighbouring break points no density or distribution function does more than two of its
    # standard deviations, whatever the ratio of the spreads.
    breaks = np.sort((centre[..., None] + spread[..., None] * _STEPS).reshape(*centre.shape[:-1], -1), -1)
    half = np.diff(breaks, axis=-1)[..., None] / 2
    x = ((breaks[..., :-1] + breaks[..., 1:])[..., None] / 2 + half * _NODES).reshape(
        *centre.shape[:-1], 1, -1
    )
    weight = (half * _WEIGHTS).reshape(*centre.shape[:-1], 1, -1)
    z = (x - centre[..., None]) / spread[..., None]
    log_below = special.log_ndtr(z)
    others = log_below.sum(axis=-2, keepdims=True) - log_below
    density = np.exp(others - z**2 / 2) / (np.sqrt(2 * np.pi) * spread[..., None])
    chance = (weight * density).sum(axis=-1)
    return np.asarray(chance / chance.sum(axis=-1, keepdims=True))


def thompson_shares(chance: ArrayLike, *, floor: float = 0.05) -> FloatArray:
    """Share out the next batch by each variant's probability to be the best, with a floor.

    The floor keeps every variant's propensity away from zero, on which the inference afterwards depends.
    Keep the shares of every batch.

    Args:
        chance: Probabilities to be the best, shape ``(..., K)``, as from `prob_best`.
        floor: Least share before scaling to 1; at least 0, at most 1 / K.

    Returns:
        Shares, shape ``(..., K)``, summing to 1.

    Raises:
        StatisticsError: The floor is out of range, or the probabilities are none.

    References:
        Thompson (1933), Biometrika 25, 285-294.

    Examples:
        >>> thompson_shares([0.9, 0.09, 0.01], floor=0.05).round(4).tolist()
        [0.8654, 0.0865, 0.0481]
    """
    p = _chances(chance)
    if not 0 <= floor <= 1 / p.shape[-1]:
        raise StatisticsError(
            f"a floor of {floor:g} does not fit {p.shape[-1]} variants", hint="between 0 and 1 / variants"
        )
    raised = np.maximum(p, floor)
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def top_two_shares(chance: ArrayLike, *, leader_share: float = 0.5) -> FloatArray:
    """Share out the next batch between the sampled leader and its sampled challenger.

    Finds the best variant faster than Thompson sampling, at some cost on the way.

    Args:
        chance: Probabilities to be the best, shape ``(..., K)``, two variants or more.
        leader_share: Probability that the leader is played.

    Returns:
        Shares, shape ``(..., K)``, summing to 1. Where one variant is certain to be the best, the others
        challenge it equally often.

    Raises:
        StatisticsError: The leader's share is not between 0 and 1, or the probabilities are none.

    References:
        Russo (2020), "Simple Bayesian Algorithms for Best-Arm Identification", Operations Research 68.

    Examples:
        >>> top_two_shares([0.6, 0.3, 0.1]).round(4).tolist()
        [0.4619, 0.3917, 0.1464]
    """
    p = _chances(chance)
    if not 0 < leader_share <= 1:
        raise StatisticsError("the leader's share must lie between 0 and 1", hint="0.5 is usual")
    variants = p.shape[-1]
    rest = np.where(np.eye(variants, dtype=bool), 0.0, p[..., None, :])
    left = rest.sum(axis=-1, keepdims=True)
    # challenger[j, i]: chance that i challenges the leader j.
    even = np.where(np.eye(variants, dtype=bool), 0.0, 1.0 / (variants - 1))
    challenger = np.where(left > 0, rest / np.where(left > 0, left, 1.0), even)
    played = (p[..., :, None] * challenger).sum(axis=-2)
    return np.asarray(leader_share * p + (1 - leader_share) * played)


def _chances(chance: ArrayLike) -> FloatArray:
    p = as_floats(chance)
    if p.shape[-1] < 2 or not np.all(p >= 0) or not np.allclose(p.sum(axis=-1), 1.0, atol=1e-6):
        raise StatisticsError(
            "probabilities of two or more variants that sum to 1 are needed", hint="see prob_best"
        )
    return p
