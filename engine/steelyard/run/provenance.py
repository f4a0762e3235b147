"""Where a run's numbers come from: the SQL, the commit, and what its statements are called in the warehouse."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path


def sql_hash(statements: Mapping[str, Mapping[str, str]]) -> str | None:
    """Return a hash of statements; None of none."""
    if not statements:
        return None
    text = "\n".join(sql for group in statements.values() for sql in group.values())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def run_label(run_id: str, experiments: Sequence[str]) -> str:
    """Return what a comment says of a statement: its run and its experiments, at most three of them by name.

    Examples:
        >>> run_label("1f", ["a", "b", "c", "d"])
        'run 1f, experiments a b c and 1 more'
    """
    more = f" and {len(experiments) - 3} more" if len(experiments) > 3 else ""
    names = " ".join(re.sub(r"[^\w .-]", "_", name) for name in experiments[:3])
    return f"run {run_id}, experiments {names}{more}"


def git_commit(root: Path) -> str | None:
    """Return the commit that a project's folder is at, read from its files; None where it is no repository."""
    for folder in (root.resolve(), *root.resolve().parents):
        head = folder / ".git" / "HEAD"
        if not head.is_file():
            continue
        text = head.read_text(encoding="utf-8").strip()
        if not text.startswith("ref: "):
            return text or None
        ref = folder / ".git" / text.removeprefix("ref: ")
        if ref.is_file():
            return ref.read_text(encoding="utf-8").strip()
        packed = folder / ".git" / "packed-refs"
        lines = packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else []
        wanted = text.removeprefix("ref: ")
        return next((line.split()[0] for line in lines if line.endswith(f" {wanted}")), None)
    return None
