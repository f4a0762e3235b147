"""Moments and days: every instant in the plan is a UTC timestamp without zone, every day begins in the project's zone.

Zones are resolved here, to offsets between known moments, so that no warehouse's zone database and no session setting
takes part in a result.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlglot import exp

_STEP = timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The zones of a project, over the span that a run can see.

    Attributes:
        days: Zone in which days begin.
        naive: Zone of timestamps that carry none.
        first: Beginning of the span, UTC.
        last: Its end, UTC.
        ahead: How far beyond its end days are still told, for windows that close there.
    """

    days: ZoneInfo
    naive: ZoneInfo
    first: datetime
    last: datetime
    ahead: timedelta = timedelta(0)

    def start_of(self, day: date) -> datetime:
        """Return the UTC moment at which a day begins, without zone."""
        return datetime.combine(day, time(), self.days).astimezone(UTC).replace(tzinfo=None)

    def local_day(self, instant: exp.Expr) -> exp.Expr:
        """Return the day of an instant, in the project's zone."""
        return exp.cast(
            _shift(instant, list(_offsets(self.days, self.first, self.last + self.ahead, is_utc=True))),
            "date",
        )

    def from_naive(self, value: exp.Expr) -> exp.Expr:
        """Return a zoneless timestamp of the warehouse as an instant."""
        offsets = [
            (moment, -offset) for moment, offset in _offsets(self.naive, self.first, self.last, is_utc=False)
        ]
        return _shift(value, offsets)

    def to_naive(self, instant: datetime) -> datetime:
        """Return an instant as the warehouse's zoneless timestamps write it, to bound them.

        Where summer time ends, an hour is written twice and read as the first of the two, so an instant in the second
        bounds like that hour's end.
        """
        local = instant.replace(tzinfo=UTC).astimezone(self.naive)
        if not local.fold:
            return local.replace(tzinfo=None)
        before = local.replace(fold=0).utcoffset() or timedelta(0)
        gained = before - (local.utcoffset() or timedelta(0))
        return _change(self.naive, instant - gained, instant) + before


def timestamp_literal(instant: datetime) -> exp.Expr:
    """Return a zoneless timestamp literal."""
    return exp.cast(exp.Literal.string(instant.isoformat(sep=" ")), exp.DType.TIMESTAMP)


def zoned_literal(instant: datetime) -> exp.Expr:
    """Return a literal of a timestamp with its zone."""
    return exp.cast(exp.Literal.string(f"{instant.isoformat(sep=' ')}+00:00"), "timestamptz")


def date_literal(day: date) -> exp.Expr:
    """Return a date literal."""
    return exp.cast(exp.Literal.string(day.isoformat()), exp.DType.DATE)


def span(value: timedelta) -> exp.Expr:
    """Return an interval literal in its largest whole unit."""
    for unit, size in (
        ("DAY", timedelta(days=1)),
        ("HOUR", timedelta(hours=1)),
        ("SECOND", timedelta(seconds=1)),
    ):
        if value % size == timedelta(0):
            return exp.Interval(this=exp.Literal.string(str(value // size)), unit=exp.var(unit))
    microseconds = value // timedelta(microseconds=1)
    return exp.Interval(this=exp.Literal.string(str(microseconds)), unit=exp.var("MICROSECOND"))


def plus(moment: exp.Expr, value: timedelta) -> exp.Expr:
    """Return a moment moved by a span."""
    if value == timedelta(0):
        return moment.copy()
    if value < timedelta(0):
        return exp.Sub(this=moment.copy(), expression=span(-value))
    return exp.Add(this=moment.copy(), expression=span(value))


def _shift(moment: exp.Expr, offsets: list[tuple[datetime, timedelta]]) -> exp.Expr:
    """Return a moment moved by the offset that holds for it; ``offsets`` are (from when on, offset)."""
    if len(offsets) == 1:
        return plus(moment, offsets[0][1])
    case = exp.Case()
    for (_, offset), (until, _) in pairwise(offsets):
        before = exp.LT(this=moment.copy(), expression=timestamp_literal(until))
        case = case.when(before, plus(moment, offset), copy=False)
    return case.else_(plus(moment, offsets[-1][1]), copy=False)


def _offsets(
    zone: ZoneInfo, first: datetime, last: datetime, *, is_utc: bool
) -> Iterator[tuple[datetime, timedelta]]:
    """Yield (moment, offset from UTC) at the beginning of the span and at each change inside it.

    With ``is_utc`` the moments are UTC, otherwise local times of the zone.
    """
    moment, offset = first, _offset(zone, first)
    yield moment, offset
    while moment < last:
        following = moment + _STEP
        changed = _offset(zone, following)
        if changed != offset:
            instant = _change(zone, moment, following)
            offset = changed
            yield instant if is_utc else instant + max(offset, _offset(zone, moment)), offset
        moment = following


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    return instant.replace(tzinfo=UTC).astimezone(zone).utcoffset() or timedelta(0)


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """Return the first whole minute in (low, high] at which the offset is that of ``high``."""
    target = _offset(zone, high)
    while high - low > timedelta(minutes=1):
        middle = low + timedelta(minutes=(high - low) // timedelta(minutes=2))
        low, high = (low, middle) if _offset(zone, middle) == target else (middle, high)
    return high
