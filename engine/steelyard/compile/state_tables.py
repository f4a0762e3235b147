"""The tables that hold a group's state: one per purpose where tables change in place, or copies of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from steelyard.compile.values import column

GONE = "gone"
"""Which table of copies holds the units that have gone: rows of them are left in copies of days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A table that is written once and never changed.

    Attributes:
        name: Its name.
        through: Number of the last day whose rows in it count; None where all do.
    """

    name: str
    through: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTables:
    """The tables that hold a group's state.

    Attributes:
        schema: Schema of the engine's tables.
        block: Name of the state.
        copies: The copies that each of them consists of; None where tables change in place.
    """

    schema: str
    block: str
    copies: Mapping[str, Sequence[Copy]] | None = None

    def name(self, what: str) -> str:
        """Return the name of a table that changes in place, and what the names of its copies begin with."""
        return f"state_{self.block}_{what}"

    def names(self, whats: Sequence[str]) -> tuple[str, ...]:
        """Return the names of all tables."""
        if self.copies is None:
            return tuple(map(self.name, whats))
        return tuple(one.name for copies in self.copies.values() for one in copies)

    def table(self, what: str) -> exp.Table:
        """Return a table that is no table of days."""
        if self.copies is None:
            return self._named(self.name(what))
        (copy,) = self.copies[what]
        return self._named(copy.name)

    def days(self, what: str) -> exp.Expr:
        """Return the relation of the rows per unit and day that count."""
        if self.copies is None:
            return self._named(self.name(what))
        parts: list[exp.Expr] = []
        for number, copy in enumerate(self.copies[what], 1):
            alias = f"copy_{number}"
            rows = exp.select(f"{alias}.*").from_(exp.alias_(self._named(copy.name), alias, table=True))
            if copy.through is not None:
                last = exp.Literal.number(copy.through)
                rows = rows.where(exp.LTE(this=column("day", alias), expression=last), copy=False)
            parts.append(rows.where(not_among(self.table(GONE), alias), copy=False))
        return exp.Subquery(this=union(parts))

    def _named(self, name: str) -> exp.Table:
        return exp.table_(
            exp.to_identifier(name, quoted=True), db=exp.to_identifier(self.schema, quoted=True)
        )


def union(parts: Sequence[exp.Expr]) -> exp.Expr:
    """Return the rows of several queries."""
    return parts[0] if len(parts) == 1 else exp.union(*parts, distinct=False, copy=False)


def not_among(units: exp.Table, alias: str) -> exp.Expr:
    """Return the condition that the unit of a row, under an alias, is not in a table of units."""
    same = exp.EQ(this=column("unit_key", "gone"), expression=column("unit_key", alias))
    found = exp.select("1").from_(exp.alias_(units, "gone", table=True)).where(same)
    return exp.Not(this=exp.Exists(this=found))
