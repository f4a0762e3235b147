"""The ruleset that a client decides by: fetched, checked, kept on disk, and never replaced by a worse one."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from steelyard.assign.evaluation import Evaluator
from steelyard.assign.reading import read_ruleset
from steelyard.assign.sources import Source
from steelyard.errors import EngineError

Status = Literal["empty", "stale", "ready"]
Change = Literal["ready", "stale", "changed", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a client holds; replaced as a whole, so that readers need no lock.

    Attributes:
        status: ``empty`` without a ruleset, ``ready`` where the last attempt reached its source, else ``stale``.
        evaluator: Decides by the ruleset; None without one.
        checked_at: When the source last confirmed it, in seconds since 1970; None if never in this process.
        failures: Attempts that have failed since.
        error: What went wrong in the last one; '' if nothing.
    """

    status: Status
    evaluator: Evaluator | None
    checked_at: float | None
    failures: int
    error: str

    @property
    def version(self) -> str:
        """Version of the ruleset; '' without one."""
        return "" if self.evaluator is None else self.evaluator.ruleset.version


class Holder:
    """Fetches and keeps.

    Args:
        source: Where rulesets come from.
        cache: File for the last good one; None keeps it in memory only.
        clock: Seconds since 1970.
    """

    def __init__(self, source: Source, cache: str | None, clock: Callable[[], float]) -> None:
        self._source, self._cache, self._clock = source, cache, clock
        self._tag = ""
        self.held = Held(status="empty", evaluator=None, checked_at=None, failures=0, error="")

    def recall(self) -> None:
        """Take the ruleset that the cache has, as stale; a cache that cannot be read is none."""
        if self._cache is None or not os.path.exists(self._cache):  # noqa: PTH110
            return
        try:
            with open(self._cache, "rb") as file:  # noqa: PTH123
                evaluator = Evaluator(read_ruleset(file.read(), self._cache))
        except (EngineError, OSError) as error:
            self.held = Held(status="empty", evaluator=None, checked_at=None, failures=0, error=str(error))
            return
        self.held = Held(status="stale", evaluator=evaluator, checked_at=None, failures=0, error="")

    def refresh(self) -> list[Change]:
        """Ask the source, and say what has changed."""
        before = self.held
        try:
            fetched = self._source.fetch(self._tag)
            evaluator = before.evaluator
            if fetched is not None:
                ruleset = read_ruleset(fetched.data, self._source.name)
                if ruleset.version != before.version:
                    evaluator = Evaluator(ruleset)
                self._tag = fetched.tag
        except EngineError as error:
            status: Status = "empty" if before.evaluator is None else "stale"
            self.held = Held(
                status=status,
                evaluator=before.evaluator,
                checked_at=before.checked_at,
                failures=before.failures + 1,
                error=str(error),
            )
            if status == "empty":
                return ["error"]
            return ["stale"] if before.status == "ready" or not before.failures else []
        now = self._clock()
        self.held = Held(status="ready", evaluator=evaluator, checked_at=now, failures=0, error="")
        if fetched is not None and self.held.version != before.version:
            self._keep(fetched.data)
        changes: list[Change] = ["ready"] if before.status != "ready" else []
        return [*changes, "changed"] if before.version not in ("", self.held.version) else changes

    def _keep(self, data: bytes) -> None:
        if self._cache is None:
            return
        from pathlib import Path  # noqa: PLC0415

        from steelyard.assign.publish import write_atomically  # noqa: PLC0415

        path = Path(self._cache)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, data)
        except (EngineError, OSError) as error:
            held = self.held
            self.held = Held(
                status=held.status,
                evaluator=held.evaluator,
                checked_at=held.checked_at,
                failures=held.failures,
                error=f"the ruleset was not kept on disk: {error}",
            )
