"""Names that are longer than a warehouse keeps: cut, with a hash so that two that begin alike stay two."""

import hashlib
from collections.abc import Callable

from sqlglot import exp

POSTGRES_BYTES = 63
"""What PostgreSQL keeps of a name; it drops the rest without an error.

https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
"""
_DIGITS = 12


def shortened(name: str, limit: int) -> str:
    """Return a name of at most ``limit`` bytes: as it is where it fits, else its beginning and a hash of all of it.

    Examples:
        >>> shortened("revenue", 63)
        'revenue'
        >>> shortened("revenue_per_user_p99", 18)
        'reven_ad75727660c5'
    """
    encoded = name.encode()
    if len(encoded) <= limit:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:_DIGITS]
    return f"{encoded[: limit - _DIGITS - 1].decode(errors='ignore')}_{digest}"


def shorten_names(limit: int) -> Callable[[exp.Expr], exp.Expr]:
    """Return a rewrite that cuts every name to ``limit`` bytes, wherever it stands."""

    def rewrite(tree: exp.Expr) -> exp.Expr:
        for identifier in tree.find_all(exp.Identifier):
            identifier.set("this", shortened(identifier.name, limit))
        return tree

    return rewrite
