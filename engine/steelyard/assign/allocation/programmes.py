"""A project's programmes: what its files say, what its logs say, and whether they agree."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from steelyard.assign.allocation.events import Open
from steelyard.assign.allocation.ledger import ROOT, Buckets, Ledger, Owner
from steelyard.assign.allocation.log import SUFFIX, ClaimLog
from steelyard.errors import AllocationError, SpecError
from steelyard.spec.fields import closest
from steelyard.spec.loader import ProjectFiles
from steelyard.spec.programme import Programme


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammeState:
    """A programme of a project.

    Attributes:
        name: Its name.
        spec: What ``steelyard.yml`` says.
        log: Its log of claims.
        ledger: What the log leads to; None where nothing has been claimed.
    """

    name: str
    spec: Programme
    log: ClaimLog
    ledger: Ledger | None

    @property
    def opening(self) -> Open:
        """The first line of its log, written or not."""
        return opening_of(self.name, self.spec)


def load_programmes(files: ProjectFiles, *, until: datetime | None = None) -> dict[str, ProgrammeState]:
    """Read the logs of all programmes.

    Args:
        files: The project.
        until: The moment whose state is asked for; None is the end of the logs.

    Raises:
        AllocationError: A log is not as it was written, has no programme, or began as another one.
    """
    folder = files.folder("allocation")
    programmes = files.project.programmes
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        if path.stem not in programmes:
            raise AllocationError(
                f"{path.stem!r} is no programme of the project",
                where=_shown(files, path),
                hint=closest(path.stem, programmes) or "add it to programmes in steelyard.yml",
            )
    return {
        name: _load(name, spec, folder / f"{name}{SUFFIX}", files, until)
        for name, spec in sorted(programmes.items())
    }


def claimed_buckets(ledger: Ledger, owner: str, at: datetime | None = None) -> Buckets:
    """Return the buckets of an experiment or a holdback at a moment; none if it has none.

    Args:
        ledger: The programme's state.
        owner: Name of the experiment or the holdback.
        at: The moment; None is the end of the log.

    Raises:
        AllocationError: The programme is a salt machine, whose buckets are of several nodes.
    """
    if ledger.programme.strategy != "bucket_reuse":
        raise AllocationError(
            "a salt machine has no single set of buckets",
            where=f"programme {ledger.programme.programme}",
            hint="look a unit up with `Ledger.owners_of`, or by SQL",
        )
    return ledger.held(owner, at).get(ROOT, frozenset())


def disagreements(files: ProjectFiles, states: Mapping[str, ProgrammeState]) -> Iterator[SpecError]:
    """Yield where experiments' files say something else than what they claimed with."""
    for state in states.values():
        for owner in state.ledger.running.values() if state.ledger is not None else ():
            if owner.kind == "experiment":
                yield from _disagreements(files, state, owner)


def opening_of(name: str, spec: Programme) -> Open:
    """Return the first line of a programme's log."""
    return Open(
        programme=name,
        unit=spec.unit,
        salt=name if spec.salt is None else spec.salt,
        scheme=spec.scheme,
        buckets=spec.buckets,
        exclusive=spec.exclusive,
        strategy=spec.strategy,
    )


def _load(
    name: str, spec: Programme, path: Path, files: ProjectFiles, until: datetime | None
) -> ProgrammeState:
    log = ClaimLog.read(path, _shown(files, path))
    if not log.lines:
        return ProgrammeState(name=name, spec=spec, log=log, ledger=None)
    written, now = log.lines[0].event.model_dump(), opening_of(name, spec).model_dump()
    for key, value in written.items():
        if now.get(key) != value:
            raise AllocationError(
                f"the programme {name!r} began with {key} {value!r}, and steelyard.yml says {now.get(key)!r}",
                where=f"{log.shown}:1",
                hint="this would move every unit: begin another programme instead",
            )
    is_begun = until is None or log.lines[0].at <= until
    ledger = log.replay(until=until) if is_begun else None
    return ProgrammeState(name=name, spec=spec, log=log, ledger=ledger)


def _shown(files: ProjectFiles, path: Path) -> str:
    return path.relative_to(files.root).as_posix() if path.is_relative_to(files.root) else str(path)


def _disagreements(files: ProjectFiles, state: ProgrammeState, owner: Owner) -> Iterator[SpecError]:
    spec = files.experiments.get(owner.name)
    if spec is None or spec.programme != state.name:
        yield SpecError(
            f"{owner.name!r} has buckets of the programme {state.name!r}, and no experiment file says so",
            where=state.log.shown if spec is None else files.where(owner.name, ["programme"]),
            hint=f"steelyard allocation stop {owner.name}",
        )
        return
    shares = tuple((variant.name, variant.allocation) for variant in spec.variants)
    if shares != owner.shares:
        yield SpecError(
            f"the allocation of {owner.name!r} is not the one that it started with",
            where=files.where(owner.name, ["variants"]),
            hint=f"other shares need another salt: set salt: {owner.name}.{owner.version + 1}, "
            f"then steelyard allocation reweigh {owner.name}",
        )
        return
    for key, now, then in (
        ("salt", spec.assignment_salt, owner.salt),
        ("scheme", spec.scheme, owner.scheme),
        ("tags", spec.tags, owner.tags),
        ("exclusive_to", spec.exclusive_to, owner.exclusive_to),
        ("domain", spec.domain or "", owner.domain),
    ):
        if now != then:
            yield SpecError(
                f"{owner.name!r} claimed its buckets with {key} {then!r}, not {now!r}",
                where=files.where(owner.name, [key]),
                hint="put it back, or stop the experiment and start another one",
            )
