"""Which metrics a project has, and which experiments a selection names."""

from collections.abc import Mapping, Sequence

from steelyard.compile.measure import MetricKey
from steelyard.compile.metric_query import MetricQuery, read_query
from steelyard.compile.metric_source import read_metric
from steelyard.compile.relations import load_relations
from steelyard.errors import CompileError, SpecError
from steelyard.spec.experiment import Experiment
from steelyard.spec.fields import closest
from steelyard.spec.loader import ProjectFiles


def read_metrics(files: ProjectFiles, *, dialect: str) -> dict[MetricKey, MetricQuery]:
    """Read and take apart every metric of a project.

    Args:
        files: The project.
        dialect: Dialect of metrics that name none, unless the project does.

    Raises:
        SpecError: A wrong config block.
        CompileError: A metric whose SQL is wrong, or two files with the same version.
    """
    relations = load_relations(files.project, files.root)
    queries: dict[MetricKey, MetricQuery] = {}
    for file in files.metrics:
        source = read_metric(file, relations=relations, variables=files.project.vars)
        key = MetricKey(name=file.name, version=source.config.version)
        if file.version is not None and file.version != key.version:
            raise CompileError(
                f"the file's name says version {file.version}, its config {key.version}", where=file.shown
            )
        if key in queries:
            raise CompileError(
                f"the metric {key} stands twice",
                where=file.shown,
                hint=f"it is first in {queries[key].source.where}; give one of them another version",
            )
        written_in = files.project.dialect or dialect
        queries[key] = read_query(source, units=files.project.units, dialect=written_in)
    return queries


def sorted_items(queries: Mapping[MetricKey, MetricQuery]) -> list[tuple[MetricKey, MetricQuery]]:
    """Return metrics by name and version."""
    return sorted(queries.items(), key=lambda item: (item[0].name, item[0].version))


def select_experiments(files: ProjectFiles, select: Sequence[str]) -> list[str]:
    """Return the experiments that a selection names, in the order of their names.

    Args:
        files: The project.
        select: Names, ``tag:x``, ``owner:x`` or ``metric:x``; empty for all that are no drafts.

    Raises:
        SpecError: A name that no experiment has, or a selection of nothing.
    """
    if not select:
        return [name for name, spec in files.experiments.items() if spec.status != "draft"]
    chosen: set[str] = set()
    for word in select:
        found = {name for name, spec in files.experiments.items() if _matches(spec, word)}
        if not found:
            raise SpecError(
                f"no experiment is selected by {word!r}",
                where="--select",
                hint=closest(word.split(":")[-1], files.experiments),
            )
        chosen |= found
    return [name for name in files.experiments if name in chosen]


def _matches(spec: Experiment, word: str) -> bool:
    method, colon, value = word.partition(":")
    if not colon:
        return spec.name == word
    values = {
        "tag": spec.tags,
        "owner": (spec.owner,),
        "surface": (spec.surface,),
        "metric": tuple(use.metric.name for use in spec.metric_uses),
    }
    return value in values.get(method, ())
