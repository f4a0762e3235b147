"""Rollouts: shares change from epoch to epoch, so epochs are analysed apart and only then combined.

The means of epochs with different shares are never pooled: a trend over time would look like an effect
(Simpson's paradox).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray, divide, together
from steelyard.stats.decision import DecisionReason, TestResult
from steelyard.stats.means import MeanPair, satterthwaite
from steelyard.stats.reasons import NO_DATA, choose

Weighting = Literal["units", "information", "batches"]
RolloutState = Literal["continue", "abort", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """Score statistics, cumulative over epochs; shape ``(..., E)``.

    Attributes:
        score: Sum of effect times information; its increments are independent.
        information: Sum of 1 / squared standard error.
        statistic: Score over the square root of the information: Z for sequential bounds; NaN without
            information.
    """

    score: FloatArray
    information: FloatArray
    statistic: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutDecision:
    """What to do with a rollout at its present stage.

    Attributes:
        state: ``abort`` (a test of harm or quality rejected), ``continue`` (every guardrail is shown safe, or
            had the power to show harm and did not) or ``unknown``.
        reasons: Codes of `steelyard.stats.decision.SENTENCES` with their metrics.
    """

    state: RolloutState
    reasons: tuple[DecisionReason, ...]


def even_units(n_control: ArrayLike, n_treatment: ArrayLike) -> FloatArray:
    """Return the units of an even split that would tell as much as those of epochs with other shares.

    Always-valid tests hold where the units that they are told grow like the information. Plain units do not where the
    shares change: a unit of an even epoch tells many times what one of a first percent does.

    Args:
        n_control, n_treatment: Units, shape ``(..., E)``: epochs last.

    Returns:
        Units, shape ``(...)``; those of one even epoch are its own.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Howard, Ramdas, McAuliffe & Sekhon (2021), Annals of Statistics 49: the boundary is one of intrinsic time.

    Examples:
        >>> float(even_units([990, 500], [10, 500]))
        1039.6
    """
    base, other = together(n_control, n_treatment)
    return np.asarray(np.nan_to_num(divide(4 * base * other, base + other)).sum(axis=-1))


def combine_epochs(pair: MeanPair, *, weighting: Weighting = "units") -> MeanPair:
    """Combine the comparisons of epochs, each made within its own shares.

    Args:
        pair: Shape ``(..., E, T)``: epochs, then treatments.
        weighting: ``units`` weights epochs by their units, which estimates the mean effect over them;
            ``information`` by the inverse variance of their effect, which has the most power where the
            effect does not change; ``batches`` by the inverse standard error, which adds up the epochs' statistics
            (BOLS, as `steelyard.stats.bandit_inference.batched_effect` does), for shares that were adapted to
            outcomes.

    Returns:
        Pairs of shape ``(..., T)``, for `steelyard.stats.comparison`. Epochs in which the effect or its error
        is unknown do not count.

    Raises:
        StatisticsError: Another weighting.

    References:
        Zhang, Janson & Murphy (2020), "Inference for Batched Bandits", NeurIPS, for batches.

    Examples:
        >>> from steelyard.stats.adjustment import unadjusted
        >>> from steelyard.stats.moments import Moments
        >>> epochs = Moments.from_variances(n=[[900, 100], [500, 500]], mean=[[1.0, 1.1], [2.0, 2.1]], variance=1.0)
        >>> combined = combine_epochs(unadjusted(epochs).pairs())
        >>> combined.effect.round(4).tolist(), combined.std_error.round(4).tolist()
        ([0.1], [0.0615])
        >>> unadjusted(epochs.pool(0)).pairs().effect.round(4).tolist()
        [0.5762]
    """
    if weighting not in ("units", "information", "batches"):
        raise StatisticsError(
            f"unknown weighting {weighting!r}", hint="use 'units', 'information' or 'batches'"
        )
    known = np.isfinite(pair.effect) & np.isfinite(pair.std_error) & (pair.std_error > 0)
    spread = pair.std_error if weighting == "batches" else pair.variance
    importance = pair.n_control + pair.n_treatment if weighting == "units" else divide(1.0, spread)
    raw = np.where(known, importance, 0.0)
    total = raw.sum(axis=-2, keepdims=True)
    share = raw / np.where(total > 0, total, 1.0)
    missing = total[..., 0, :] == 0

    def added(values: FloatArray, weights: FloatArray) -> FloatArray:
        filled = np.where(known, weights * np.where(known, values, 0.0), 0.0)
        return np.where(missing, np.nan, filled.sum(axis=-2))

    pieces = np.moveaxis(np.where(known, share**2 * np.where(known, pair.variance, 0.0), 0.0), -2, -1)
    freedom = np.moveaxis(np.where(known, pair.df, np.inf), -2, -1)
    reason = choose(missing.shape, (missing, NO_DATA))
    return MeanPair(
        n_control=pair.n_control.sum(axis=-2),
        n_treatment=pair.n_treatment.sum(axis=-2),
        mean_control=added(pair.mean_control, share),
        mean_treatment=added(pair.mean_treatment, share),
        var_control=added(pair.var_control, share**2),
        var_treatment=added(pair.var_treatment, share**2),
        covariance=added(pair.covariance, share**2),
        df=np.where(missing, np.nan, satterthwaite(pieces, freedom)),
        raw_variance=added(pair.raw_variance, share**2),
        reason=reason,
        notes={name: np.asarray((cells & known).any(axis=-2)) for name, cells in pair.notes.items()},
    )


def add_scores(effects: ArrayLike, std_errors: ArrayLike) -> Scores:
    """Add up score statistics over epochs, for sequential tests whose shares change.

    Args:
        effects: Effect in each epoch, shape ``(..., E)``; NaN where there is none.
        std_errors: Their standard errors.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Jennison & Turnbull (2000), Group Sequential Methods, chapter 3.

    Examples:
        >>> scores = add_scores([0.1, 0.2], [0.1, 0.05])
        >>> scores.information.round(6).tolist(), scores.statistic.round(4).tolist()
        ([100.0, 500.0], [1.0, 4.0249])
    """
    value, error = together(effects, std_errors)
    known = np.isfinite(value) & np.isfinite(error) & (error > 0)
    each = np.where(known, divide(1.0, error**2), 0.0)
    information = each.cumsum(axis=-1)
    score = np.where(known, np.where(known, value, 0.0) * each, 0.0).cumsum(axis=-1)
    return Scores(score=score, information=information, statistic=divide(score, np.sqrt(information)))


def judge_rollout(results: Iterable[TestResult]) -> RolloutDecision:
    """Say whether a rollout goes on to its next stage.

    Args:
        results: Tests of the present stage: ``guardrail`` (non-inferiority, where there is a margin),
            ``deterioration`` and ``quality``; ``success`` tests are ignored. A metric without a margin is
            safe once its deterioration test is powered and has not rejected.

    Returns:
        The decision.

    References:
        Schultzberg, Ankargren & Frånberg (2024), arXiv 2402.11609: the rule without success metrics.

    Examples:
        >>> judge_rollout([
        ...     TestResult(metric="latency", role="guardrail", significant=True),
        ...     TestResult(metric="latency", role="deterioration", significant=False),
        ...     TestResult(metric="crashes", role="deterioration", significant=False, powered=False),
        ... ]).state
        'unknown'
    """
    tests = list(results)
    failed = {"deterioration": "metric_deteriorated", "quality": "quality_failed"}
    alarms = [
        DecisionReason(failed[test.role], test.metric)
        for test in tests
        if test.role in failed and test.significant
    ]
    if alarms:
        return RolloutDecision(state="abort", reasons=tuple(alarms))
    margins = {test.metric for test in tests if test.role == "guardrail"}
    unsafe = [reason for test in tests for reason in _doubts(test, has_margin=test.metric in margins)]
    if unsafe:
        return RolloutDecision(state="unknown", reasons=tuple(unsafe))
    safe = [test.metric for test in tests if test.role in ("guardrail", "deterioration")]
    if not safe:
        return RolloutDecision(state="unknown", reasons=(DecisionReason("nothing_to_ship_on"),))
    return RolloutDecision(
        state="continue",
        reasons=tuple(DecisionReason("guardrail_safe", name) for name in dict.fromkeys(safe)),
    )


def _doubts(test: TestResult, *, has_margin: bool) -> list[DecisionReason]:
    if test.role == "success":
        return []
    if test.significant is None:
        code = "quality_unknown" if test.role == "quality" else "result_missing"
        return [DecisionReason(code, test.metric)]
    is_open = (test.role == "guardrail" and not test.significant) or (
        test.role == "deterioration" and not has_margin and not test.powered
    )
    return [DecisionReason("guardrail_not_shown_safe", test.metric)] if is_open else []
