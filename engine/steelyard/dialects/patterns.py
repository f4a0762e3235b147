"""Rewrites of tests of text that warehouses spell each in its own way: patterns, beginnings, parts."""

import re
from collections.abc import Callable

from sqlglot import exp

from steelyard.dialects.refusals import Refused
from steelyard.dialects.trees import replace_each

# Letters, digits and plain signs, classes of them, groups, choices, and counts that take as much as they can. Of a
# whole text this means the same in POSIX's, Java's, RE2's and SIMILAR TO's expressions.
_SHARED = re.compile(
    r"(?:[A-Za-z0-9 :,;/@#&=~!<>'-]|\[[A-Za-z0-9 .:,;/@#=+-]+\]|\((?!\?)|[)|]"
    r"|(?:[?+*]|\{[0-9]+(?:,[0-9]*)?\})(?![?+*{]))*"
)
_DELIMITER = re.compile("[A-Za-z0-9 .:,;/@#&=~+_|-]")


def unshared_pattern(node: exp.Expr) -> Refused | None:
    """Refuse patterns of a whole text that are not in the part of regular expressions that all engines share.

    Examples:
        >>> from sqlglot import parse_one
        >>> unshared_pattern(parse_one(r"regexp_full_match(x, '\\d+')", read="duckdb")).what
        'a pattern of its own words'
        >>> unshared_pattern(parse_one("regexp_full_match(x, '[0-9]+([.][0-9]+)?')", read="duckdb"))
        >>> unshared_pattern(parse_one("regexp_full_match(x, '[a-z&&b]')", read="duckdb")).what
        'a pattern of its own words'
    """
    if not isinstance(node, exp.RegexpFullMatch):
        return None
    pattern = node.expression
    is_plain = isinstance(pattern, exp.Literal) and pattern.is_string and not node.args.get("options")
    if is_plain and _SHARED.fullmatch(pattern.name):
        return None
    return Refused(
        "a pattern of its own words",
        "write it in quotes, of letters, digits, classes such as [0-9.], groups, | and the counts ? + * {2}",
    )


def own_patterns(node: exp.Expr) -> Refused | None:
    """Refuse ``similar to``, which on DuckDB takes a regular expression.

    Examples:
        >>> from sqlglot import parse_one
        >>> own_patterns(parse_one("x similar to 'a%'")).what
        'SIMILAR TO'
    """
    hint = "write regexp_full_match(x, '…'), which every warehouse is told in its own words"
    return Refused("SIMILAR TO", hint) if isinstance(node, exp.SimilarTo) else None


def odd_parts(node: exp.Expr) -> Refused | None:
    """Refuse ``split_part`` but for one plain character and a part counted from the beginning.

    Examples:
        >>> from sqlglot import parse_one
        >>> odd_parts(parse_one("split_part(x, '.', -1)", read="duckdb")).what
        'split_part of this'
        >>> odd_parts(parse_one("split_part(x, '.', 2)", read="duckdb"))
    """
    if not isinstance(node, exp.SplitPart):
        return None
    delimiter, index = node.args["delimiter"], node.args["part_index"]
    is_plain = isinstance(delimiter, exp.Literal) and _DELIMITER.fullmatch(delimiter.name)
    if is_plain and isinstance(index, exp.Literal) and index.is_int and int(index.name) > 0:
        return None
    return Refused(
        "split_part of this", "the delimiter is one plain character in quotes, the part a number from 1"
    )


PATTERN_TRAPS = (unshared_pattern, odd_parts)
"""What every warehouse but DuckDB refuses of patterns and parts."""


def match_by(function: str, end: str) -> Callable[[exp.Expr], exp.Expr]:
    """Return a rewrite of a whole text's pattern to a function that looks for one anywhere in it.

    Args:
        function: Its name.
        end: The end of the text in its patterns; in Java's ``$`` stands before a last line break, too.

    Examples:
        >>> from sqlglot import parse_one
        >>> match_by("match", "$")(parse_one("regexp_full_match(x, 'a|b')", read="duckdb")).sql("clickhouse")
        "match(x, '^(?:a|b)$')"
    """

    def change(node: exp.Expr) -> exp.Expr:
        pattern = exp.Literal.string(f"^(?:{node.expression.name}){end}")
        return exp.Anonymous(this=function, expressions=[node.this.copy(), pattern])

    return lambda tree: replace_each(tree, exp.RegexpFullMatch, change)


