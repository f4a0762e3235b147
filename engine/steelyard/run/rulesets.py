"""Rulesets of a project: built, compared, published."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from steelyard.assign.build import build_ruleset
from steelyard.assign.diff import diff_rulesets
from steelyard.assign.publish import published_path, write_atomically
from steelyard.assign.reading import read_ruleset
from steelyard.assign.ruleset import Ruleset
from steelyard.errors import SpecError
from steelyard.run.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What publishing did.

    Attributes:
        path: The file.
        version: Version of what it now holds.
        is_new: Whether it was written; a file with the same content is left alone.
        changes: What changed for whom, where there was another ruleset before.
    """

    path: Path
    version: str
    is_new: bool
    changes: tuple[str, ...]


def project_ruleset(project: Project, *, on: date | None = None) -> bytes:
    """The bytes of a project's ruleset; see `build_ruleset`."""
    return build_ruleset(project.files, on=on)


def read_ruleset_file(path: Path) -> Ruleset:
    """Read a ruleset's file, or the ``ruleset.json`` of a folder.

    Raises:
        SpecError: It cannot be read, or is wrong.
    """
    target = published_path(path)
    try:
        data = target.read_bytes()
    except OSError as error:
        raise SpecError(f"cannot read the ruleset: {error.strerror}", where=str(target)) from error
    return read_ruleset(data, str(target))


def compare_rulesets(old: Path, data: bytes) -> list[str]:
    """What a ruleset changes compared with one that was published; see `diff_rulesets`."""
    return diff_rulesets(read_ruleset_file(old), read_ruleset(data))


def publish_ruleset(data: bytes, path: Path) -> Published:
    """Put a ruleset where clients poll.

    Args:
        data: The ruleset.
        path: The file, or the folder of ``ruleset.json``.

    Raises:
        SpecError: What is there is no ruleset, or one that this version cannot read.
        EngineError: The file cannot be written.
    """
    target, new = published_path(path), read_ruleset(data)
    changes: list[str] = []
    if target.exists():
        old = _published(target)
        if old.version == new.version:
            return Published(path=target, version=new.version, is_new=False, changes=())
        changes = diff_rulesets(old, new)
    write_atomically(target, data)
    return Published(path=target, version=new.version, is_new=True, changes=tuple(changes))


def _published(path: Path) -> Ruleset:
    try:
        return read_ruleset_file(path)
    except SpecError as error:
        hint = "nobody can say what would change; remove the file to publish nevertheless"
        raise SpecError(error.args[0], where=error.where, hint=hint) from None
