"""Which of the ways that were tried explains a client's wrong assignments.

A way is named where it explains more of them than chance can: by Chernoff's bound, explaining e of a wrong
assignments whose bucket it moves has a probability of at most exp(-a KL(e/a || p)) under the chance p.

References:
    Chernoff (1952), Annals of Mathematical Statistics 23, 493-507.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from steelyard.analysis.audit import Cause, Client, ClientAudit
from steelyard.compile.audit_log import LABELS, RULESET
from steelyard.compile.audit_sql import RIGHT, WRONG, Rule
from steelyard.hashing import WHOLE, cuts_of

SURE = log(1e4)
"""Odds against chance, over all that was tried, from which on a cause is named."""

_FEW = 0.01
_MOST = 0.9
_ENOUGH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A trial's numbers for one client.

    Attributes:
        number: The trial's.
        explained: Wrong assignments that it explains.
        moved: Wrong assignments whose bucket is another under it.
        chance: How many of those any unrelated hash would explain.
        contradicted: Right assignments that would be wrong under it.
        wrong: All wrong assignments of the sample.
    """

    number: int
    explained: int
    moved: int
    chance: float
    contradicted: int
    wrong: int

    @property
    def surprise(self) -> float:
        """The logarithm of the odds against chance; 0 where it explains no more than chance would."""
        if not self.moved or self.explained <= self.chance:
            return 0.0
        return self.moved * _divergence(self.explained / self.moved, self.chance / self.moved)


def _divergence(share: float, chance: float) -> float:
    """The Kullback-Leibler divergence of two shares, in nats."""
    rest = (1 - share) * log((1 - share) / (1 - chance)) if share < 1 else 0.0
    return share * log(share / chance) + rest


def read_tried(rows: Iterable[Mapping[str, Any]], numbers: Sequence[int]) -> dict[Client, list[Tried]]:
    """Return the numbers of the trials by client from the rows of ``trial_query``."""
    return {
        tuple(str(row[label]) for label in LABELS): [
            Tried(
                number=number,
                explained=int(row[f"explained_{number}"] or 0),
                moved=int(row[f"moved_{number}"] or 0),
                chance=float(row[f"chance_{number}"] or 0) / WHOLE,
                contradicted=int(row[f"contradicted_{number}"] or 0),
                wrong=int(row["wrong"] or 0),
            )
            for number in numbers
        ]
        for row in rows
    }


def best_trial(tried: Sequence[Tried], *, comparisons: int) -> Tried | None:
    """Return the trial that explains a client's wrong assignments best; None where chance might explain as many.

    Args:
        tried: The numbers of all trials of one client; the simplest first.
        comparisons: How many trials there were, over all clients.
    """
    sure = [one for one in tried if one.surprise > SURE + log(comparisons)]
    return min(sure, key=lambda one: (-one.surprise, one.contradicted, one.number), default=None)


def read_versions(rows: Iterable[Mapping[str, Any]]) -> dict[Client, dict[str, tuple[int, int]]]:
    """Return right and wrong assignments by client and ruleset from the rows of ``versions_query``."""
    found: dict[Client, dict[str, tuple[int, int]]] = {}
    for row in rows:
        versions = found.setdefault(tuple(str(row[label]) for label in LABELS), {})
        right, wrong = versions.get(str(row[RULESET]), (0, 0))
        n, is_right = int(row["assignments"]), row["verdict"] == RIGHT
        versions[str(row[RULESET])] = (right + n * is_right, wrong + n * (not is_right))
    return found


