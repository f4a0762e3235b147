"""A ruleset to where clients poll: a file, whole or not at all."""

import os
import stat
import tempfile
from pathlib import Path

from steelyard.errors import EngineError

FILE_NAME = "ruleset.json"


def published_path(path: Path) -> Path:
    """The file that a path means: of a folder, the ``ruleset.json`` in it."""
    return path / FILE_NAME if path.is_dir() else path


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader, even after a crash, finds the old content or the new.

    Raises:
        EngineError: The file cannot be written.
    """
    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp lets nobody else read, but a static host has to.
        Path(temporary).chmod(stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise EngineError(f"cannot write: {error.strerror}", where=str(path)) from error
