"""One experiment's report as text, from what has been published."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from steelyard.stats.reasons import NOTES, REASONS

Row = Mapping[str, Any]

DECISIONS = {
    "ship": "SHIP",
    "do_not_ship": "DO NOT SHIP",
    "stop": "STOP",
    "keep_running": "KEEP RUNNING",
    "invalid": "INVALID",
}
HYPOTHESES = {
    "superiority": "differs",
    "non_inferiority": "not worse",
    "deterioration": "worse",
}
OTHER_REASONS = {
    "fixed_test_not_stopped": "A fixed test shows its results once the experiment is stopped.",
    "no_look_on_this_day": "This day is no look.",
    "no_new_information": "Nothing new is known since an earlier look.",
    "no_alpha_released": "The planned sample has not come nearer since the last look.",
    "final": "An earlier look was the last one: its decision stands.",
    "only_last_day": "Quantiles of open windows are computed for the last day only.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a report is made of.

    Attributes:
        experiment: Row of ``experiments``.
        as_of: Day of the analysis.
        results: Rows of ``results``.
        decisions: Rows of ``decisions``.
        health: Rows of ``health``.
    """

    experiment: Row
    as_of: date
    results: Sequence[Row]
    decisions: Sequence[Row]
    health: Sequence[Row]


def render(report: Report) -> str:
    """Return the report as text, lines of at most 110 characters where names allow."""
    return "\n".join(_lines(report)).rstrip() + "\n"


def _lines(report: Report) -> Iterator[str]:
    experiment = report.experiment
    title = f"{experiment['experiment_id']}"
    yield title
    yield "=" * len(title)
    if experiment.get("hypothesis"):
        yield str(experiment["hypothesis"])
    yield _dates(report)
    yield ""
    for decision in report.decisions:
        yield from _decision(decision)
        yield ""
    everyone = [row for row in report.results if row["dimension"] == ""]
    for variant in dict.fromkeys(row["variant"] for row in everyone):
        yield from _table([row for row in everyone if row["variant"] == variant], variant)
        yield ""
    yield from _segments([row for row in report.results if row["dimension"] != ""])
    yield from _health(report.health)


def _dates(report: Report) -> str:
    experiment = report.experiment
    end = experiment.get("end_date")
    until = f" to {end}" if end else ", open end"
    owner = f", {experiment['owner']}" if experiment.get("owner") else ""
    return f"{experiment['status']}, {experiment['start_date']}{until}{owner}; as of {report.as_of}"


def _decision(decision: Row) -> Iterator[str]:
    reasons = decision["reasons"]
    parsed = json.loads(reasons) if isinstance(reasons, str) else reasons
    yield f"{DECISIONS.get(decision['decision'], decision['decision'])}  {decision['variant']}"
    for reason in parsed:
        yield f"  - {reason['text']}"


def _table(rows: Sequence[Row], variant: str) -> Iterator[str]:
    first = rows[0]
    yield f"{variant} against {first['control']}"
    header = ["metric", "role", "tested", "n", first["control"], variant, "effect", "interval", "p", "result"]
    body = [_cells(row) for row in rows]
    yield from aligned([_shorten(header), *body], left={0, 1, 2, 9})
    sentences = dict.fromkeys(
        f"  {row['metric']} ({row['hypothesis']}): {reason_text(row['reason'])}"
        for row in rows
        if row["reason"]
    )
    yield from sentences


def _shorten(header: list[str]) -> list[str]:
    return [name if len(name) <= 12 else f"{name[:11]}…" for name in header]


def _cells(row: Row) -> list[str]:
    effect = _effect(row)
    return [
        row["metric"],
        row["role"],
        _tested(row),
        f"{row['n_control'] + row['n_variant']:,}",
        number(row["mean_control"]),
        number(row["mean_variant"]),
        effect[0],
        effect[1],
        p_value(row["p_value"]),
        _verdict(row),
    ]


