"""Where a ruleset comes from: a file, or a URL that is asked only for what is new.

Paths are text here and in the client's other modules: `pathlib` would be a tenth of its import.
"""

import os
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from steelyard.errors import EngineError, SpecError

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fetched:
    """A ruleset's bytes, and the tag by which the source knows them."""

    data: bytes
    tag: str


class Source(Protocol):
    """Gives a ruleset's bytes."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def fetch(self, tag: str) -> Fetched | None:
        """The bytes, or None where they are still those of the tag.

        Raises:
            EngineError: It cannot be reached.
        """


def source_of(where: "Path | str", timeout_seconds: float) -> Source:
    """The source that a path or a URL means.

    Raises:
        SpecError: It is a URL of another kind than http and https.
    """
    text = str(where)
    if text.startswith(("http://", "https://")):
        return HttpSource(text, timeout_seconds)
    if "://" in text:
        raise SpecError(f"{text!r} is no source of rulesets", hint="give a path, or a URL of http or https")
    return FileSource(text)


class FileSource:
    """A file; replaced as a whole by whoever publishes."""

    def __init__(self, path: str) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """The path."""
        return self._path

    def fetch(self, tag: str) -> Fetched | None:
        """See `Source`."""
        try:
            status = os.stat(self._path)  # noqa: PTH116
            now = f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"
            if now == tag:
                return None
            with open(self._path, "rb") as file:  # noqa: PTH123
                return Fetched(file.read(), now)
        except OSError as error:
            raise EngineError(f"cannot read the ruleset: {error.strerror}", where=self.name) from error


class HttpSource:
    """A URL, asked with ``If-None-Match``."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        # They take longer to load than everything else here.
        import gzip  # noqa: PLC0415
        import urllib.error  # noqa: PLC0415
        import urllib.request  # noqa: PLC0415
        from http.client import HTTPException  # noqa: PLC0415

        self._url, self._timeout = url, timeout_seconds
        self._request, self._open = urllib.request.Request, urllib.request.urlopen
        self._decompress = gzip.decompress
        self._http_error = urllib.error.HTTPError
        self._errors = (OSError, HTTPException, EOFError, zlib.error)

    @property
    def name(self) -> str:
        """The URL."""
        return self._url

    def fetch(self, tag: str) -> Fetched | None:
        """See `Source`."""
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        if tag:
            headers["If-None-Match"] = tag
        try:
            with self._open(self._request(self._url, headers=headers), timeout=self._timeout) as response:
                data = response.read(MOST_BYTES + 1)
                if response.headers.get("Content-Encoding") == "gzip":
                    data = self._decompress(data)
                tag = response.headers.get("ETag") or ""
        except self._http_error as error:
            with error:
                if error.code == 304:
                    return None
                raise EngineError(f"the server answered {error.code}", where=self._url) from error
        except self._errors as error:
            raise EngineError(f"cannot be reached: {error}", where=self._url) from error
        if len(data) > MOST_BYTES:
            raise EngineError(f"the ruleset is larger than {MOST_BYTES:,} bytes", where=self._url)
        return Fetched(data, tag)
