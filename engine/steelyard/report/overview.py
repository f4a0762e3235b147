"""All experiments at a glance: one line per experiment and treatment."""

from collections.abc import Iterator, Sequence

from steelyard.report.numbers import aligned
from steelyard.report.text import Report, everyone, shown_rows
from steelyard.report.words import DECISIONS, Row, effect_text


def render_overview(reports: Sequence[Report]) -> str:
    """Return one line per experiment and treatment: what was decided, and the first primary metric's effect."""
    rows = [row for report in reports for row in _rows(report)]
    header = ["experiment", "as of", "variant", "decision", "primary metric", "effect", "interval"]
    if len({report.as_of for report in reports}) == 1:
        title = f"{len(reports)} experiments, as of {reports[0].as_of}"
        dropped = 1
    else:
        title, dropped = f"{len(reports)} experiments", len(header)
    table = [[cell for k, cell in enumerate(row) if k != dropped] for row in (header, *rows)]
    left = {k for k, name in enumerate(table[0]) if name not in ("effect", "interval")}
    return "\n".join([title, "", *aligned(table, left=left)]) + "\n"


def _rows(report: Report) -> Iterator[list[str]]:
    for decision in report.decisions:
        primary = _primary(report, str(decision["variant"]))
        effect, interval = ("", "") if primary is None else effect_text(primary)
        yield [
            str(report.experiment["experiment_id"]),
            str(report.as_of),
            str(decision["variant"]),
            DECISIONS.get(decision["decision"], decision["decision"]),
            "" if primary is None else str(primary["metric"]),
            effect,
            interval,
        ]


def _primary(report: Report, variant: str) -> Row | None:
    rows = [row for row in everyone(report) if row["variant"] == variant]
    return next((row for row in shown_rows(rows) if row["role"] == "primary"), None)
