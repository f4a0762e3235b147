"""A warehouse that no test can start, played by DuckDB behind a fake of its driver."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp
from tests.support.translated import respelled

_ENDS = {"begin": "begin transaction", "commit": "commit", "rollback": "rollback"}
_EXPLAIN = re.compile(
    r"explain( using (?:text|json)| formatted| \(.*?\))? (?=/\*|with|select)", re.IGNORECASE
)


@dataclass
class Answer:
    """What DuckDB said: names, its types, and rows."""

    names: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)


class Refused(Exception):
    """A statement that failed.

    Attributes:
        kind: ``table``, ``schema``, ``column``, or ``other``.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class Passed(Exception):
    """Among the failures of a server: a statement that goes through."""


class Server:
    """One database for all connections.

    Attributes:
        dialect: What it speaks.
        sent: Every statement, as it came.
        opened: Arguments of each connection.
        jobs: Settings of each job, where statements are jobs.
        folder: For files.
        plans: What an explanation answers, by what stands after EXPLAIN.
        failures: Exceptions that the next statements which match the text raise instead of running.
        folds: Whether names in double quotes and small letters are refused, for they name nothing there.
        commits_ddl: Whether a statement that creates or changes a table ends the transaction.
    """

    def __init__(
        self, dialect: str, *, folder: Path, schema: str, folds: bool = False, commits_ddl: bool = False
    ) -> None:
        self.folder = folder
        self.dialect, self.schema, self.folds, self.commits_ddl = dialect, schema, folds, commits_ddl
        self.sent: list[str] = []
        self.opened: list[dict[str, Any]] = []
        self.jobs: list[dict[str, Any]] = []
        self.plans: dict[str, str] = {}
        self.failures: list[tuple[str, BaseException]] = []
        self.database = duckdb.connect()
        self.database.execute("set timezone = 'UTC'")
        self.database.execute(f'create schema if not exists "{schema}"')

    def session(self) -> "Session":
        """Return a session of its own, with temporary tables and transactions of its own."""
        return Session(self)

    def tables(self, schema: str) -> list[str]:
        """Return the names of a schema's tables and views, in order."""
        found = self.database.execute(
            "select table_name from information_schema.tables where lower(table_schema) = lower(?) order by all",
            [schema],
        )
        return [name for (name,) in found.fetchall()]


class Session:
    """A connection to the server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.is_in_transaction = False
        self._own: list[str] = []
        self.duckdb = server.database.cursor()
        self.duckdb.execute("set timezone = 'UTC'")
        self.duckdb.execute(f"set search_path = '\"{server.schema}\",main'")

    def run(self, sql: str) -> Answer:
        """Run a statement of the dialect."""
        self.server.sent.append(sql)
        for i, (text, error) in enumerate(self.server.failures):
            if text in sql:
                del self.server.failures[i]
                if not isinstance(error, Passed):
                    raise error
                break
        word = sql.strip().lower()
        if word in _ENDS:
            if word == "begin" or self.is_in_transaction:
                self._execute(_ENDS[word])
            self.is_in_transaction = word == "begin"
            return Answer()
        if match := _EXPLAIN.match(sql):
            self._execute(f"explain {self.translated(sql[match.end() :])}")
            return Answer(
                ["plan"], ["VARCHAR"], [(self.server.plans.get((match[1] or "").strip(), "a plan"),)]
            )
        return self._execute(self.translated(sql))

    def described(self, sql: str) -> list[tuple[str, str]]:
        """Return names and DuckDB's types of a query's columns."""
        text = f"describe ({self.translated(sql)})"
        # Apart from the session's transaction, which a failure would end here and does not there.
        apart = Session(self.server) if self.is_in_transaction else self
        return [(str(row[0]), str(row[1])) for row in apart._execute(text).rows]

    def translated(self, sql: str) -> str:
        """Return a statement in DuckDB's words; whatever the dialect cannot read is refused."""
        tree = _parsed(sql, self.server.dialect).copy()
        for name in tree.find_all(exp.Identifier) if self.server.folds else ():
            if name.quoted and name.name.islower():
                raise Refused("column", f"invalid identifier '{name.name}'")
            if not name.quoted:
                name.set("this", name.name.upper())
        if (
            self.server.commits_ddl
            and self.is_in_transaction
            and isinstance(tree, exp.Create | exp.Alter | exp.Drop)
        ):
            self.is_in_transaction = False
            self._execute("commit")
        if isinstance(tree, exp.Create) and tree.this.find(exp.Table) and tree.this.find(exp.Table).db:
            self._make_permanent(tree)
        return tree.transform(_plain).transform(respelled).sql("duckdb")

    def _make_permanent(self, tree: exp.Create) -> None:
        """Let a temporary table in a schema be one that goes with the session: DuckDB has none in schemas."""
        properties = tree.args.get("properties")
        for one in list(properties.expressions) if properties else ():
            if isinstance(one, exp.TemporaryProperty):
                one.pop()
                self._own.append(tree.this.sql("duckdb"))

    def _execute(self, sql: str) -> Answer:
        try:
            found = self.duckdb.execute(sql)
        except duckdb.Error as error:
            raise Refused(_kind(error), str(error).splitlines()[0]) from error
        if found.description is None:
            return Answer()
        names = [column[0] for column in found.description]
        types = [str(column[1]) for column in found.description]
        zoned = [i for i, kind in enumerate(types) if kind == "TIMESTAMP WITH TIME ZONE"]
        if not zoned:
            return Answer(names, types, found.fetchall())
        # DuckDB makes Python values of moments with a zone only where pytz is installed: asked again without zone.
        found.abort()
        written = [f"timezone('UTC', \"{n}\")" if i in zoned else f'"{n}"' for i, n in enumerate(names)]
        rows = self.duckdb.sql(sql).project(", ".join(written)).fetchall()
        return Answer(names, types, [_zoned(row, zoned) for row in rows])

    def close(self) -> None:
        """End the session; a transaction that is open is rolled back."""
        for table in self._own:
            self.duckdb.execute(f"drop table if exists {table}")
        self.duckdb.close()


