"""Which experiments and holdbacks a unit is in, as a join with the table of allocations."""

import re
from datetime import datetime

from sqlglot import exp

from steelyard.errors import CompileError
from steelyard.hashing.scheme import Scheme
from steelyard.hashing.sql.bucket import Salt, bucket_sql

NODE = "node"
_TABLE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*){0,2}", re.ASCII)


def owners_sql(
    scheme: Scheme,
    dialect: str,
    *,
    programme: str,
    salt: str,
    buckets: int,
    units: exp.Query | exp.Table,
    unit: str,
    allocation: exp.Table,
    at: exp.Expr,
    levels: int = 1,
) -> exp.Query:
    """Return a query of units and the owners of their buckets at a moment.

    Args:
        scheme: The programme's hash scheme.
        dialect: Dialect that the query is generated for.
        programme: Name of the programme.
        salt: Its salt.
        buckets: Number of its buckets.
        units: Where the units are.
        unit: Name of their key's column.
        allocation: The table of allocations.
        at: The moment.
        levels: 1 for bucket reuse; the number of hashes of a salt machine otherwise.

    Returns:
        Columns ``unit``, ``owner`` and ``kind``; a unit once per owner, and not at all where it has none.

    Raises:
        CompileError: The warehouse cannot say the hash.
    """
    key = exp.column(unit, "u", quoted=True)
    source = units.subquery("u") if isinstance(units, exp.Query) else exp.alias_(units, "u", table=True)

    def level(parent: exp.Expr, unit_key: exp.Expr, node: exp.Expr, own_salt: Salt) -> exp.Select:
        bucket = bucket_sql(scheme, dialect, own_salt, unit_key, buckets)
        holds = exp.and_(
            _column("programme").eq(programme),
            _column("node").eq(node),
            _column("bucket").eq(bucket),
            exp.LTE(this=_column("valid_from"), expression=at.copy()),
            exp.or_(
                _column("valid_to").is_(exp.null()), exp.GT(this=_column("valid_to"), expression=at.copy())
            ),
        )
        return (
            exp.select(exp.alias_(unit_key.copy(), "unit"), _column("owner"), _column("kind"))
            .from_(parent)
            .join(exp.alias_(allocation.copy(), "a", table=True), on=holds)
        )

    query = level(source, key, exp.Literal.string(""), salt)
    if levels == 1:
        return query
    above = exp.column("owner", "p")
    found: exp.Query = _not_flowing(1)
    queries = [query]
    for number in range(2, levels + 1):
        parent = exp.to_table(f"level_{number - 1}").as_("p")
        child_salt = exp.DPipe(this=exp.Literal.string(f"{salt}."), expression=above.copy())
        below = level(parent, exp.column("unit", "p"), above.copy(), child_salt)
        queries.append(below.where(exp.column("kind", "p").eq(NODE)))
        found = exp.union(found, _not_flowing(number), distinct=False)
    for number, one in enumerate(queries, start=1):
        found = found.with_(f"level_{number}", as_=one)
    return found


def _not_flowing(level: int) -> exp.Select:
    query = exp.select("unit", "owner", "kind").from_(f"level_{level}")
    return query.where(exp.column("kind").neq(NODE))


def _column(name: str) -> exp.Column:
    return exp.column(name, "a", quoted=True)


def owners_text(
    scheme: Scheme,
    dialect: str,
    *,
    programme: str,
    salt: str,
    buckets: int,
    table: str,
    unit: str,
    schema: str,
    at: datetime | None = None,
    levels: int = 1,
) -> str:
    """Return `owners_sql` as text for people.

    Args:
        scheme: The programme's hash scheme.
        dialect: Dialect of the text.
        programme: Name of the programme.
        salt: Its salt.
        buckets: Number of its buckets.
        table: Table with units, as the dialect writes its name.
        unit: Name of their key's column.
        schema: Schema of the engine's tables.
        at: The moment; None is when the query runs.
        levels: As in `owners_sql`.

    Raises:
        CompileError: The table's name is none, or the warehouse cannot say the hash.
    """
    moment: exp.Expr = exp.CurrentTimestamp()
    if at is not None:
        moment = exp.cast(exp.Literal.string(at.isoformat()), exp.DataType.Type.TIMESTAMPTZ)
    if not _TABLE.fullmatch(table):
        raise CompileError(f"{table!r} is no name of a table", hint="write table or schema.table")
    return owners_sql(
        scheme,
        dialect,
        programme=programme,
        salt=salt,
        buckets=buckets,
        units=exp.to_table(table, dialect=dialect),
        unit=unit,
        allocation=exp.table_("allocation", db=schema),
        at=moment,
        levels=levels,
    ).sql(dialect, pretty=True)
