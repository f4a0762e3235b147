"""Everything that can be wrong with a project before a warehouse is asked."""

from collections.abc import Iterator

from steelyard.compile.lock import LOCK_FILE, check_lock, write_lock
from steelyard.compile.measure import Measure
from steelyard.compile.metric_query import MetricQuery
from steelyard.errors import CompileError, EngineError, SpecError
from steelyard.run.project import Project
from steelyard.spec.experiment import Experiment
from steelyard.spec.experiment_metrics import MetricUse


def check_project(project: Project, *, is_locked: bool = False) -> Iterator[str]:
    """Yield what was found to be in order, and what was assumed.

    Args:
        project: The project.
        is_locked: Whether a version that ``metrics.lock`` lacks is an error; otherwise it is added.

    Raises:
        EngineError: The first thing that is wrong, or a list of all of one kind.
    """
    queries = project.metrics()
    unlocked = check_lock(project.files.root, queries)
    if unlocked and is_locked:
        names = ", ".join(map(str, unlocked))
        raise SpecError(f"{LOCK_FILE} lacks {names}", hint="run steelyard check and commit the lock")
    drafts = [name for name, spec in project.files.experiments.items() if spec.status == "draft"]
    problems: list[str] = []
    notes: list[str] = []
    for name, spec in project.files.experiments.items():
        if name in drafts and spec.start is None:
            continue
        try:
            for plan in project.plans(select=[name]):
                for statement in plan.setup():
                    plan.text(statement.tree)
                for planned in plan.group.experiments:
                    notes += _notes(planned.numbered.spec, planned.measures)
        except EngineError as error:
            problems.append(str(error))
    if problems:
        raise CompileError("\n".join(dict.fromkeys(problems)))
    write_lock(project.files.root, queries)
    yield f"{len(queries)} metrics, {len(project.files.experiments)} experiments, {len(drafts)} of them drafts"
    if unlocked:
        yield f"{LOCK_FILE}: added {', '.join(map(str, unlocked))}"
    yield from notes


def _notes(experiment: Experiment, measures: tuple[tuple[MetricUse, Measure], ...]) -> Iterator[str]:
    """Yield what an experiment's analysis assumes, and refuse what cannot be."""
    _refuse(experiment, measures)
    if experiment.analysis.test == "fixed":
        return
    windowless = [m for _, m in measures if m.query.source.config.window is None]
    names = ", ".join(dict.fromkeys(measure.key.name for measure in windowless))
    if windowless and windowless[0].end is not None:
        yield (
            f"{experiment.name}: {experiment.analysis.test} tests take cohort metrics; {names}: "
            f"{windowless[0].end.days} days after the exposure, mature (defaults.window)"
        )


def _refuse(experiment: Experiment, measures: tuple[tuple[MetricUse, Measure], ...]) -> None:
    where = f"experiment {experiment.name}"
    for use, measure in measures:
        if _direction(measure.query) == "none" and use.role in ("success", "guardrail"):
            raise SpecError(
                f"{measure.key.name} is a {use.role} metric without a direction",
                where=where,
                hint=f"add direction='increase' or 'decrease' to {measure.query.source.where}",
            )
    plan = experiment.duration.target_sample_size_per_variant or experiment.end
    if experiment.analysis.test == "group_sequential" and plan is None:
        raise SpecError(
            "a group sequential test needs to know how far it has come",
            where=where,
            hint="add duration: {target_sample_size_per_variant: …}, or an end, or test: always_valid",
        )
    if experiment.analysis.adjustment == "post_stratify":
        raise SpecError(
            "this version does not post-stratify",
            where=where,
            hint="use adjustment: cuped with the dimension as covariate",
        )


def _direction(query: MetricQuery) -> str:
    return query.source.config.direction
