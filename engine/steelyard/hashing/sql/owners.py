"""Which experiments and holdbacks a unit is in, as a join with the table of allocations."""

from sqlglot import exp

from steelyard.hashing.scheme import Scheme
from steelyard.hashing.sql.bucket import Salt, bucket_sql

NODE = "node"


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
