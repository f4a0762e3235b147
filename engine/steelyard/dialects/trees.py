"""Walking a tree while it changes."""

from collections.abc import Callable

from sqlglot import exp


def replace_each(
    tree: exp.Expr, kinds: type[exp.Expr] | tuple[type[exp.Expr], ...], change: Callable[[exp.Expr], exp.Expr]
) -> exp.Expr:
    """Replace every node of some kinds, the inner ones first, and return the tree, which is changed in place.

    sqlglot's own ``transform`` does not look into what it has just put in place.

    Examples:
        >>> from sqlglot import parse_one
        >>> outer = parse_one("(a // b) // c", read="duckdb")
        >>> replace_each(outer, exp.IntDiv, lambda node: exp.func("div", node.this, node.expression)).sql()
        'DIV((DIV(a, b)), c)'
    """
    wanted = kinds if isinstance(kinds, tuple) else (kinds,)
    for node in reversed(list(tree.find_all(*wanted, bfs=False))):
        new = change(node)
        if new is not node:
            if node is tree:
                tree = new
            else:
                node.replace(new)
    return tree


def is_cast_to(tree: exp.Expr, kind: str) -> bool:
    """Return whether a tree is a cast to a type."""
    return isinstance(tree, exp.Cast) and bool(tree.to.is_type(kind))
