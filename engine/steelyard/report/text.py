"""One experiment's report as text, from what has been published."""

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from steelyard.report.insights import sentences
from steelyard.report.numbers import aligned, number, p_equals, p_value
from steelyard.report.words import TESTS, Row, decision_text, effect_text, reason_text, reasons_of, verdict

WIDTH = 100
_ROLES = {"primary": "primary", "secondary": "secondary", "guardrail": "guardrails", "quality": "quality"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a report is made of.

    Attributes:
        experiment: Row of ``experiments``.
        as_of: Day of the analysis.
        results: Rows of ``results``.
        decisions: Rows of ``decisions``.
        health: Rows of ``health``.
        insights: Rows of ``insights``.
    """

    experiment: Row
    as_of: date
    results: Sequence[Row]
    decisions: Sequence[Row]
    health: Sequence[Row]
    insights: Sequence[Row] = ()


def render(report: Report) -> str:
    """Return the report as text, lines of at most 100 characters where names allow."""
    return "\n".join(_lines(report)).rstrip() + "\n"


def everyone(report: Report) -> list[Row]:
    """Return the results of all units together."""
    return [row for row in report.results if row["dimension"] == ""]


def shown_rows(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield one row per metric: what it is there to show; and harm wherever it was found.

    A success metric is tested for harm as well, and a guardrail with a margin too. Those rows say nothing new
    unless they find some; all of them stand in ``results``.
    """
    for metric in dict.fromkeys(row["metric"] for row in rows):
        first, *others = (row for row in rows if row["metric"] == metric)
        harm = [row for row in others if row["significant"] and row["hypothesis"] == "deterioration"]
        if first["hypothesis"] == "superiority" or not harm:
            yield first
        if not (first["hypothesis"] == "superiority" and first["significant"]):
            yield from harm


def worse_direction(rows: Sequence[Row], metric: str) -> str | None:
    """Return which way a metric gets worse, as its test for harm says."""
    found = (row for row in rows if row["metric"] == metric and row["hypothesis"] == "deterioration")
    return next((row["alternative"] for row in found), None)


def _lines(report: Report) -> Iterator[str]:
    title = str(report.experiment["experiment_id"])
    yield title
    yield "=" * len(title)
    if report.experiment.get("hypothesis"):
        yield from _wrapped(str(report.experiment["hypothesis"]))
    yield _dates(report)
    yield ""
    for decision in report.decisions:
        yield from _decision(decision)
        yield ""
    rows = everyone(report)
    for variant in dict.fromkeys(row["variant"] for row in rows):
        yield from _table([row for row in rows if row["variant"] == variant], variant)
        yield ""
    yield from _footnote(report, rows)
    yield from _segments([row for row in report.results if row["dimension"] != ""])
    yield from _insights(report)
    yield from _health(report.health)


def _wrapped(text: str, first: str = "", following: str | None = None) -> list[str]:
    following = " " * len(first) if following is None else following
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=following)


def _dates(report: Report) -> str:
    experiment = report.experiment
    end = experiment.get("end_date")
    until = f" to {end}" if end else ", open end"
    owner = f"{experiment['owner']}, " if experiment.get("owner") else ""
    return f"{owner}{experiment['status']}, {experiment['start_date']}{until}, as of {report.as_of}"


def _decision(decision: Row) -> Iterator[str]:
    yield f"{decision_text(decision)}: {decision['variant']}"
    for reason in reasons_of(decision):
        yield from _wrapped(reason["text"], "  - ")


def _table(rows: Sequence[Row], variant: str) -> Iterator[str]:
    control = str(rows[0]["control"])
    body: list[list[str]] = []
    role = ""
    for row in shown_rows(rows):
        if row["role"] != role:
            role = str(row["role"])
            body.append([_ROLES.get(role) or role])
        body.append(_cells(row, worse_direction(rows, row["metric"])))
    means = [_short(control), _short(variant)]
    header = [f"{variant} against {control}", "n", *means, "effect", "interval", "p", "finding"]
    yield from aligned([header, *body], left={0, 7})
    notes = dict.fromkeys(
        f"{row['metric']}: {reason_text(row['reason'])}" for row in shown_rows(rows) if row["reason"]
    )
    for note in notes:
        yield from _wrapped(note, "  ", "    ")


