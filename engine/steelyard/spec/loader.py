"""A project's folder to its specs, with all errors of all files at once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from steelyard.errors import SpecError
from steelyard.spec.aa import without_plans
from steelyard.spec.document import Document, Location, read_document
from steelyard.spec.experiment import Experiment
from steelyard.spec.fields import closest
from steelyard.spec.metric import MetricRef
from steelyard.spec.model import Spec, combine, placed, validate
from steelyard.spec.project import Project
from steelyard.spec.references import reference_errors
from steelyard.spec.surface import Surface

PROJECT_FILE = "steelyard.yml"
T = TypeVar("T", Experiment, Surface)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFile:
    """A metric's SQL file.

    Attributes:
        name: The metric's name: the file's, without ``@version`` and ``.sql``.
        version: The version that the file's name pins, if any; it must be the one of the config.
        path: The file.
        shown: Its path relative to the project.
    """

    name: str
    version: int | None
    path: Path
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFiles:
    """All specs of a project.

    Attributes:
        root: The project's folder.
        project: `steelyard.yml`.
        experiments: By name, sorted; with the metrics and the domains of their surfaces.
        surfaces: By name, sorted.
        metrics: Sorted by path; what is in them is the compiler's.
        documents: The YAML file of each experiment, by name.
    """

    root: Path
    project: Project
    experiments: Mapping[str, Experiment]
    surfaces: Mapping[str, Surface]
    metrics: tuple[MetricFile, ...]
    documents: Mapping[str, Document] = field(repr=False)

    def where(self, experiment: str, location: Location = ()) -> str:
        """Return ``file:line`` of a part of an experiment."""
        return self.documents[experiment].where(location)

    def folder(self, name: str) -> Path:
        """Return one of the project's folders: a field of `Paths`."""
        return self.root / str(getattr(self.project.paths, name))

    def to_json(self) -> dict[str, Any]:
        """Return everything with every default, ready for JSON."""
        return {
            "project": self.project.model_dump(mode="json", by_alias=True),
            "experiments": {name: spec.model_dump(mode="json") for name, spec in self.experiments.items()},
            "surfaces": {name: spec.model_dump(mode="json") for name, spec in self.surfaces.items()},
            "metrics": [metric.shown for metric in self.metrics],
        }


def load_project(path: Path | str) -> ProjectFiles:
    """Read and validate a project.

    Args:
        path: The project's folder.

    Raises:
        SpecError: Everything that is wrong in any of its files, one entry each.
    """
    root = Path(path)
    project = _load_project_file(root)
    errors: list[SpecError] = []
    metrics = tuple(_collect(errors, _metric_file, root, _files(root, project.paths.metrics, "sql")))
    surface_documents = list(
        _collect(errors, _read, root, _files(root, project.paths.surfaces, "yml", "yaml"))
    )
    surfaces = _by_name(errors, Surface, surface_documents, {})
    documents = list(_collect(errors, _read, root, _files(root, project.paths.experiments, "yml", "yaml")))
    context = {"defaults": project.defaults, "exposures": tuple(project.exposures)}
    found = _by_name(errors, Experiment, documents, context)
    names = {metric.name for metric in metrics}
    for experiment, document in found.values():
        errors += reference_errors(experiment, document, project, _specs(surfaces), names)
    for surface, document in surfaces.values():
        errors += _unknown_required_metrics(surface, document, names)
    if errors:
        raise combine(errors)
    return ProjectFiles(
        root=root,
        project=project,
        experiments={name: _on_surface(spec, _specs(surfaces)) for name, (spec, _) in found.items()},
        surfaces=_specs(surfaces),
        metrics=metrics,
        documents={name: document for name, (_, document) in found.items()},
    )


def _load_project_file(root: Path) -> Project:
    if not (root / PROJECT_FILE).is_file():
        raise SpecError(
            f"no {PROJECT_FILE} in {root}", hint="run steelyard init, or name a project with --project-dir"
        )
    document = read_document(root / PROJECT_FILE, PROJECT_FILE)
    return validate(Project, document.value, placed(document))


def _files(root: Path, folder: str, *suffixes: str) -> list[Path]:
    return sorted(
        path
        for suffix in suffixes
        for path in (root / folder).rglob(f"*.{suffix}")
        if path.is_file() and not path.name.startswith(".")
    )


R = TypeVar("R")


def _collect(
    errors: list[SpecError], load: Callable[[Path, str], R], root: Path, paths: Iterable[Path]
) -> Iterator[R]:
    for path in paths:
        shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
        try:
            yield load(path, shown)
        except SpecError as error:
            errors.append(error)


def _read(path: Path, shown: str) -> Document:
    return read_document(path, shown)


def _metric_file(path: Path, shown: str) -> MetricFile:
    try:
        ref = MetricRef.parse(path.stem)
    except SpecError as error:
        raise SpecError(
            f"the file's name is the metric's: {error.args[0]}", where=shown, hint=error.hint
        ) from None
    return MetricFile(name=ref.name, version=ref.version, path=path, shown=shown)


def _by_name(
    errors: list[SpecError], model: type[T], documents: Iterable[Document], context: Mapping[str, Any]
) -> dict[str, tuple[T, Document]]:
    found: dict[str, tuple[T, Document]] = {}
    for document in documents:
        try:
            spec = validate(model, document.value, placed(document), context=context)
        except SpecError as error:
            errors.append(error)
            continue
        if spec.name in found:
            first = found[spec.name][1].where(["name"])
            kind = model.__name__.lower()
            message = f"the {kind} name {spec.name!r} is taken"
            errors.append(SpecError(message, where=document.where(["name"]), hint=f"it is first in {first}"))
        else:
            found[spec.name] = (spec, document)
    return dict(sorted(found.items()))


def _specs(found: Mapping[str, tuple[Spec, Document]]) -> dict[str, Any]:
    return {name: spec for name, (spec, _) in found.items()}


def _on_surface(experiment: Experiment, surfaces: Mapping[str, Surface]) -> Experiment:
    surface = surfaces.get(experiment.surface or "")
    if surface is None:
        return experiment.model_copy(update={"domain": experiment.domain or experiment.surface})
    required = surface.required_metrics
    if experiment.design == "aa":
        required = without_plans(required)
    return experiment.model_copy(
        update={
            "metrics": experiment.metrics.with_required(required),
            "domain": experiment.domain or surface.domain or surface.name,
        }
    )


def _unknown_required_metrics(surface: Surface, document: Document, names: set[str]) -> Iterator[SpecError]:
    for use in surface.required_metrics.uses:
        if use.metric.name not in names:
            where = document.where(["required_metrics"])
            yield SpecError(
                f"unknown metric {use.metric.name!r}", where=where, hint=closest(use.metric.name, names)
            )
