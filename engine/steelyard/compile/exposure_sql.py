"""Exposures as SQL: who was exposed first to which variant, and the cells that units fall into."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlglot import exp

from steelyard.compile.canonical import parse_query
from steelyard.compile.clock import Clock, plus, timestamp_literal, zoned_literal
from steelyard.compile.safety import refuse_unsafe
from steelyard.compile.values import column, output
from steelyard.errors import CompileError
from steelyard.spec.experiment import Experiment
from steelyard.spec.project import Exposures, Trigger

# A unit's key is cell * 10^9 + number, and a cell is experiment * 10^6 + number: integers that a person can read.
UNITS_PER_CELL = 1_000_000_000
CELLS_PER_EXPERIMENT = 1_000_000
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedExperiment:
    """An experiment of a run.

    Attributes:
        number: Its number in the run, from 1.
        spec: The experiment.
        as_of: Last day of the run.
    """

    number: int
    spec: Experiment
    as_of: date

    @property
    def first_day(self) -> date:
        """First day of exposures."""
        if self.spec.start is None:
            raise CompileError(
                f"the experiment {self.spec.name!r} has no start", hint="add start: 2026-04-01"
            )
        return self.spec.start

    @property
    def last_day(self) -> date:
        """Last day of exposures."""
        return self.as_of if self.spec.end is None else min(self.spec.end, self.as_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A day on which units' windows close.

    Attributes:
        name: Column of the cells.
        end: End of the window after the exposure.
        is_date: Whether the window is one of whole days.
    """

    name: str
    end: timedelta
    is_date: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTypes:
    """Types of a log's columns, where known.

    Attributes:
        is_zoned: The moment carries its zone.
        is_date: The moment is a date.
        is_text: The unit's key is text; None where not known.
    """

    is_zoned: bool = False
    is_date: bool = False
    is_text: bool | None = None


def log_query(sql: str, *, dialect: str, where: str, columns: dict[str, str]) -> exp.Select:
    """Return a project's log with the engine's column names.

    Args:
        sql: The query of `steelyard.yml`.
        dialect: Its dialect.
        where: Place for messages.
        columns: Engine's name of each column -> the project's.

    Raises:
        CompileError: The query is no single safe SELECT.
    """
    tree = parse_query(sql, dialect=dialect, where=where)
    refuse_unsafe(tree, where=where)
    # A name that the query gives in quotes keeps its case, also where the warehouse folds others.
    quoted = {one.output_name for one in tree.selects if output(one).this.quoted}
    source = exp.alias_(exp.Subquery(this=tree), "logged_rows", table=True)
    chosen = [
        exp.alias_(exp.column(exp.to_identifier(theirs, quoted=theirs in quoted or None)), ours)
        for ours, theirs in columns.items()
    ]
    return exp.select(*chosen).from_(source)


def exposure_log(
    exposures: Exposures, *, key: str, dialect: str, where: str, others: Sequence[str] = ()
) -> exp.Select:
    """Return the exposures with the columns experiment_id, unit, variant, exposed_at, dimensions and ``others``."""
    columns = {
        "experiment_id": exposures.experiment,
        "unit": key,
        "variant": exposures.variant,
        "exposed_at": exposures.timestamp,
        **{name: name for name in (*exposures.dimensions, *others)},
    }
    return log_query(exposures.sql, dialect=dialect, where=where, columns=columns)


def trigger_log(trigger: Trigger, *, key: str, dialect: str, where: str) -> exp.Select:
    """Return a trigger's log with the columns unit and triggered_at."""
    columns = {"unit": key, "triggered_at": trigger.timestamp}
    return log_query(trigger.sql, dialect=dialect, where=where, columns=columns)


def instant(name: str, types: LogTypes, clock: Clock, *, table: str = "log") -> exp.Expr:
    """Return a log's moment as a UTC timestamp."""
    raw = column(name, table)
    if types.is_zoned:
        return exp.AtTimeZone(this=raw, zone=exp.Literal.string("UTC"))
    if types.is_date:
        raise_date(name)
    return clock.from_naive(raw)


def raise_date(name: str) -> None:
    """Refuse a log that knows days only: exposures order events within a day."""
    raise CompileError(
        f"the column {name!r} is a date, not a moment",
        hint="log exposures with a timestamp; events of the same day must be told apart",
    )


def seen_units_context(
    experiments: Sequence[NumberedExperiment],
    *,
    log: exp.Select,
    types: LogTypes,
    dimensions: Sequence[str],
    clock: Clock,
) -> dict[str, Any]:
    """Return the values of the template ``seen_units.sql``."""
    moment = instant("exposed_at", types, clock)
    raw = column("exposed_at", "log")
    return {
        "log": log,
        "instant": moment,
        "dimensions": [{"column": name, "name": f"dim_{name}"} for name in dimensions],
        "experiments": [
            {
                "number": experiment.number,
                "name": experiment.spec.name,
                "starts_at": timestamp_literal(clock.start_of(experiment.first_day)),
                "ends_at": timestamp_literal(clock.start_of(experiment.last_day + timedelta(days=1))),
            }
            for experiment in experiments
        ],
        "variants": [
            {"experiment_no": experiment.number, "number": number, "name": variant.name}
            for experiment in experiments
            for number, variant in enumerate(experiment.spec.variants)
        ],
        "is_unit": is_unit(types),
        "in_span": in_span(raw, types, clock, experiments),
        "targeting": targeting(experiments),
        "firsts": firsts(dimensions, variants=max(len(one.spec.variants) for one in experiments)),
    }


