"""Claims on a project's programmes: what the files ask for, written to the logs, published to the warehouse."""

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from steelyard.assign.allocation.events import (
    Close,
    Event,
    Grow,
    HoldBack,
    Release,
    Reweigh,
    Share,
    Shrink,
    Start,
    Stop,
)
from steelyard.assign.allocation.history import history_of, history_of_plan
from steelyard.assign.allocation.ledger import Owner
from steelyard.assign.allocation.programmes import ProgrammeState, load_programmes
from steelyard.assign.allocation.rows import allocation_rows, log_rows
from steelyard.assign.allocation.timeline import timeline
from steelyard.errors import AllocationError, SpecError
from steelyard.hashing import scheme_named
from steelyard.hashing.sql.owners import owners_text
from steelyard.run.claim_checks import (
    buckets_of,
    outside,
    require_domain,
    require_free_tags,
    require_no_meeting,
)
from steelyard.run.owner_rows import Row, owner_row, owner_rows
from steelyard.run.project import Project
from steelyard.spec.experiment import Experiment
from steelyard.spec.fields import closest
from steelyard.spec.programme import MOST_LEVELS
from steelyard.warehouse.migrate import ensure_tables
from steelyard.warehouse.publish_allocation import publish_programme


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimant:
    """Who claims, and when.

    Attributes:
        by: A name.
        at: The moment; None is now.
    """

    by: str
    at: datetime | None = None

    def moment(self) -> datetime:
        """When the claim is made.

        Raises:
            AllocationError: The moment is still to come.
        """
        now = datetime.now(UTC)
        if self.at is not None and self.at > now + timedelta(minutes=1):
            raise AllocationError(
                f"{self.at.isoformat()} is still to come", hint="claims take effect when they are made"
            )
        return now if self.at is None else self.at


