"""What an audit of logged assignments found, by client, and what that means for the experiment."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from steelyard.compile.audit_log import LABELS
from steelyard.compile.audit_sql import RIGHT, VERDICTS, WRONG_VARIANT, Rule
from steelyard.spec.project import Health
from steelyard.stats.srm import chi_square

NO_ASSIGNMENT = frozenset({"unknown_variant", "no_unit"})
"""Rows that other health checks count: they assign nobody."""

UNKNOWN_RULESET = "unknown_ruleset"
"""Right variants by a ruleset that was not published."""

LEFT_OUT = "second_variant"
"""Units that were logged in two variants are left out of every analysis, so these do not bias one."""

LOST_ALPHA = 1e-3
"""A client loses exposures where their split is less likely than this share of the threshold of `srm`.

So far out, it does not matter that one looks every day.
"""
_FEW_WRONG = 0.01

Client = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a client's assignments are wrong, or its exposures uneven.

    Attributes:
        kind: ids, encoding, double_hash, salt, key, buckets, scheme, stale_ruleset, other_split, swapped or
            lost_exposures.
        text: The end of "the client ...".
        explained: Share of the client's wrong assignments that it explains; of what is missing for lost exposures.
    """

    kind: str
    text: str
    explained: float


@dataclass(slots=True, kw_only=True)
class ClientAudit:
    """One client's logged assignments.

    Attributes:
        labels: client and app_version; '' where the log has none.
        verdicts: Assignments (of a unit to a variant) by verdict.
        logged: Rows of the log.
        right: Right assignments by variant.
        causes: Why the wrong ones are wrong.
    """

    labels: Client
    verdicts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VERDICTS, 0))
    logged: int = 0
    right: dict[str, int] = field(default_factory=dict)
    causes: list[Cause] = field(default_factory=list)

    def add(self, cause: Cause) -> None:
        """Add a cause that explains a share of what those before it leave."""
        left = 1 - sum(known.explained for known in self.causes)
        self.causes.append(replace(cause, explained=cause.explained * left))

    @property
    def assignments(self) -> int:
        """Assignments of a unit to a declared variant."""
        return sum(n for verdict, n in self.verdicts.items() if verdict not in NO_ASSIGNMENT)

    @property
    def wrong(self) -> int:
        """Those among them that are not as recomputed."""
        return self.assignments - self.verdicts[RIGHT] - self.verdicts[UNKNOWN_RULESET]

    @property
    def name(self) -> str:
        """The client for readers."""
        return " ".join(part for part in self.labels if part) or "the log"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentAudit:
    """The audit of one experiment.

    Attributes:
        experiment: Its name.
        rule: How its units are assigned.
        clients: By client, most wrong assignments first.
        notes: Sentences on what is assumed, or not checked.
    """

    experiment: str
    rule: Rule
    clients: tuple[ClientAudit, ...]
    notes: tuple[str, ...] = ()

    @property
    def assignments(self) -> int:
        """Assignments to a declared variant."""
        return sum(client.assignments for client in self.clients)

    def count(self, verdict: str) -> int:
        """Return the assignments with a verdict."""
        return sum(client.verdicts[verdict] for client in self.clients)

    @property
    def wrong(self) -> int:
        """Assignments that are not as recomputed."""
        return sum(client.wrong for client in self.clients)

    def status(self, thresholds: Health) -> str:
        """Return pass, warn or fail."""
        biasing = self.wrong - self.count(LEFT_OUT)
        is_uneven = any(cause.kind == "lost_exposures" for one in self.clients for cause in one.causes)
        if is_uneven or (self.assignments and biasing / self.assignments > thresholds.assignment_share):
            return "fail"
        noted = (UNKNOWN_RULESET, *sorted(NO_ASSIGNMENT))
        return "warn" if self.wrong or any(map(self.count, noted)) else "pass"


