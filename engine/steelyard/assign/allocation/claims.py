"""What a project's logs put into a ruleset: programmes, gates and holdbacks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from steelyard.assign.allocation.conflicts import is_exempt
from steelyard.assign.allocation.ledger import ROOT, Ledger, Owner
from steelyard.assign.allocation.programmes import ProgrammeState, disagreements
from steelyard.assign.writing import gate_json
from steelyard.errors import SpecError
from steelyard.hashing import DEFAULT
from steelyard.spec.loader import ProjectFiles
from steelyard.spec.model import combine

CLOSING = ("nothing", "everything")
"""The variants of a holdback's closing test: half and half, the control first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The claims of all programmes at one moment, as a ruleset writes them.

    Attributes:
        ledgers: Of the programmes in which something has been claimed, by name.
    """

    ledgers: Mapping[str, Ledger]

    def programmes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each programme; of a salt machine each of its nodes, with the buckets that flow into it."""
        for ledger in self.ledgers.values():
            flows = [tenure for tenure in ledger.lasting if tenure.kind == "node"]
            for node in dict.fromkeys([ROOT, *(flow.owner for flow in flows)]):
                gates = [self._gate(ledger, one.node, one.buckets) for one in flows if one.owner == node]
                yield (
                    _place(ledger, node),
                    {
                        "salt": ledger.salt_of(node),
                        "scheme": ledger.programme.scheme,
                        "buckets": ledger.programme.buckets,
                        "gates": None if node == ROOT else gates,
                    },
                )

    def gates(self, programme: str, owner: str) -> list[dict[str, Any]]:
        """An owner's buckets; nobody's where it has none."""
        ledger = self.ledgers.get(programme)
        if ledger is None:
            return []
        return [self._gate(ledger, node, buckets) for node, buckets in sorted(ledger.held(owner).items())]

    def holdbacks(self) -> Iterator[tuple[Ledger, Owner]]:
        """The holdbacks that have not been released."""
        for ledger in self.ledgers.values():
            yield from ((ledger, owner) for owner in ledger.running.values() if owner.kind == "holdback")

    def covering(self, domain: str, unit: str) -> list[str]:
        """The holdbacks that keep their units out of a domain."""
        return [
            owner.name
            for ledger, owner in self.holdbacks()
            if ledger.programme.unit == unit and is_exempt(owner.domain, domain)
        ]

    def holdback(self, ledger: Ledger, owner: Owner) -> dict[str, Any]:
        """A holdback as a ruleset writes it."""
        is_closing = owner.phase == "closing"
        return {
            "unit": ledger.programme.unit,
            "gates": self.gates(ledger.programme.programme, owner.name),
            "salt": owner.salt if is_closing else owner.name,
            "scheme": DEFAULT.name,
            "variants": [{"name": name, "share": 5000, "config": {}} for name in CLOSING if is_closing],
        }

    def _gate(self, ledger: Ledger, node: str, buckets: frozenset[int]) -> dict[str, Any]:
        return gate_json(_place(ledger, node), buckets, ledger.programme.buckets)


def ruleset_claims(
    files: ProjectFiles, states: Mapping[str, ProgrammeState], *, at: datetime | None = None
) -> Claims:
    """Return who owns which buckets, of all programmes.

    Args:
        files: The project.
        states: Its programmes.
        at: The moment; None is the end of the logs.

    Raises:
        SpecError: A running experiment of a programme has claimed nothing, or its file says something else
            than its claim.
    """
    problems = [*disagreements(files, states), *_without_claim(files, states)] if at is None else []
    if problems:
        raise combine(problems)
    ledgers = {name: ledger for name, state in states.items() if (ledger := _ledger(state, at)) is not None}
    claims, seen = Claims(ledgers=ledgers), set()
    for ledger, owner in claims.holdbacks():
        if owner.name in seen:
            raise SpecError(
                f"two programmes have a holdback {owner.name!r}",
                where=states[ledger.programme.programme].log.shown,
                hint="release one, and claim under another name",
            )
        seen.add(owner.name)
    return claims


def _ledger(state: ProgrammeState, at: datetime | None) -> Ledger | None:
    if at is None or state.ledger is None:
        return state.ledger
    return state.log.replay(until=at) if state.log.lines[0].at <= at else None


def _without_claim(files: ProjectFiles, states: Mapping[str, ProgrammeState]) -> Iterator[SpecError]:
    for spec in files.experiments.values():
        if spec.programme is None or spec.status != "running":
            continue
        ledger = states[spec.programme].ledger
        if ledger is None or spec.name not in ledger.running:
            yield SpecError(
                f"{spec.name!r} is running and has no bucket of its programme {spec.programme!r}",
                where=files.where(spec.name, ["programme"]),
                hint=f"steelyard allocation start {spec.name} --share 100%",
            )


def _place(ledger: Ledger, node: str) -> str:
    """The name of a node among the programmes of a ruleset."""
    name = ledger.programme.programme
    return f"{name}/{node}" if node else name
