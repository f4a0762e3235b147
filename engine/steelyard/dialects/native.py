"""What a metric's own words mean, where sqlglot reads them as if they were DuckDB's."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sqlglot import exp

from steelyard.dialects.trees import replace_each

BACKSLASH = "\\"


def in_canonical_words(tree: exp.Expr, dialect: str) -> exp.Expr:
    """Return a tree that was read in a dialect, with what DuckDB understands otherwise said so that it does not.

    Examples:
        >>> from sqlglot import parse_one
        >>> native = parse_one(r"name like 'a\\_b'", read="postgres")
        >>> print(in_canonical_words(native, "postgres").sql("duckdb"))
        name LIKE 'a\\_b' ESCAPE '\\'
        >>> in_canonical_words(parse_one("last_value(x) over w", read="clickhouse"), "clickhouse").sql("duckdb")
        'LAST_VALUE(x IGNORE NULLS) OVER w'
    """
    for rewrite in _NATIVE.get(dialect, ()):
        tree = rewrite(tree)
    return tree


def escape_by_backslash(tree: exp.Expr) -> exp.Expr:
    """Say that a backslash escapes in the pattern of LIKE; DuckDB has no character that does unless one is named."""

    def change(node: exp.Expr) -> exp.Expr:
        if isinstance(node.parent, exp.Escape) or not _holds_backslash(node.expression):
            return node
        return exp.Escape(this=node.copy(), expression=exp.Literal.string(BACKSLASH))

    return replace_each(tree, (exp.Like, exp.ILike), change)


def skip_absent(tree: exp.Expr) -> exp.Expr:
    """Say that the first and the last value of a window are of those that are not NULL."""

    def change(node: exp.Expr) -> exp.Expr:
        is_said = isinstance(node.parent, exp.IgnoreNulls | exp.RespectNulls)
        return node if is_said else exp.IgnoreNulls(this=node.copy())

    return replace_each(tree, (exp.FirstValue, exp.LastValue), change)


def _holds_backslash(pattern: exp.Expr) -> bool:
    return isinstance(pattern, exp.Literal) and BACKSLASH in pattern.name


Rewrite = Callable[[exp.Expr], exp.Expr]
_NATIVE: Mapping[str, tuple[Rewrite, ...]] = MappingProxyType(
    {
        "postgres": (escape_by_backslash,),
        "redshift": (escape_by_backslash,),
        "bigquery": (escape_by_backslash,),
        "spark": (escape_by_backslash,),
        "databricks": (escape_by_backslash,),
        "clickhouse": (escape_by_backslash, skip_absent),
    }
)
