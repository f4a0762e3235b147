"""Rulesets of a project: built, compared, published."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from steelyard.assign.build import build_ruleset
from steelyard.assign.diff import diff_rulesets
from steelyard.assign.growthbook import export_growthbook
from steelyard.assign.publish import published_path, write_atomically
from steelyard.assign.reading import read_ruleset
from steelyard.assign.ruleset import Ruleset
from steelyard.errors import SpecError
from steelyard.run.project import Project
from steelyard.spec.model import combine


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


def growthbook_payload(data: bytes, *, at: datetime | None = None, skips: bool = False) -> dict[str, Any]:
    """The payload of GrowthBook's SDKs.

    Args:
        data: The ruleset.
        at: What runs then; None is now.
        skips: Leave out what cannot be carried, rather than refuse.

    Raises:
        SpecError: Something cannot be carried faithfully; all of it is listed.
    """
    moment = at or datetime.now(UTC)
    export = export_growthbook(read_ruleset(data), at=moment.timestamp())
    if export.refused and not skips:
        hint = "export the rest with --skip-refused"
        raise combine(
            [
                SpecError(why, where=f"{name} for GrowthBook", hint=hint)
                for name, why in export.refused.items()
            ]
        )
    return dict(export.payload)


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
