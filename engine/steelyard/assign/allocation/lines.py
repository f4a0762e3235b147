"""The lines of a claim log: JSON in one spelling, each bound to the one before it by a hash.

A line's ``hash`` covers the line without it, and so the ``previous`` hash in it. A line that was edited, moved,
left out or written twice is found on reading, whoever did it. What is cut off at the end is found
against the copy in the warehouse, or by the project's own version control.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from steelyard.assign.allocation.events import EVENTS, Event
from steelyard.errors import AllocationError, SpecError
from steelyard.spec.fields import closest
from steelyard.spec.model import validate

SCHEMA = 1
_HEAD = ("schema", "seq", "at", "by", "previous", "digest", "hash")
_EDITED = "only `steelyard allocation` writes this file: restore it from version control"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a claim log.

    Attributes:
        seq: Its number, from 1.
        at: When it was written and takes effect, in UTC.
        by: Who claimed.
        event: What happened.
        previous: Hash of the line before; '' for the first.
        digest: Digest of the buckets that changed hands; '' where none did.
        hash: Of all of this.
        text: The line as the file holds it, without its end.
    """

    seq: int
    at: datetime
    by: str
    event: Event
    previous: str
    digest: str
    hash: str
    text: str


def new_line(event: Event, *, at: datetime, by: str, digest: str, after: Line | None) -> Line:
    """Return the line that comes after another, or begins a log."""
    seq, previous = (1, "") if after is None else (after.seq + 1, after.hash)
    content = {
        "schema": SCHEMA,
        "seq": seq,
        "at": shown_moment(at),
        "by": by,
        "previous": previous,
        "digest": digest,
        **event.model_dump(mode="json"),
    }
    own = _hash(content)
    text = to_json({**content, "hash": own})
    return Line(seq=seq, at=at, by=by, event=event, previous=previous, digest=digest, hash=own, text=text)


def shown_moment(moment: datetime) -> str:
    """Return a moment as logs write it.

    Examples:
        >>> shown_moment(datetime(2026, 4, 1, tzinfo=UTC))
        '2026-04-01T00:00:00.000000Z'
    """
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def read_lines(text: str, shown: str) -> Iterator[Line]:
    """Yield the lines of a log, each checked against the one before.

    Args:
        text: What the file holds.
        shown: The file's name, for messages.

    Raises:
        AllocationError: A line is not as it was written.
    """
    previous = ""
    if text and not text.endswith("\n"):
        raise AllocationError("the last line is cut off", where=shown, hint=_EDITED)
    for number, raw in enumerate(text.split("\n")[:-1], start=1):
        line = _read_line(raw, f"{shown}:{number}")
        if line.previous != previous or line.seq != number:
            message = f"line {line.seq} of the log does not follow the line before it"
            hint = f"{_EDITED}; after a merge keep one side's lines and claim the other's again"
            raise AllocationError(message, where=f"{shown}:{number}", hint=hint)
        previous = line.hash
        yield line


def to_json(value: Any) -> str:
    """Return a value as JSON in the one spelling that is hashed."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _read_line(raw: str, where: str) -> Line:
    try:
        found = json.loads(raw)
    except ValueError as error:
        raise AllocationError("the line is no JSON", where=where, hint=_EDITED) from error
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise AllocationError(
            f"the line is not of schema {SCHEMA}",
            where=where,
            hint="a newer Steelyard wrote it, or the file is no claim log",
        )
    content = {key: value for key, value in found.items() if key != "hash"}
    if found.get("hash") != _hash(content) or to_json({**content, "hash": found["hash"]}) != raw:
        raise AllocationError("the line has been changed since it was written", where=where, hint=_EDITED)
    op = str(found.get("op"))
    if op not in EVENTS:
        raise AllocationError(f"unknown op {op!r}", where=where, hint=closest(op, EVENTS))
    event = {key: value for key, value in found.items() if key not in _HEAD}
    try:
        at = datetime.fromisoformat(found["at"])
        claimed: Event = validate(EVENTS[op], event, lambda _: where)
        head = {key: found[key] for key in _HEAD[1:] if key != "at"}
        return Line(at=at, event=claimed, text=raw, **head)
    except (KeyError, TypeError, ValueError) as error:
        reason = error.args[0] if isinstance(error, SpecError) else f"{error}"
        raise AllocationError(f"the line is not one of a claim log: {reason}", where=where) from error


def _hash(content: dict[str, Any]) -> str:
    return hashlib.sha256(to_json(content).encode()).hexdigest()
