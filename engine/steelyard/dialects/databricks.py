"""Databricks SQL: Spark's, in a warehouse."""

from steelyard.dialects.dialect import Dialect
from steelyard.dialects.hints import HINTS
from steelyard.dialects.spark import CLAUSES_HERE, FUNCTIONS_HERE, NAMES_HERE, REWRITES, SYNTAX_HERE, TRAPS

DIALECT = Dialect(
    name="databricks",
    functions=FUNCTIONS_HERE,
    names=NAMES_HERE,
    syntax=SYNTAX_HERE,
    clauses=CLAUSES_HERE,
    hints=HINTS,
    traps=TRAPS,
    rewrites=REWRITES,
)
