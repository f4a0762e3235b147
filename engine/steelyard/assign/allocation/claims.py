"""What a project's logs say, as the ruleset's builder takes it."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from steelyard.assign.allocation.ledger import Ledger, Owner
from steelyard.assign.allocation.programmes import ProgrammeState, claimed_buckets, disagreements
from steelyard.assign.build import Claim, Claims, HeldBack
from steelyard.errors import SpecError
from steelyard.spec.loader import ProjectFiles
from steelyard.spec.model import combine


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
        AllocationError: A salt machine has claims; a ruleset cannot carry them.
    """
    problems = [*disagreements(files, states), *_without_claim(files, states)] if at is None else []
    if problems:
        raise combine(problems)
    experiments: dict[str, list[Claim]] = {}
    holdbacks: dict[str, HeldBack] = {}
    for state in states.values():
        for ledger, owner in _holding(state, at):
            claim = _claim(ledger, owner, at)
            if owner.kind == "experiment":
                experiments[owner.name] = [claim]
            elif owner.name in holdbacks:
                raise SpecError(
                    f"two programmes have a holdback {owner.name!r}",
                    where=state.log.shown,
                    hint="release one, and claim under another name",
                )
            else:
                holdbacks[owner.name] = HeldBack(
                    unit=ledger.programme.unit,
                    claims=[claim],
                    domains=frozenset({owner.domain}) if owner.domain else None,
                    closing=owner.phase == "closing",
                    salt=owner.salt or None,
                )
    return Claims(experiments=experiments, holdbacks=holdbacks)


def _holding(state: ProgrammeState, at: datetime | None) -> Iterator[tuple[Ledger, Owner]]:
    """Yield the owners that have buckets, as they were at the moment."""
    if state.ledger is None:
        return
    is_begun = at is None or state.log.lines[0].at <= at
    ledger = state.ledger if at is None else state.log.replay(until=at) if is_begun else None
    if ledger is not None:
        yield from ((ledger, owner) for owner in ledger.running.values())


def _claim(ledger: Ledger, owner: Owner, at: datetime | None) -> Claim:
    programme = ledger.programme
    return Claim(
        programme=programme.programme,
        salt=programme.salt,
        scheme=programme.scheme,
        buckets=programme.buckets,
        members=sorted(claimed_buckets(ledger, owner.name, at)),
    )


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
