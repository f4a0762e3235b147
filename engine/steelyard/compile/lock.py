"""`metrics.lock`: what each version of each metric means, so that it cannot change unseen."""

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from steelyard.compile.measure import MetricKey
from steelyard.compile.metric_query import MetricQuery, pretty_query
from steelyard.errors import CompileError

LOCK_FILE = "metrics.lock"
# Words about a metric, not numbers of it; and what is shown beside its own numbers.
_NO_NUMBERS: dict[str, Any] = {
    **dict.fromkeys(("version", "description", "owner", "tags", "dialect"), True),
    "winsorize": {"sensitivity": True},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a version of a metric means.

    Attributes:
        fingerprint: Hash of the rest.
        sql: The normalised query: white space, comments and the case of keywords do not count.
        config: The settings that change numbers.
    """

    fingerprint: str
    sql: str
    config: dict[str, Any]


@lru_cache(maxsize=1024)
def meaning_of(query: MetricQuery) -> Meaning:
    """Return what a metric means."""
    # Defaults stay out: a setting that a later version of the engine adds must not change what is locked.
    config = query.source.config.model_dump(mode="json", exclude=_NO_NUMBERS, exclude_defaults=True)
    sql = pretty_query(query)
    content = json.dumps({"sql": sql, "config": config}, sort_keys=True, ensure_ascii=False)
    return Meaning(fingerprint=hashlib.sha256(content.encode()).hexdigest()[:16], sql=sql, config=config)


def check_lock(root: Path, queries: Mapping[MetricKey, MetricQuery]) -> list[MetricKey]:
    """Compare metrics with the lock.

    Args:
        root: The project's folder.
        queries: All metrics.

    Returns:
        The versions that the lock does not hold yet.

    Raises:
        CompileError: A version means something else than the lock says; the difference is shown.
    """
    locked = _read(root)
    unlocked = []
    problems = []
    for key, query in sorted(queries.items(), key=lambda item: str(item[0])):
        entry = locked.get(str(key))
        if entry is None:
            unlocked.append(key)
        elif entry["fingerprint"] != (meaning := meaning_of(query)).fingerprint:
            problems.append(_difference(key, query, entry, meaning))
    if problems:
        raise CompileError(
            "\n".join(problems),
            where=LOCK_FILE,
            hint="raise version in the metric's config and keep the old file as name@version.sql, or restore it",
        )
    return unlocked


def write_lock(root: Path, queries: Mapping[MetricKey, MetricQuery]) -> None:
    """Add what is new to the lock; what it holds stays, versions that are gone among them."""
    locked = _read(root)
    for key, query in queries.items():
        meaning = meaning_of(query)
        locked.setdefault(
            str(key), {"fingerprint": meaning.fingerprint, "config": meaning.config, "sql": meaning.sql}
        )
    text = json.dumps(dict(sorted(locked.items())), indent=2, ensure_ascii=False) + "\n"
    path = root / LOCK_FILE
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _read(root: Path) -> dict[str, Any]:
    path = root / LOCK_FILE
    if not path.is_file():
        return {}
    try:
        locked: Any = json.loads(path.read_text(encoding="utf-8"))
        if not all({"fingerprint", "sql", "config"} <= entry.keys() for entry in locked.values()):
            raise ValueError("an entry lacks its fingerprint")
    except (ValueError, AttributeError) as error:
        raise CompileError(
            f"the lock cannot be read: {error}", where=LOCK_FILE, hint="restore it from version control"
        ) from error
    return dict(locked)


def _difference(key: MetricKey, query: MetricQuery, entry: Mapping[str, Any], meaning: Meaning) -> str:
    old = _lines(str(entry["sql"]), dict(entry["config"]))
    new = _lines(meaning.sql, meaning.config)
    changes = difflib.unified_diff(old, new, "locked", query.source.where, lineterm="", n=1)
    return f"{key} means something else than its version says\n" + "\n".join(
        f"    {line}" for line in changes
    )


def _lines(sql: str, config: Mapping[str, Any]) -> list[str]:
    settings = [f"{name}: {json.dumps(value, sort_keys=True)}" for name, value in sorted(config.items())]
    return [*sql.splitlines(), *settings]
