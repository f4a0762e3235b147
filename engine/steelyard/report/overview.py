"""All experiments at a glance: one line per experiment and treatment."""

from collections.abc import Iterator, Mapping, Sequence

from steelyard.report.numbers import aligned, percent
from steelyard.report.text import Report, everyone, shown_rows
from steelyard.report.words import Row, decision_text, effect_text, is_of_aa
from steelyard.stats.shrinkage import shrink_programme

_Key = tuple[str, str]


def render_overview(reports: Sequence[Report]) -> str:
    """Return one line per experiment and treatment: what was decided, and the first primary metric's effect.

    Beside it stands the effect drawn towards zero by what all experiments on the same metric show, against the winner's
    curse; experiments that are not valid and A/As have no say in it.
    """
    shrunken = _shrunken(reports)
    rows = [row for report in reports for row in _rows(report, shrunken)]
    header = [
        "experiment",
        "as of",
        "variant",
        "decision",
        "primary metric",
        "effect",
        "interval",
        "shrunken",
    ]
    if not shrunken:
        header, rows = header[:-1], [row[:-1] for row in rows]
    if len({report.as_of for report in reports}) == 1:
        title = f"{len(reports)} experiments, as of {reports[0].as_of}"
        dropped = 1
    else:
        title, dropped = f"{len(reports)} experiments", len(header)
    table = [[cell for k, cell in enumerate(row) if k != dropped] for row in (header, *rows)]
    left = {k for k, name in enumerate(table[0]) if name not in ("effect", "interval", "shrunken")}
    return "\n".join([title, "", *aligned(table, left=left)]) + "\n"


def _rows(report: Report, shrunken: Mapping[_Key, float]) -> Iterator[list[str]]:
    for decision in report.decisions:
        primary = _primary(report, str(decision["variant"]))
        effect, interval = ("", "") if primary is None else effect_text(primary)
        yield [
            str(report.experiment["experiment_id"]),
            str(report.as_of),
            str(decision["variant"]),
            decision_text(decision),
            "" if primary is None else str(primary["metric"]),
            effect,
            interval,
            _percent(shrunken.get(_key(report, str(decision["variant"])))),
        ]


def _shrunken(reports: Sequence[Report]) -> dict[_Key, float]:
    """Return the shrunken relative effect of each experiment and variant whose metric several share."""
    found: dict[str, dict[_Key, tuple[float, float]]] = {}
    for report in reports:
        for decision in report.decisions:
            row = _primary(report, str(decision["variant"]))
            if row is None or decision["decision"] == "invalid" or is_of_aa(decision):
                continue
            effect, error = row["relative_effect"], row.get("relative_std_error")
            if effect is not None and error:
                key = _key(report, str(decision["variant"]))
                found.setdefault(str(row["metric"]), {})[key] = (effect, error)
    shrunken: dict[_Key, float] = {}
    for effects in (one for one in found.values() if len(one) > 1):
        programme = shrink_programme(*zip(*effects.values(), strict=True))
        shrunken.update(zip(effects, programme.effect.tolist(), strict=True))
    return shrunken


def _key(report: Report, variant: str) -> _Key:
    return str(report.experiment["experiment_id"]), variant


def _percent(value: float | None) -> str:
    return "" if value is None else percent(value)


def _primary(report: Report, variant: str) -> Row | None:
    rows = [row for row in everyone(report) if row["variant"] == variant]
    return next((row for row in shown_rows(rows) if row["role"] == "primary"), None)