def is_unit(types: LogTypes) -> exp.Expr:
    """Return the condition that a row has a unit: neither NULL nor ''."""
    unit = column("unit", "log")
    known = exp.Not(this=exp.Is(this=unit, expression=exp.null()))
    if types.is_text is False:
        return known
    return exp.and_(known, exp.NEQ(this=exp.cast(unit.copy(), "varchar"), expression=exp.Literal.string("")))


def in_span(
    raw: exp.Expr, types: LogTypes, clock: Clock, experiments: Sequence[NumberedExperiment]
) -> exp.Expr:
    """Return constant bounds on the log's own column, so that the warehouse reads only what it must."""
    first = clock.start_of(min(experiment.first_day for experiment in experiments))
    last = clock.start_of(max(experiment.last_day for experiment in experiments) + timedelta(days=1))
    return between(raw, first, last, types, clock)


def between(raw: exp.Expr, first: datetime, last: datetime, types: LogTypes, clock: Clock) -> exp.Expr:
    """Return ``first <= raw < last`` in the type of the column."""
    if types.is_zoned:
        bounds = [zoned_literal(first), zoned_literal(last)]
    else:
        bounds = [timestamp_literal(clock.to_naive(moment)) for moment in (first, last)]
    return exp.and_(
        exp.GTE(this=raw.copy(), expression=bounds[0]), exp.LT(this=raw.copy(), expression=bounds[1])
    )


def starting(raw: exp.Expr, first: datetime, types: LogTypes, clock: Clock) -> exp.Expr:
    """Return ``first <= raw`` in the type of the column."""
    bound = zoned_literal(first) if types.is_zoned else timestamp_literal(clock.to_naive(first))
    return exp.GTE(this=raw.copy(), expression=bound)


def targeting(experiments: Sequence[NumberedExperiment]) -> exp.Expr | None:
    """Return the rows that experiments with targeting take; None if none has any."""
    conditions = []
    for experiment in experiments:
        for name, allowed in experiment.spec.targeting.items():
            here = exp.NEQ(
                this=column("experiment_no", "experiments"), expression=exp.Literal.number(experiment.number)
            )
            one_of = exp.In(this=column(name, "log"), expressions=[exp.convert(value) for value in allowed])
            conditions.append(exp.paren(exp.or_(here, one_of)))
    return exp.and_(*conditions) if conditions else None


def firsts(dimensions: Sequence[str], *, variants: int) -> list[dict[str, Any]]:
    """Return the columns that tell a unit's first exposure: its row, or without dimensions the moment per variant.

    The moments say as much as the row, and are much cheaper than the smallest of rows.
    """
    if dimensions:
        return [{"name": "first_row", "tree": exp.Min(this=first_row(dimensions))}]
    return [
        {
            "name": _first_at(number),
            "tree": exp.Min(this=exp.Case(ifs=[exp.If(this=_is_variant(number), true=column("exposed_at"))])),
        }
        for number in range(variants - 1)
    ]


def first_variant(dimensions: Sequence[str], *, variants: int) -> exp.Expr:
    """Return the variant of a unit's first exposure, the smaller one at the same moment; see `firsts`."""
    if dimensions:
        return first_of("variant_no")
    case = exp.Case(default=exp.Literal.number(variants - 1))
    for number in range(variants - 1):
        is_first = exp.EQ(this=column(_first_at(number)), expression=column("exposed_at"))
        case = case.when(is_first, exp.Literal.number(number), copy=False)
    return case


def _first_at(number: int) -> str:
    return f"first_of_variant_{number}"


def _is_variant(number: int) -> exp.Expr:
    return exp.EQ(this=column("variant_no"), expression=exp.Literal.number(number))


def first_row(dimensions: Sequence[str]) -> exp.Expr:
    """Return what orders a unit's exposures: moment, variant, segments; the smallest is the first."""
    names = ["exposed_at", "variant_no", *(f"dim_{name}" for name in dimensions)]
    return exp.Struct(
        expressions=[exp.PropertyEQ(this=exp.to_identifier(name), expression=column(name)) for name in names]
    )


def first_of(name: str) -> exp.Expr:
    """Return one part of a unit's first exposure."""
    return exp.Dot(this=column("first_row"), expression=exp.to_identifier(name))


def closing_day(closing: Closing, clock: Clock) -> exp.Expr:
    """Return the day on which a unit's window has closed."""
    if closing.is_date:
        day = clock.local_day(column("exposed_at"))
        return exp.cast(plus(day, closing.end - timedelta(days=1)), "date")
    return clock.local_day(exp.paren(plus(plus(column("exposed_at"), closing.end), -_MICROSECOND)))
