"""Rewrites of text: patterns, letters beyond ASCII, and the order of text."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from sqlglot import exp

from steelyard.dialects.native import BACKSLASH
from steelyard.dialects.trees import replace_each

# Numbers, days and moments in quotes: the column that they are compared with is seldom text, and none of it has letters
# that languages order otherwise.
_PLAIN = re.compile(r"[-+0-9.:, ]*(?:T[-+0-9.:]+)?Z?|nan|-?inf(?:inity)?", re.IGNORECASE)
_COMPARISONS = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between)


def double_backslashes(tree: exp.Expr) -> exp.Expr:
    """Write each backslash in a pattern twice, where one alone escapes the character after it.

    Examples:
        >>> from sqlglot import parse_one
        >>> print(double_backslashes(parse_one(r"name like 'C:\\%'", read="duckdb")).sql("postgres"))
        name LIKE 'C:\\\\%'
        >>> print(double_backslashes(parse_one("name like 'a!_b' escape '!'", read="duckdb")).sql("postgres"))
        name LIKE 'a!_b' ESCAPE '!'
    """

    def change(node: exp.Expr) -> exp.Expr:
        pattern = node.expression
        if isinstance(pattern, exp.Literal) and not isinstance(node.parent, exp.Escape):
            pattern.replace(exp.Literal.string(pattern.name.replace(BACKSLASH, BACKSLASH * 2)))
        return node

    return replace_each(tree, (exp.Like, exp.ILike), change)


def compare_bytes(tree: exp.Expr) -> exp.Expr:
    """Compare text with a text in quotes by bytes, where a database compares it as its language does.

    Where a collation is named it counts. What is equal needs none: a collation that is in use by default keeps what
    differs apart.

    Examples:
        >>> from sqlglot import parse_one
        >>> print(compare_bytes(parse_one("name < 'm' or day < '2026-04-01'", read="duckdb")).sql("postgres"))
        name COLLATE "C" < 'm' OR day < '2026-04-01'
    """

    def change(node: exp.Expr) -> exp.Expr:
        if node.find(exp.Collate):
            return node
        texts = [part for part in node.iter_expressions() if isinstance(part, exp.Literal) and part.is_string]
        # A part of a text is text, whatever it is compared with.
        if isinstance(node.this, exp.SplitPart) or any(not _PLAIN.fullmatch(text.name) for text in texts):
            name = exp.to_identifier("C", quoted=True)
            node.this.replace(exp.Collate(this=node.this.copy(), expression=name))
        return node

    return replace_each(tree, _COMPARISONS, change)


_UTF8: Mapping[type[exp.Expr], str] = MappingProxyType(
    {exp.Lower: "lowerUTF8", exp.Upper: "upperUTF8", exp.Substring: "substringUTF8"}
)


def name_characters(tree: exp.Expr) -> exp.Expr:
    """Write functions of text so that they count characters and know all letters, where their names alone mean bytes.

    Examples:
        >>> from sqlglot import parse_one
        >>> name_characters(parse_one("lower(substring(name, 1, 3))", read="duckdb")).sql("clickhouse")
        'lowerUTF8(substringUTF8(name, 1, 3))'
    """

    def change(node: exp.Expr) -> exp.Expr:
        parts = [node.args.get(part) for part in ("this", "start", "length")]
        return exp.Anonymous(this=_UTF8[type(node)], expressions=[part.copy() for part in parts if part])

    return replace_each(tree, tuple(_UTF8), change)