class Allocations:
    """The programmes of a project, as their logs were when this was made.

    Args:
        project: The project.

    Raises:
        AllocationError: A log is not as it was written.
    """

    def __init__(self, project: Project) -> None:
        self._project, self.files = project, project.files
        self.states = load_programmes(self.files)

    def owners(self, *, at: datetime | None = None) -> list[Row]:
        """Return the owners of buckets at a moment, and what is free, by programme.

        Args:
            at: The moment; None is the end of the logs.
        """
        states = self.states if at is None else load_programmes(self.files, until=at)
        return [row for state in states.values() for row in owner_rows(state)]

    def timeline(self, *, domain: str | None = None) -> list[Row]:
        """Return the experiments that run or are to come, with those that they may meet."""
        if domain is not None:
            require_domain(self.files, domain)
        entries = timeline(self.files, self.states, domain=domain)
        return [
            {**asdict(entry), "meets": ", ".join(entry.meets), "collides": ", ".join(entry.collides)}
            for entry in entries
        ]

    def history(self, experiment: str, *, share: int | None = None) -> list[Row]:
        """Return what the units of an experiment's or a holdback's draw had been through.

        Args:
            experiment: The experiment or the holdback.
            share: Share of all units in ten-thousandths, for an experiment that has claimed nothing yet.
        """
        if share is not None:
            return self._planned_history(experiment, share)
        state = self._state_of(experiment)
        return [asdict(past) for past in history_of(state.log.lines, experiment, shown=state.log.shown)]

    def start(self, experiment: str, share: int, claimant: Claimant) -> Row:
        """Claim an experiment's first buckets.

        Args:
            experiment: Its name; its file says the rest.
            share: Share of all units in ten-thousandths.
            claimant: Who claims, and when.
        """
        spec, state = self._spec(experiment)
        if spec.status not in ("draft", "running"):
            where = self.files.where(experiment, ["status"])
            raise AllocationError(f"the experiment {experiment!r} is {spec.status}", where=where)
        require_free_tags(self.files, self.states, spec)
        require_no_meeting(self.files, spec)
        event = Start(
            owner=experiment,
            buckets=buckets_of(state, share),
            salt=spec.assignment_salt,
            scheme=spec.scheme,
            shares=_shares(spec),
            tags=spec.tags,
            exclusive_to=spec.exclusive_to,
            domain=spec.domain or "",
            cool_off=_cool_off(state),
        )
        return self._claim(state, event, claimant)

    def grow(self, experiment: str, share: int, claimant: Claimant) -> Row:
        """Claim more buckets, up to a share of all units in ten-thousandths."""
        state, have = self._held(experiment)
        more = buckets_of(state, share) - have
        if more <= 0:
            raise AllocationError(
                f"{experiment!r} has {have / state.spec.buckets:.2%} of the units already",
                where=state.log.shown,
                hint="fewer would drop units that may have been exposed: `steelyard allocation shrink`",
            )
        return self._claim(state, Grow(owner=experiment, buckets=more, cool_off=_cool_off(state)), claimant)

    def shrink(self, experiment: str, share: int, claimant: Claimant) -> Row:
        """Give up buckets, down to a share of all units in ten-thousandths, and drop their units."""
        state, have = self._held(experiment)
        return self._claim(
            state, Shrink(owner=experiment, buckets=max(1, have - buckets_of(state, share))), claimant
        )

    def reweigh(self, experiment: str, claimant: Claimant) -> Row:
        """Take over the shares and the salt of an experiment's file."""
        spec, state = self._spec(experiment)
        event = Reweigh(owner=experiment, salt=spec.assignment_salt, shares=_shares(spec))
        return self._claim(state, event, claimant)

    def stop(self, experiment: str, claimant: Claimant) -> Row:
        """Give up all of an experiment's buckets."""
        return self._claim(self._state_of(experiment), Stop(owner=experiment), claimant)

    def hold_back(
        self,
        holdback: str,
        share: int,
        claimant: Claimant,
        *,
        programme: str | None = None,
        domain: str = "",
        is_long_term: bool = False,
        drops_exposed: bool = False,
    ) -> Row:
        """Keep units out of every experiment of a domain.

        Args:
            holdback: Its name.
            share: Share of all units in ten-thousandths.
            claimant: Who claims, and when.
            programme: Whose buckets; None where the project has one programme.
            domain: The domain; '' for all.
            is_long_term: Whether it is without an end; then it takes 1 % to 5 % of the units.
            drops_exposed: Whether running experiments outside the programme may lose units.
        """
        state = self._programme(programme)
        if domain:
            require_domain(self.files, domain)
        if is_long_term and not 100 <= share <= 500:
            raise AllocationError(
                f"a long-term holdout of {share / 100:g} % of the units",
                hint="1 % to 5 %: fewer tell nothing, and more give up too much",
            )
        exposed = [] if drops_exposed else list(outside(self.files, state, domain))
        if exposed:
            raise AllocationError(
                f"{', '.join(exposed)} would lose units that may have been exposed",
                where=f"programme {state.name}",
                hint="claim holdbacks before experiments start; or add --drop-exposed",
            )
        event = HoldBack(
            owner=holdback,
            buckets=buckets_of(state, share),
            domain=domain,
            long_term=is_long_term,
            cool_off=_cool_off(state),
        )
        return self._claim(state, event, claimant)

    def close(self, holdback: str, claimant: Claimant) -> Row:
        """Begin a holdback's closing test: half of its units get all that was shipped, half nothing."""
        state = self._state_of(holdback)
        return self._claim(state, Close(owner=holdback, salt=f"{holdback}.closing"), claimant)

    def release(self, holdback: str, claimant: Claimant, *, is_untested: bool = False) -> Row:
        """Free a holdback's units, after its closing test unless said otherwise."""
        state = self._state_of(holdback)
        owner = state.ledger.owners[holdback] if state.ledger is not None else None
        if owner is not None and owner.phase == "holding" and not is_untested:
            raise AllocationError(
                f"the holdback {holdback!r} has had no closing test",
                where=state.log.shown,
                hint=f"steelyard allocation close {holdback}; or add --untested",
            )
        return self._claim(state, Release(owner=holdback), claimant)

    def query(
        self,
        table: str,
        *,
        programme: str | None = None,
        dialect: str | None = None,
        at: datetime | None = None,
    ) -> str:
        """Return the SQL that joins the units of a table with the published allocation.

        Args:
            table: The table; it has the key column of the programme's unit.
            programme: The programme; None where the project has one.
            dialect: Dialect of the SQL; None is the target's.
            at: The moment; None is when the query runs.
        """
        opening, profile = self._programme(programme).opening, self._project.profile()
        return owners_text(
            scheme_named(opening.scheme),
            dialect or str(getattr(profile.output, "type", "duckdb")),
            programme=opening.programme,
            salt=opening.salt,
            buckets=opening.buckets,
            table=table,
            unit=self.files.project.units[opening.unit],
            schema=profile.target_schema,
            at=at,
            levels=MOST_LEVELS if opening.strategy == "salt_machine" else 1,
        )

    def publish(self) -> dict[str, int]:
        """Write logs and allocations to the warehouse.

        Returns:
            Number of new lines by programme.

        Raises:
            WarehouseError: It holds claims that the project lacks.
        """
        schema = self._project.profile().target_schema
        with self._project.writer() as warehouse:
            ensure_tables(warehouse, schema)
            return {
                name: publish_programme(
                    warehouse,
                    schema,
                    name,
                    lines=list(log_rows(name, state.log.lines)),
                    allocation=list(allocation_rows(state.ledger)),
                )
                for name, state in self.states.items()
                if state.ledger is not None
            }

    def _claim(self, state: ProgrammeState, event: Event, claimant: Claimant) -> Row:
        at = claimant.moment()
        log = state.log.claim(event, at=at, by=claimant.by, opening=state.opening)
        ledger = log.replay()
        self.states[state.name] = replace(state, log=log, ledger=ledger)
        owner = ledger.owners[event.owner]
        return {"op": event.op, **owner_row(ledger, owner), "line": f"{log.shown}:{ledger.seq}"}

    def _planned_history(self, experiment: str, share: int) -> list[Row]:
        spec, state = self._spec(experiment)
        if state.ledger is None:
            return []
        if experiment in state.ledger.owners:
            raise AllocationError(
                f"{experiment!r} has claimed its buckets", hint=f"steelyard allocation history {experiment}"
            )
        now = max(datetime.now(UTC), state.ledger.at)
        owner = Owner(
            name=experiment,
            kind="experiment",
            phase="running",
            since=now,
            domain=spec.domain or "",
            tags=spec.tags,
            exclusive_to=spec.exclusive_to,
        )
        count, rest = buckets_of(state, share), _cool_off(state)
        return [asdict(past) for past in history_of_plan(state.ledger, owner, count, at=now, cool_off=rest)]

    def _spec(self, experiment: str) -> tuple[Experiment, ProgrammeState]:
        spec = self.files.experiments.get(experiment)
        if spec is None:
            raise SpecError(f"no experiment {experiment!r}", hint=closest(experiment, self.files.experiments))
        if spec.programme is None:
            raise AllocationError(
                f"{experiment!r} is in no programme, so every unit is in it",
                where=self.files.where(experiment),
                hint=f"add programme: {next(iter(self.states), 'main')}",
            )
        return spec, self.states[spec.programme]

    def _programme(self, name: str | None) -> ProgrammeState:
        if name is None and len(self.states) == 1:
            return next(iter(self.states.values()))
        if name is None or name not in self.states:
            raise SpecError(
                "which programme?" if name is None else f"no programme {name!r}",
                hint=closest(name or "", self.states) or "add one to programmes in steelyard.yml",
            )
        return self.states[name]

    def _state_of(self, owner: str) -> ProgrammeState:
        owners = {
            name: state
            for state in self.states.values()
            if state.ledger is not None
            for name in state.ledger.owners
        }
        if owner not in owners:
            raise AllocationError(
                f"{owner!r} has claimed nothing in any programme", hint=closest(owner, owners)
            )
        return owners[owner]

    def _held(self, experiment: str) -> tuple[ProgrammeState, int]:
        """Return an experiment's programme and the number of its buckets, of the root's size."""
        state = self._state_of(experiment)
        assert state.ledger is not None
        state.ledger.owner(experiment, "experiment")
        return state, int(state.ledger.share(experiment) * state.spec.buckets)


def _shares(spec: Experiment) -> tuple[Share, ...]:
    return tuple(Share(name=variant.name, share=variant.allocation) for variant in spec.variants)


def _cool_off(state: ProgrammeState) -> int:
    return int(state.spec.cool_off.total_seconds())
