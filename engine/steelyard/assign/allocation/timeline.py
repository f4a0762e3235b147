"""The timeline of a domain: which experiments run and are to come, whose they are, and which may meet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from steelyard.assign.allocation.collisions import may_share_units, property_collisions
from steelyard.assign.allocation.programmes import ProgrammeState
from steelyard.spec.experiment import Experiment
from steelyard.spec.loader import ProjectFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One experiment of a timeline.

    Attributes:
        experiment: Its name.
        domain, surface, programme: Where it belongs; '' for none.
        owner: Who owns it; the surface's owners where it names nobody.
        status: draft, running, stopped or decided.
        start, end: First and last day; None where it is open.
        share: Share of units that it has; 1 without a programme, 0 before its claim.
        meets: Experiments at the same time that a unit may be in as well.
        collides: Those of them that set the same property.
    """

    experiment: str
    domain: str
    surface: str
    programme: str
    owner: str
    status: str
    start: date | None
    end: date | None
    share: float
    meets: tuple[str, ...]
    collides: tuple[str, ...]


def timeline(
    files: ProjectFiles, states: Mapping[str, ProgrammeState], *, domain: str | None = None
) -> Iterator[Entry]:
    """Yield the experiments that are not over, by start and name.

    Args:
        files: The project.
        states: Its programmes.
        domain: One domain; None for all.
    """
    current = [one for one in files.experiments.values() if one.status in ("draft", "running")]
    chosen = [one for one in current if domain is None or (one.domain or "") == domain]
    for one in sorted(chosen, key=lambda one: (one.start or date.max, one.name)):
        meets = [other for other in current if other.name != one.name and _meet(one, other, files)]
        yield Entry(
            experiment=one.name,
            domain=one.domain or "",
            surface=one.surface or "",
            programme=one.programme or "",
            owner=one.owner or _owners_of_surface(one, files),
            status=one.status,
            start=one.start,
            end=one.end,
            share=_share(one, states),
            meets=tuple(other.name for other in meets),
            collides=tuple(
                other.name for other in meets if property_collisions([one, other], files.project.programmes)
            ),
        )


def overlap(one: Experiment, other: Experiment) -> bool:
    """Return whether two experiments run on a common day; one without a start may do so on any."""
    for first, second in ((one, other), (other, one)):
        if first.end is not None and second.start is not None and first.end < second.start:
            return False
    return True


def _meet(one: Experiment, other: Experiment, files: ProjectFiles) -> bool:
    return overlap(one, other) and may_share_units(one, other, files.project.programmes)


def _owners_of_surface(experiment: Experiment, files: ProjectFiles) -> str:
    surface = files.surfaces.get(experiment.surface or "")
    return ", ".join(surface.owners) if surface is not None else ""


def _share(experiment: Experiment, states: Mapping[str, ProgrammeState]) -> float:
    if experiment.programme is None:
        return 1.0
    ledger = states[experiment.programme].ledger
    return 0.0 if ledger is None else float(ledger.share(experiment.name))
