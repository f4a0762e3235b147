"""The audit of an experiment's assignments as text."""

import textwrap
from collections.abc import Iterator

from steelyard.analysis.audit import AssignmentAudit, sentences
from steelyard.compile.audit_log import LABELS
from steelyard.compile.audit_sql import RIGHT, VERDICTS
from steelyard.report.numbers import aligned

_WIDTH = 100


def render_audit(audit: AssignmentAudit, status: str) -> str:
    """Return what was found as sentences; unless all is right, one line per client, without columns of zeros."""
    return "\n".join([f"{audit.experiment}: {status}", *_lines(audit, status)])


def _lines(audit: AssignmentAudit, status: str) -> Iterator[str]:
    for sentence in sentences(audit):
        yield from textwrap.wrap(sentence, _WIDTH, initial_indent="  - ", subsequent_indent="    ")
    labels = [k for k in range(len(LABELS)) if any(client.labels[k] for client in audit.clients)]
    shown = [verdict for verdict in VERDICTS if verdict == RIGHT or audit.count(verdict)]
    if not labels or status == "pass":
        return
    rows = [
        [
            *(client.labels[k] for k in labels),
            f"{client.assignments:,}",
            *(f"{client.verdicts[verdict]:,}" for verdict in shown),
        ]
        for client in audit.clients
    ]
    header = [*(LABELS[k] for k in labels), "assignments", *(verdict.replace("_", " ") for verdict in shown)]
    yield from (f"  {line}" for line in aligned([header, *rows], left=set(range(len(labels)))))
