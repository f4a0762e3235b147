"""What a claim must agree with beyond its own programme."""

from collections.abc import Iterator, Mapping

from steelyard.assign.allocation.collisions import may_share_units, require_no_collisions
from steelyard.assign.allocation.conflicts import is_exclusive, is_exempt
from steelyard.assign.allocation.programmes import ProgrammeState
from steelyard.errors import AllocationError, SpecError
from steelyard.hashing import WHOLE
from steelyard.spec.experiment import Experiment
from steelyard.spec.fields import closest
from steelyard.spec.loader import ProjectFiles


def require_domain(files: ProjectFiles, domain: str) -> None:
    """Refuse a domain that no experiment and no surface is of.

    Raises:
        SpecError: As said.
    """
    domains = {spec.domain for spec in files.experiments.values() if spec.domain}
    domains |= {surface.domain or surface.name for surface in files.surfaces.values()}
    if domain not in domains:
        raise SpecError(
            f"no experiment or surface is of the domain {domain!r}", hint=closest(domain, domains)
        )


def require_free_tags(files: ProjectFiles, states: Mapping[str, ProgrammeState], spec: Experiment) -> None:
    """Refuse what buckets cannot keep apart: exclusive experiments of two programmes.

    Raises:
        AllocationError: As said.
    """
    for state in states.values():
        for owner in state.ledger.running.values() if state.ledger is not None else ():
            is_other = state.name != spec.programme and owner.kind == "experiment"
            if is_other and is_exclusive(spec, owner, exclusive="tags"):
                raise AllocationError(
                    f"{spec.name!r} is exclusive to {owner.name!r}, which is in the programme {state.name!r}",
                    where=files.where(spec.name, ["exclusive_to"]),
                    hint="only experiments of one programme can be kept apart: move one of them",
                )


def require_no_meeting(files: ProjectFiles, spec: Experiment) -> None:
    """Refuse an experiment that would set a property which a running one sets for the same units.

    Raises:
        SpecError: As said.
    """
    for one in files.experiments.values():
        is_running = one.status == "running" and one.name != spec.name
        if is_running and may_share_units(one, spec, files.project.programmes):
            require_no_collisions([one, spec], files.project.programmes, where=files.where)


def outside(files: ProjectFiles, state: ProgrammeState, domain: str) -> Iterator[str]:
    """Yield the running experiments that a holdback would take units from: those not of its programme."""
    for spec in files.experiments.values():
        is_covered = spec.status == "running" and is_exempt(domain, spec.domain or "")
        unit = files.project.exposures[spec.exposures].unit
        if is_covered and spec.programme != state.name and unit == state.spec.unit:
            yield spec.name


def buckets_of(state: ProgrammeState, share: int) -> int:
    """Return the number of buckets that a share of units in ten-thousandths stands for.

    Raises:
        AllocationError: It is not a whole number of them.
    """
    buckets, rest = divmod(share * state.spec.buckets, WHOLE)
    if rest or not buckets:
        raise AllocationError(
            f"{share / 100:g} % of {state.spec.buckets:,} buckets is no whole number of buckets, from 1",
            where=f"programme {state.name}",
            hint=f"a bucket is {100 / state.spec.buckets:g} % of the units",
        )
    return buckets
