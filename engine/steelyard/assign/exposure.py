"""Exposures: what a client logs when a unit has really been shown what an experiment decided."""

import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Protocol

FIELDS = (
    "event_id",
    "user_id",
    "unit",
    "experiment_id",
    "variant",
    "timestamp",
    "client",
    "app_version",
    "ruleset_version",
    "bucket",
    "scheme",
    "reason",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """One exposure; what a writer writes.

    Attributes:
        event_id: Unique, so that a log may be loaded twice.
        user_id: The unit's id, whatever the unit is.
        unit: The kind of unit.
        experiment_id: The experiment, or the holdback.
        variant: What the unit got; ``holdback`` of a holdback before its closing test.
        timestamp: When.
        client: Which application.
        app_version: Its version.
        ruleset_version: What it decided by.
        bucket: The bucket that drew the variant; None for a holdback before its closing test.
        scheme: Hash scheme of that bucket.
        reason: ``assigned`` or ``holdback``.
    """

    event_id: str
    user_id: str
    unit: str
    experiment_id: str
    variant: str
    timestamp: datetime
    client: str
    app_version: str
    ruleset_version: str
    bucket: int | None
    scheme: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        """The fields in order, the moment as ISO text in UTC."""
        return {**asdict(self), "timestamp": self.timestamp.isoformat(timespec="microseconds")}


class Writer(Protocol):
    """Where exposures go. An exception is counted by the client and never reaches a request."""

    def write(self, exposure: Exposure) -> None:
        """Take one exposure; called within a request, so it must be quick."""

    def flush(self) -> None:
        """Write what is waiting; called about once per second, not within a request."""

    def close(self) -> None:
        """Flush and let go of everything."""

    def after_fork(self) -> None:
        """Start anew in a child process: what is waiting is the parent's."""


def new_event_id() -> str:
    """A random id, also right after a fork."""
    return os.urandom(16).hex()


def moment(now: float) -> datetime:
    """Seconds since 1970 as a moment in UTC."""
    return datetime.fromtimestamp(now, UTC)


class Seen:
    """The units that were exposed already, as far as memory allows.

    Args:
        limit: How many are remembered; beyond, the oldest half is forgotten and may be logged again.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._keys: dict[tuple[str, ...], None] = {}
        self._lock = Lock()

    def is_first(self, *key: str) -> bool:
        """Whether a key is new; then it is no more."""
        if key in self._keys:
            return False
        with self._lock:
            if key in self._keys:
                return False
            if len(self._keys) >= self._limit:
                for old in list(self._keys)[: max(1, self._limit // 2)]:
                    del self._keys[old]
            self._keys[key] = None
            return True

    def forget(self, *key: str) -> None:
        """Make a key new again: its exposure could not be written."""
        with self._lock:
            self._keys.pop(key, None)

    def after_fork(self) -> None:
        """Take another lock: the parent's may be held by a thread that is not here."""
        self._lock = Lock()
