"""The claim log as a file: read whole, checked whole, and grown by one line at a time.

A claim is computed from what was read and written under a lock on the folder. Whoever finds that the log has grown
in between, or that the folder is locked, is told so and has changed nothing. The file is replaced as a whole, so a
reader sees the old log or the new one, also after a crash.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from steelyard.assign.allocation.events import Event, Open
from steelyard.assign.allocation.ledger import Ledger
from steelyard.assign.allocation.lines import Line, new_line, read_lines
from steelyard.assign.allocation.replay import follow, replay
from steelyard.errors import AllocationError

SUFFIX = ".jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimLog:
    """A programme's log as it was read.

    Attributes:
        path: The file.
        shown: Its name in messages.
        lines: Its lines; none where there is no file yet.
    """

    path: Path
    shown: str
    lines: tuple[Line, ...]

    @classmethod
    def read(cls, path: Path, shown: str | None = None) -> "ClaimLog":
        """Read a log and check its chain.

        Raises:
            AllocationError: A line is not as it was written.
        """
        name = shown or path.name
        try:
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
        except UnicodeDecodeError as error:
            raise AllocationError("the file is not UTF-8", where=name, hint="restore it") from error
        return cls(path=path, shown=name, lines=tuple(read_lines(text, name)))

    @property
    def head(self) -> str:
        """Hash of the last line; '' where there is none."""
        return self.lines[-1].hash if self.lines else ""

    def replay(self, *, until: datetime | None = None) -> Ledger:
        """Return the state that the log leads to, at its end or at a moment.

        Raises:
            AllocationError: There is no line up to then, or one claims what was not to be had.
        """
        return replay(self.lines, until=until, shown=self.shown)

    def claim(self, event: Event, *, at: datetime, by: str, opening: Open | None = None) -> "ClaimLog":
        """Write one more line, if the log still is as it was read.

        Args:
            event: What happens.
            at: When.
            by: Who claims.
            opening: The programme, written first where the log is empty.

        Returns:
            The log with the line.

        Raises:
            AllocationError: The event is refused, another claim came first, or one is being written.
        """
        events = [opening, event] if opening is not None and not self.lines else [event]
        with locked(self.path.parent):
            self._require_unchanged()
            ledger, lines = self.replay() if self.lines else None, list(self.lines)
            for one in events:
                ledger, digest = follow(ledger, one, at, where=f"programme {self.path.stem}")
                after = lines[-1] if lines else None
                lines.append(new_line(one, at=at, by=by, digest=digest, after=after))
            _write(self.path, "".join(f"{line.text}\n" for line in lines))
        return replace(self, lines=tuple(lines))

    def _require_unchanged(self) -> None:
        now = ClaimLog.read(self.path, self.shown)
        if now.head == self.head:
            return
        if now.lines[: len(self.lines)] != self.lines:
            raise AllocationError(
                "the log has been replaced since it was read", where=self.shown, hint="claim again"
            )
        other = now.lines[len(self.lines)]
        raise AllocationError(
            f"another claim came first: {other.event.op} {other.event.owner} by {other.by}".rstrip(),
            where=f"{self.shown}:{other.seq}",
            hint="nothing was claimed; look at `steelyard allocation show` and claim again",
        )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder of logs alone; the lock goes with the process that holds it.

    Raises:
        AllocationError: Another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AllocationError(
                "another claim is being written",
                where=str(folder),
                hint="nothing was claimed; claim again when it is done",
            ) from error
        yield
    finally:
        os.close(handle)


def _write(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
