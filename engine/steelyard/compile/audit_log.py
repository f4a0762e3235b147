"""The log of exposures as an audit reads it: what was assigned to whom, and which client said so."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlglot import exp

from steelyard.compile.canonical import parse_query
from steelyard.compile.clock import Clock
from steelyard.compile.exposure_sql import LogTypes, NumberedExperiment, exposure_log, seen_units_context
from steelyard.compile.targeting_sql import KINDS, Attribute, rule_sql
from steelyard.compile.templates import Templates
from steelyard.compile.values import column
from steelyard.dialects.registry import DIALECTS
from steelyard.errors import CompileError
from steelyard.spec.loader import ProjectFiles
from steelyard.targeting import Rule, attributes_of, parse_rule

LABELS = ("client", "app_version")
"""Columns of a log that say who assigned; those that it lacks are ''."""

RULESET = "ruleset_version"

AUDITED = "audited"
_MARGIN = timedelta(days=2)
_REFUSED = frozenset({"boolean", "float", "real", "double", "decimal"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedLog:
    """One log of exposures and the experiments of it that are audited.

    Attributes:
        name: Name of the exposures.
        numbered: The experiments, numbered from 1.
        dialect: Dialect of the target.
        columns: What the log's query has, with its types.
    """

    name: str
    numbered: Sequence[NumberedExperiment]
    dialect: str
    columns: Mapping[str, str]

    @property
    def labels(self) -> tuple[str, ...]:
        """What the log has of the labels and the ruleset's version."""
        return tuple(label for label in (*LABELS, RULESET) if label in self.columns)

    def eligibility(self, one: NumberedExperiment) -> Rule | None:
        """Return an experiment's rule of who is eligible, where the log has all that it asks for."""
        if one.spec.eligible is None:
            return None
        rule = parse_rule(one.spec.eligible)
        return rule if all(name in self.columns for name in attributes_of(rule)) else None

    def _eligible(self) -> Iterator[exp.Expr]:
        for one in self.numbered:
            rule = self.eligibility(one)
            if rule is not None:
                here = exp.NEQ(
                    this=column("experiment_no", "experiments"), expression=exp.Literal.number(one.number)
                )
                attributes = {name: self._attribute(name) for name in sorted(attributes_of(rule))}
                yield exp.paren(exp.or_(here, rule_sql(rule, attributes)))

    def _attribute(self, name: str) -> Attribute:
        kind = KINDS.get(self.columns[name])
        if kind is None:
            raise CompileError(
                f"the column {name!r}, which a rule of who is eligible tests, is of type {self.columns[name]}",
                where=f"steelyard.yml: exposures.{self.name}",
                hint="attributes are text, numbers, truth values, days or moments; cast it in the query",
            )
        return Attribute(column(name, "log"), kind)

    def query(self, files: ProjectFiles, templates: Templates) -> str:
        """Return the query that fills the table `AUDITED`.

        Raises:
            CompileError: The units are neither text nor integers, or the moments are days.
        """
        exposures = files.project.exposures[self.name]
        key = files.project.units[exposures.unit]
        where = f"steelyard.yml: exposures.{self.name}"
        _check_unit(self.columns.get(key, "varchar"), key, where)
        targeted = {name for one in self.numbered for name in one.spec.targeting}
        for one in self.numbered:
            targeted |= attributes_of(self.eligibility(one))
        log = exposure_log(
            exposures,
            key=key,
            dialect=files.project.dialect or self.dialect,
            where=f"{where}.sql",
            others=sorted({*self.labels, *targeted} - set(exposures.dimensions)),
        )
        kind = self.columns.get(exposures.timestamp, "timestamp")
        types = LogTypes(is_zoned=kind == "timestamptz", is_date=kind == "date")
        context = seen_units_context(
            self.numbered, log=log, types=types, dimensions=(), clock=_clock(files, self.numbered)
        )
        tree = templates.render(
            "audited.sql",
            **context,
            is_targeted=_flag(_all([context["targeting"], *self._eligible()])),
            has_ruleset=RULESET in self.labels,
            labels=[{"name": label, "is_logged": label in self.labels} for label in LABELS],
        )
        return DIALECTS[self.dialect].generate(tree)


def _all(conditions: Sequence[exp.Expr | None]) -> exp.Expr | None:
    known = [one for one in conditions if one is not None]
    return exp.and_(*known) if known else None


def written_log(files: ProjectFiles, name: str, dialect: str) -> str:
    """Return the query of a log of exposures in the target's dialect, to ask for its columns."""
    tree = parse_query(
        files.project.exposures[name].sql,
        dialect=files.project.dialect or dialect,
        where=f"steelyard.yml: exposures.{name}.sql",
    )
    return DIALECTS[dialect].generate(tree)


def _check_unit(kind: str, key: str, where: str) -> None:
    if kind in _REFUSED:
        raise CompileError(
            f"the units {key!r} are of type {kind}",
            where=where,
            hint="engines write such values differently; cast them to text or to integers in the query",
        )


def _flag(condition: exp.Expr | None) -> exp.Expr:
    """Return 1 where a condition holds, 0 where it does not or is NULL."""
    if condition is None:
        return exp.Literal.number(1)
    return exp.Case(ifs=[exp.If(this=condition, true=exp.Literal.number(1))], default=exp.Literal.number(0))


def _clock(files: ProjectFiles, numbered: Sequence[NumberedExperiment]) -> Clock:
    first = min(one.first_day for one in numbered)
    last = max(one.last_day for one in numbered)
    return Clock(
        days=ZoneInfo(files.project.timezone),
        naive=ZoneInfo(files.project.naive_timestamps),
        first=datetime.combine(first, time()) - _MARGIN,
        last=datetime.combine(last, time()) + _MARGIN,
    )
