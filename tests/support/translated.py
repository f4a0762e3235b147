"""A warehouse that no test can start, played by DuckDB: its SQL is translated back before it runs."""

from collections.abc import Sequence
from typing import Any

import sqlglot
from sqlglot import exp

from steelyard.warehouse.base import Rows
from steelyard.warehouse.duckdb_warehouse import DuckDBWarehouse

_CLICKHOUSE_TYPES = {exp.DType.DATETIME64: "timestamp", exp.DType.DATE32: "date"}


class Translated(DuckDBWarehouse):
    """DuckDB that is spoken to in another dialect, and keeps what it answered.

    Attributes:
        dialect: The dialect.
        answers: Rows of each query, in order.
    """

    answers: list[Rows]

    def speak(self, dialect: str) -> "Translated":
        """Set the dialect."""
        self.dialect, self.answers = dialect, []
        return self

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        found = super().query(self._translated(sql), parameters)
        self.answers.append(found)
        return found

    def create_temporary(self, name: str, sql: str) -> None:
        super().create_temporary(name, self._translated(sql))

    def column_types(self, sql: str) -> dict[str, str]:
        spoken, answers = self.dialect, self.answers
        translated = self._translated(sql)
        self.speak("duckdb")
        try:
            return super().column_types(translated)
        finally:
            self.dialect, self.answers = spoken, answers

    def _translated(self, sql: str) -> str:
        if self.dialect == "duckdb":
            return sql
        return sqlglot.parse_one(sql, read=self.dialect).transform(respelled).sql("duckdb")


def respelled(node: exp.Expr) -> exp.Expr:
    """Return what sqlglot passes through untranslated in DuckDB's words."""
    if isinstance(node, exp.Anonymous) and node.name.lower() == "is_finite":
        return exp.Anonymous(this="isfinite", expressions=node.expressions)
    if isinstance(node, exp.Anonymous) and node.name.lower() in ("at_timezone", "totimezone"):
        moment, zone = node.expressions
        return exp.AtTimeZone(this=moment, zone=zone)
    if isinstance(node, exp.Anonymous) and node.name.lower() == "intdiv":
        number, divisor = (one.transform(respelled) for one in node.expressions)
        return exp.paren(exp.IntDiv(this=number, expression=divisor))
    if isinstance(node, exp.DataType) and node.this in _CLICKHOUSE_TYPES:
        return exp.DataType.build(_CLICKHOUSE_TYPES[node.this])
    if isinstance(node, exp.DataType) and node.is_type("varchar") and node.expressions:
        return exp.DataType.build("text")
    if isinstance(node, exp.Div) and node.args.get("typed") and node.expression.is_int:
        # Whole numbers by a whole number, by a dialect whose / then drops the remainder; doubles stand in a cast.
        is_double = isinstance(node.this, exp.Cast) and node.this.is_type("double")
        return node if is_double else exp.IntDiv(this=node.this, expression=node.expression)
    return node
