"""Queries for the rows of a scan that hold NaN or infinity, which a metric leaves out.

They stand apart from the scan so that clean data pay for one filter on the columns that can hold such a value, and
not for one more column per unit and day.
"""

from collections.abc import Collection

from sqlglot import exp

from steelyard.compile.canonical import text
from steelyard.compile.exposure_sql import CELLS_PER_EXPERIMENT, UNITS_PER_CELL
from steelyard.compile.scan_sql import ScanSql
from steelyard.compile.values import column

_FLOATS = frozenset({"double", "float", "real"})


class NotFinite:
    """Builds the queries of one scan.

    Args:
        sql: The scan.
        exposed: The units; None for all that are exposed.
        facts: The facts; None for those of the whole span.
        counted: Values that are left out, as `values_counted` names them.
    """

    def __init__(
        self,
        sql: ScanSql,
        *,
        exposed: exp.Expr | None = None,
        facts: exp.Select | None = None,
        counted: Collection[str] = (),
    ) -> None:
        self.sql, self._given = sql, facts
        self._exposed = exp.to_table("exposed_units") if exposed is None else exposed
        read = [value for value in sql.values_read() if _named(sql, value[0]) not in counted]
        self._values = {f"v{number}": value for number, value in enumerate(read, start=1)}

    def types_query(self) -> exp.Select | None:
        """Return a query whose columns have the types of the values; None where none is read."""
        if not self._values:
            return None
        columns = [exp.alias_(value.copy(), name) for name, (value, _) in self._values.items()]
        return exp.select(*columns).from_(self._facts())

    def floats(self, types: dict[str, str]) -> list[str]:
        """Return the names of the values that can be NaN, by the types of `types_query`."""
        return [name for name in self._values if types[name] in _FLOATS]

    def any_query(self, names: Collection[str]) -> exp.Select:
        """Return a query for the number of rows of the facts, whoever's they are."""
        return exp.select(exp.Count(this=exp.Star())).from_(self._facts()).where(self._condition(names))

    def units_query(self, names: Collection[str]) -> exp.Select:
        """Return a query for the rows of analysed units inside the scan's reach: experiment, n."""
        per_experiment = exp.Literal.number(CELLS_PER_EXPERIMENT * UNITS_PER_CELL)
        number = exp.IntDiv(this=column("unit_key", "exposed"), expression=per_experiment)
        return self._count(exp.alias_(number, "experiment_no"), names).group_by(number.copy())

    def count(self, names: Collection[str]) -> exp.Expr:
        """Return the aggregate that counts such rows; 0 where no value can be one. It is of one type either way."""
        if not names:
            return exp.cast(exp.Literal.number(0), exp.DType.BIGINT)
        one = exp.If(this=self._condition(names), true=exp.Literal.number(1))
        return exp.cast(exp.Count(this=exp.Case(ifs=[one])), exp.DType.BIGINT)

    def _count(self, what: exp.Expr, names: Collection[str]) -> exp.Select:
        on = exp.EQ(this=column("unit", "facts"), expression=column("unit", "exposed"))
        return (
            exp.select(what, exp.alias_(exp.Count(this=exp.Star()), "n"))
            .from_(self._facts())
            .join(exp.alias_(self._exposed.copy(), "exposed", table=True), on=on)
            .where(self._condition(names), self.sql.in_reach())
        )

    def _facts(self) -> exp.Expr:
        context = self.sql.rows_context() if self.sql.scan.kind == "rows" else self.sql.reach()
        facts = context["facts"] if self._given is None else self._given.copy()
        return exp.alias_(exp.Subquery(this=facts), "facts", table=True)

    def _condition(self, names: Collection[str]) -> exp.Expr:
        parts = []
        for value, condition in (self._values[name] for name in names):
            is_bad = exp.Not(this=exp.func("isfinite", value.copy()))
            parts.append(is_bad if condition is None else exp.paren(exp.and_(condition.copy(), is_bad)))
        return exp.paren(exp.or_(*parts))


def values_counted(sql: ScanSql) -> frozenset[str]:
    """Return the names of the values of a scan, the same for the same value of the same relation."""
    return frozenset(_named(sql, value) for value, _ in sql.values_read())


def _named(sql: ScanSql, value: exp.Expr) -> str:
    return f"{text(sql.scan.query.relation)}: {text(value)}"
