"""What a run leaves in ``target/`` for the scheduler that started it."""

import json
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from typing import Any
from uuid import uuid4

from steelyard import __version__
from steelyard.errors import EngineError, SpecError
from steelyard.run.pipeline import RunOptions, RunResult
from steelyard.spec.loader import ProjectFiles
from steelyard.warehouse.base import Asked

_ATTEMPTS = 20


def write_run_results(files: ProjectFiles, result: RunResult, *, target: str) -> Path:
    """Write ``target/run_results.json``: what became of each experiment, in place of the last run's.

    Args:
        files: The project.
        result: What the run did.
        target: Target of the profile.
    """
    names = sorted({*result.published, *result.failures, *result.skipped})
    return _write(
        files,
        {
            "engine_version": __version__,
            "run_id": result.run_id,
            "as_of": result.as_of.isoformat(),
            "target": target,
            "status": result.status,
            "seconds": {name: round(value, 3) for name, value in result.seconds.items()},
            "experiments": [_experiment(result, name) for name in names],
        },
    )


def write_running(files: ProjectFiles, *, options: RunOptions, target: str) -> Path:
    """Write ``target/run_results.json`` as a run begins: one that is killed leaves no results of the run before."""
    return _write(files, _without_results(options, target, status="running", error=None))


def write_failure(files: ProjectFiles, error: EngineError, *, options: RunOptions, target: str) -> Path:
    """Write ``target/run_results.json`` for a run that could not begin, or was interrupted."""
    return _write(files, _without_results(options, target, status="error", error=str(error)))


def _without_results(options: RunOptions, target: str, *, status: str, error: str | None) -> dict[str, Any]:
    return {
        "engine_version": __version__,
        "run_id": None,
        "as_of": None if options.as_of is None else options.as_of.isoformat(),
        "target": target,
        "status": status,
        "error": error,
        "seconds": {},
        "experiments": [],
    }


def require_folder(files: ProjectFiles) -> None:
    """Refuse to begin where the results could not be written at the end, such as in a checkout that is read only.

    Raises:
        SpecError: Nothing can be written to ``target/``.
    """
    folder = files.folder("target")
    probe = folder / f".probe.{uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SpecError(
            f"nothing can be written there: {error.strerror}",
            where=str(folder),
            hint="a run leaves its results and statements there; make it a folder that may be written",
        ) from error


def write_statements(files: ProjectFiles, asked: Sequence[Asked]) -> list[Path]:
    """Write the statements of a run to ``target/run``, numbered in their order, in place of the last run's.

    Args:
        files: The project.
        asked: What was asked, also by a run that failed.
    """
    folder = files.folder("target") / "run"
    partial = folder.with_name(f".run.{uuid4().hex}")
    partial.mkdir(parents=True)
    names = []
    for number, one in enumerate(asked, start=1):
        names.append(f"{number:03}_{re.sub(r'[^A-Za-z0-9_-]+', '_', one.name)}.sql")
        (partial / names[-1]).write_text(f"{one.text}\n", encoding="utf-8")
    _put(partial, folder)
    return [folder / name for name in names]


def _put(new: Path, place: Path) -> None:
    """Move a folder to where another one is; a run beside this one may do so at the same time."""
    for _ in range(_ATTEMPTS):
        with suppress(FileNotFoundError):
            place.rename(old := new.with_name(f"{new.name}.old"))
            rmtree(old) if old.is_dir() else old.unlink()
        try:
            new.rename(place)
        except OSError:
            continue
        return
    rmtree(new)


def _experiment(result: RunResult, name: str) -> dict[str, Any]:
    if name in result.failures:
        return {"experiment_id": name, "status": "error", "error": result.failures[name]}
    if name in result.skipped:
        return {"experiment_id": name, "status": "skipped", "reason": result.skipped[name]}
    health = result.health[name]
    return {
        "experiment_id": name,
        "status": "success",
        "is_healthy": not any(row["status"] == "fail" for row in health),
        "state": result.reused[name].to_json(),
        "rows_written": dict(result.published[name]),
        "decisions": [
            {key: row[key] for key in ("variant", "decision", "recommendation")}
            for row in result.decisions[name]
        ],
        "failed_checks": [
            {key: row[key] for key in ("check_name", "detail")} for row in health if row["status"] == "fail"
        ],
    }


def _write(files: ProjectFiles, content: dict[str, Any]) -> Path:
    path = files.folder("target") / "run_results.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(
        json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )
    partial.replace(path)
    return path
