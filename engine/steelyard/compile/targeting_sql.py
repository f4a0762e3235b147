"""Targeting rules as SQL: true and false exactly where `steelyard.targeting.matcher` is.

No test is ever NULL: each is wrapped, so that ``not`` and ``or`` mean what they mean in Python. It is in the canonical
dialect, of what every warehouse can be told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from sqlglot import exp

from steelyard.compile.targeting_moments import moment_condition, written_moment_condition
from steelyard.compile.targeting_versions import version_condition
from steelyard.errors import CompileError
from steelyard.targeting import AllOf, AnyOf, Negation, Op, Rule, Test
from steelyard.targeting.rule import MOMENT_OPS, NUMBER_OPS, VERSION_OPS, Scalar, kind_of

Kind = Literal["text", "number", "boolean", "date", "timestamp", "timestamptz"]
_NUMBERS = (
    *("tinyint", "smallint", "integer", "bigint", "hugeint"),
    *("utinyint", "usmallint", "uinteger", "ubigint", "uhugeint"),
    *("float", "real", "double", "decimal"),
)
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "varchar": "text",
        "null": "text",
        "boolean": "boolean",
        "date": "date",
        "timestamp": "timestamp",
        "timestamptz": "timestamptz",
        **dict.fromkeys(_NUMBERS, "number"),
    }
)
"""What a column of each type holds, by the words that all warehouses share; of other types are no attributes."""

LARGEST = "1.7976931348623157e308"
COMPARISONS: Mapping[Op, type[exp.Binary]] = {
    Op.BELOW: exp.LT,
    Op.AT_MOST: exp.LTE,
    Op.ABOVE: exp.GT,
    Op.AT_LEAST: exp.GTE,
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column that holds an attribute.

    Attributes:
        column: Its expression.
        kind: What it holds. A ``timestamp`` without a zone is read as UTC.
    """

    column: exp.Expr
    kind: Kind


def rule_sql(rule: Rule, attributes: Mapping[str, Attribute]) -> exp.Expr:
    """A rule as a condition in the canonical dialect that is never NULL.

    Args:
        rule: The rule.
        attributes: The columns of the attributes that the rule tests.

    Raises:
        CompileError: An attribute has no column.

    Examples:
        >>> from steelyard.targeting import parse_rule
        >>> country = {"country": Attribute(exp.column("country"), "text")}
        >>> rule_sql(parse_rule({"not": {"attribute": "country", "in": ["SG"]}}), country).sql("duckdb")
        "NOT COALESCE(country IN ('SG'), FALSE)"
    """
    match rule:
        case AllOf(rules):
            return exp.and_(*(rule_sql(one, attributes) for one in rules))
        case AnyOf(rules):
            return exp.or_(*(rule_sql(one, attributes) for one in rules))
        case Negation(inner):
            return exp.not_(rule_sql(inner, attributes))
        case Test(name, op, _):
            if name not in attributes:
                raise CompileError(
                    f"the rule tests {name!r}, which no column holds",
                    hint="log the attribute with the exposures, or name its column",
                )
            test = _test(rule, attributes[name])
            never_null = isinstance(test, exp.Boolean) or op is Op.EXISTS
            return test if never_null else exp.func("COALESCE", test, exp.false())


def _test(test: Test, attribute: Attribute) -> exp.Expr:
    op, value, column, kind = test.op, test.value, attribute.column, attribute.kind
    if op is Op.EXISTS:
        return exp.not_(exp.Is(this=column.copy(), expression=exp.null()))
    if op in (Op.EQUALS, Op.IN):
        return _among(value if isinstance(value, tuple) else (value,), column, kind)
    assert not isinstance(value, tuple)
    if op in NUMBER_OPS:
        return _number(op, float(value), column) if kind == "number" else exp.false()
    if op in MOMENT_OPS and kind in ("date", "timestamp", "timestamptz"):
        return moment_condition(op, str(value), column, is_zoned=kind == "timestamptz")
    if kind != "text":
        return exp.false()
    if op in MOMENT_OPS:
        return written_moment_condition(op, str(value), column)
    if op in VERSION_OPS:
        return version_condition(op, str(value), column)
    return exp.StartsWith(this=column.copy(), expression=exp.Literal.string(str(value)))


def _among(values: tuple[Scalar, ...], column: exp.Expr, kind: Kind) -> exp.Expr:
    if kind_of(values[0]) != kind:
        return exp.false()
    if kind == "number":
        return _among_numbers([float(value) for value in values], column)
    if kind == "boolean":
        return exp.or_(*(column.eq(exp.Boolean(this=value)) for value in dict.fromkeys(values)))
    return column.isin(*(exp.Literal.string(str(value)) for value in values))


def _among_numbers(values: list[float], column: exp.Expr) -> exp.Expr:
    """Spark and ClickHouse look for numbers of lists by their bits, which -0.0 does not share with 0.0."""
    test: exp.Expr = _double(column).isin(*(_double_literal(value) for value in values))
    return exp.or_(test, _double(column).eq(_double_literal(0.0))) if 0.0 in values else test


def _double(column: exp.Expr) -> exp.Expr:
    return exp.cast(column.copy(), "double")


def _double_literal(value: float) -> exp.Expr:
    return exp.cast(exp.Literal.string(repr(value)), "double")


def _number(op: Op, value: float, column: exp.Expr) -> exp.Expr:
    compared = COMPARISONS[op](this=_double(column), expression=_double_literal(value))
    largest = exp.cast(exp.Literal.string(LARGEST), "double")
    return exp.and_(compared, exp.LTE(this=exp.Abs(this=_double(column)), expression=largest))