def stale_version(client: Client, versions: Mapping[Client, Mapping[str, tuple[int, int]]]) -> str | None:
    """Return the ruleset that most of a client's wrong assignments name, where most right ones name another."""
    mine = versions.get(client, {})
    right: dict[str, int] = {}
    for counted in versions.values():
        for version, (n, _) in counted.items():
            right[version] = right.get(version, 0) + n
    wrong = {version: n for version, (_, n) in mine.items() if n}
    if not wrong or not any(right.values()):
        return None
    worst, usual = max(wrong, key=lambda v: (wrong[v], v)), max(right, key=lambda v: (right[v], v))
    is_it = worst not in ("", usual) and wrong[worst] >= max(_ENOUGH, _MOST * sum(wrong.values()))
    return worst if is_it else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Wrong assignments of one client in one bin of buckets."""

    low: int
    expected: str
    variant: str
    assignments: int


def read_bins(rows: Iterable[Mapping[str, Any]]) -> dict[Client, list[Bin]]:
    """Return the bins by client from the rows of ``bins_query``."""
    found: dict[Client, list[Bin]] = {}
    for row in rows:
        found.setdefault(tuple(str(row[label]) for label in LABELS), []).append(
            Bin(
                low=int(row["low"]),
                expected=str(row["expected"]),
                variant=str(row["variant"]),
                assignments=int(row["assignments"]),
            )
        )
    return found


def split_cause(client: ClientAudit, bins: Sequence[Bin], rule: Rule, *, width: int) -> Cause | None:
    """Return the cause where a client hashes right and splits the buckets otherwise than the rule does.

    Wrong assignments then lie in few intervals of buckets; those of a wrong hash lie everywhere.

    Args:
        client: The client.
        bins: Its wrong assignments that nothing else explains.
        rule: The rule.
        width: Buckets per bin.
    """
    wrong = sum(one.assignments for one in bins)
    pairs: dict[tuple[str, str], list[Bin]] = {}
    for one in bins:
        pairs.setdefault((one.expected, one.variant), []).append(one)
    kept = {pair: found for pair, found in pairs.items() if _total(found) > _FEW * wrong}
    if not kept:
        return None
    judged = sum(client.verdicts[verdict] for verdict in (RIGHT, *WRONG))
    is_bijective = len({a for a, _ in kept}) == len(kept) == len({b for _, b in kept})
    if client.verdicts[RIGHT] < _FEW * judged and is_bijective and len(kept) == len(rule.variants):
        changes = ", ".join(f"{b} for {a}" for a, b in sorted(kept))
        if wrong * log(len(rule.variants)) > SURE:
            return Cause(
                kind="swapped", text=f"takes the variants in another order: {changes}", explained=1.0
            )
    spans = {pair: _span(found, width) for pair, found in kept.items()}
    share = sum(high - low for low, high in spans.values()) / rule.scheme.buckets
    explained = sum(_total(found) for found in kept.values())
    if share >= 1 or explained * log(1 / share) <= SURE:
        return None
    text = "; ".join(_span_text(rule, pair, span, width) for pair, span in sorted(spans.items()))
    return Cause(
        kind="other_split", text=f"splits the buckets otherwise: {text}", explained=explained / wrong
    )


def stale_cause(version: str, cause: Cause | None) -> Cause:
    """Return the cause of a client whose wrong assignments name a ruleset that others have replaced."""
    text = f"still has the ruleset {version}"
    if cause is None:
        return Cause(kind="stale_ruleset", text=text, explained=1.0)
    return Cause(kind="stale_ruleset", text=f"{text}; it {cause.text}", explained=cause.explained)


def _total(bins: Sequence[Bin]) -> int:
    return sum(one.assignments for one in bins)


def _span(bins: Sequence[Bin], width: int) -> tuple[int, int]:
    return min(one.low for one in bins), max(one.low for one in bins) + width


def _span_text(rule: Rule, pair: tuple[str, str], span: tuple[int, int], width: int) -> str:
    expected, variant = pair
    cuts = (0, *cuts_of(rule.shares, rule.scheme.buckets))
    position = rule.variants.index(expected)
    low, high = max(span[0], cuts[position]), min(span[1], cuts[position + 1])
    if low - cuts[position] <= width and cuts[position + 1] - high <= width:
        return f"{variant} in place of {expected}"
    return f"{variant} in place of {expected} from about bucket {low:,} to {high:,}"
