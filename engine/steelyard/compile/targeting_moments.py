"""Comparisons of moments as SQL.

Moments written as text are compared by their day, their minute and their second, because warehouses differ in what
they read as a moment, in the years and zones that they know, and in what becomes of the rest.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlglot import exp

from steelyard.compile.clock import timestamp_literal
from steelyard.targeting import Op
from steelyard.targeting.moments import PATTERN, moment_of

MINUTES = 1440
COMPARISONS: Mapping[Op, type[exp.Binary]] = {
    Op.BEFORE: exp.LT,
    Op.UNTIL: exp.LTE,
    Op.AFTER: exp.GT,
    Op.SINCE: exp.GTE,
}


def moment_condition(op: Op, value: str, column: exp.Expr, *, is_zoned: bool) -> exp.Expr:
    """Return the comparison of a column of days or moments with a moment.

    Args:
        op: How they are compared.
        value: The moment, as a rule writes it.
        column: The column.
        is_zoned: Whether its moments have a zone.
    """
    found = exp.AtTimeZone(this=column.copy(), zone=exp.Literal.string("UTC")) if is_zoned else column.copy()
    return COMPARISONS[op](this=exp.cast(found, "timestamp"), expression=timestamp_literal(_in_utc(value)))


def written_moment_condition(op: Op, value: str, column: exp.Expr) -> exp.Expr:
    """Return the comparison of a column of text with a moment; false where the text is none.

    Args:
        op: How they are compared.
        value: The moment, as a rule writes it.
        column: The column.
    """
    moment = _in_utc(value)
    difference = exp.Sub(
        this=exp.paren(_minutes(moment, column)), expression=_number(moment.hour * 60 + moment.minute)
    )
    in_its_minute, is_negated = _second_condition(op, moment, column)
    is_before = exp.Case(
        this=exp.Sign(this=difference),
        ifs=[
            exp.If(this=exp.Neg(this=_number(1)), true=exp.true()),
            exp.If(this=_number(1), true=exp.false()),
        ],
        default=in_its_minute,
    )
    holds = exp.not_(is_before) if is_negated else is_before
    is_moment = exp.RegexpFullMatch(this=column.copy(), expression=exp.Literal.string(PATTERN))
    return exp.Case(ifs=[exp.If(this=is_moment, true=holds)], default=exp.false())


def _in_utc(value: str) -> datetime:
    moment = moment_of(value)
    assert moment is not None
    return moment.replace(tzinfo=None)


def _minutes(moment: datetime, column: exp.Expr) -> exp.Expr:
    """Return the minutes between the beginning of a moment's day and that of a text, in UTC.

    A zone moves a moment by less than a day, so further off than the days beside it only the order matters.
    """
    before, after = moment - timedelta(days=1), moment + timedelta(days=1)
    day = _part(column, 1, 10)
    days = (
        exp.case()
        .when(exp.LT(this=day, expression=_day(before)), _number(-2 * MINUTES))
        .when(day.eq(_day(before)), _number(-MINUTES))
        .when(day.eq(_day(moment)), _number(0))
        .when(day.eq(_day(after)), _number(MINUTES))
        .else_(_number(2 * MINUTES))
    )
    of_day = exp.Add(
        this=exp.Mul(this=_digits(_part(column, 12, 2)), expression=_number(60)),
        expression=_digits(_part(column, 15, 2)),
    )
    zone = exp.Add(
        this=exp.Mul(this=_digits(_part(column, _from_end(column, 4), 2)), expression=_number(60)),
        expression=_digits(_part(column, _from_end(column, 1), 2)),
    )
    sign = _part(column, _from_end(column, 5), 1)
    in_day = (
        exp.case()
        .when(_is_day(column), _number(0))
        .when(sign.eq(exp.Literal.string("+")), exp.Sub(this=of_day, expression=exp.paren(zone)))
        .when(sign.eq(exp.Literal.string("-")), exp.Add(this=of_day.copy(), expression=zone.copy()))
        .else_(of_day.copy())
    )
    return exp.Add(this=days, expression=in_day)


def _second_condition(op: Op, moment: datetime, column: exp.Expr) -> tuple[exp.Expr, bool]:
    """Return whether a text's second is below that of a moment, or at most it; and whether the opposite is asked for.

    Without zeros at the end a moment's second comes first, as text, of all ways to write it.
    """
    second = f"{moment:%S.%f}".rstrip("0").rstrip(".")
    spelled = [f"{moment:%S}"] if not moment.microsecond else []
    spelled += [f"{moment:%S.%f}"[:length] for length in range(4, 10) if len(second) <= length]
    written = _part(column, 18, None)
    for sign in "+-Z":
        written = exp.SplitPart(this=written, delimiter=exp.Literal.string(sign), part_index=_number(1))
    found = exp.Case(ifs=[exp.If(this=_is_day(column), true=exp.Literal.string("00"))], default=written)
    if op in (Op.BEFORE, Op.SINCE):
        return exp.LT(this=found, expression=exp.Literal.string(second)), op is Op.SINCE
    is_same = found.copy().isin(*(exp.Literal.string(text) for text in spelled))
    is_below = exp.LT(this=found, expression=exp.Literal.string(second))
    return exp.or_(is_below, is_same), op is Op.AFTER


def _is_day(column: exp.Expr) -> exp.Expr:
    return exp.Length(this=column.copy()).eq(10)


def _part(column: exp.Expr, start: int | exp.Expr, length: int | None) -> exp.Expr:
    first = _number(start) if isinstance(start, int) else start
    return exp.Substring(this=column.copy(), start=first, length=None if length is None else _number(length))


def _from_end(column: exp.Expr, places: int) -> exp.Expr:
    return exp.Sub(this=exp.Length(this=column.copy()), expression=_number(places))


def _digits(text: exp.Expr) -> exp.Expr:
    return exp.cast(text, "integer")


def _number(value: int) -> exp.Expr:
    literal = exp.Literal.number(abs(value))
    return exp.Neg(this=literal) if value < 0 else literal


def _day(moment: datetime) -> exp.Expr:
    return exp.Literal.string(f"{moment.date()}")
