"""Versions in the order of semver.org 2.0: ``1.2.0-rc.1`` comes before ``1.2.0``."""

import re
from functools import lru_cache

_NUMBER = r"(0|[1-9][0-9]*)"
_PART = r"(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
PATTERN = (
    rf"{_NUMBER}([.]{_NUMBER}([.]{_NUMBER})?)?"
    rf"(-{_PART}([.]{_PART})*)?([+][0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?"
)
"""What counts as a version, the whole text.

``2`` and ``2.1`` are ``2.0.0`` and ``2.1.0``, a leading ``v`` is refused.
"""

_VERSION = re.compile(PATTERN)

Part = tuple[int, int, str]
Version = tuple[tuple[int, str], ...]
Key = tuple[Version, bool, tuple[Part, ...]]


@lru_cache(maxsize=1024)
def version_key(text: str) -> Key | None:
    """What orders a version among others; None where the text is no version.

    Numbers are compared by their length and then as text, so that none is too long.

    Examples:
        >>> version_key("1.9.0") < version_key("1.10.0-rc.2") < version_key("1.10.0-rc.11") < version_key("1.10")
        True
        >>> version_key("1.0.0+build.5") == version_key("1.0.0")
        True
        >>> version_key("v1.0.0") is None
        True
    """
    if not _VERSION.fullmatch(text):
        return None
    core, _, before_release = text.partition("+")[0].partition("-")
    numbers = [*core.split("."), "0", "0"][:3]
    parts = tuple(_part(part) for part in before_release.split(".")) if before_release else ()
    return tuple((len(number), number) for number in numbers), not parts, parts


def _part(text: str) -> Part:
    return (0, len(text), text) if text.isdigit() else (1, 0, text)
