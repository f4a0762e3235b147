"""What a warehouse would read without an error, and otherwise than DuckDB: refused, and what to write instead."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

_WHOLE = frozenset(exp.DataType.INTEGER_TYPES)
_FRACTIONS = (exp.Avg, exp.Div, exp.Exp, exp.Ln, exp.Sqrt, exp.Stddev, exp.StddevPop, exp.StddevSamp)
_PASSES_ON = (
    exp.Abs,
    exp.Add,
    exp.Coalesce,
    exp.Greatest,
    exp.Least,
    exp.Mul,
    exp.Neg,
    exp.Nullif,
    exp.Sub,
    exp.Sum,
)


@dataclass(frozen=True, slots=True)
class Refused:
    """What is refused.

    Attributes:
        what: Its name.
        hint: What to write instead.
    """

    what: str
    hint: str


Trap = Callable[[exp.Expr], Refused | None]
"""Looks at one node of a tree as it is in the canonical dialect, and says why it is refused; None where it is not."""


def hexadecimal_digits(node: exp.Expr) -> Refused | None:
    """Refuse numbers written in hexadecimal digits, which other warehouses take for no number or for NULL.

    Examples:
        >>> from sqlglot import parse_one
        >>> hexadecimal_digits(parse_one("cast('0x' || digits as bigint)", read="duckdb")).what
        'a cast of hexadecimal digits'
        >>> hexadecimal_digits(parse_one("cast('17' as bigint)", read="duckdb"))
    """
    if not isinstance(node, exp.Cast) or node.to.this not in _WHOLE:
        return None
    if not any(
        text.is_string and text.name.lower().startswith("0x") for text in node.this.find_all(exp.Literal)
    ):
        return None
    return Refused(
        "a cast of hexadecimal digits",
        "DuckDB alone reads them: compute the number where the rows are written",
    )


def fraction_to_whole(node: exp.Expr) -> Refused | None:
    """Refuse casts that make a fraction a whole number: it is rounded in two ways, or cut off.

    A column's type is not known here, so only what is computed in the cast is seen.

    Examples:
        >>> from sqlglot import parse_one
        >>> fraction_to_whole(parse_one("cast(n / 2 as integer)", read="duckdb")).what
        'a cast of a fraction to a whole number'
        >>> fraction_to_whole(parse_one("cast(floor(n / 2) as integer)", read="duckdb"))
    """
    if not isinstance(node, exp.Cast) or node.to.this not in _WHOLE or not _is_fraction(node.this):
        return None
    return Refused(
        "a cast of a fraction to a whole number",
        "it is rounded here, and rounded otherwise or cut off elsewhere; write floor(x + 0.5)",
    )


def _is_fraction(tree: exp.Expr) -> bool:
    tree = tree.unnest()
    if isinstance(tree, exp.Literal):
        return not tree.is_string and not tree.is_int
    if isinstance(tree, exp.Cast):
        return bool(tree.to.this in exp.DataType.REAL_TYPES)
    if isinstance(tree, exp.Case):
        results = [branch.args["true"] for branch in tree.args["ifs"]]
        return any(
            map(_is_fraction, [*results, *([tree.args["default"]] if tree.args.get("default") else [])])
        )
    if isinstance(tree, _FRACTIONS):
        return not tree.args.get("typed")
    return isinstance(tree, _PASSES_ON) and any(_is_fraction(part) for part in tree.iter_expressions())


def substring_from_the_end(node: exp.Expr) -> Refused | None:
    """Refuse substrings that begin before the first character, which each warehouse counts in its own way.

    Examples:
        >>> from sqlglot import parse_one
        >>> substring_from_the_end(parse_one("substring(name, -3)", read="duckdb")).what
        'a substring from before the first character'
        >>> substring_from_the_end(parse_one("substring(name, 1, 3)", read="duckdb"))
    """
    start = node.args.get("start") if isinstance(node, exp.Substring) else None
    is_before = isinstance(start, exp.Neg) or (isinstance(start, exp.Literal) and start.name == "0")
    hint = "characters are counted from 1; for the last ones write substring(x, length(x) - 2)"
    return Refused("a substring from before the first character", hint) if is_before else None


def weeks_between(node: exp.Expr) -> Refused | None:
    """Refuse to count weeks between dates: they begin on different days, or are spans of seven.

    Examples:
        >>> from sqlglot import parse_one
        >>> weeks_between(parse_one("date_diff('week', a, b)", read="duckdb")).hint
        "count days, and divide: date_diff('day', a, b) // 7"
    """
    unit = node.text("unit").upper() if isinstance(node, exp.DateDiff) else ""
    hint = "count days, and divide: date_diff('day', a, b) // 7"
    return Refused(f"date_diff in {unit.lower()}s", hint) if unit.startswith(("WEEK", "ISOWEEK")) else None


_COMPLETE = frozenset({"YEAR", "QUARTER", "MONTH", "HOUR", "MINUTE", "SECOND"})


def complete_units(node: exp.Expr) -> Refused | None:
    """Refuse to count months, hours and the like where those that are complete are counted, not their beginnings.

    Examples:
        >>> from sqlglot import parse_one
        >>> complete_units(parse_one("date_diff('hour', a, b)", read="duckdb")).what
        'date_diff in hours'
        >>> complete_units(parse_one("date_diff('day', a, b)", read="duckdb"))
    """
    unit = node.text("unit").upper() if isinstance(node, exp.DateDiff) else ""
    hint = "count days; or take the parts year and month, or epoch(later - earlier)"
    return Refused(f"date_diff in {unit.lower()}s", hint) if unit in _COMPLETE else None


def absent_in_lists(node: exp.Expr) -> Refused | None:
    """Refuse ``not in`` of what may hold NULL, where a warehouse leaves NULL out of sets.

    Examples:
        >>> from sqlglot import parse_one
        >>> absent_in_lists(parse_one("a not in (1, null)")).what
        'not in a list with NULL'
        >>> absent_in_lists(parse_one("a not in (1, 2)"))
    """
    inside = node.this.unnest() if isinstance(node, exp.Not) else None
    if not isinstance(inside, exp.In):
        return None
    if inside.args.get("query") is not None:
        return Refused("not in a subquery", "write not exists (…), which says what NULL means")
    holds_null = any(isinstance(value, exp.Null) for value in inside.expressions)
    return Refused("not in a list with NULL", "take NULL out of the list") if holds_null else None


COMMON: tuple[Trap, ...] = (hexadecimal_digits, substring_from_the_end, weeks_between)
"""What every warehouse but DuckDB refuses."""
