"""The rule that turns tests into a decision, and the error levels that keep its promises."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from steelyard.errors import StatisticsError

Role = Literal["success", "guardrail", "deterioration", "quality"]
State = Literal["ship", "abort", "end", "continue", "invalid"]
Outcome = Literal["ship", "do_not_ship", "stop", "keep_running", "invalid"]

SENTENCES: Mapping[str, str] = {
    "success_significant": "{metric} improved significantly.",
    "success_not_significant": "{metric} has not improved significantly.",
    "success_powered_without_effect": "{metric} had the power to show the planned effect and did not.",
    "guardrail_safe": "{metric} is not worse than its margin allows.",
    "guardrail_not_shown_safe": "{metric} has not been shown to stay within its margin.",
    "metric_deteriorated": "{metric} became significantly worse.",
    "quality_failed": "{metric} failed, so the numbers cannot be trusted.",
    "quality_unknown": "{metric} could not be checked.",
    "result_missing": "{metric} has no result.",
    "difference_found": "{metric} differs, though the variants get the same: find out what treats them differently.",
    "no_difference": "{metric} does not differ, as it should.",
    "no_difference_yet": "{metric} does not differ so far, as it should.",
    "nothing_to_ship_on": "No success metric and no guardrail with a margin: nothing can speak for shipping.",
}
"""What each reason of a decision says to people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionDesign:
    """Levels at which the tests of one treatment are run.

    Attributes:
        alpha_success: Level of each superiority test; None without success metrics.
        alpha_guardrail: Level of each non-inferiority test.
        alpha_harm: Level of each deterioration and quality test; None without them.
        beta: Type II error that each superiority and non-inferiority test is planned with; None without them.
    """

    alpha_success: float | None
    alpha_guardrail: float
    alpha_harm: float | None
    beta: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """One test's result, as the decision sees it.

    Attributes:
        metric: The metric's name, or the check's for quality.
        role: ``success`` (superiority), ``guardrail`` (non-inferiority), ``deterioration`` or ``quality``.
        significant: Whether the test rejected; None when it has no result.
        improved: For success metrics, whether the effect has the preferred sign.
        powered: For success metrics, whether the standard error is as small as planned.
    """

    __test__ = False

    metric: str
    role: Role
    significant: bool | None
    improved: bool = True
    powered: bool = False


