"""A/A experiments: variants get the same, so that any difference is a fault of the pipeline."""

from collections.abc import Iterable

from steelyard.stats.decision import Decision, DecisionReason, TestResult


def judge_aa(results: Iterable[TestResult], *, finished: bool = False) -> Decision:
    """Say whether variants that get the same are seen to be the same.

    Args:
        results: Tests of any difference, of role ``success`` and at levels that together bound the chance of any
            false alarm, and health checks, of role ``quality``.
        finished: Whether no more data will come.

    Returns:
        The decision, which is never to ship: ``invalid`` where a check failed or a difference was found,
        ``keep_running`` while more data is to come, and ``do_not_ship`` once none has been found, as there is nothing
        to ship. A test without a result never counts as passed.

    References:
        Kohavi, Tang & Xu (2020), Trustworthy Online Controlled Experiments, chapter 19.

    Examples:
        >>> same = TestResult(metric="orders", role="success", significant=False)
        >>> verdict = judge_aa([same], finished=True)
        >>> verdict.decision, [str(reason) for reason in verdict.reasons]
        ('do_not_ship', ['orders does not differ, as it should.'])
        >>> other = TestResult(metric="latency", role="success", significant=True)
        >>> judge_aa([same, other]).state
        'invalid'
    """
    tests = list(results)
    failed = [
        DecisionReason("quality_failed", test.metric)
        for test in tests
        if test.role == "quality" and test.significant
    ]
    compared = [test for test in tests if test.role == "success"]
    differing = [DecisionReason("difference_found", test.metric) for test in compared if test.significant]
    if failed or differing:
        return Decision(
            decision="invalid", state="invalid", reasons=tuple(dict.fromkeys([*failed, *differing]))
        )
    code = "no_difference" if finished else "no_difference_yet"
    reasons = tuple(
        DecisionReason("result_missing" if test.significant is None else code, test.metric)
        for test in compared
    )
    if finished:
        return Decision(decision="do_not_ship", state="end", reasons=reasons)
    return Decision(decision="keep_running", state="continue", reasons=reasons)