def _effect(row: Row) -> tuple[str, str]:
    """Return the effect and its interval: relative where that exists, else absolute."""
    if row["relative_effect"] is not None and row["relative_effect_ci_lower"] is not None:
        low, high = row["relative_effect_ci_lower"], row["relative_effect_ci_upper"]
        return f"{row['relative_effect']:+.2%}", f"[{low:+.2%}, {high:+.2%}]"
    if row["effect"] is None:
        return "", ""
    if row["effect_ci_lower"] is None:
        relative = row["relative_effect"]
        return (f"{relative:+.2%}" if relative is not None else f"{row['effect']:+.4g}"), ""
    return f"{row['effect']:+.4g}", f"[{row['effect_ci_lower']:+.4g}, {row['effect_ci_upper']:+.4g}]"


def _tested(row: Row) -> str:
    text = HYPOTHESES[row["hypothesis"]]
    if row["margin"] is not None:
        return f"{text} by {row['margin']:.3g}" if row["margin"] >= 1 else f"{text} by {row['margin']:.2%}"
    return text


def _verdict(row: Row) -> str:
    if row["significant"] is None:
        return "—"
    if row["hypothesis"] == "superiority" and row["significant"]:
        return "increase" if (row["effect"] or 0.0) > 0 else "decrease"
    if row["hypothesis"] == "non_inferiority":
        return "safe" if row["significant"] else "not shown"
    if row["hypothesis"] == "deterioration":
        return "WORSE" if row["significant"] else "no sign"
    return "powered, none" if row["powered"] else "not shown"


def _segments(rows: Sequence[Row]) -> Iterator[str]:
    shown = [row for row in rows if row["hypothesis"] == "superiority"]
    if not shown:
        return
    yield "Segments (exploratory; corrected for their number)"
    body = [
        [
            f"{row['dimension']} = {row['segment']}",
            row["metric"],
            row["variant"],
            f"{row['n_control'] + row['n_variant']:,}",
            *_effect(row),
            "*" if row["significant"] else "",
        ]
        for row in shown
    ]
    yield from aligned(
        [["segment", "metric", "variant", "n", "effect", "interval", ""], *body], left={0, 1, 2, 6}
    )
    yield ""


def _health(rows: Sequence[Row]) -> Iterator[str]:
    everyone = [row for row in rows if row["dimension"] == "" or row["status"] != "pass"]
    if not everyone:
        return
    yield "Health"
    for row in everyone:
        where = f" {row['dimension']}={row['segment']}" if row["dimension"] else ""
        p = f" (p = {p_value(row['p_value'])})" if row["p_value"] is not None else ""
        yield f"  {row['status'].upper():4}  {row['check_name']}{where}{p}: {row['detail']}"


def reason_text(reason: str) -> str:
    """Return a reason's sentence."""
    prefix, _, code = reason.rpartition(": ")
    sentence = REASONS.get(code) or NOTES.get(code) or OTHER_REASONS.get(code) or code.replace("_", " ")
    return f"no {prefix.replace('_', ' ')}: {sentence}" if prefix else sentence


def number(value: float | None) -> str:
    """Return a number with four significant digits.

    Examples:
        >>> number(0.57091), number(12345.6), number(None)
        ('0.5709', '12,350', '')
    """
    if value is None:
        return ""
    if abs(value) >= 1000:
        return f"{float(f'{value:.4g}'):,.0f}"
    return f"{value:.4g}"


def p_value(value: float | None) -> str:
    """Return a p-value as papers print it.

    Examples:
        >>> p_value(0.03217), p_value(1e-9), p_value(None)
        ('0.032', '<0.001', '')
    """
    if value is None:
        return ""
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def aligned(rows: Sequence[Sequence[str]], *, left: set[int]) -> Iterator[str]:
    """Yield rows as columns, the first a header with a rule below it."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    for index, row in enumerate(rows):
        cells = [
            cell.ljust(width) if k in left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  " + "  ".join(cells).rstrip()
        if index == 0:
            yield "  " + "  ".join("-" * width for width in widths)
