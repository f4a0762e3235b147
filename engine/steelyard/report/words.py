"""Rows of the result tables in words."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from steelyard.report.numbers import percent, signed
from steelyard.stats.reasons import NOTES, REASONS

Row = Mapping[str, Any]

DECISIONS = MappingProxyType(
    {
        "ship": "SHIP",
        "do_not_ship": "DO NOT SHIP",
        "stop": "STOP",
        "keep_running": "KEEP RUNNING",
        "invalid": "INVALID",
    }
)
OF_AN_AA = MappingProxyType(
    {
        "difference_found": "INVESTIGATE",
        "no_difference": "NO DIFFERENCE",
        "no_difference_yet": "NO DIFFERENCE YET",
    }
)
"""Decisions on an A/A, by the code of a reason that only an A/A has."""
TESTS = MappingProxyType(
    {
        "fixed": "A fixed test is read once, at the end",
        "group_sequential": "Intervals and p-values hold at every look (group sequential)",
        "always_valid": "Intervals and p-values hold at any time (always valid)",
    }
)
OTHER_REASONS = MappingProxyType(
    {
        "fixed_test_not_stopped": "A fixed test shows its results once the experiment is stopped.",
        "fixed_test_reads_its_last_day": "A fixed test is read on its last day only.",
        "no_look_on_this_day": "This day is no look.",
        "no_new_information": "Nothing new is known since an earlier look.",
        "no_alpha_released": "The planned sample has not come nearer since the last look.",
        "final": "An earlier look was the last one: its decision stands.",
        "shipped_effect_missing": "An experiment that the holdback names has shipped no effect on this metric.",
        "window_not_closed": "Values still change: only windows that have closed make cohorts.",
        "window_without_halves": "Halves need sums over a closed window of at least two whole days.",
        "one_cohort": "All units came to count on one day.",
        "sequence_of_blocks_broken": "Blocks do not follow each other: one has no value, or they are too few.",
        "needs_all_units": "It takes the values of units that did not meet the trigger.",
        "only_last_day": "Quantiles of open windows are computed for the last day only.",
    }
)


def reason_text(reason: str) -> str:
    """Return a reason's sentence.

    Examples:
        >>> reason_text("no_look_on_this_day")
        'This day is no look.'
    """
    prefix, _, code = reason.rpartition(": ")
    sentence = REASONS.get(code) or NOTES.get(code) or OTHER_REASONS.get(code) or code.replace("_", " ")
    return f"no {prefix.replace('_', ' ')}: {sentence}" if prefix else sentence


def reasons_of(decision: Row) -> list[Row]:
    """Return the reasons of a row of ``decisions``, which warehouses without JSON hand back as text."""
    reasons = decision["reasons"]
    return list(json.loads(reasons) if isinstance(reasons, str) else reasons)


def is_of_aa(decision: Row) -> bool:
    """Return whether a decision compares variants that get the same."""
    return any(reason.get("code") in OF_AN_AA for reason in reasons_of(decision))


def decision_text(decision: Row) -> str:
    """Return a decision in capitals.

    Examples:
        >>> decision_text({"decision": "do_not_ship", "reasons": [{"code": "result_missing"}]})
        'DO NOT SHIP'
        >>> decision_text({"decision": "do_not_ship", "reasons": '[{"code": "no_difference"}]'})
        'NO DIFFERENCE'
    """
    codes = [str(reason.get("code")) for reason in reasons_of(decision)]
    of_aa = [OF_AN_AA[code] for code in codes if code in OF_AN_AA]
    return of_aa[0] if of_aa else DECISIONS.get(decision["decision"], decision["decision"])


def effect_text(row: Row) -> tuple[str, str]:
    """Return the effect and its interval: relative where that has an interval, else absolute.

    Examples:
        >>> names = ("relative_effect", "relative_effect_ci_lower", "relative_effect_ci_upper")
        >>> effect_text(dict(zip(names, (0.0848, 0.0463, 0.125), strict=True)))
        ('+8.48%', '[+4.63%, +12.5%]')
        >>> effect_text({"relative_effect": None, "relative_effect_ci_lower": None, "effect": None})
        ('', '')
    """
    if row["relative_effect"] is not None and row["relative_effect_ci_lower"] is not None:
        low, high = row["relative_effect_ci_lower"], row["relative_effect_ci_upper"]
        return percent(row["relative_effect"]), f"[{percent(low)}, {percent(high)}]"
    if row["effect"] is None:
        return "", ""
    if row["effect_ci_lower"] is None:
        relative = row["relative_effect"]
        return (percent(relative) if relative is not None else signed(row["effect"])), ""
    return signed(row["effect"]), f"[{signed(row['effect_ci_lower'])}, {signed(row['effect_ci_upper'])}]"


def verdict(row: Row, worse: str | None = None) -> str:
    """Return what a test says, in two words.

    Args:
        row: A row of results.
        worse: Which way the metric gets worse, ``increase`` or ``decrease``; None where that is not known.

    Examples:
        >>> verdict({"hypothesis": "superiority", "significant": True, "effect": 0.1}, "decrease")
        'better'
        >>> verdict({"hypothesis": "non_inferiority", "significant": False, "margin": 0.01})
        'may lose 1%'
    """
    significant, hypothesis = row["significant"], row["hypothesis"]
    if significant is None:
        return "-"
    if hypothesis == "non_inferiority":
        margin = row["margin"]
        shown = f"{margin:.3g}" if margin is None or margin >= 1 else f"{100 * margin:.3g}%"
        return f"within {shown}" if significant else f"may lose {shown}"
    if hypothesis == "deterioration":
        return "WORSE" if significant else "no harm"
    if not significant:
        return "no effect" if row["powered"] else "unclear"
    moved = "increase" if (row["effect"] or 0.0) > 0 else "decrease"
    if worse is None:
        return moved
    return "WORSE" if moved == worse else "better"
