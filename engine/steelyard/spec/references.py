"""What an experiment names in other files: metrics, exposures, triggers, surfaces, dimensions."""

from collections.abc import Iterable, Iterator, Mapping

from steelyard.errors import SpecError
from steelyard.spec.document import Document, Location
from steelyard.spec.experiment import Experiment
from steelyard.spec.fields import closest
from steelyard.spec.project import Project
from steelyard.spec.surface import Surface


def reference_errors(
    experiment: Experiment,
    document: Document,
    project: Project,
    surfaces: Mapping[str, Surface],
    metrics: Iterable[str],
) -> list[SpecError]:
    """Return everything that an experiment names and nobody defines.

    Args:
        experiment: The experiment.
        document: Its file, for the lines.
        project: Defines exposures and triggers.
        surfaces: By name. Without any, a surface is a mere label.
        metrics: Names of all metrics.
    """
    found = [
        *_unknown_metrics(experiment, set(metrics)),
        *_unknown_exposures(experiment, project),
        *_unknown_trigger(experiment, project),
        *_programme_problems(experiment, project),
        *_surface_problems(experiment, surfaces),
    ]
    return [SpecError(message, where=document.where(at), hint=hint) for message, at, hint in found]


Found = Iterator[tuple[str, Location, str]]


def _unknown_metrics(experiment: Experiment, metrics: set[str]) -> Found:
    for group in ("primary", "secondary", "guardrails", "quality"):
        for index, use in enumerate(getattr(experiment.metrics, group)):
            if use.metric.name not in metrics:
                at = ("metrics", group, index, "metric")
                hint = closest(use.metric.name, metrics) or "there is no such file in the folder of metrics"
                yield f"unknown metric {use.metric.name!r}", at, hint


def _unknown_exposures(experiment: Experiment, project: Project) -> Found:
    exposures = project.exposures.get(experiment.exposures)
    if exposures is None:
        hint = closest(experiment.exposures, project.exposures) or "add them to steelyard.yml"
        yield f"unknown exposures {experiment.exposures!r}", ["exposures"], hint
        return
    for index, dimension in enumerate(experiment.analysis.dimensions):
        if dimension not in exposures.dimensions:
            hint = (
                closest(dimension, exposures.dimensions)
                or f"the exposures {experiment.exposures!r} have none"
            )
            yield f"unknown dimension {dimension!r}", ["analysis", "dimensions", index], hint


def _unknown_trigger(experiment: Experiment, project: Project) -> Found:
    name = experiment.analysis.trigger
    if name is None:
        return
    at = ["analysis", "trigger"]
    if name not in project.triggers:
        yield f"unknown trigger {name!r}", at, closest(name, project.triggers) or "add it to steelyard.yml"
        return
    exposures = project.exposures.get(experiment.exposures)
    if exposures is not None and exposures.unit != project.triggers[name].unit:
        yield (
            f"the trigger {name!r} is of another unit than the exposures",
            at,
            f"its unit must be {exposures.unit!r}",
        )


def _programme_problems(experiment: Experiment, project: Project) -> Found:
    if experiment.programme is None:
        return
    programme = project.programmes.get(experiment.programme)
    if programme is None:
        hint = closest(experiment.programme, project.programmes) or "add it to steelyard.yml"
        yield f"unknown programme {experiment.programme!r}", ["programme"], hint
        return
    exposures = project.exposures.get(experiment.exposures)
    if exposures is not None and exposures.unit != programme.unit:
        yield (
            f"the programme {experiment.programme!r} is of another unit than the exposures",
            ["programme"],
            f"its unit must be {exposures.unit!r}",
        )


def _surface_problems(experiment: Experiment, surfaces: Mapping[str, Surface]) -> Found:
    if experiment.surface is None or not surfaces:
        return
    surface = surfaces.get(experiment.surface)
    if surface is None:
        yield f"unknown surface {experiment.surface!r}", ["surface"], closest(experiment.surface, surfaces)
        return
    for index, variant in enumerate(experiment.variants):
        for key, message, hint in surface.config_problems(variant.config):
            yield message, ["variants", index, "config", key], hint