def _short(name: str) -> str:
    return name if len(name) <= 12 else f"{name[:11]}…"


def _cells(row: Row, worse: str | None) -> list[str]:
    return [
        f"  {row['metric']}",
        f"{row['n_control'] + row['n_variant']:,}",
        number(row["mean_control"]),
        number(row["mean_variant"]),
        *effect_text(row),
        p_value(row["p_value"]),
        verdict(row, worse),
    ]


def _footnote(report: Report, rows: Sequence[Row]) -> Iterator[str]:
    """Yield what the numbers of the tables are."""
    if not rows:
        return
    kind = TESTS.get(str(rows[0]["test"]), str(rows[0]["test"]))
    sentences = [f"Effects are relative to the control where they end in %. {kind}.", _level(report, rows)]
    if any(row["adjustment"] == "cuped" for row in rows):
        sentences.append("Means are adjusted by what units did before the exposure (CUPED).")
    yield from _wrapped(" ".join(sentence for sentence in sentences if sentence))
    yield ""


def _level(report: Report, rows: Sequence[Row]) -> str:
    """Return the level of the intervals of what is to be shown."""
    levels = {row["alpha"] for row in rows if row["hypothesis"] == "superiority" and row["alpha"] is not None}
    if not levels:
        return ""
    analysis = report.experiment["analysis"]
    planned = (json.loads(analysis) if isinstance(analysis, str) else analysis)["alpha"]
    alpha = min(levels)
    corrected = f", which is {1 - planned:.4g} corrected for several comparisons" if alpha < planned else ""
    return f"Intervals of primary and secondary metrics have level {1 - alpha:.4g}{corrected}."


def _segments(rows: Sequence[Row]) -> Iterator[str]:
    shown = [row for row in rows if row["hypothesis"] == "superiority"]
    if not shown:
        return
    several = len({row["variant"] for row in shown}) > 1
    header = ["segments", "n", "effect", "interval", "finding"]
    body: list[list[str]] = []
    title = ""
    for row in shown:
        heading = f"{row['dimension']} = {row['segment']}{', ' + row['variant'] if several else ''}"
        if heading != title:
            title = heading
            body.append([heading])
        n = f"{row['n_control'] + row['n_variant']:,}"
        mark = verdict(row, worse_direction(rows, row["metric"])) if row["significant"] else ""
        body.append([f"  {row['metric']}", n, *effect_text(row), mark])
    yield from aligned([header, *body], left={0, 4})
    yield ""
    yield "Segments are exploratory: they are corrected for their number, and decide nothing."
    yield ""


def _insights(report: Report) -> Iterator[str]:
    several = len({row["variant"] for row in report.insights}) > 1
    primary = {row["metric"] for row in report.results if row["role"] == "primary"}
    shown = [row for row in report.insights if row["kind"] != "chance_to_win" or row["metric"] in primary]
    found = list(sentences(shown, several=several))
    for sentence in found:
        yield from _wrapped(sentence, "  - ")
    if found:
        yield ""


def _health(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what failed and what to be wary of in full, and what passed in one line."""
    for row in sorted((row for row in rows if row["status"] != "pass"), key=lambda row: str(row["status"])):
        where = f", {row['dimension']} = {row['segment']}" if row["dimension"] else ""
        head = f"{str(row['status']).upper()} {row['check_name']}{where}: "
        yield from _wrapped(f"{head}{row['detail']}", following="    ")
    passed = [row for row in rows if row["status"] == "pass" and row["dimension"] == ""]
    named = dict.fromkeys(_passed(row) for row in passed)
    if named:
        yield from _wrapped(f"Health checks passed: {', '.join(named)}.", following="    ")


def _passed(row: Row) -> str:
    what = str(row["metric"] or row["check_name"])
    return f"{what} ({p_equals(row['p_value'])})" if row["p_value"] is not None else what
