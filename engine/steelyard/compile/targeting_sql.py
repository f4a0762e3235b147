"""Targeting rules as SQL: true and false exactly where `steelyard.targeting.matcher` is.

No test is ever NULL: each is wrapped, so that ``not`` and ``or`` mean what they mean in Python. Versions are taken
apart by text functions alone, because a cast of what is no number is an error in some warehouses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

from steelyard.errors import CompileError
from steelyard.targeting import AllOf, AnyOf, Negation, Op, Rule, Test
from steelyard.targeting.moments import PATTERN as MOMENT
from steelyard.targeting.moments import moment_of
from steelyard.targeting.rule import MOMENT_OPS, NUMBER_OPS, VERSION_OPS, Scalar, kind_of
from steelyard.targeting.semver import PATTERN as VERSION
from steelyard.targeting.semver import version_key

Kind = Literal["text", "number", "boolean", "date", "timestamp", "timestamptz"]
LARGEST = "1.7976931348623157e308"
COMPARISONS: Mapping[Op, type[exp.Binary]] = {
    Op.BELOW: exp.LT,
    Op.AT_MOST: exp.LTE,
    Op.ABOVE: exp.GT,
    Op.AT_LEAST: exp.GTE,
    Op.BEFORE: exp.LT,
    Op.UNTIL: exp.LTE,
    Op.AFTER: exp.GT,
    Op.SINCE: exp.GTE,
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


def rule_sql(rule: Rule, dialect: str, attributes: Mapping[str, Attribute]) -> exp.Expr:
    """A rule as a condition that is never NULL.

    Args:
        rule: The rule.
        dialect: Dialect that the condition is generated for.
        attributes: The columns of the attributes that the rule tests.

    Raises:
        CompileError: An attribute has no column, or the dialect cannot say a test.

    Examples:
        >>> from steelyard.targeting import parse_rule
        >>> country = {"country": Attribute(exp.column("country"), "text")}
        >>> rule_sql(parse_rule({"not": {"attribute": "country", "in": ["SG"]}}), "duckdb", country).sql("duckdb")
        "NOT COALESCE(country IN ('SG'), FALSE)"
    """
    match rule:
        case AllOf(rules):
            return exp.and_(*(rule_sql(one, dialect, attributes) for one in rules))
        case AnyOf(rules):
            return exp.or_(*(rule_sql(one, dialect, attributes) for one in rules))
        case Negation(inner):
            return exp.not_(rule_sql(inner, dialect, attributes))
        case Test(name, op, _):
            if name not in attributes:
                raise CompileError(
                    f"the rule tests {name!r}, which no column holds",
                    hint="log the attribute with the exposures, or name its column",
                )
            test = _test(rule, dialect, attributes[name])
            never_null = isinstance(test, exp.Boolean) or op is Op.EXISTS
            return test if never_null else exp.func("COALESCE", test, exp.false())


def _test(test: Test, dialect: str, attribute: Attribute) -> exp.Expr:
    op, value, column, kind = test.op, test.value, attribute.column, attribute.kind
    if op is Op.EXISTS:
        return exp.not_(exp.Is(this=column.copy(), expression=exp.null()))
    if op in (Op.EQUALS, Op.IN):
        return _among(value if isinstance(value, tuple) else (value,), column, kind)
    assert not isinstance(value, tuple)
    if op in NUMBER_OPS:
        return _number(op, float(value), column) if kind == "number" else exp.false()
    if op in MOMENT_OPS:
        return _moment(op, str(value), dialect, column, kind)
    if kind != "text":
        return exp.false()
    if op in VERSION_OPS:
        return _version(op, str(value), dialect, column)
    return _prefix(str(value), dialect, column)


def _among(values: tuple[Scalar, ...], column: exp.Expr, kind: Kind) -> exp.Expr:
    if kind_of(values[0]) != kind:
        return exp.false()
    if kind == "number":
        return _double(column).isin(*(_double_literal(float(value)) for value in values))
    if kind == "boolean":
        return exp.or_(*(column.eq(exp.Boolean(this=value)) for value in dict.fromkeys(values)))
    return column.isin(*(exp.Literal.string(str(value)) for value in values))


def _double(column: exp.Expr) -> exp.Expr:
    return exp.cast(column.copy(), "double")


def _double_literal(value: float) -> exp.Expr:
    return exp.cast(exp.Literal.string(repr(value)), "double")


def _number(op: Op, value: float, column: exp.Expr) -> exp.Expr:
    compared = COMPARISONS[op](this=_double(column), expression=_double_literal(value))
    largest = exp.cast(exp.Literal.string(LARGEST), "double")
    return exp.and_(compared, exp.LTE(this=exp.Abs(this=_double(column)), expression=largest))


def _prefix(value: str, dialect: str, column: exp.Expr) -> exp.Expr:
    text = exp.Literal.string(value)
    if dialect == "redshift":
        return exp.Left(this=column.copy(), expression=exp.Literal.number(len(value))).eq(text)
    return exp.StartsWith(this=column.copy(), expression=text)


def _moment(op: Op, value: str, dialect: str, column: exp.Expr, kind: Kind) -> exp.Expr:
    moment = moment_of(value)
    assert moment is not None
    plain = moment.strftime("%Y-%m-%d %H:%M:%S.%f")
    if kind in ("date", "timestamp"):
        against = exp.cast(exp.Literal.string(plain), "timestamp")
        return COMPARISONS[op](this=exp.cast(column.copy(), "timestamp"), expression=against)
    if kind not in ("timestamptz", "text"):
        return exp.false()
    found = column.copy()
    if kind == "text":
        if dialect != "duckdb":
            raise CompileError(
                f"{dialect} cannot read moments from text as clients do",
                hint="cast the column to a timestamp in the query of the exposures",
            )
        found = _parsed_moment(column)
    against = exp.cast(exp.Literal.string(f"{plain}+00:00"), "timestamptz")
    return COMPARISONS[op](this=found, expression=against)


def _parsed_moment(column: exp.Expr) -> exp.Expr:
    """A text's moment in DuckDB; NULL where it means none. Without a zone it is UTC, whatever the session's."""
    is_day = exp.Length(this=column.copy()).eq(10)
    has_zone = _matches(column, "(Z|[+-][0-9][0-9]:[0-9][0-9])$")
    written = (
        exp.case()
        .when(exp.not_(_matches(column, MOMENT)), exp.null())
        .when(is_day, exp.DPipe(this=column.copy(), expression=exp.Literal.string(" 00:00:00+00")))
        .when(has_zone, column.copy())
        .else_(exp.DPipe(this=column.copy(), expression=exp.Literal.string("+00")))
    )
    return exp.TryCast(this=written, to=exp.DataType.build("timestamptz"))


def _matches(column: exp.Expr, pattern: str) -> exp.Expr:
    return exp.RegexpLike(this=column.copy(), expression=exp.Literal.string(pattern))


@dataclass(frozen=True, slots=True)
class _Order:
    """Where a part of a column's version stands to that of a rule's."""

    below: exp.Expr
    equal: exp.Expr


def _version(op: Op, value: str, dialect: str, column: exp.Expr) -> exp.Expr:
    key = version_key(value)
    assert key is not None
    numbers, is_release, identifiers = key
    without_build = _part(column, "+", 1)
    core = _part(without_build, "-", 1)
    before_release = exp.Substring(
        this=without_build, start=exp.Add(this=exp.Length(this=core), expression=exp.Literal.number(2))
    )
    orders = [_number_order(_core_number(core, index), text) for index, (_, text) in enumerate(numbers, 1)]
    orders += _release_orders(before_release, is_release, [text for _, _, text in identifiers], dialect)
    found: exp.Expr
    if op is Op.VERSION_EQUALS:
        found = exp.and_(*(order.equal for order in orders))
    else:
        found = _below(orders, or_equal=op in (Op.VERSION_AT_MOST, Op.VERSION_ABOVE))
        if op in (Op.VERSION_ABOVE, Op.VERSION_AT_LEAST):
            found = exp.not_(found)
    return exp.and_(_matches(column, VERSION), found)


def _part(text: exp.Expr, delimiter: str, index: int) -> exp.Expr:
    return exp.SplitPart(
        this=text.copy(), delimiter=exp.Literal.string(delimiter), part_index=exp.Literal.number(index)
    )


def _core_number(core: exp.Expr, index: int) -> exp.Expr:
    given = exp.Nullif(this=_part(core, ".", index), expression=exp.Literal.string(""))
    return exp.func("COALESCE", given, exp.Literal.string("0"))


def _number_order(number: exp.Expr, text: str) -> _Order:
    """Digits without leading zeros are in the order of their length, and then of their text."""
    value, length = exp.Literal.string(text), exp.Literal.number(len(text))
    is_shorter = exp.LT(this=exp.Length(this=number.copy()), expression=length)
    is_as_long = exp.Length(this=number.copy()).eq(length.copy())
    is_less = exp.LT(this=number.copy(), expression=value)
    return _Order(exp.or_(is_shorter, exp.and_(is_as_long, is_less)), number.eq(value.copy()))


def _release_orders(
    before_release: exp.Expr, is_release: bool, identifiers: list[str], dialect: str
) -> list[_Order]:
    is_column_release = before_release.eq("")
    if is_release:
        return [_Order(exp.not_(is_column_release), is_column_release.copy())]
    orders = [_Order(exp.false(), exp.not_(is_column_release))]
    for index, text in enumerate(identifiers, 1):
        orders.append(_identifier_order(_part(before_release, ".", index), text, dialect))
    return [*orders, _Order(exp.false(), _part(before_release, ".", len(identifiers) + 1).eq(""))]


def _identifier_order(identifier: exp.Expr, text: str, dialect: str) -> _Order:
    is_absent, is_number = identifier.eq(""), _matches(identifier, "^[0-9]+$")
    if text.isdigit():
        number = _number_order(identifier, text)
        return _Order(exp.or_(is_absent, exp.and_(is_number, number.below)), number.equal)
    # Elsewhere text is in the order of its bytes, as in Python.
    ordered = exp.Collate(this=identifier.copy(), expression=exp.to_identifier("C", quoted=True))
    left = ordered if dialect == "postgres" else identifier.copy()
    is_less = exp.LT(this=left, expression=exp.Literal.string(text))
    return _Order(exp.or_(is_absent, is_number, is_less), identifier.eq(exp.Literal.string(text)))


def _below(orders: list[_Order], *, or_equal: bool) -> exp.Expr:
    """Whether the first part that differs is below; a part is looked at where all before it are equal."""
    last = orders[-1]
    below = exp.or_(last.below, last.equal) if or_equal else last.below
    for order in reversed(orders[:-1]):
        below = exp.or_(order.below, exp.and_(order.equal, below))
    return below
