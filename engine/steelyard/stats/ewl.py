"""Experiments with learning: what share of a programme's experiments taught something?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy import special

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray, TextArray, as_floats, together
from steelyard.stats.proportion_intervals import Interval, wilson_interval
from steelyard.stats.reasons import choose

Learning = Literal["win", "regression", "neutral_powered", "inconclusive", "invalid"]
CLASSES: Final[Mapping[str, str]] = {
    "win": "The treatment was shown to be good enough to ship.",
    "regression": "Something became significantly worse, and was kept from the users.",
    "neutral_powered": "Nothing was significant although every success metric had the power to be.",
    "inconclusive": "Nothing was significant, and a success metric lacked the power.",
    "invalid": "The experiment itself failed: its numbers cannot be trusted.",
}
LEARNT = ("win", "regression", "neutral_powered")


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningSummary:
    """A programme's learning; rates are None without experiments.

    Attributes:
        started: Number of experiments, invalid ones among them.
        counts: Number of experiments by class.
        learning_rate, learning_ci_lower, learning_ci_upper: Share that taught something, with Wilson's
            interval.
        win_rate, win_ci_lower, win_ci_upper: Share that won.
    """

    started: int
    counts: Mapping[str, int]
    learning_rate: float | None
    learning_ci_lower: float | None
    learning_ci_upper: float | None
    win_rate: float | None
    win_ci_lower: float | None
    win_ci_upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShrunkenRates:
    """Rates of teams, drawn towards the programme's by how little each one's experiments say.

    Attributes:
        rate: Posterior means, shape ``(teams,)``.
        ci_lower, ci_upper: Posterior intervals.
        mean: The programme's rate.
        strength: Experiments that the prior counts for; None where the teams differ no more than chance
            would have it, so that all have the programme's rate.
    """

    rate: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    mean: float
    strength: float | None


def classify(
    *, valid: ArrayLike, shipped: ArrayLike, regressed: ArrayLike, significant: ArrayLike, powered: ArrayLike
) -> TextArray:
    """Classify experiments by what was learnt; all arguments are booleans of one shape.

    Args:
        valid: No sample-ratio mismatch, no imbalance before the exposure, exposures present, enough units.
        shipped: The decision rule said ship.
        regressed: A test of inferiority was significant.
        significant: Any success metric was significant.
        powered: Every success metric had its planned standard error.

    Returns:
        Keys of `CLASSES`.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Spotify Engineering (2025), on experiments with learning.

    Examples:
        >>> classify(valid=[True, True, False], shipped=[True, False, True], regressed=False,
        ...          significant=[True, False, True], powered=True).tolist()
        ['win', 'neutral_powered', 'invalid']
    """
    facts = together(*map(_facts, (valid, shipped, regressed, significant, powered)))
    is_valid, is_win, is_worse, any_effect, has_power = (fact > 0 for fact in facts)
    return choose(
        is_valid.shape,
        (~is_valid, "invalid"),
        (is_win, "win"),
        (is_worse, "regression"),
        (~any_effect & has_power, "neutral_powered"),
        (True, "inconclusive"),
    )


def learning_summary(classes: Iterable[str], *, alpha: float = 0.05) -> LearningSummary:
    """Count classes and give the learning rate and the win rate over all experiments started.

    Args:
        classes: Keys of `CLASSES`, one per experiment.
        alpha: One minus the intervals' coverage.

    Raises:
        StatisticsError: An unknown class.

    References:
        Spotify Engineering (2025), on experiments with learning; Wilson (1927), JASA 22, 209-212.

    Examples:
        >>> summary = learning_summary(["win"] * 12 + ["regression"] * 40 + ["inconclusive"] * 36 + ["invalid"] * 12)
        >>> summary.learning_rate, summary.win_rate, round(summary.win_ci_lower, 4)
        (0.52, 0.12, 0.07)
    """
    named = list(classes)
    unknown = sorted(set(named) - set(CLASSES))
    if unknown:
        raise StatisticsError(f"unknown class {unknown[0]!r}", hint=f"one of {', '.join(CLASSES)}")
    counts = {name: named.count(name) for name in CLASSES}
    learnt = _rate(sum(counts[name] for name in LEARNT), len(named), alpha)
    won = _rate(counts["win"], len(named), alpha)
    return LearningSummary(
        started=len(named),
        counts=counts,
        learning_rate=learnt[0],
        learning_ci_lower=learnt[1],
        learning_ci_upper=learnt[2],
        win_rate=won[0],
        win_ci_lower=won[1],
        win_ci_upper=won[2],
    )


def shrink_rates(successes: ArrayLike, n: ArrayLike, *, alpha: float = 0.05) -> ShrunkenRates:
    """Shrink teams' rates by a beta-binomial model, so that small teams do not lead and trail every list.

    Args:
        successes: Experiments with learning (or wins) per team, shape ``(teams,)``.
        n: Experiments per team.
        alpha: One minus the intervals' coverage.

    Raises:
        StatisticsError: There are fewer than two teams with experiments, or more successes than experiments.

    References:
        Kleinman (1973), JASA 68, 46-54, for the moment estimate.

    Examples:
        >>> teams = shrink_rates([1, 30, 70, 15], [1, 100, 100, 40])
        >>> teams.rate.round(3).tolist()
        [0.594, 0.306, 0.692, 0.384]
    """
    x, units = together(successes, n)
    if not np.all((x >= 0) & (x <= units)) or (units > 0).sum() < 2:
        raise StatisticsError(
            "rates of at least two teams are needed, none above 1", hint="pass counts of experiments"
        )
    mean = float(x.sum() / units.sum())
    strength = _prior_strength(x, units, mean)
    if strength is None:
        whole: Interval = wilson_interval(x.sum(), units.sum(), alpha=alpha)
        lower, upper = (np.full(x.shape, float(end)) for end in (whole.ci_lower, whole.ci_upper))
        return ShrunkenRates(
            rate=np.full(x.shape, mean), ci_lower=lower, ci_upper=upper, mean=mean, strength=None
        )
    a, b = mean * strength + x, (1 - mean) * strength + units - x
    return ShrunkenRates(
        rate=a / (a + b),
        ci_lower=as_floats(special.betaincinv(a, b, alpha / 2)),
        ci_upper=as_floats(special.betaincinv(a, b, 1 - alpha / 2)),
        mean=mean,
        strength=strength,
    )


def _prior_strength(x: FloatArray, n: FloatArray, mean: float) -> float | None:
    used = n > 0
    count, total = int(used.sum()), n.sum()
    rate = x[used] / n[used]
    noise = mean * (1 - mean)
    if noise == 0:
        return None
    excess = (n[used] * (rate - mean) ** 2).sum() - noise * (count - 1)
    correlation = excess / (noise * (total - (n**2).sum() / total - (count - 1))) if excess > 0 else 0.0
    if correlation <= 0:
        return None
    return float(max(1 / correlation - 1, 1e-3))


def _facts(values: ArrayLike) -> FloatArray:
    return as_floats(np.asarray(values, dtype=np.bool_))


def _rate(successes: int, n: int, alpha: float) -> tuple[float | None, float | None, float | None]:
    if n == 0:
        return None, None, None
    found = wilson_interval(successes, n, alpha=alpha)
    return float(found.estimate), float(found.ci_lower), float(found.ci_upper)
