"""Moments as rules and attributes write them: ISO days and times, in UTC where they say nothing else."""

import re
from datetime import UTC, date, datetime

_DAY = (
    "([12][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    "|02-(0[1-9]|1[0-9]|2[0-8]))"
    "|([12][0-9](0[48]|[2468][048]|[13579][26])|(12|16|20|24|28)00)-02-29)"
)
_TIME = "([T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])?)?"
PATTERN = _DAY + _TIME
"""What counts as a moment, the whole text, in what regular expressions mean everywhere; years are 1000 to 2999."""

_MOMENT = re.compile(PATTERN)


def moment_of(value: object) -> datetime | None:
    """The moment that a text, a day or a time means, in UTC; None where it means none.

    Examples:
        >>> moment_of("2026-04-01").isoformat()
        '2026-04-01T00:00:00+00:00'
        >>> moment_of("2026-04-01T10:00:00+02:00").isoformat()
        '2026-04-01T08:00:00+00:00'
        >>> moment_of("2026-02-30") is None, moment_of(1775001600) is None
        (True, True)
    """
    if isinstance(value, str):
        if not _MOMENT.fullmatch(value):
            return None
        return _in_utc(datetime.fromisoformat(value))
    if isinstance(value, datetime):
        return _in_utc(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return None


def _in_utc(moment: datetime) -> datetime | None:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # before the year 1 or after 9999
        return None
