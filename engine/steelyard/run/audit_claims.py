"""What an experiment and the holdbacks over it held, and when, as an audit compares it."""

from collections.abc import Iterator, Mapping

from steelyard.assign.allocation.conflicts import is_exempt
from steelyard.assign.allocation.ledger import ROOT, Ledger
from steelyard.assign.allocation.programmes import ProgrammeState
from steelyard.compile.audit_sql import Claims, Held, claims_of
from steelyard.hashing import BucketSet, scheme_named
from steelyard.spec.experiment import Experiment


def audited_claims(
    states: Mapping[str, ProgrammeState], spec: Experiment, unit: str, dialect: str
) -> tuple[Claims, tuple[str, ...]]:
    """Return the conditions of an experiment's claims, and what of them cannot be audited.

    Args:
        states: The project's programmes.
        spec: The experiment.
        unit: The unit that it is exposed by.
        dialect: Dialect of the target.
    """
    notes = []
    inside: list[Held] | None = None
    if spec.programme is not None:
        ledger = states[spec.programme].ledger
        if ledger is None or spec.name not in ledger.owners:
            notes.append(f"It has claimed nothing in {spec.programme}, so its allocation is not checked.")
        elif ledger.programme.strategy != "bucket_reuse":
            notes.append(f"{spec.programme} is a salt machine, so its allocation is not checked.")
        else:
            inside = list(_held(ledger, spec.name))
    outside = [
        held
        for state in states.values()
        if (ledger := state.ledger) is not None and ledger.programme.unit == unit
        for owner in ledger.owners.values()
        if owner.kind == "holdback" and is_exempt(owner.domain, spec.domain or "")
        for held in _held(ledger, owner.name)
    ]
    return claims_of(inside, outside, dialect), tuple(notes)


def _held(ledger: Ledger, owner: str) -> Iterator[Held]:
    programme = ledger.programme
    for tenure in ledger.tenures:
        if tenure.owner == owner and tenure.node == ROOT and tenure.kind != "node":
            yield Held(
                buckets=BucketSet(
                    scheme=scheme_named(programme.scheme),
                    salt=programme.salt,
                    buckets=programme.buckets,
                    members=sorted(tenure.buckets),
                ),
                first=tenure.valid_from.replace(tzinfo=None),
                end=None if tenure.valid_to is None else tenure.valid_to.replace(tzinfo=None),
            )
