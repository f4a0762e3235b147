"""Templates as Python compiles them, kept beside Python's own compiled files."""

import sys
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from steelyard import __version__


class Bytecode(BytecodeCache):
    """Keeps compiled templates where and when Python keeps compiled modules; compiling takes longer than use.

    Jinja compares the text of a template with what was compiled, so that none is ever out of date. Where a
    folder cannot be read or written, templates are compiled each time.

    Args:
        folder: A ``__pycache__``: only who may change the engine's modules may write there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill a bucket with what is kept of its template, if anything."""
        with suppress(OSError, EOFError):
            bucket.bytecode_from_string(self._path(bucket).read_bytes())

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a compiled template; a reader sees all of it or nothing."""
        if sys.dont_write_bytecode:
            return
        path = self._path(bucket)
        partial = path.with_name(f"{path.name}.{token_hex(4)}")
        with suppress(OSError):
            try:
                partial.write_bytes(bucket.bytecode_to_string())
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)

    def _path(self, bucket: Bucket) -> Path:
        return self._folder / f"{bucket.key}.{__version__}.{sys.implementation.cache_tag}.jinja"
