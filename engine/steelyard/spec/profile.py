"""`profiles.yml` in dbt's shape: profile, target, outputs."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SerializeAsAny

from steelyard.errors import SpecError
from steelyard.spec.document import Document, read_document
from steelyard.spec.env_var import render_all
from steelyard.spec.fields import closest
from steelyard.spec.model import Spec, placed, validate
from steelyard.spec.outputs import OUTPUTS, ClickHouse, DuckDB, Output, Spark
from steelyard.spec.project import Project

PROFILES_FILE = "profiles.yml"
_NOT_A_FILE = (":memory:", "md:")


class Profile(Spec):
    """The chosen output of a profile.

    Attributes:
        name: The profile.
        target: The output's name.
        output: Its settings.
        target_schema: Schema of the engine's tables: the output's, else the project's.
    """

    name: str
    target: str
    output: SerializeAsAny[Output]
    target_schema: str


def find_profiles(
    project_dir: Path, profiles_dir: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Path:
    """Return the ``profiles.yml`` that counts.

    The first of: ``profiles_dir``, the environment's ``STEELYARD_PROFILES_DIR``, the project's folder, and
    ``~/.steelyard``. The first two are named on purpose, so the search ends with them.

    Raises:
        SpecError: There is none.
    """
    named = profiles_dir or (Path(named) if (named := environ.get("STEELYARD_PROFILES_DIR")) else None)
    folders = [named] if named else [project_dir, Path("~/.steelyard").expanduser()]
    for folder in folders:
        if (folder / PROFILES_FILE).is_file():
            return folder / PROFILES_FILE
    looked = " and ".join(str(folder) for folder in folders)
    raise SpecError(f"no {PROFILES_FILE} in {looked}", hint="or name its folder with --profiles-dir")


def load_profile(
    project: Project,
    project_dir: Path,
    *,
    target: str | None = None,
    profiles_dir: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Profile:
    """Read the project's profile and the output that counts; the others may name unset variables.

    Args:
        project: Names the profile.
        project_dir: What relative DuckDB and chdb paths are relative to.
        target: Output to use; None takes the profile's ``target``.
        profiles_dir: See `find_profiles`.
        environ: Environment variables.

    Raises:
        SpecError: No such file, profile or output, an unset variable, a wrong setting. Never shows a value.
    """
    path = find_profiles(project_dir, profiles_dir, environ)
    document = read_document(path, path.name if path.parent == project_dir else str(path))
    entry = _entry(document, project.profile)
    name = _target(document, project.profile, entry, target, environ)
    at = (project.profile, "outputs", name)
    written = entry["outputs"][name]
    place = placed(document, at)
    if not isinstance(written, dict) or "type" not in written:
        raise SpecError(
            f"the output {name!r} has no type", where=place(()), hint=f"one of {', '.join(OUTPUTS)}"
        )
    settings = render_all(written, environ, place)
    model = OUTPUTS.get(str(settings["type"]))
    if model is None:
        hint = closest(str(settings["type"]), OUTPUTS)
        raise SpecError("unknown type of warehouse", where=place(["type"]), hint=hint)
    output = _from_project(validate(model, settings, place, secret=True), project_dir)
    schema = output.target_schema or project.target_schema
    return Profile(name=project.profile, target=name, output=output, target_schema=schema)


def _entry(document: Document, name: str) -> Mapping[str, Any]:
    profiles = document.value if isinstance(document.value, dict) else {}
    if name not in profiles:
        hint = closest(name, profiles)
        raise SpecError(f"no profile {name!r}", where=document.where(), hint=hint)
    entry = profiles[name]
    if not isinstance(entry, dict) or not isinstance(entry.get("outputs"), dict) or not entry["outputs"]:
        raise SpecError(
            f"the profile {name!r} has no outputs",
            where=document.where([name]),
            hint="add outputs: {dev: {type: duckdb}}",
        )
    for key in entry:
        if key not in ("target", "outputs"):
            hint = closest(key, ("target", "outputs"))
            raise SpecError(f"unknown key {key!r} in {name!r}", where=document.where([name, key]), hint=hint)
    return entry


def _target(
    document: Document, profile: str, entry: Mapping[str, Any], asked: str | None, environ: Mapping[str, str]
) -> str:
    outputs = entry["outputs"]
    written = render_all(entry.get("target"), environ, placed(document, [profile, "target"]))
    name = asked or written or (next(iter(outputs)) if len(outputs) == 1 else "default")
    if name not in outputs:
        where = document.where([profile, "outputs"] if asked else [profile, "target"])
        raise SpecError(
            f"the profile {profile!r} has no output {name!r}", where=where, hint=closest(str(name), outputs)
        )
    return str(name)


def _from_project(output: Output, project_dir: Path) -> Output:
    if not isinstance(output, DuckDB | ClickHouse | Spark) or output.path is None:
        return output
    if output.path.startswith(_NOT_A_FILE):
        return output
    path = (project_dir / Path(output.path).expanduser()).resolve()
    return output.model_copy(update={"path": str(path)})
