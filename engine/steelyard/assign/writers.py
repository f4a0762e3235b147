"""Writers that need the standard library alone: a file of JSON lines, and any function."""

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from steelyard.assign.exposure import Exposure

if TYPE_CHECKING:
    from pathlib import Path


class JsonLinesWriter:
    """One JSON object per line, appended to a file that other processes may append to as well.

    A line is written by one call on a file opened for appending, so lines of several processes do not mix.

    Args:
        path: The file; it is made when the first exposure comes.
    """

    def __init__(self, path: "Path | str") -> None:
        self._path = os.fspath(path)
        self._descriptor: int | None = None

    def write(self, exposure: Exposure) -> None:
        """Append a line.

        Raises:
            OSError: It cannot be written.
        """
        line = json.dumps(exposure.to_json(), ensure_ascii=False, separators=(",", ":")) + "\n"
        data = line.encode()
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            self._descriptor = os.open(self._path, flags, 0o644)
        written = os.write(self._descriptor, data)
        if written < len(data):
            raise OSError(f"only {written} of {len(data)} bytes were written to {self._path}")

    def flush(self) -> None:
        """Do nothing: lines are written at once."""

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def after_fork(self) -> None:
        """Do nothing: both processes append."""


class CallableWriter:
    """Calls a function with each exposure.

    Args:
        function: Called within a request, so it must be quick.
    """

    def __init__(self, function: Callable[[Exposure], object]) -> None:
        self._function = function

    def write(self, exposure: Exposure) -> None:
        """Call the function."""
        self._function(exposure)

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def after_fork(self) -> None:
        """Do nothing."""
