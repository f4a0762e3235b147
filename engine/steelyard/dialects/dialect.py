"""What a warehouse can say: a table of functions, rewrites, and a generator that refuses the rest."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import ErrorLevel, exp
from sqlglot.errors import UnsupportedError

from steelyard.errors import CompileError

Rewrite = Callable[[exp.Expr], exp.Expr]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A warehouse's SQL.

    Attributes:
        name: sqlglot's name of it.
        refused: Node types that it cannot say, each with a hint.
        rewrites: Tree to tree, applied in order to every node.
    """

    name: str
    refused: tuple[tuple[type[exp.Expr], str], ...] = ()
    rewrites: tuple[Rewrite, ...] = ()

    def generate(self, tree: exp.Expr) -> str:
        """Return a tree as this warehouse's SQL, for people to read.

        Raises:
            CompileError: The tree says something that the warehouse cannot.
        """
        for rewrite in self.rewrites:
            tree = tree.transform(rewrite)
        for kind, hint in self.refused:
            found = tree.find(kind)
            if found is not None:
                raise CompileError(f"{self.name} has no {found.sql(self.name)!r}", hint=hint)
        try:
            return tree.sql(self.name, pretty=True, unsupported_level=ErrorLevel.RAISE)
        except UnsupportedError as error:
            raise CompileError(
                f"{self.name} cannot say this: {error}", hint="see docs/warehouses.md"
            ) from error