@dataclass(frozen=True, slots=True)
class DecisionReason:
    """Why a decision is what it is: a code of `SENTENCES` and the metric it is about."""

    code: str
    metric: str = ""

    def __str__(self) -> str:
        return SENTENCES[self.code].format(metric=self.metric)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do with one treatment, and why.

    Attributes:
        decision: ``ship``, ``do_not_ship``, ``stop`` (it does harm), ``keep_running`` or ``invalid``.
        state: The recommendation: ``ship``, ``abort``, ``end``, ``continue`` or ``invalid``.
        reasons: Machine-readable; ``str`` of each is a sentence.
    """

    decision: Outcome
    state: State
    reasons: tuple[DecisionReason, ...]


def decision_design(
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    success: int,
    guardrails: int,
    deterioration: int = 0,
    quality: int = 0,
    alpha_harm: float = 0.0,
    treatments: int = 1,
    independent_alarms: bool = False,
) -> DecisionDesign:
    """Split the error levels so that a false ship has probability at most alpha and a true one at least
    ``power``.

    Success metrics share alpha, because one is enough to ship. Guardrails do not, because all must pass; but
    their type II errors add up, so every test is planned with a smaller one. Holds under any dependence.

    Args:
        alpha: Probability of shipping a treatment that improves no success metric or violates a margin.
        power: Probability of shipping one that has the planned effects.
        success: Number of success metrics.
        guardrails: Number of guardrails with a margin.
        deterioration: Number of deterioration tests.
        quality: Number of quality tests, such as sample-ratio mismatch.
        alpha_harm: Probability of any false alarm of the deterioration and quality tests, less than ``1 -
            power``.
        treatments: Number of treatments; the false-ship probability holds over all of them together.
        independent_alarms: Whether false alarms count as independent of shipping, a slightly milder split.

    Raises:
        StatisticsError: A level is outside (0, 1), a count is negative, or ``alpha_harm`` is not below ``1 -
        power``.

    References:
        Schultzberg, Ankargren & Frånberg (2024), arXiv 2402.11609.

    Examples:
        >>> design = decision_design(success=2, guardrails=3)
        >>> design.alpha_success, design.alpha_guardrail, round(design.beta, 4)
        (0.025, 0.05, 0.05)
    """
    beta = 1 - power
    if not (0 < alpha < 1 and 0 < power < 1):
        raise StatisticsError("alpha and power must lie between 0 and 1", hint="such as 0.05 and 0.8")
    if not 0 <= alpha_harm < beta:
        raise StatisticsError(
            f"alpha_harm {alpha_harm:g} must be below 1 - power = {beta:g}",
            hint="false alarms use up power: lower alpha_harm or power",
        )
    if min(success, guardrails, deterioration, quality) < 0 or treatments < 1:
        raise StatisticsError(
            "numbers of metrics must not be negative, of treatments at least 1",
            hint="count the metrics of each role",
        )
    decisive, alarms = guardrails + (1 if success else 0), deterioration + quality
    remaining = (beta - alpha_harm) / ((1 - alpha_harm) if independent_alarms else 1.0)
    return DecisionDesign(
        alpha_success=alpha / (success * treatments) if success else None,
        alpha_guardrail=alpha / treatments,
        alpha_harm=alpha_harm / alarms if alarms and alpha_harm else None,
        beta=remaining / decisive if decisive else None,
    )


def decide(results: Iterable[TestResult], *, finished: bool = False) -> Decision:
    """Apply the rule to one treatment.

    Ship when a success metric improved significantly (or there is none), every guardrail is significantly
    within its margin, nothing became significantly worse, and every quality check passed.

    Args:
        results: All tests of the treatment.
        finished: Whether no more data will come, so that keeping it running is not an option.

    Returns:
        The decision. A failed quality check makes it ``invalid``, which says nothing about the treatment; a
        significant deterioration makes it ``stop``. A test without a result never counts as passed.

    References:
        Schultzberg, Ankargren & Frånberg (2024), arXiv 2402.11609.

    Examples:
        >>> verdict = decide([
        ...     TestResult(metric="orders", role="success", significant=True),
        ...     TestResult(metric="latency", role="guardrail", significant=False),
        ... ])
        >>> verdict.decision, [str(reason) for reason in verdict.reasons]
        ('keep_running', ['latency has not been shown to stay within its margin.'])
    """
    tests = list(results)
    broken = [
        DecisionReason("quality_failed", test.metric) for test in _of(tests, "quality") if test.significant
    ]
    if broken:
        return Decision(decision="invalid", state="invalid", reasons=tuple(dict.fromkeys(broken)))
    harmed = [DecisionReason("metric_deteriorated", test.metric) for test in tests if _harmful(test)]
    if harmed:
        return Decision(decision="stop", state="abort", reasons=tuple(harmed))
    missing = _obstacles(tests)
    if not missing:
        return Decision(decision="ship", state="ship", reasons=tuple(_merits(tests)))
    success = _of(tests, "success")
    if success and all(test.powered and test.significant is False for test in success):
        futile = [DecisionReason("success_powered_without_effect", test.metric) for test in success]
        return Decision(decision="do_not_ship", state="end", reasons=tuple(futile))
    if finished:
        return Decision(decision="do_not_ship", state="end", reasons=tuple(missing))
    return Decision(decision="keep_running", state="continue", reasons=tuple(missing))


def decide_all(results: Mapping[str, Sequence[TestResult]], *, finished: bool = False) -> dict[str, Decision]:
    """Apply the rule to each treatment by its name.

    A quality check that failed for one treatment makes the decisions on all invalid: a sample-ratio
    mismatch, say, speaks of the experiment, whose control they share.

    Args:
        results: All tests of each treatment, by its name.
        finished: As in `decide`.

    References:
        Schultzberg, Ankargren & Frånberg (2024), arXiv 2402.11609.

    Examples:
        >>> better = TestResult(metric="orders", role="success", significant=True)
        >>> mismatch = TestResult(metric="srm", role="quality", significant=True)
        >>> {name: one.decision for name, one in decide_all({"a": [better], "b": []}).items()}
        {'a': 'ship', 'b': 'keep_running'}
        >>> {name: one.decision for name, one in decide_all({"a": [better], "b": [mismatch]}).items()}
        {'a': 'invalid', 'b': 'invalid'}
    """
    failed = [test for tests in results.values() for test in _of(tests, "quality") if test.significant]
    return {name: decide([*tests, *failed], finished=finished) for name, tests in results.items()}


def _of(tests: Iterable[TestResult], role: Role) -> list[TestResult]:
    return [test for test in tests if test.role == role]


def _harmful(test: TestResult) -> bool:
    against = test.role == "deterioration" or (test.role == "success" and not test.improved)
    return bool(test.significant) and against


def _obstacles(tests: Sequence[TestResult]) -> list[DecisionReason]:
    """Return what stands in the way of shipping."""
    success, guardrails = _of(tests, "success"), _of(tests, "guardrail")
    found = [] if success or guardrails else [DecisionReason("nothing_to_ship_on")]
    if not any(test.significant for test in success):
        found += [_open(test, "success_not_significant") for test in success]
    found += [_open(test, "guardrail_not_shown_safe") for test in guardrails if not test.significant]
    quality = [test for test in _of(tests, "quality") if test.significant is None]
    return found + [DecisionReason("quality_unknown", test.metric) for test in quality]


def _open(test: TestResult, code: str) -> DecisionReason:
    return DecisionReason("result_missing" if test.significant is None else code, test.metric)


def _merits(tests: Sequence[TestResult]) -> list[DecisionReason]:
    codes = {"success": "success_significant", "guardrail": "guardrail_safe"}
    return [
        DecisionReason(codes[test.role], test.metric)
        for test in tests
        if test.role in codes and test.significant
    ]
