"""The client: values of flags and variants of experiments, decided locally, exposures logged on use."""

import atexit
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from steelyard.assign.evaluation import Outcome, Why
from steelyard.assign.exposure import Exposure, Seen, Writer, moment, new_event_id
from steelyard.assign.holder import Change, Holder, Status
from steelyard.assign.resolution import Context, Expected, Resolution, Resolver
from steelyard.assign.sources import source_of
from steelyard.errors import EngineError
from steelyard.hashing import Unit

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_WAIT_SECONDS = 600.0
FLUSH_SECONDS = 1.0
Listener = Callable[[Change, str], None]


class AssignmentError(EngineError, LookupError):
    """A client was asked to raise, and has no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How a client is.

    Attributes:
        status: ``ready``, ``stale`` where the last attempt to reach the source failed, ``empty`` without a ruleset.
        version: Version of the ruleset; '' without one.
        age_seconds: Since the source last confirmed the ruleset; None if it never has in this process.
        failures: Attempts that failed since.
        error: What went wrong last; '' if nothing.
        exposures: Exposures that writers have taken.
        write_failures: Exposures and flushes that writers have failed on.
    """

    status: Status
    version: str
    age_seconds: float | None
    failures: int
    error: str
    exposures: int
    write_failures: int


class Client:
    """Decides locally by the ruleset of a file or a URL, which it polls.

    The source is asked once before the constructor returns, for at most ``timeout_seconds``. Values and variants
    never raise, unless ``raises`` is set: they are the caller's default, and `resolve` says why.

    Args:
        source: Path or URL of the ruleset.
        app: Name of the application, for exposures.
        app_version: Its version, for exposures.
        writer: Where exposures go; None logs none.
        cache: File for the last good ruleset, for starts without the source.
        poll_seconds: How often the source is asked, give or take a third; 0 never asks again.
        timeout_seconds: How long an answer may take.
        raises: Raise `AssignmentError` in the request instead of giving the default.
        most_remembered: Exposures remembered so as to be logged once.
        clock: Seconds since 1970.

    Examples:
        >>> with Client("nowhere.json", app="doctest", poll_seconds=0) as client:
        ...     client.value("checkout.show_bar", False, unit="user_1"), client.state.status
        (False, 'empty')
    """

    def __init__(
        self,
        source: "Path | str",
        *,
        app: str,
        app_version: str = "",
        writer: Writer | None = None,
        cache: "Path | str | None" = None,
        poll_seconds: float = 45.0,
        timeout_seconds: float = 5.0,
        raises: bool = False,
        most_remembered: int = 200_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._app, self._app_version, self._writer = app, app_version, writer
        self._raises, self._clock, self._poll_seconds = raises, clock, poll_seconds
        self._holder = Holder(
            source_of(source, timeout_seconds), None if cache is None else os.fspath(cache), clock
        )
        self._resolver: Resolver | None = None
        self._seen = Seen(most_remembered)
        self._exposures = self._write_failures = 0
        self._last_write_error = ""
        self._listeners: list[Listener] = []
        self._stop, self._lock = Event(), Lock()
        self._thread: Thread | None = None
        self._holder.recall()
        self.refresh()
        self._start()
        _CLIENTS.add(self)

    @property
    def state(self) -> State:
        """How the client is."""
        held = self._holder.held
        return State(
            status=held.status,
            version=held.version,
            age_seconds=None if held.checked_at is None else max(0.0, self._clock() - held.checked_at),
            failures=held.failures,
            error=held.error or self._last_write_error,
            exposures=self._exposures,
            write_failures=self._write_failures,
        )

    def value(
        self, key: str, default: Any, *, unit: Unit | None, attributes: Mapping[str, Any] | None = None
    ) -> Any:
        """The value of a flag or of its property, to be used now: an exposure is logged where one is due.

        Args:
            key: ``flag`` for all of its properties, ``flag.property`` for one.
            default: The value where there is none.
            unit: Id of the unit, text or an integer.
            attributes: What targeting knows of the unit, and ids of other units by their key.

        Raises:
            AssignmentError: There is no value, and the client was made to raise.
        """
        resolution = self.resolve(key, default, unit=unit, attributes=attributes)
        self.log_use(resolution, unit, attributes)
        return resolution.value

    def variant(
        self, experiment: str, *, unit: Unit | None, attributes: Mapping[str, Any] | None = None
    ) -> str | None:
        """The variant of an experiment, to be used now; None where the unit has none. See `value`."""
        found = self.value(experiment, None, unit=unit, attributes=attributes)
        return found if isinstance(found, str) else None

    def resolve(
        self,
        key: str,
        default: Any = None,
        *,
        unit: Unit | None,
        attributes: Mapping[str, Any] | None = None,
        expected: Expected = "any",
    ) -> Resolution:
        """A value with its reason; nothing is logged. See `value`."""
        resolver = self._resolver
        if resolver is None:
            why = self._holder.held.error or "no ruleset has been read yet"
            found = Resolution(value=default, reason="ERROR", error="PROVIDER_NOT_READY", message=why)
        else:
            context = Context(unit, attributes or {}, self._clock())
            try:
                found = resolver.resolve(key, default, expected, context)
            except Exception as error:
                # Attributes are the caller's objects, whose methods may do anything.
                message = f"{type(error).__name__}: {error}"
                found = Resolution(value=default, reason="ERROR", error="GENERAL", message=message)
        if self._raises and found.error is not None:
            raise AssignmentError(f"{found.error}: {found.message}", where=key)
        return found

    def evaluate_all(
        self, *, unit: Unit | None, attributes: Mapping[str, Any] | None = None
    ) -> dict[str, Outcome]:
        """What every experiment decides for a unit; nothing is logged, nobody is asked to use it.

        Raises:
            SpecError: The unit is no text and no integer.
        """
        evaluator = self._holder.held.evaluator
        return {} if evaluator is None else evaluator.decide_all(unit, attributes or {}, now=self._clock())

    def log_use(
        self, resolution: Resolution, unit: Unit | None, attributes: Mapping[str, Any] | None = None
    ) -> None:
        """Log the exposures of a value that is really used, each once per unit and experiment."""
        if self._writer is not None and resolution.outcomes:
            self._guard(partial(self._log, self._writer, resolution, unit, attributes or {}))

    def on_change(self, listener: Listener) -> None:
        """Call a function with what changes and why: ``ready``, ``stale``, ``changed``, ``error``."""
        self._listeners.append(listener)

    def refresh(self) -> None:
        """Ask the source now; what goes wrong is in `state`."""
        with self._lock:
            changes = self._holder.refresh()
            evaluator = self._holder.held.evaluator
            if evaluator is not None and (
                self._resolver is None or self._resolver.evaluator is not evaluator
            ):
                self._resolver = Resolver(evaluator)
        for change in changes:
            for listener in list(self._listeners):
                self._guard(partial(listener, change, self._holder.held.error))

    def flush(self) -> None:
        """Have the writer write what is waiting; a failure is counted."""
        if self._writer is not None:
            self._guard(self._writer.flush)

    def close(self) -> None:
        """Stop polling, and close the writer."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread.is_alive():
            thread.join(timeout=1.0)
        _CLIENTS.discard(self)
        if self._writer is not None:
            self._guard(self._writer.close)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _log(
        self, writer: Writer, resolution: Resolution, unit: Unit | None, attributes: Mapping[str, Any]
    ) -> None:
        for outcome in resolution.outcomes:
            exposure = self._exposure(outcome, resolution, unit, attributes)
            if exposure is not None:
                self._write(writer, exposure)

    def _exposure(
        self, outcome: Outcome, resolution: Resolution, unit: Unit | None, attributes: Mapping[str, Any]
    ) -> Exposure | None:
        entry, evaluator = outcome.entry, resolution.evaluator
        owner = outcome.holdback or entry
        variant = outcome.held_variant if outcome.variant is None else outcome.variant.name
        if evaluator is None or variant is None:
            return None
        identifier = evaluator.unit_of(entry, unit, attributes)
        if identifier is None or not self._seen.is_first(owner.name, entry.unit, str(identifier), variant):
            return None
        is_drawn = outcome.holdback is None or bool(outcome.holdback.variants)
        return Exposure(
            event_id=new_event_id(),
            user_id=str(identifier),
            unit=entry.unit,
            experiment_id=owner.name,
            variant=variant,
            timestamp=moment(self._clock()),
            client=self._app,
            app_version=self._app_version,
            ruleset_version=evaluator.ruleset.version,
            bucket=evaluator.bucket(owner, identifier) if is_drawn else None,
            scheme=owner.scheme.name,
            reason=Why.HOLDBACK.value if outcome.holdback else Why.ASSIGNED.value,
        )

    def _write(self, writer: Writer, exposure: Exposure) -> None:
        if self._guard(lambda: writer.write(exposure)):
            self._exposures += 1
        else:
            self._seen.forget(exposure.experiment_id, exposure.unit, exposure.user_id, exposure.variant)

    def _guard(self, action: Callable[[], object]) -> bool:
        """Do what is not ours; whatever it raises is counted and goes no further."""
        try:
            action()
        except Exception as error:
            self._write_failures += 1
            self._last_write_error = f"{type(error).__name__}: {error}"
            return False
        return True

    def _start(self) -> None:
        if self._poll_seconds > 0 or self._writer is not None:
            self._thread = Thread(target=self._run, name="steelyard-client", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        stop, due = self._stop, time.monotonic() + self._wait_seconds()
        while not stop.wait(min(FLUSH_SECONDS, max(0.0, due - time.monotonic()))):
            self.flush()
            if time.monotonic() >= due:
                self.refresh()
                due = time.monotonic() + self._wait_seconds()

    def _wait_seconds(self) -> float:
        """A third more or less than the interval, doubled with each failure; drawn anew in every process."""
        if self._poll_seconds <= 0:
            return float("inf")
        failures = min(self._holder.held.failures, 16)
        longest = max(LONGEST_WAIT_SECONDS, self._poll_seconds)
        spread = 2 / 3 + int.from_bytes(os.urandom(4)) / 2**32 * 2 / 3
        return min(self._poll_seconds * 2.0 ** max(0, failures - 1), longest) * spread

    def _after_fork(self) -> None:
        """Threads do not survive a fork, and locks may be held by one that is gone."""
        self._lock, self._stop = Lock(), Event()
        self._seen.after_fork()
        if self._writer is not None:
            self._guard(self._writer.after_fork)
        if self._thread is not None:
            self._start()


_CLIENTS: WeakSet[Client] = WeakSet()


def _after_fork_in_child() -> None:
    for client in list(_CLIENTS):
        client._after_fork()


def _flush_at_exit() -> None:
    for client in list(_CLIENTS):
        client.flush()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
atexit.register(_flush_at_exit)