def match_with_end(tree: exp.Expr) -> exp.Expr:
    """Write a whole text's pattern for a function that matches whole texts, perhaps but for a last line break.

    Examples:
        >>> from sqlglot import parse_one
        >>> match_with_end(parse_one("regexp_full_match(x, 'a|b')", read="duckdb")).sql("snowflake")
        "REGEXP_LIKE(x || '!', '(a|b)!')"
    """

    def change(node: exp.Expr) -> exp.Expr:
        text = exp.DPipe(this=node.this.copy(), expression=exp.Literal.string("!"))
        pattern = exp.Literal.string(f"({node.expression.name})!")
        return exp.Anonymous(this="REGEXP_LIKE", expressions=[text, pattern])

    return replace_each(tree, exp.RegexpFullMatch, change)


def match_similar(tree: exp.Expr) -> exp.Expr:
    """Write a whole text's pattern as SQL's own.

    Examples:
        >>> from sqlglot import parse_one
        >>> match_similar(parse_one("regexp_full_match(x, 'a|b')", read="duckdb")).sql("postgres")
        "x SIMILAR TO 'a|b'"
    """

    def change(node: exp.Expr) -> exp.Expr:
        text = node.this if isinstance(node.this, exp.Column | exp.Func) else exp.paren(node.this)
        test = exp.SimilarTo(this=text.copy(), expression=node.expression.copy())
        return exp.paren(test) if isinstance(node.parent, exp.Binary | exp.Not) else test

    return replace_each(tree, exp.RegexpFullMatch, change)


def compare_beginnings(tree: exp.Expr) -> exp.Expr:
    """Write ``starts_with`` as a comparison, where the pattern of LIKE would take its ``%`` and ``_`` for any text.

    The sign at the end keeps blanks there apart, which a comparison on Redshift does not.

    Examples:
        >>> from sqlglot import parse_one
        >>> compare_beginnings(parse_one("starts_with(x, 'a_')", read="duckdb")).sql("redshift")
        "(LEFT(x, 2) || '!') = 'a_!'"
    """

    def change(node: exp.Expr) -> exp.Expr:
        if not isinstance(node.expression, exp.Literal):
            return node
        length = exp.Literal.number(len(node.expression.name))
        start = exp.Left(this=node.this.copy(), expression=length)
        left = exp.DPipe(this=start, expression=exp.Literal.string("!"))
        test = left.eq(exp.Literal.string(f"{node.expression.name}!"))
        return exp.paren(test) if isinstance(node.parent, exp.Binary | exp.Not) else test

    return replace_each(tree, exp.StartsWith, change)


def fill_missing_parts(tree: exp.Expr) -> exp.Expr:
    """Add what is missing to a text for a part beyond the last to be '', where a warehouse says NULL.

    Examples:
        >>> from sqlglot import parse_one
        >>> fill_missing_parts(parse_one("split_part(x, '.', 3)", read="duckdb")).sql("trino")
        "SPLIT_PART(x || '..', '.', 3)"
    """

    def change(node: exp.Expr) -> exp.Expr:
        return exp.SplitPart(
            this=_with_delimiters(node),
            delimiter=node.args["delimiter"].copy(),
            part_index=node.args["part_index"].copy(),
        )

    return replace_each(tree, exp.SplitPart, change)


def extract_parts(function: str, *arguments: exp.Expr) -> Callable[[exp.Expr], exp.Expr]:
    """Return a rewrite of ``split_part`` to what a pattern finds, where the function splits into an array.

    Args:
        function: Name of the function that extracts the pattern's group.
        arguments: Its arguments after the text and the pattern.

    Examples:
        >>> from sqlglot import parse_one
        >>> extract_parts("REGEXP_EXTRACT")(parse_one("split_part(x, '.', 2)", read="duckdb")).sql("bigquery")
        "REGEXP_EXTRACT(x || '.', '^(?:[^.]*[.]){1}([^.]*)')"
    """

    def change(node: exp.Expr) -> exp.Expr:
        delimiter, before = node.args["delimiter"].name, int(node.args["part_index"].name) - 1
        skipped = f"(?:[^{delimiter}]*[{delimiter}]){{{before}}}" if before else ""
        pattern = exp.Literal.string(f"^{skipped}([^{delimiter}]*)")
        more = [argument.copy() for argument in arguments]
        return exp.Anonymous(this=function, expressions=[_with_delimiters(node), pattern, *more])

    return lambda tree: replace_each(tree, exp.SplitPart, change)


def _with_delimiters(node: exp.Expr) -> exp.Expr:
    before = int(node.args["part_index"].name) - 1
    text: exp.Expr = node.this.copy()
    if not before:
        return text
    delimiters = exp.Literal.string(node.args["delimiter"].name * before)
    return exp.DPipe(this=text, expression=delimiters)
