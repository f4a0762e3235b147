"""The decision on variants that get the same."""

import pytest

from steelyard.stats.aa import judge_aa
from steelyard.stats.decision import TestResult


def difference(significant: bool | None, metric: str = "orders") -> TestResult:
    return TestResult(metric=metric, role="success", significant=significant, powered=True)


FAILED = TestResult(metric="srm", role="quality", significant=True)
PASSED = TestResult(metric="srm", role="quality", significant=False)


@pytest.mark.parametrize(
    ("results", "finished", "decision", "codes"),
    [
        ([difference(False)], False, "keep_running", ["no_difference_yet"]),
        ([difference(False), PASSED], True, "do_not_ship", ["no_difference"]),
        ([difference(True)], False, "invalid", ["difference_found"]),
        ([difference(False), difference(True, "visits")], True, "invalid", ["difference_found"]),
        ([difference(False), FAILED], True, "invalid", ["quality_failed"]),
        ([difference(True), FAILED], True, "invalid", ["quality_failed", "difference_found"]),
        ([difference(None)], True, "do_not_ship", ["result_missing"]),
        ([], False, "keep_running", []),
    ],
)
def test_an_aa_never_ships(
    results: list[TestResult], finished: bool, decision: str, codes: list[str]
) -> None:
    found = judge_aa(results, finished=finished)
    assert found.decision == decision
    assert [reason.code for reason in found.reasons] == codes


def test_an_improvement_is_a_fault_like_any_other_difference() -> None:
    better = TestResult(metric="orders", role="success", significant=True, improved=True)
    assert judge_aa([better], finished=True).state == "invalid"
