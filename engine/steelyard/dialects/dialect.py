"""What a warehouse can say: an allow-list, rewrites, and a generator that refuses the rest."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from sqlglot import ErrorLevel, exp
from sqlglot.errors import UnsupportedError

from steelyard.dialects.allowed import CLAUSES
from steelyard.dialects.refusals import Trap
from steelyard.errors import CompileError

Rewrite = Callable[[exp.Expr], exp.Expr]
Kind = type[exp.Expr]
_CLAUSE_ARGUMENTS = frozenset(argument for _, argument, _ in CLAUSES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A warehouse's SQL. What is not in its lists is refused, because sqlglot would pass it through unchanged.

    Attributes:
        name: sqlglot's name of it.
        functions: Functions that mean the same here as in the canonical dialect.
        names: Such functions for which sqlglot has no class, in lower case.
        syntax: Node types other than functions.
        clauses: Clauses, by their names in `steelyard.dialects.allowed.CLAUSES`.
        rewrites: Tree to tree, applied in order to the whole tree; each may change it in place.
        hints: What to write instead of a node type that is refused.
        traps: What would be understood otherwise here.
        row_hash: From the columns of a row to a number that differs for other rows; sums of it tell changed tables.
            None where state is not kept.
    """

    name: str
    functions: frozenset[Kind]
    names: frozenset[str] = frozenset()
    syntax: frozenset[Kind]
    clauses: frozenset[str]
    rewrites: tuple[Rewrite, ...] = ()
    hints: Mapping[Kind, str] = field(default_factory=lambda: MappingProxyType({}))
    traps: tuple[Trap, ...] = ()
    row_hash: Callable[[Sequence[exp.Expr]], exp.Expr] | None = None

    def generate(self, tree: exp.Expr) -> str:
        """Return a tree as this warehouse's SQL, for people to read.

        Raises:
            CompileError: The tree says something that the warehouse cannot, or that it would understand otherwise.
        """
        for refusal in self._trapped(tree):
            raise refusal
        tree = self._rewritten(tree)
        for refusal in self._refused(tree):
            raise refusal
        return self._written(tree)

    def refusals(self, tree: exp.Expr) -> list[CompileError]:
        """Return everything in a tree that the warehouse cannot say, each thing once; `generate` raises the first."""
        trapped = list(self._trapped(tree))
        tree = self._rewritten(tree)
        found = {str(refusal): refusal for refusal in (*trapped, *self._refused(tree))}
        if not found:
            try:
                self._written(tree)
            except CompileError as error:
                found[str(error)] = error
        return list(found.values())

    def _rewritten(self, tree: exp.Expr) -> exp.Expr:
        tree = tree.copy()
        for rewrite in self.rewrites:
            tree = rewrite(tree)
        return tree

    def _written(self, tree: exp.Expr) -> str:
        try:
            return tree.sql(self.name, copy=False, pretty=True, unsupported_level=ErrorLevel.RAISE)
        except UnsupportedError as error:
            raise CompileError(
                f"{self.name} cannot say this: {error}", hint="see docs/warehouses.md"
            ) from error

    def _refused(self, tree: exp.Expr) -> Iterator[CompileError]:
        for node in tree.walk():
            kind = type(node)
            if isinstance(node, exp.Anonymous):
                if node.name.lower() not in self.names:
                    yield self._refusal(f"the function {node.name.lower()}", kind)
            elif isinstance(node, exp.Func):
                if kind not in self.functions:
                    yield self._refusal(f"the function {node.sql_names()[0].lower()}", kind)
            elif kind not in self.syntax:
                yield self._refusal(_words(kind), kind)
            if _CLAUSE_ARGUMENTS.isdisjoint(node.args):
                continue
            for owner, argument, words in CLAUSES:
                if node.args.get(argument) and isinstance(node, owner) and words not in self.clauses:
                    yield self._refusal(words, kind)

    def _trapped(self, tree: exp.Expr) -> Iterator[CompileError]:
        if not self.traps:
            return
        for node in tree.walk():
            for trap in self.traps:
                refused = trap(node)
                if refused is not None:
                    yield CompileError(f"{self.name} understands {refused.what} otherwise", hint=refused.hint)

    def _refusal(self, what: str, kind: Kind) -> CompileError:
        hint = self.hints.get(
            kind, "write the metric without it; docs/warehouses.md says what can be said where"
        )
        return CompileError(f"{self.name} has no translation of {what}", hint=hint)


def _words(kind: Kind) -> str:
    return kind.key.upper()