def read_clients(rows: Iterable[Mapping[str, Any]]) -> list[ClientAudit]:
    """Return the clients of an experiment from the rows of ``counts_query``, most wrong assignments first."""
    found: dict[Client, ClientAudit] = {}
    for row in rows:
        labels = tuple(str(row[label]) for label in LABELS)
        client = found.setdefault(labels, ClientAudit(labels=labels))
        verdict, assignments = str(row["verdict"]), int(row["assignments"])
        client.verdicts[verdict] += assignments
        client.logged += int(row["n"])
        if verdict == RIGHT:
            variant = str(row["variant"])
            client.right[variant] = client.right.get(variant, 0) + assignments
    return sorted(found.values(), key=lambda client: (-client.wrong, client.labels))


def add_lost_exposures(clients: list[ClientAudit], rule: Rule, thresholds: Health) -> None:
    """Add the cause to each client whose right assignments are not split as the rule splits units."""
    whole = sum(rule.shares)
    shares = [share / whole for share in rule.shares]
    for client in clients:
        counts = [client.right.get(variant, 0) for variant in rule.variants]
        if not sum(counts) or client.wrong > _FEW_WRONG * client.assignments:
            continue
        p = float(chi_square(counts, shares).p_value)
        if p * len(clients) >= LOST_ALPHA * thresholds.srm_alpha:
            continue
        missing, variant = max(
            (1 - counts[k] / shares[k] * (1 - shares[k]) / (sum(counts) - counts[k]), name)
            for k, name in enumerate(rule.variants)
            if counts[k] < sum(counts)
        )
        text = (
            f"logs {missing:.0%} fewer exposures to {variant} than to the others, for its share (p = {p:.2g})"
        )
        client.causes.append(Cause(kind="lost_exposures", text=text, explained=1.0))


def audit_row(audit: AssignmentAudit, thresholds: Health) -> dict[str, Any]:
    """Return the row of the table ``health``."""
    share = audit.wrong / audit.assignments if audit.assignments else None
    return {
        "experiment_id": audit.experiment,
        "check_name": "assignment_audit",
        "dimension": "",
        "segment": "",
        "metric": "",
        "variant": "",
        "statistic": share,
        "p_value": None,
        "threshold": thresholds.assignment_share,
        "status": audit.status(thresholds),
        "detail": " ".join(sentences(audit)),
    }


def sentences(audit: AssignmentAudit) -> Iterator[str]:
    """Yield what was found, for readers."""
    if not audit.assignments:
        yield "No assignment has been logged."
        return
    if not audit.wrong:
        yield f"All {audit.assignments:,} logged assignments are as recomputed."
    else:
        kinds = ", ".join(
            f"{n:,} {verdict.replace('_', ' ')}"
            for verdict in VERDICTS
            if verdict not in (RIGHT, UNKNOWN_RULESET, *NO_ASSIGNMENT) and (n := audit.count(verdict))
        )
        share = audit.wrong / audit.assignments
        yield f"Of {audit.assignments:,} logged assignments {audit.wrong:,} ({share:.2%}) are wrong: {kinds}."
    if unknown := audit.count(UNKNOWN_RULESET):
        yield f"{unknown:,} right ones name a ruleset that was not published."
    yield from audit.notes
    for client in audit.clients:
        for cause in client.causes:
            yield f"{client.name} {cause_text(cause)}."
        if client.verdicts[WRONG_VARIANT] and not client.causes:
            yield f"{client.name} has {client.verdicts[WRONG_VARIANT]:,} wrong variants of unknown cause."


def cause_text(cause: Cause) -> str:
    """Return a cause with its share, for readers."""
    if cause.kind == "lost_exposures":
        return cause.text
    return f"{cause.text} ({cause.explained:.0%} of its wrong variants)"


def audit_rows(audit: AssignmentAudit) -> Iterator[dict[str, Any]]:
    """Yield one row per client, to be printed."""
    for client in audit.clients:
        yield {
            "experiment_id": audit.experiment,
            **dict(zip(LABELS, client.labels, strict=True)),
            "logged": client.logged,
            "assignments": client.assignments,
            **client.verdicts,
            "causes": "; ".join(cause_text(cause) for cause in client.causes),
        }