class Cursor:
    """A cursor of PEP 249 over a session.

    Attributes:
        type_code: Makes the driver's code of one of DuckDB's types.
        fail: Makes the driver's exception of a refusal.
    """

    def __init__(
        self, session: Session, type_code: Callable[[str], Any], fail: Callable[[Refused], Exception]
    ) -> None:
        self._session, self._type_code, self._fail = session, type_code, fail
        self.description: list[tuple[Any, ...]] | None = None
        self._rows: Iterator[tuple[Any, ...]] = iter(())
        self._is_closed = False

    def execute(self, operation: str) -> "Cursor":
        assert not self._is_closed
        try:
            answer = self._session.run(operation)
        except Refused as refusal:
            raise self._fail(refusal) from refusal
        types = zip(answer.names, answer.types, strict=True)
        self.description = [(n, self._type_code(t), None, None, None, None, None) for n, t in types] or None
        self._rows = iter(answer.rows)
        return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        return list(self._rows)

    def close(self) -> None:
        self._is_closed = True


@cache
def _parsed(sql: str, dialect: str) -> exp.Expr:
    try:
        (tree,) = sqlglot.parse(sql, read=dialect)
    except sqlglot.errors.SqlglotError as error:
        raise Refused("other", f"syntax: {error}") from error
    assert tree is not None
    if isinstance(tree, exp.Command):
        raise Refused("other", f"{dialect} does not say: {sql[:80]}")
    return tree


def _zoned(row: tuple[Any, ...], zoned: list[int]) -> tuple[Any, ...]:
    return tuple(
        value.replace(tzinfo=UTC) if i in zoned and value is not None else value
        for i, value in enumerate(row)
    )


def _kind(error: duckdb.Error) -> str:
    text = str(error)
    if "schema" in text.lower() and "does not exist" in text:
        return "schema"
    if isinstance(error, duckdb.CatalogException) and "Table with name" in text:
        return "table"
    return "column" if isinstance(error, duckdb.BinderException) else "other"


def _plain(node: exp.Expr) -> exp.Expr | None:
    """Leave out what DuckDB does not keep: comments, options, what a key and a quoted name are for."""
    if isinstance(node, exp.Properties):
        kept = [one for one in node.expressions if isinstance(one, exp.TemporaryProperty)]
        return exp.Properties(expressions=kept) if kept else None
    if isinstance(node, exp.ColumnConstraint) and isinstance(
        node.args.get("kind"), exp.CommentColumnConstraint | exp.Properties
    ):
        return None
    if isinstance(node, exp.PrimaryKey):
        return None
    return node
