"""The conformance self-test as a query."""

from sqlglot import exp

from steelyard.hashing.conformance import GOLDEN, SALT
from steelyard.hashing.registry import SCHEMES
from steelyard.hashing.sql.bucket import bucket_sql


def conformance_sql(dialect: str) -> str:
    """A query without tables: ``position, sha256, sha256_60`` of the units in `GOLDEN`.

    Raises:
        CompileError: The dialect is unknown.
    """
    columns = [
        bucket_sql(SCHEMES[name], dialect, SALT, "unit").as_(name.replace("-", "_"))
        for name in ("sha256", "sha256-60")
    ]
    rows = [
        exp.select(
            exp.Literal.number(position).as_("position"), exp.Literal.string(str(golden.unit)).as_("unit")
        )
        for position, golden in enumerate(GOLDEN)
    ]
    units = exp.union(*rows, distinct=False).subquery("golden")
    return exp.select("position", *columns).from_(units).sql(dialect)
