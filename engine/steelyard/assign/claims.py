"""What the logs of claims put into a ruleset: programmes, gates and holdbacks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from steelyard.assign.allocation.conflicts import is_exempt
from steelyard.assign.allocation.ledger import ROOT, Ledger, Owner
from steelyard.assign.allocation.programmes import ProgrammeState
from steelyard.assign.writing import gate_json
from steelyard.hashing import DEFAULT

CLOSING = ("nothing", "everything")
"""The variants of a holdback's closing test: half and half, the control first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The claims of all programmes at one moment, as a ruleset writes them.

    Attributes:
        ledgers: Of the programmes in which something has been claimed, by name.
    """

    ledgers: Mapping[str, Ledger]

    @classmethod
    def of(cls, states: Mapping[str, ProgrammeState]) -> "Claims":
        """The claims that a project's logs lead to."""
        return cls(ledgers={name: one.ledger for name, one in states.items() if one.ledger is not None})

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


def _place(ledger: Ledger, node: str) -> str:
    """The name of a node among the programmes of a ruleset."""
    name = ledger.programme.programme
    return f"{name}/{node}" if node else name
